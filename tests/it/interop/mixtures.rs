//! A site that moves: logger → relay → gateway → hub and tail, all of the original, each replaced by
//! ours, until all are. Nothing is lost or altered on the way, whoever is who.

use std::time::Duration;

use fedmsg::json::Value;

use super::bodies::parse;
use super::events;
use crate::peers::{ConfigDir, Peers, Process, free_tcp_port};
use crate::sandbox::{Sandbox, Settings, Speaker, loopback};

/// How many lines the logger gets.
const LINES: usize = 10_000;
/// How many at a time: a publisher of the original drops what is more than 1000 ahead of its relay.
const AT_A_TIME: usize = 500;

/// Who is ours in a chain.
#[derive(Clone, Copy, Default)]
struct Ours {
    logger: bool,
    relay: bool,
    gateway: bool,
    hub: bool,
    tail: bool,
}

/// The configurations of a chain, for both sides.
struct Site<'p> {
    peers: &'p Peers,
    inbound: u16,
    /// For those before the gateway, and for the gateway.
    theirs: ConfigDir,
    ours: Sandbox,
    /// For those behind it.
    their_outside: ConfigDir,
    our_outside: Sandbox,
}

impl<'p> Site<'p> {
    fn new(peers: &'p Peers) -> Self {
        let (inbound, outbound, port) = (free_tcp_port(), free_tcp_port(), free_tcp_port());
        let theirs = peers.config().relay(inbound, outbound).gateway(port);
        // Their logger has no other way to know that the relay has heard of it.
        let theirs = theirs.set("post_init_sleep", 3.0);
        let their_outside = peers.config().endpoint("gateway", port).recorder("*");
        let gateway = format!(
            "[consumers.gateway]\nkind = 'gateway'\nparams.address = '{}'",
            loopback(port)
        );
        let log = "[consumers.record]\nkind = 'log'\nparams.payload = 1000";
        let outside = Settings::new().endpoint("gateway", port);
        Self {
            peers,
            inbound,
            theirs: theirs.write(),
            ours: Sandbox::with(&Settings::new().relay(inbound, outbound).with(&gateway)),
            their_outside: their_outside.write(),
            our_outside: Sandbox::with(&outside.with(log)),
        }
    }

    fn daemon(&self, name: &str, is_ours: bool) -> Process {
        if is_ours {
            self.ours.start(&[name])
        } else {
            self.peers.daemon(name, &self.theirs)
        }
    }

    fn hub(&self, is_ours: bool) -> Process {
        if is_ours {
            let words = ["fedmsg-hub", "--log-format", "json"];
            self.our_outside.start_logging(&words)
        } else {
            self.peers.hub(&self.their_outside)
        }
    }

    fn tail(&self, is_ours: bool) -> Process {
        if is_ours {
            self.our_outside.start(&["fedmsg-tail", "--json"])
        } else {
            self.peers.tail(&self.their_outside, "", 1_000_000)
        }
    }

    fn logger(&self, is_ours: bool) -> Process {
        if is_ours {
            self.ours.start(&["fedmsg-logger"])
        } else {
            self.peers.program("fedmsg-logger", &self.theirs, &[])
        }
    }
}

/// Returns topic and payload of the message that a line of a hub or tail tells of, if it does.
fn told(line: &str) -> Option<(String, Value)> {
    if !line.starts_with('{') {
        return None; // the log of the original hub
    }
    let line = parse(line);
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(fields) = line.get("fields").or(line.get("payload").map(|_| &line)) {
        let payload = parse(&text(fields, "payload")?); // our hub
        return Some((text(fields, "topic")?, payload));
    }
    let envelope = match line.get("event") {
        Some(_) => line.get("envelope")?, // theirs
        None => &line,                    // our tail
    };
    Some((text(envelope, "topic")?, envelope.get("msg")?.clone()))
}

/// Returns the payload of the next message of the logger.
fn next_logged(process: &mut Process) -> Value {
    loop {
        let line = process.line_with("logger.log");
        match told(&line) {
            Some((topic, payload)) if topic.ends_with(".logger.log") => return payload,
            _ => {}
        }
    }
}

fn check(ours: Ours) {
    let Some(peers) = Peers::find() else { return };
    let site = Site::new(&peers);
    let _relay = site.daemon("fedmsg-relay", ours.relay);
    let _gateway = site.daemon("fedmsg-gateway", ours.gateway);
    let mut hub = site.hub(ours.hub);
    let mut tail = site.tail(ours.tail);
    // From here on nothing is lost: both hear what goes in at the other end.
    let speaker = Speaker::active(site.inbound);
    speaker.probe("probe.hub", |time| hears(&mut hub, "probe.hub", time));
    speaker.probe("probe.tail", |time| hears(&mut tail, "probe.tail", time));

    let mut logger = site.logger(ours.logger);
    let line = |number: usize| format!("line {number}: \"größe\" \\ 日本 😀");
    for first in (0..LINES).step_by(AT_A_TIME) {
        let numbers = first..first + AT_A_TIME;
        for number in numbers.clone() {
            logger.write_line(&line(number));
        }
        for listener in [&mut hub, &mut tail] {
            for number in numbers.clone() {
                let payload = next_logged(listener);
                let text = events::spaced(&Value::from(line(number)));
                assert_eq!(events::spaced(&payload), format!(r#"{{"log": {text}}}"#));
            }
        }
    }
    logger.finish().expect_success();
}

fn hears(process: &mut Process, topic: &str, time: Duration) -> Option<()> {
    let mut lines = std::iter::from_fn(|| process.line_within(time));
    lines.find(|line| line.contains(topic)).map(drop)
}

#[test]
fn our_logger_takes_the_place_of_theirs() {
    check(Ours {
        logger: true,
        ..Ours::default()
    });
}

#[test]
fn our_relay_takes_the_place_of_theirs() {
    check(Ours {
        relay: true,
        ..Ours::default()
    });
}

#[test]
fn our_gateway_takes_the_place_of_theirs() {
    check(Ours {
        gateway: true,
        ..Ours::default()
    });
}

#[test]
fn our_hub_takes_the_place_of_theirs() {
    check(Ours {
        hub: true,
        ..Ours::default()
    });
}

#[test]
fn our_tail_takes_the_place_of_theirs() {
    check(Ours {
        tail: true,
        ..Ours::default()
    });
}

#[test]
fn their_logger_is_the_last_to_be_replaced() {
    check(Ours {
        logger: false,
        relay: true,
        gateway: true,
        hub: true,
        tail: true,
    });
}

#[test]
fn all_of_the_chain_is_ours_in_the_end() {
    check(Ours {
        logger: true,
        relay: true,
        gateway: true,
        hub: true,
        tail: true,
    });
}
