//! From one program to another without anything between them.

use std::iter;
use std::time::{SystemTime, UNIX_EPOCH};

use fedmsg::json::{Object, Value};
use serde_json::json;

use super::bodies::{self, parse, sent_by_the_original, sent_by_us};
use super::events::{self, body, canonical, envelope, sorted, spaced, user_name};
use crate::peers::{Bodies, Peers, Publish, Via, free_tcp_port};
use crate::sandbox::{Listener, Sandbox, Settings, Speaker, loopback};

#[test]
fn the_real_tail_and_the_real_hub_receive_what_our_publisher_sends() {
    let Some(peers) = Peers::find() else { return };
    let port = free_tcp_port();
    let config = peers.config().endpoint("svc.host", port).recorder("");
    // Its last subscription shows that the hub has made all of them.
    let topics = json!(["org.fedoraproject.dev.interop.*", "last.hub."]);
    let config = config.set("interop.recorder.topic", topics).write();
    let payloads = bodies::for_everybody(300);
    let speaker = Speaker::bound(port);
    let count = u32::try_from(payloads.len()).expect("some hundred");
    let tail = peers.tail(&config, "org.fed", count);
    let mut hub = peers.hub(&config);
    speaker.wait_for("org.fed");
    speaker.wait_for("last.hub.");
    let listener = Listener::on(port);
    speaker.wait_for("anything");

    let start = now();
    let publish = |payload: &String| speaker.publish("interop", "ping", parse(payload));
    let published: Vec<_> = payloads.iter().map(publish).collect();
    let received = listener.take_about("interop.ping", payloads.len());
    let by_hub = events::take(&mut hub, "message", "interop.ping", payloads.len());
    let by_tail = events::among(&tail.finish().expect_success().lines, "message");

    assert_eq!(by_tail.len(), payloads.len());
    for (index, delivery) in received.iter().enumerate() {
        let sent = parse(body(delivery));
        let timestamp = sent.get("timestamp").and_then(Value::as_i64);
        let timestamp = timestamp.expect("whole seconds");
        assert!((start..=now()).contains(&timestamp), "{timestamp}");
        check_msg_id(&published[index].msg_id);
        let expected = Object::from_iter([
            ("i", Value::from(index as u64 + 1)),
            ("msg", sent_by_us(&payloads[index])),
            ("msg_id", published[index].msg_id.as_str().into()),
            ("timestamp", timestamp.into()),
            ("topic", "org.fedoraproject.dev.interop.ping".into()),
            ("username", user_name().into()),
        ]);
        assert_eq!(body(delivery), canonical(&Value::Object(expected)));

        assert_eq!(spaced(envelope(&by_hub[index])), spaced(&sent), "hub");
        assert_eq!(spaced(envelope(&by_tail[index])), spaced(&sent), "tail");
        let of_tail = |key| by_tail[index].get(key).and_then(Value::as_str);
        assert_eq!(of_tail("topic"), Some(delivery.topic().as_str()));
        assert_eq!(of_tail("name"), Some("svc.host"));
        assert_eq!(of_tail("endpoint"), Some(loopback(port).as_str()));
    }
}

#[test]
fn our_subscriber_tail_and_hub_receive_what_real_publish_sends() {
    let Some(peers) = Peers::find() else { return };
    let port = free_tcp_port();
    let config = peers.config().endpoint("svc.host", port).write();
    let publish = Publish {
        subscribers: 3,
        ..Publish::new(Via::Endpoint("svc.host"), Bodies::FromInput)
    };
    let mut publisher = peers.publish(&config, &publish);
    publisher.event("listening");
    let settings = Settings::new().endpoint("svc.host", port);
    let payloads = bodies::for_the_original(300);
    let listener = Listener::open(&settings);
    let count = payloads.len().to_string();
    let sandbox = Sandbox::with(&settings);
    let tail = sandbox.start(&["fedmsg-tail", "--json", "--count", &count]);
    let audit = "[consumers.audit]\nkind = 'log'\nparams = { payload = 1_000_000 }";
    let sandbox = Sandbox::with(&settings.with(audit));
    let mut hub = sandbox.start_logging(&["fedmsg-hub", "--log-format", "json"]);
    publisher.event("subscribed");

    let start = now();
    for payload in &payloads {
        publisher.write_line(payload);
    }
    let sent = events::take(&mut publisher, "published", "interop.ping", payloads.len());
    publisher.finish().expect_success();
    let received = listener.take_about("interop.ping", payloads.len());
    let consumed = iter::repeat_with(|| hub.line_with("interop.ping"));
    let consumed: Vec<_> = consumed.take(payloads.len()).collect();
    let shown = tail.finish().expect_success().lines;

    assert_eq!(shown.len(), payloads.len());
    for (index, event) in sent.iter().enumerate() {
        let sent = envelope(event);
        let (delivery, payload) = (&received[index], &payloads[index]);
        let bytes = canonical(sent);
        assert_eq!(body(delivery), bytes, "the bytes of the original");
        assert_eq!(shown[index], bytes, "tail");
        let payload = spaced(&sorted(&sent_by_the_original(payload)));
        assert_eq!(spaced(delivery.msg()), payload);

        let envelope = delivery.envelope();
        assert_eq!(delivery.topic(), &"org.fedoraproject.dev.interop.ping");
        assert_eq!(
            envelope.get("topic").and_then(Value::as_str),
            Some(delivery.topic().as_str())
        );
        assert_eq!(delivery.endpoint().as_str(), "svc.host");
        assert_eq!(envelope.i(), i64::try_from(index + 1).ok());
        assert_eq!(envelope.username(), Some(user_name().as_str()));
        let timestamp = envelope.get("timestamp").and_then(Value::as_i64);
        assert!(timestamp.is_some_and(|seconds| (start..=now()).contains(&seconds)));
        check_msg_id(delivery.msg_id().expect("an identifier"));
        assert_eq!(envelope.signature(), None);

        let line = parse(&consumed[index]);
        let logged = |key| line.get(key).and_then(Value::as_str);
        assert_eq!(logged("payload"), Some(payload.as_str()), "hub");
        assert_eq!(logged("msg_id"), delivery.msg_id());
        assert_eq!(logged("topic"), Some(delivery.topic().as_str()));
        assert_eq!(logged("endpoint"), Some("svc.host"));
    }
}

/// Checks for `<year>-<uuid4>` (fedmsg wire specification §2.1).
fn check_msg_id(msg_id: &str) {
    let groups: Vec<_> = msg_id.split('-').map(str::len).collect();
    assert_eq!(groups, [4, 8, 4, 4, 4, 12], "{msg_id}");
    let is_lower_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f' | '-');
    assert!(
        msg_id.starts_with("20") && msg_id.chars().all(is_lower_hex),
        "{msg_id}"
    );
    assert_eq!(&msg_id[19..20], "4", "{msg_id}");
}

fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(elapsed.expect("after 1970").as_secs()).expect("before long")
}
