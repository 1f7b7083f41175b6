//! The original programs among themselves: what a test of ours may rely on.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::*;

#[test]
fn real_publish_reaches_a_real_tail_and_nothing_is_lost() {
    let Some(peers) = Peers::find() else { return };
    let config = peers.config().endpoint("svc.host", free_tcp_port()).write();
    let tail = peers.tail(&config, "org.fedoraproject", 100);
    let publish = Publish::new(Via::Endpoint("svc.host"), Bodies::Counted(100));
    let publisher = peers.publish(&config, &publish).finish().expect_success();
    let tail = tail.finish().expect_success();

    let sent: Vec<_> = publisher.events("published").iter().map(envelope).collect();
    let received: Vec<_> = tail.events("message").iter().map(envelope).collect();
    assert_eq!(sent.len(), 100);
    assert_eq!(sent, received);
    assert_eq!(received[99]["msg"], json!({ "n": 100 }));
    assert_eq!(received[99]["topic"], "org.fedoraproject.dev.interop.ping");
}

#[test]
fn real_publish_reaches_the_consumer_of_a_real_hub() {
    let Some(peers) = Peers::find() else { return };
    let config = peers
        .config()
        .endpoint("svc.host", free_tcp_port())
        .recorder("org.*")
        .write();
    let mut hub = peers.hub(&config);
    let bodies = [json!({ "text": "grüße" }), json!([1, 2.5, null])];
    let publish = Publish::new(Via::Endpoint("svc.host"), Bodies::FromInput);
    let mut publisher = peers.publish(&config, &publish);
    for body in &bodies {
        publisher.write_line(&body.to_string());
    }
    publisher.finish().expect_success();

    let consumed = hub.events("message", bodies.len());
    assert_eq!(consumed.iter().map(body).collect::<Vec<_>>(), bodies);

    // The original knows no better than to die of SIGTERM.
    hub.signal(Signal::TERM);
    assert_eq!(hub.finish().status.signal(), Some(Signal::TERM.as_raw()));
}

#[test]
fn the_real_logger_reaches_a_real_tail_through_the_real_relay() {
    let Some(peers) = Peers::find() else { return };
    let config = peers
        .config()
        .relay(free_tcp_port(), free_tcp_port())
        .write();
    let _relay = peers.daemon("fedmsg-relay", &config);
    let mut tail = peers.tail(&config, "", 1);
    tail.event("connected");

    // Nobody tells the logger when its message would be lost, so it tries until one is not.
    let message = (0..20).find_map(|_| {
        peers.logger(&config, &["hello"]).expect_success();
        tail.event_within("message", Duration::from_secs(2))
    });
    let message = message.expect("a message of twenty gets through");
    assert_eq!(message["topic"], "org.fedoraproject.dev.logger.log");
    assert_eq!(body(&message), json!({ "log": "hello" }));
}

#[test]
fn an_active_publisher_reaches_the_real_fedmsg_tail_through_the_real_relay() {
    let Some(peers) = Peers::find() else { return };
    let config = peers
        .config()
        .relay(free_tcp_port(), free_tcp_port())
        .write();
    let _relay = peers.daemon("fedmsg-relay", &config);
    let mut tail = peers.program("fedmsg-tail", &config, &["--topic", "org.fedoraproject"]);
    let publish = Publish {
        topic: "pong",
        ..Publish::new(Via::Relay, Bodies::FromInput)
    };
    let mut publisher = peers.publish(&config, &publish);
    publisher.event("subscribed");

    // Nobody tells us when the relay knows of the tail: each line is one try.
    let line = (0..60).find_map(|n| {
        publisher.write_line(&n.to_string());
        publisher.event("published");
        tail.line_within(Duration::from_secs(1))
    });
    let line = line.expect("a message of sixty gets through");
    assert!(
        line.contains("org.fedoraproject.dev.interop.pong"),
        "{line}"
    );
    publisher.finish().expect_success();
}

