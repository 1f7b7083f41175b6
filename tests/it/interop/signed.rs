//! Signed messages, in both directions: what one side signs the other believes, and nothing else.

use std::time::{Duration, Instant};

use fedmsg::json::Value;
use rustix::process::Signal;

use super::bodies::parse;
use super::events::{self, body, canonical, envelope};
use crate::peers::{Bodies, Peers, Process, Publish, Via, free_tcp_port};
use crate::sandbox::{Listener, PATIENCE, PROBE, Sandbox, Settings, Speaker};

/// How many messages each side signs.
const MANY: u32 = 10_000;

/// Of how many messages one is changed after it was signed.
const TAMPERED: u32 = 10;

/// Who signs: a certificate of the test CA.
const SIGNER: &str = "svc-app01.test";

/// One that the revocation list names.
const REVOKED: &str = "gone-app01.test";

/// Publishes signed probes until `heard`, which waits as long as it is told, has heard one: then
/// whoever it asks has subscribed.
fn wake<T>(speaker: &Speaker, mut heard: impl FnMut(Duration) -> Option<T>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        speaker.publish("probe", "probe", "probe");
        if heard(PROBE).is_some() {
            return;
        }
        assert!(Instant::now() < deadline, "no probe is heard");
    }
}

/// Waits for a line of a process that tells of a probe.
fn probe_line(process: &mut Process, within: Duration) -> Option<String> {
    let mut lines = std::iter::from_fn(|| process.line_within(within));
    lines.find(|line| line.contains("probe.probe"))
}

/// A speaker that signs, through the relay at `inbound`, with a key pair of `ssldir`.
fn signing_speaker(inbound: u16, ssldir: &std::path::Path, certificate: &str) -> Speaker {
    let active = format!(
        "active = true\ncert_prefix = 'svc'\ntimeout = {}",
        PATIENCE.as_secs()
    );
    let entry = format!("svc.{}", fedmsg::host_name());
    let settings = Settings::new().relay(inbound, 0).with(&active);
    Speaker::open(&settings.signing(ssldir, &entry, certificate))
}

/// The numbers that counted messages carry, without those that were changed.
fn untampered() -> impl Iterator<Item = u32> {
    (1..=MANY).filter(|n| n % TAMPERED != 0)
}

fn number(envelope: &Value) -> Option<u32> {
    let n = envelope.pointer("/msg/n").and_then(Value::as_u64)?;
    u32::try_from(n).ok()
}

#[test]
fn what_the_original_signs_is_believed_here_and_what_was_changed_is_not() {
    let Some(peers) = Peers::find() else { return };
    let ssldir = peers.pki(&[SIGNER], &[]);
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let shell = format!("shell.{}", fedmsg::host_name());
    let config = peers.config().relay(inbound, outbound);
    let config = config.signing(&ssldir, &shell, SIGNER).write();
    let settings = Settings::new().relay(inbound, outbound);
    let careful = settings.clone().validating(ssldir.path());

    let relay = Sandbox::with(&settings);
    let _relay = relay.start(&["fedmsg-relay"]);
    let sandbox = Sandbox::with(&careful);
    let mut tail = sandbox.start(&["fedmsg-tail", "--json"]);
    let audit = "[consumers.audit]\nkind = 'log'\nparams = { payload = 100 }";
    let hub = Sandbox::with(&careful.clone().with(audit));
    let mut hub = hub.start_logging(&["fedmsg-hub"]);
    let unchecked = Listener::on(outbound);
    let speaker = signing_speaker(inbound, ssldir.path(), SIGNER);
    wake(&speaker, |time| probe_line(&mut tail, time));
    wake(&speaker, |time| probe_line(&mut hub, time));
    wake(&speaker, |time| unchecked.next_within(time));

    let publish = Publish {
        tamper_every: Some(TAMPERED),
        keep_key: true,
        ..Publish::new(Via::Relay, Bodies::Counted(MANY))
    };
    let mut publisher = peers.publish(&config, &publish);
    let sent = events::take(&mut publisher, "published", "interop.ping", MANY as usize);
    publisher.finish().expect_success();
    assert_eq!(
        unchecked.take_about("interop.ping", MANY as usize).len(),
        MANY as usize
    );

    for n in untampered() {
        let line = tail.line_with("interop.ping");
        let expected = envelope(&sent[n as usize - 1]);
        assert_eq!(number(expected), Some(n));
        assert_eq!(line, canonical(expected), "the bytes of the original");
        let logged = hub.line_with(": message topic=org.fedoraproject.dev.interop.ping");
        assert!(
            logged.contains(&format!("payload={{\"n\": {n}}}")),
            "{logged}"
        );
    }
    hub.signal(Signal::TERM);
    let refused = hub.line_with("messages refused: their signatures");
    assert!(refused.contains("reason=\"bad-signature\""), "{refused}");
    assert!(
        refused.contains(&format!("messages={}", MANY / TAMPERED)),
        "{refused}"
    );
}

