//! `fedmsg-signing-relay`: what leaves it is believed, whatever came in.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

use std::path::{Path, PathBuf};

use fedmsg::json::Value;
use rustix::process::Signal;

use crate::peers::free_tcp_port;
use crate::sandbox::{Listener, Sandbox, Settings, Speaker};

/// The certificate of the relay.
const RELAY: &str = "signing-relay-app01.test";

fn pki() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vectors/pki")
}

#[test]
fn it_signs_what_it_forwards_and_takes_older_signatures_off() {
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let settings = Settings::new().relay(inbound, outbound).with(&format!(
        "ssldir = {:?}\ncertnames.signing_relay = '{RELAY}'",
        pki()
    ));
    let sandbox = Sandbox::with(&settings);
    let _running = sandbox.start(&["fedmsg-signing-relay"]);
    let speaker = Speaker::active(inbound);
    // Hears only what is signed by the CA.
    let listening = Settings::new().endpoint("relay_outbound", outbound);
    let listener = Listener::open(&listening.clone().validating(&pki()));
    speaker.probe("probe", |time| listener.next_within(time));

    speaker.publish("shop", "sale", "tea");
    let sale = listener.next_about("shop.sale");
    assert_eq!(sale.msg().as_str(), Some("tea"));
    assert_eq!(sale.envelope().crypto(), Some("x509"));

    let forged = r#"{"topic":"t.1","msg":1.50,"crypto":"gpg","signature":"abc","certificate":"def","strong_signature":{}}"#;
    speaker.forward("t.1", forged);
    let signed = listener.next_about("t.1");
    assert_eq!(signed.msg(), &Value::from(1.5));
    assert_ne!(signed.envelope().signature(), Some("abc"));

    speaker.forward("t.2", "not json");
    let wrapped = listener.next_about("t.2");
    assert_eq!(wrapped.msg().as_str(), Some("not json"));
    speaker.forward("t.3", r#"{"topic":"t.other","msg":{}}"#);
    let named = listener.next_about("t.3");
    assert_eq!(
        named.envelope().get("topic").and_then(Value::as_str),
        Some("t.3")
    );
}

#[test]
fn what_cannot_be_signed_is_counted_and_does_not_decide_how_it_ends() {
    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let settings = Settings::new().relay(inbound, outbound).with(&format!(
        "ssldir = {:?}\ncertnames.signing_relay = '{RELAY}'",
        pki()
    ));
    let sandbox = Sandbox::with(&settings);
    let relay = sandbox.start(&["fedmsg-signing-relay"]);
    let speaker = Speaker::active(inbound);
    let listener = Listener::open(&Settings::new().endpoint("relay_outbound", outbound));
    speaker.probe("probe", |time| listener.next_within(time));
    speaker.forward("t.nan", r#"{"topic":"t.nan","msg":NaN}"#);
    speaker.forward("t.after", r#"{"topic":"t.after","msg":1}"#);
    listener.next_about("t.after");
    relay.signal(Signal::TERM);
    let finished = relay.finish().expect_success();
    let log = finished.errors;
    assert!(log.contains("malformed message not forwarded"), "{log}");
    assert!(log.contains("malformed=1"), "{log}");
}

#[test]
fn without_a_certificate_it_does_not_start_and_says_where_to_name_one() {
    let settings = Settings::new().relay(free_tcp_port(), free_tcp_port());
    let finished = Sandbox::with(&settings).run(&["fedmsg-signing-relay"]);
    assert_eq!(finished.status.code(), Some(78), "{finished:#?}");
    let complaint = finished.errors.lines().last().unwrap_or_default();
    assert!(
        complaint.contains("certnames.signing_relay: not set"),
        "{complaint}"
    );
}
