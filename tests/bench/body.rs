//! The messages that are sent: two frames as any publisher of the bus sends them.
//!
//! The roles that publish take both frames from here, so that all of them send the same.

use anyhow::{Context as _, Result};
use fedmsg_hub::Topic;
use fedmsg_hub::json::Value;
use fedmsg_message::{Envelope, Stamp};
use serde_json::json;

/// What the topic is composed of.
pub(crate) const TOPIC_PREFIX: &str = "org.fedoraproject";
/// What the topic is composed of.
pub(crate) const ENVIRONMENT: &str = "prod";
/// What the topic is composed of.
pub(crate) const MODNAME: &str = "bodhi";
/// What the topic is composed of.
pub(crate) const EVENT: &str = "update.comment";

/// The topic of all messages: 43 bytes.
pub(crate) fn topic() -> Result<Topic> {
    Ok(Topic::compose(TOPIC_PREFIX, ENVIRONMENT, MODNAME, EVENT)?)
}

/// The topic of what one of many services says.
pub(crate) fn topic_of(service: usize) -> Result<Topic> {
    let modname = format!("{MODNAME}{service}");
    Ok(Topic::compose(TOPIC_PREFIX, ENVIRONMENT, &modname, EVENT)?)
}

/// The body of a message, an envelope of exactly that many bytes (at least 180).
pub(crate) fn body(bytes: usize) -> Result<Vec<u8>> {
    Ok(envelope(payload(bytes)?)?.bytes().to_vec())
}

/// The payload with which an envelope has that many bytes: one string where there is no room for
/// more, else the members of a comment on an update.
pub(crate) fn payload(bytes: usize) -> Result<Value> {
    let small = json!({"text": ""});
    let full = json!({
        "agent": "ralph",
        "comment": {
            "anonymous": false,
            "author": "ralph",
            "group": null,
            "karma": 1,
            "timestamp": 1_793_000_000.5,
            "update_title": "kernel-7.0.4-200.fc45",
            "user": {"email": "ralph@example.org", "id": 1281, "name": "ralph"}
        },
        "text": "",
        "update": {
            "builds": [
                {"epoch": 0, "nvr": "kernel-7.0.4-200.fc45", "signed": true},
                {"epoch": 0, "nvr": "kernel-tools-7.0.4-200.fc45", "signed": true}
            ],
            "bugs": [2101, 2204, 2350],
            "critpath": true,
            "request": null,
            "status": "testing",
            "url": "https://bodhi.example.org/updates/FEDORA-2026-1f2e3d4c5b"
        }
    });
    for mut payload in [full, small] {
        let length = envelope(payload.clone().into())?.bytes().len();
        if let (Some(missing), Some(object)) = (bytes.checked_sub(length), payload.as_object_mut())
        {
            let text: String = "Works for me. ".chars().cycle().take(missing).collect();
            object.insert("text".to_owned(), text.into());
            return Ok(payload.into());
        }
    }
    Err(anyhow::anyhow!("no envelope has {bytes} bytes"))
}

fn envelope(payload: Value) -> Result<Envelope> {
    Envelope::stamp(topic()?, payload, &stamp()).context("an envelope")
}

/// What a publisher adds to a payload.
pub(crate) fn stamp() -> Stamp {
    Stamp {
        msg_id: "2026-6ba7b810-9dad-41d1-80b4-00c04fd430c8".to_owned(),
        timestamp: 1_793_000_000,
        i: 500_000,
        username: "apache".to_owned(),
    }
}