#[test]
fn what_we_sign_is_believed_by_the_real_tail_and_the_real_hub() {
    let Some(peers) = Peers::find() else { return };
    let ssldir = peers.pki(&[SIGNER], &[REVOKED]);
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let config = peers.config().relay(inbound, outbound).recorder("*");
    let config = config.validating(&ssldir).write();
    // Ours: the real one loses what its subscribers, who take longer to validate, leave in its queue.
    let relay = Sandbox::with(&Settings::new().relay(inbound, outbound));
    let _relay = relay.start(&["fedmsg-relay"]);
    let mut tail = peers.tail(&config, "", u32::MAX);
    let mut hub = peers.hub(&config);
    let careful = Settings::new()
        .relay(inbound, outbound)
        .validating(ssldir.path());
    let ours = Listener::open(&careful);
    let speaker = signing_speaker(inbound, ssldir.path(), SIGNER);
    let gone = signing_speaker(inbound, ssldir.path(), REVOKED);
    wake(&speaker, |time| tail.event_within("message", time));
    wake(&speaker, |time| hub.event_within("message", time));
    wake(&speaker, |time| ours.next_within(time));

    for n in 1..=MANY {
        let signed = if n % TAMPERED == 0 { &gone } else { &speaker };
        signed.publish("interop", "ping", parse(&format!("{{\"n\": {n}}}")));
    }
    for n in untampered() {
        let delivery = ours.next_about("interop.ping");
        let sent = parse(body(&delivery));
        assert_eq!(number(&sent), Some(n));
        assert!(delivery.verdict().is_accepted());
        for theirs in [&mut tail, &mut hub] {
            let event = events::next(theirs, "message", "interop.ping");
            assert_eq!(canonical(envelope(&event)), canonical(&sent));
        }
    }
}

#[test]
fn a_second_signature_is_passed_over_by_the_original_and_required_here() {
    let Some(peers) = Peers::find() else { return };
    let ssldir = peers.pki(&[SIGNER], &[]);
    let port = free_tcp_port();
    let config = peers.config().endpoint("svc.host", port);
    let config = config.validating(&ssldir).write();
    let settings = Settings::new().endpoint("svc.host", port);
    let strict = settings.clone().validating(ssldir.path());
    let strict = strict.with("require_strong_signature = true");
    let bound = settings.signing(ssldir.path(), "svc.host", SIGNER);
    let bound = bound.with("name = 'svc.host'\nstrong_signature = 'rsa-sha256'");
    let speaker = Speaker::open(&bound);
    let mut tail = peers.tail(&config, "", u32::MAX);
    let ours = Listener::open(&strict);
    wake(&speaker, |time| tail.event_within("message", time));
    wake(&speaker, |time| ours.next_within(time));
    speaker.publish("interop", "ping", 1_u64);
    let event = events::next(&mut tail, "message", "interop.ping");
    let strong = envelope(&event).pointer("/strong_signature/algorithm");
    assert_eq!(strong.and_then(Value::as_str), Some("rsa-sha256"));
    ours.next_about("interop.ping");
}
