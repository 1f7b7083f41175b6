//! `fedmsg-announce`: what it publishes for which input, and what it says when it cannot.

use fedmsg::json::Value;
use fedmsg_message::to_canonical;

use super::check_failure;
use super::relayed_bus::Bus;
use crate::peers::{Peers, free_tcp_port};
use crate::sandbox::{Sandbox, Settings, loopback};

const ANNOUNCE: &str = "fedmsg-announce";

/// What the next message of the bus says, in canonical JSON.
fn announced(bus: &Bus) -> String {
    let delivery = bus.listener.next_about("announce");
    let topic = "org.fedoraproject.dev.announce.announcement";
    assert_eq!(delivery.topic(), &topic);
    let msg = to_canonical(delivery.msg()).expect("JSON");
    String::from_utf8(msg).expect("text")
}

#[test]
fn the_whole_input_becomes_one_message() {
    let bus = Bus::start();
    let check = |flags: &[&str], input: &str, expected: &str| {
        let finished = bus.run(&[&[ANNOUNCE], flags].concat(), input.as_bytes());
        let finished = finished.expect_success();
        assert_eq!((&*finished.errors, finished.lines.len()), ("", 0));
        assert_eq!(announced(&bus), expected);
    };
    let link = ["--link", "https://example.org/x?a=1&b='\""];
    check(
        &link,
        "  The bus \n\n goes\tdown \u{1f}\r\nat 10:00 — größer\n\n",
        "{\"link\":\"https://example.org/x?a=1&b='\\\"\",\
         \"message\":\"The bus\\n\\ngoes\\tdown\\nat 10:00 \\u2014 gr\\u00f6\\u00dfer\\n\"}",
    );
    check(&[], "one line", r#"{"link":null,"message":"one line"}"#);
    check(&[], "", r#"{"link":null,"message":""}"#);
    check(&["--link", ""], "\n", r#"{"link":"","message":""}"#);
}

#[test]
fn input_that_cannot_be_announced_publishes_nothing() {
    let bus = Bus::start();
    let check = |input: &[u8], complaint: &str| {
        check_failure(&bus.run(&[ANNOUNCE], input), 65, &[ANNOUNCE, complaint]);
    };
    check(b"good\nbad \xff\n", "standard input: it is not valid UTF-8");
    check(
        &vec![b'x'; 9 << 20],
        "standard input: it is longer than `zmq_max_message_size` allows (8 MiB)",
    );
    check(
        "ö".repeat(3 << 20).as_bytes(), // six bytes each in a message
        "not published: org.fedoraproject.dev.announce.announcement not published",
    );
    bus.run(&[ANNOUNCE], b"after it").expect_success();
    assert_eq!(announced(&bus), r#"{"link":null,"message":"after it"}"#);
}

#[test]
fn without_a_relay_it_gives_up_in_time() {
    let inbound = free_tcp_port();
    let sandbox = Sandbox::with(&Settings::new().relay(inbound, free_tcp_port()));
    let words = [ANNOUNCE, "--timeout", "0.3"];
    check_failure(
        &sandbox.run_with_input(&words, b"hello"),
        69,
        &["not published", &loopback(inbound), "300ms"],
    );
    let nobody = Sandbox::with(&Settings::new());
    check_failure(
        &nobody.run_with_input(&words, b"hello"),
        69,
        &["not published", "`relay_inbound` is empty"],
    );
}

#[test]
fn it_signs_with_the_certificate_for_announcements() {
    let signing = "sign_messages = true\nssldir = '/nonexistent'\n[certnames]\n'shell.x' = 'y'";
    let sandbox = Sandbox::with(&Settings::new().with("relay_inbound = 'tcp://127.0.0.1:1'"));
    let path = sandbox.write("signing.toml", &format!("{signing}\n"));
    let path = path.to_str().expect("text");
    let words = [ANNOUNCE, "--config", path, "--timeout", "0.1"];
    let finished = sandbox.run_with_input(&words, b"hello");
    check_failure(&finished, 78, &["\"announce."]);
}

#[test]
fn the_original_reads_what_is_announced() {
    let Some(peers) = Peers::find() else { return };
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let config = peers.config().relay(inbound, outbound).write();
    let _relay = peers.daemon("fedmsg-relay", &config);
    let mut tail = peers.program("fedmsg-tail", &config, &["--really-pretty"]);
    let settings = Settings::new().relay(inbound, outbound);
    let sandbox = Sandbox::with(&settings.clone().with("timeout = 60"));
    let speaker = crate::sandbox::Speaker::active(inbound);
    speaker.probe("org.fedoraproject.dev.probe", |time| tail.line_within(time));

    let text = "Größe: 'quoted' \\ \"twice\"\n$(date) `id`\n";
    let words = [ANNOUNCE, "--link", "https://example.org/"];
    let finished = sandbox.run_with_input(&words, text.as_bytes());
    finished.expect_success();
    let message = tail.line_with("Gr");
    let plain = without_colours(&message);
    let (_, value) = plain.split_once(": ").expect("a member");
    let value = Value::parse_str(value.trim_end_matches(',')).expect("JSON");
    assert_eq!(value.as_str(), Some(text.trim_end()));
}

/// Returns a line of the original's coloured output without its colours.
fn without_colours(line: &str) -> String {
    let pieces = line.split('\u{1b}');
    let text = |piece: &str| match piece.strip_prefix('[') {
        Some(colour) => colour
            .split_once('m')
            .map_or("", |(_, text)| text)
            .to_owned(),
        None => piece.to_owned(),
    };
    pieces.map(text).collect()
}
