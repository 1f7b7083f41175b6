//! How fast messages are validated, and the bare RSA operation on as many cores.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::{LARGE, Meter, Sample, Setting, burst, word};
use crate::original::OriginalHub;
use crate::peer::Peer;
use crate::placement::{Placement, cores};
use crate::role::{Operation, Reaction};

/// What the original hub says when everything has come.
const COUNTED: &str = "{\"event\": \"counted\"";

/// Who validates.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verifier {
    /// A hub with one consumer.
    Hub,
    /// The original hub with one consumer.
    OriginalHub,
}

/// How fast the bare operation is, on the cores that the subject may use.
pub(crate) fn raw(setting: &Setting, operation: Operation) -> Result<Sample> {
    let threads = match setting.placement {
        Placement::Pinned => 1,
        Placement::Unpinned => cores().len(),
    };
    let words = ["raw-rsa", &word(&operation), &threads.to_string()];
    let mut worker = Peer::role(setting.placement.subject(), &words)?;
    worker.hear("ready")?;
    let meter = Meter::start(&worker)?;
    worker.tell(&burst(setting))?;
    let (end, _) = worker.hear("done")?;
    let sample = meter.stop(end, worker.cpu_time()?, setting.messages);
    worker.dismiss()?;
    Ok(sample)
}

/// How fast `openssl speed` signs with a key of 2048 bits, by its own account.
pub(crate) fn openssl_speed(setting: &Setting) -> Result<Sample> {
    let core = setting.placement.subject().context("a core")?;
    let output = Command::new(std::env::current_exe()?)
        .args(["pinned", &core.to_string(), "openssl"])
        .args(["speed", "-mr", "-seconds", "1", "rsa2048"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // +F2:<index>:<bits>:<signatures a second>:<verifications a second>; before OpenSSL 3, the seconds
    // that each takes.
    let line = text.lines().find(|line| line.starts_with("+F2:"));
    let figure = line.and_then(|line| line.split(':').nth(3)?.parse::<f64>().ok());
    let figure = figure.with_context(|| format!("openssl speed said {text:?}"))?;
    let rate = if figure < 1.0 { figure.recip() } else { figure };
    Ok(Sample {
        main: rate,
        beside: rate.recip() * 1e6,
    })
}

/// How fast `verifier` validates what a raw publisher sends, which was signed before.
pub(crate) fn validate(setting: &Setting, verifier: Verifier) -> Result<Sample> {
    let words = ["raw-publisher", LARGE, "--signed"];
    let mut publisher = Peer::role(setting.placement.others(), &words)?;
    let (_, address) = publisher.hear("bound")?;
    let core = setting.placement.subject();
    let sample = match verifier {
        Verifier::Hub => {
            let (expected, reaction) = (setting.messages.to_string(), word(&Reaction::Noop));
            let words = ["hub", &address, &expected, &reaction, "--validate"];
            let mut hub = Peer::role(core, &words)?;
            let sample = all(setting, &mut publisher, &mut hub, "done")?;
            hub.dismiss()?;
            sample
        }
        Verifier::OriginalHub => {
            // It is killed when this is dropped: it has nothing to lose.
            let mut original = OriginalHub::start(core, &address, setting.messages)?;
            all(setting, &mut publisher, &mut original.hub, COUNTED)?
        }
    };
    publisher.dismiss()?;
    Ok(sample)
}

/// Has everything sent, and waits until `subject` says that it has come.
fn all(setting: &Setting, publisher: &mut Peer, subject: &mut Peer, said: &str) -> Result<Sample> {
    publisher.hear("subscribed")?;
    let meter = Meter::start(subject)?;
    let start = Instant::now();
    publisher.tell(&burst(setting))?;
    let (end, _) = subject.hear(said)?;
    ensure!(end > start, "it has heard something else");
    Ok(meter.stop(end, subject.cpu_time()?, setting.messages))
}
