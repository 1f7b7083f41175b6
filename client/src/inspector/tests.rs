//! Who is believed, in which order messages come back, and what is counted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use fedmsg_message::json::Object;
use fedmsg_message::{Envelope, Signer};

use super::*;

/// The folder with the vectors of the original.
fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vectors")
}

pub(super) fn inspector(toml: &str) -> Inspector {
    let ca = vectors().join("pki/ca.crt");
    let config = Config::from_toml(&format!("ca_cert_location = {ca:?}\n{toml}"));
    Inspector::open(&config.unwrap()).unwrap()
}

fn signer() -> Signer {
    let read = |name: &str| fs::read(vectors().join("pki").join(name)).unwrap();
    Signer::from_pem(&read("bodhi-app01.test.crt"), &read("bodhi-app01.test.key")).unwrap()
}

pub(super) fn unsigned(topic: &str, endpoint: &str) -> Delivery {
    let envelope = Envelope::encode(topic.parse().unwrap(), Object::new()).unwrap();
    Delivery::new(envelope, endpoint.into())
}

#[tokio::test]
async fn messages_come_back_in_order_each_with_its_verdict() {
    let (inspector, signer) = (inspector(""), signer());
    let batch = (0..100).map(|number| {
        let topic = format!("org.t{number}");
        if number % 3 == 0 {
            return unsigned(&topic, "svc.host");
        }
        let envelope = signer.sign(topic.parse().unwrap(), Object::new()).unwrap();
        Delivery::new(envelope, "svc.host".into())
    });
    let judged = inspector.inspect(batch.collect()).await;
    assert_eq!(judged.len(), 100);
    for (number, delivery) in judged.iter().enumerate() {
        assert_eq!(delivery.topic().as_str(), format!("org.t{number}"));
        assert_eq!(delivery.verdict().is_accepted(), number % 3 != 0);
    }
    let Verdict::Accepted { signer, .. } = judged[1].verdict() else {
        panic!("{:?}", judged[1].verdict());
    };
    assert_eq!(&**signer, "bodhi-app01.test");
}

#[tokio::test]
async fn refusals_are_counted_by_endpoint_and_reason() {
    let inspector = inspector("routing_nitpicky = true");
    let signed = signer().sign("org.a".parse().unwrap(), Object::new());
    let batch = vec![
        unsigned("org.a", "one"),
        unsigned("org.a", "two"),
        unsigned("org.b", "two"),
        Delivery::new(signed.unwrap(), "two".into()),
    ];
    inspector.inspect(batch).await;
    let counts = inspector.refusals().counts();
    let counts: Vec<_> = counts
        .iter()
        .map(|count| (count.endpoint.as_str(), count.reason, count.messages))
        .collect();
    let expected = [
        ("one", "unsigned", 1),
        ("two", "topic-without-policy", 1),
        ("two", "unsigned", 2),
    ];
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn what_a_dead_task_has_not_judged_comes_back_in_order_and_refused() {
    let topics = ["org.a", "org.b", "org.c"];
    let mut batch = topics.map(|topic| unsigned(topic, "one")).to_vec();
    batch[1] = batch[1]
        .clone()
        .with_verdict(Verdict::Refused(Refusal::Unsigned));
    let part = Part::new(batch);
    let dying = part.clone();
    let task = spawn_blocking(move || {
        let _held = dying.lock();
        panic!("the thread dies");
    });
    let judged = part.judged_by(task).await;
    let codes = judged
        .iter()
        .map(|it| it.verdict().refusal().map(Refusal::code));
    assert!(codes.eq(["check-failed", "unsigned", "check-failed"].map(Some)));
    assert!(judged.iter().map(|it| it.topic().as_str()).eq(topics));
}

#[tokio::test]
async fn what_was_judged_keeps_nothing_that_was_parsed_of_it() {
    let inspector = inspector("");
    let mut body = Object::new();
    body.insert("msg", "tea");
    let topic = || "org.a".parse().unwrap();
    let unsigned = Envelope::encode(topic(), body.clone()).unwrap();
    let signed = signer().sign(topic(), body).unwrap();
    for (envelope, is_good) in [(unsigned, false), (signed, true)] {
        let sent = Delivery::new(envelope, "one".into());
        let judged = inspector.inspect(vec![sent.clone()]).await;
        assert_eq!(judged[0].verdict().is_accepted(), is_good);
        assert!(!std::ptr::eq(sent.msg(), judged[0].msg()));
        assert_eq!(sent.envelope().bytes(), judged[0].envelope().bytes());
        assert_eq!(sent.msg(), judged[0].msg());
    }
}

#[tokio::test]
async fn the_policy_of_the_configuration_is_in_force() {
    let listed = "[routing_policy]\n'org.a' = ['bodhi-app01.test']\n'org.b' = ['somebody']";
    let inspector = inspector(listed);
    let signed = |topic: &str| {
        let envelope = signer().sign(topic.parse().unwrap(), Object::new());
        Delivery::new(envelope.unwrap(), "one".into())
    };
    let judged = ["org.a", "org.b", "org.c"].map(signed).to_vec();
    let judged = inspector.inspect(judged).await;
    let codes = judged
        .iter()
        .map(|it| it.verdict().refusal().map(Refusal::code));
    assert!(codes.eq([None, Some("not-authorised"), None]));
}

/// A directory of gpg with the key that the vectors are signed with, or nothing where there is no gpg.
fn gpg_home() -> Option<tempfile::TempDir> {
    let home = tempfile::tempdir().unwrap();
    let imported = Command::new("gpg")
        .args(["--batch", "--quiet", "--homedir"])
        .arg(home.path())
        .arg("--import")
        .arg(vectors().join("gpg/signer.pub.asc"))
        .status();
    match imported {
        Ok(status) => {
            assert!(status.success(), "{status}");
            Some(home)
        }
        Err(_) => None,
    }
}

/// The frames of a vector, which are in base64.
pub(super) fn delivery_of(vector: &str) -> Delivery {
    let text = fs::read_to_string(vectors().join(vector)).unwrap();
    let vector: serde_json::Value = serde_json::from_str(&text).unwrap();
    let frame = |index: usize| {
        let base64 = vector["frames_b64"][index].as_str().unwrap();
        Bytes::from(openssl::base64::decode_block(base64).unwrap())
    };
    let envelope = Envelope::from_frames(frame(0), frame(1)).unwrap();
    Delivery::new(envelope, "gpg.host".into())
}

#[tokio::test]
async fn gpg_is_asked_where_it_is_allowed() {
    let names = [
        "valid",
        "valid-string-body",
        "body-changed",
        "unknown-key",
        "garbage-signature",
    ];
    let batch = || {
        let vectors = names.map(|name| delivery_of(&format!("gpg/{name}.json")));
        vectors.to_vec()
    };
    for refused in inspector("").inspect(batch()).await {
        let code = refused.verdict().refusal().map(Refusal::code);
        assert_eq!(code, Some("backend-not-allowed"));
    }
    let Some(home) = gpg_home() else {
        eprintln!("skipped: there is no gpg");
        return;
    };
    let allowed = "crypto_validate_backends = ['x509', 'gpg']";
    let inspector = inspector(&format!("{allowed}\ngpg_home = {:?}", home.path()));
    let judged = inspector.inspect(batch()).await;
    let accepted: Vec<_> = judged.iter().map(|it| it.verdict().is_accepted()).collect();
    assert_eq!(accepted, [true, true, false, false, false]);
}
