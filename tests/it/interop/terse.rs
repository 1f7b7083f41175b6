//! What both tails say in words about the same messages.

use crate::peers::{Peers, free_tcp_port};
use crate::sandbox::{Sandbox, Settings};

/// Lines for the real `fedmsg-logger`.
const LINES: [&str; 6] = [
    "plain",
    "",
    "grüße, 日本語 and 😀",
    r#"{"json": "is text here"}, back\slash"#,
    "{braces} %s",
    "\u{1b}[31mred\u{1b}[0m",
];

/// Returns the text about each line of a log, which has a line of its own.
fn logged(mut next: impl FnMut(&str) -> String) -> Vec<String> {
    LINES.iter().map(|_| next("logger.log -- ")).collect()
}

#[test]
fn our_tail_says_in_words_what_the_real_tail_says() {
    let Some(peers) = Peers::find() else { return };
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let config = peers.config().relay(inbound, outbound).write();
    let settings = Settings::new().relay(inbound, outbound);
    let _relay = peers.daemon("fedmsg-relay", &config);
    let mut theirs = peers.program("fedmsg-tail", &config, &["--terse"]);
    let sandbox = Sandbox::with(&settings);
    let mut ours = sandbox.start(&["fedmsg-tail", "--terse"]);
    let heart = "active = true\n[producers.heart]\nkind = 'heartbeat'\nevery = '20ms'";
    let hub = Sandbox::with(&settings.with(heart));
    let hub = hub.start(&["fedmsg-hub"]);
    // From here on nothing is lost.
    let beat = ours.line_with("hub.heartbeat");
    assert_eq!(theirs.line_with("hub.heartbeat"), beat);

    peers.logger(&config, &LINES).expect_success();
    let ours = logged(|text| ours.line_with(text));
    let theirs = logged(|text| theirs.line_with(text));
    assert_eq!(ours, theirs);
    for (line, text) in LINES.iter().zip(ours) {
        assert!(
            text.starts_with(&format!("logger.log -- {line} (")),
            "{text}"
        );
    }
    drop(hub);
}
