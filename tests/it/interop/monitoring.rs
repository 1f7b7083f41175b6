//! Monitoring sockets: their `fedmsg-check` asks our hub, ours asks theirs.

use serde_json::Value;

use crate::peers::{Peers, free_tcp_port};
use crate::sandbox::{Sandbox, Settings, loopback};

#[test]
fn the_real_check_finds_our_consumers_under_the_names_that_it_knows() {
    let Some(peers) = Peers::find() else { return };
    let monitor = free_tcp_port();
    let settings = Settings::new()
        .relay(free_tcp_port(), free_tcp_port())
        .with(&format!(
            "active = true\n'moksha.monitoring.socket' = '{}'
            [consumers]\nrelay.kind = 'relay'\naudit.kind = 'log'
            [producers.beat]\nkind = 'heartbeat'\nevery = '1h'",
            loopback(monitor)
        ));
    let sandbox = Sandbox::with(&settings);
    let mut hub = sandbox.start_logging(&["fedmsg-hub"]);
    hub.line_with("hub running");
    let config = peers.config().monitoring(monitor).write();
    let check = |flags: &[&str]| peers.program("fedmsg-check", &config, flags);
    let names = [
        "-c",
        "RelayConsumer",
        "-c",
        "audit",
        "-p",
        "beat",
        "-p",
        "MonitoringProducer",
    ];
    let (active, all) = (check(&names), check(&[]));
    let (missing, ours) = (check(&["-c", "relay"]), sandbox.start(&["fedmsg-check"]));
    let active = active.finish().expect_success();
    assert_eq!(active.lines[0], "All consumers and producers are active!");
    let all = all.finish().expect_success();
    let expected = "No consumers or producers specified so all will be shown.";
    assert_eq!(all.lines[0], expected);
    let missing = missing.finish();
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        missing.errors.contains("\"relay\" is not active!"),
        "{missing:#?}"
    );

    // Both print the same text about the same hub, but for what moves between two of its emissions.
    let ours = ours.finish().expect_success();
    let still = |lines: &[String]| -> Vec<String> {
        let moves = |line: &&String| {
            let moving = ["_ms\"", "last_ran", "version"];
            !moving.iter().any(|key| line.contains(key))
        };
        lines.iter().filter(moves).cloned().collect()
    };
    assert_eq!(still(&ours.lines), still(&all.lines));
}

#[test]
fn our_check_says_of_their_hub_what_theirs_says() {
    let Some(peers) = Peers::find() else { return };
    let monitor = free_tcp_port();
    let config = peers.config().relay(free_tcp_port(), free_tcp_port());
    let config = config.monitoring(monitor).write();
    let _relay = peers.daemon("fedmsg-relay", &config);
    let settings = format!("'moksha.monitoring.socket' = '{}'", loopback(monitor));
    let sandbox = Sandbox::with(&Settings::new().with(&settings));

    for (flags, status) in [
        (&["-c", "RelayConsumer"][..], 0),
        (&["-c", "RelayConsumer", "-p", "Nobody"], 1),
        (&[], 0),
    ] {
        let theirs = peers.program("fedmsg-check", &config, flags);
        let ours = sandbox.start(&[&["fedmsg-check"], flags].concat());
        let (theirs, ours) = (theirs.finish(), ours.finish());
        assert_eq!(ours.status.code(), Some(status), "{ours:#?}");
        assert_eq!(theirs.status.code(), Some(status), "{theirs:#?}");
        assert_eq!(ours.lines.first(), theirs.lines.first());
        assert_eq!(ours.errors, theirs.errors);
        if status == 0 {
            let read = |lines: &[String]| -> Value {
                serde_json::from_str(&lines[1..].join("\n")).expect("JSON")
            };
            let (ours, theirs) = (read(&ours.lines), read(&theirs.lines));
            assert_eq!(
                ours["consumers"][0]["module"],
                theirs["consumers"][0]["module"]
            );
        }
    }
    let nagios = [
        "fedmsg-check",
        "--format",
        "nagios",
        "--backlog",
        "10:50",
        "--run-age",
        "60",
    ];
    let nagios = sandbox.run(&nagios).expect_success();
    assert!(nagios.lines[0].starts_with("FEDMSG OK: "), "{nagios:#?}");
    assert!(
        nagios.lines[0].contains("'RelayConsumer backlog'=0;10;50;0"),
        "{nagios:#?}"
    );
    let unknown = sandbox.run(&["fedmsg-check", "--format", "nagios", "--message-age", "60"]);
    assert_eq!(unknown.status.code(), Some(3), "{unknown:#?}");
}
