//! Frames that are too large.

use super::Rig;

/// The default of `zmq_max_message_size`.
const LIMIT: usize = 8 << 20;

#[test]
fn a_frame_of_100_mb_costs_its_connection_which_comes_back_by_itself() {
    let mut rig = Rig::new();
    let huge = vec![b' '; 100_000_000];
    rig.evil().send(&[b"com.example.huge", huge.as_slice()]);
    rig.hub.line_with("connection lost");
    // The other publisher is heard while this one is away.
    rig.good.publish("com.example.proper", "meanwhile");
    rig.hub.line_with("meanwhile");
    rig.tail.line_with("meanwhile");
    rig.wait_for_evil();
    rig.still_works();
    rig.evil().send(&[huge.as_slice(), b"{}"]); // as a topic, too
    rig.hub.line_with("connection lost");
    rig.wait_for_evil();
    rig.still_works();
    let ended = rig.stop();
    assert!(!ended.tail.lines.iter().any(|line| line.contains("huge")));
}

#[test]
fn a_frame_that_just_fits_arrives() {
    let mut rig = Rig::new();
    let body = |length: usize| {
        let (start, end) = (r#"{"topic": "com.example.large", "msg": ""#, r#""}"#);
        format!(
            "{start}{}{end}",
            "x".repeat(length - start.len() - end.len())
        )
    };
    rig.evil().send(&["com.example.large", &body(LIMIT)]);
    rig.hub.line_with("com.example.large");
    rig.tail.line_with("com.example.large");
    rig.still_works();
    rig.evil().send(&["com.example.large", &body(LIMIT + 1)]);
    rig.hub.line_with("connection lost");
    rig.wait_for_evil();
    rig.still_works();
    rig.stop();
}