#[test]
fn the_real_gateway_repeats_messages_and_the_real_check_finds_it_active() {
    let Some(peers) = Peers::find() else { return };
    let (service, gateway, monitor) = (free_tcp_port(), free_tcp_port(), free_tcp_port());
    let inside = peers.config().endpoint("svc.host", service);
    let inside = inside.gateway(gateway).monitoring(monitor).write();
    let outside = peers.config().endpoint("gateway", gateway).write();
    let _gateway = peers.daemon("fedmsg-gateway", &inside);
    let mut tail = peers.tail(&outside, "", 1);
    tail.event("connected");
    let publish = Publish::new(Via::Endpoint("svc.host"), Bodies::FromInput);
    let mut publisher = peers.publish(&inside, &publish);
    publisher.event("subscribed");
    let message = (0..60).find_map(|n| {
        publisher.write_line(&n.to_string());
        tail.event_within("message", Duration::from_secs(1))
    });
    assert_eq!(
        message.expect("a message of sixty gets through")["name"],
        "gateway"
    );

    let check = |name| peers.program("fedmsg-check", &inside, &["--consumer", name]);
    let (active, absent) = (check("GatewayConsumer"), check("RelayConsumer"));
    let active = active.finish().expect_success();
    assert_eq!(active.lines[0], "All consumers and producers are active!");
    assert_eq!(absent.finish().status.code(), Some(1));
}

#[test]
fn a_validating_tail_accepts_what_is_signed_and_rejects_what_was_changed() {
    let Some(peers) = Peers::find() else { return };
    let pki = peers.pki(&["svc-host"], &[]);
    let config = peers.config().endpoint("svc.host", free_tcp_port());
    let config = config
        .signing(&pki, "svc.host", "svc-host")
        .validating(&pki)
        .write();
    let tail = peers.tail(&config, "", 4);
    let publish = Publish {
        tamper_every: Some(3),
        ..Publish::new(Via::Endpoint("svc.host"), Bodies::Counted(4))
    };
    let publisher = peers.publish(&config, &publish).finish().expect_success();
    let tail = tail.finish().expect_success();

    let accepted: Vec<_> = tail.events("message").iter().map(body).collect();
    assert_eq!(
        accepted,
        [json!({ "n": 1 }), json!({ "n": 2 }), json!({ "n": 4 })]
    );
    let changed = envelope(&publisher.events("published")[2]);
    let rejected = tail.events("rejected");
    assert_eq!(rejected.len(), 1);
    let id = changed["msg_id"].as_str().expect("a message id");
    assert!(
        rejected[0]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains(id))
    );
}

#[test]
fn a_validating_hub_does_not_consume_what_a_revoked_key_has_signed() {
    let Some(peers) = Peers::find() else { return };
    let pki = peers.pki(&["svc-host"], &["revoked-host"]);
    let port = free_tcp_port();
    let config = |name| {
        let config = peers.config().endpoint("svc.host", port).recorder("*");
        config
            .signing(&pki, "svc.host", name)
            .validating(&pki)
            .write()
    };
    let mut hub = peers.hub(&config("svc-host"));
    for (certificate, topic) in [("revoked-host", "bad"), ("svc-host", "good")] {
        let via = Via::Endpoint("svc.host");
        let publish = Publish {
            topic,
            ..Publish::new(via, Bodies::Counted(1))
        };
        peers
            .publish(&config(certificate), &publish)
            .finish()
            .expect_success();
    }
    assert_eq!(
        hub.event("message")["topic"],
        "org.fedoraproject.dev.interop.good"
    );
}

#[test]
fn programs_that_are_not_completely_installed_are_not_found() {
    let root = TempDir::new().expect("a temporary directory");
    let venv = root.path().join("venv");
    std::fs::create_dir(&venv).expect("a directory");
    assert!(Peers::installed(root.path(), &venv).is_none());
    std::fs::write(venv.join(".complete"), "").expect("a file");
    assert!(Peers::installed(root.path(), &venv).is_some());
}

#[test]
fn a_program_ends_with_the_test_run_that_started_it() {
    let Some(peers) = Peers::find() else { return };
    // The shell is the test run here; what it has started would wait for ever.
    let script = r#"INTEROP_PARENT=$$ "$0" -c 'print("up", flush=True); import signal; signal.pause()' &
        read word"#;
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .arg(peers.programs.join("python"));
    let mut shell = Process::start(command);
    shell.line_with("up");
    shell.finish(); // not before the pipe that both of them write to is closed
}

fn envelope(event: &Value) -> Value {
    event["envelope"].clone()
}

fn body(event: &Value) -> Value {
    event["envelope"]["msg"].clone()
}
