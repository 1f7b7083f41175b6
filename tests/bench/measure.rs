//! One measurement: start the children, have so many messages sent, see when and at what cost all
//! of them have arrived, end the children.
//!
//! [`crate::case`] lists what is measured, [`crate::rounds`] calls it. Nothing is sent before the
//! subscription has reached the publisher, and a message that does not arrive is an error.

pub(crate) mod crowd;
pub(crate) mod signatures;

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use fedmsg_config::DEFAULT_HUB;
use tempfile::NamedTempFile;

use crate::peer::{Peer, Voice};
use crate::placement::Placement;
use crate::port::free_tcp_port;
use crate::role::{Batches, Reaction};

/// The pause between two messages whose latency is measured, in microseconds: 200 a second.
pub(crate) const INTERVAL: u64 = 5_000;
/// What is not measured gets the large batches: it should not be what holds up the rest.
const LARGE: &str = "--batches=large";
/// How long it takes at most until a message has passed through an idle relay.
const PASSAGE: Duration = Duration::from_millis(20);

/// Under which conditions something is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) placement: Placement,
    /// Bytes of a body.
    pub(crate) bytes: usize,
    pub(crate) messages: u64,
}

/// What a measurement has shown; [`crate::case::Scale`] says what the numbers are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) main: f64,
    pub(crate) beside: f64,
}

/// Who receives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Receiver {
    /// libzmq, blocking.
    Raw(Batches),
    /// libzmq, blocking; it looks at the clock when it has a message.
    RawClock,
    /// A hub with a consumer.
    Hub(Reaction),
    /// `fedmsg-tail` with these options.
    Tail(&'static [&'static str]),
}

/// Who publishes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sender {
    /// libzmq.
    Raw(Batches),
    /// `fedmsg::Publisher`.
    Publisher,
    /// `fedmsg::Publisher`, which signs.
    Signer,
}

/// Who is started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Starter {
    /// A raw subscriber.
    Raw,
    /// `fedmsg-hub` as it runs without a configuration.
    Hub,
    /// `fedmsg-tail`.
    Tail,
}

/// How much a child has used since a moment.
struct Meter {
    start: Instant,
    cpu_time: Duration,
}

impl Meter {
    fn start(subject: &Peer) -> Result<Self> {
        let cpu_time = subject.cpu_time()?;
        Ok(Self {
            start: Instant::now(),
            cpu_time,
        })
    }

    fn stop(&self, end: Instant, cpu_time: Duration, messages: u64) -> Sample {
        let messages = messages as f64;
        let used = cpu_time.saturating_sub(self.cpu_time);
        Sample {
            main: messages / end.duration_since(self.start).as_secs_f64(),
            beside: used.as_secs_f64() * 1e6 / messages,
        }
    }
}

/// How fast `receiver` takes what a raw publisher sends.
pub(crate) fn receive(setting: &Setting, receiver: Receiver) -> Result<Sample> {
    let (mut publisher, address) = raw_publisher(setting)?;
    let config = listening_config(&address)?;
    let mut subject = match receiver {
        Receiver::Tail(options) => {
            let count = setting.messages.to_string();
            let words = [options, &["--count", &count]].concat();
            let core = setting.placement.subject();
            let program = env!("CARGO_BIN_EXE_fedmsg-tail");
            Peer::program(core, program, config.path(), &words, Voice::Silent)?
        }
        _ => receiving_role(setting, receiver, &address)?,
    };
    publisher.hear("subscribed")?;
    let meter = Meter::start(&subject)?;
    publisher.tell(&burst(setting))?;
    let sample = if let Receiver::Tail(_) = receiver {
        let (end, cpu_time) = subject.run_out()?;
        meter.stop(end, cpu_time, setting.messages)
    } else {
        let (end, _) = subject.hear("done")?;
        let sample = meter.stop(end, subject.cpu_time()?, setting.messages);
        subject.dismiss()?;
        sample
    };
    publisher.dismiss()?;
    Ok(sample)
}

/// How fast `zmq_proxy` passes messages on.
pub(crate) fn proxy(setting: &Setting, batches: Batches) -> Result<Sample> {
    let mut proxy = Peer::role(setting.placement.subject(), &["proxy", &option(batches)])?;
    let (_, addresses) = proxy.hear("bound")?;
    let (inbound, outbound) = addresses.split_once(' ').context("two addresses")?;
    let sample = pass_on(setting, &proxy, inbound, outbound)?;
    proxy.dismiss()?;
    Ok(sample)
}

/// How fast `fedmsg-relay` passes messages on.
pub(crate) fn relay(setting: &Setting) -> Result<Sample> {
    let (inbound, outbound) = (free_address(), free_address());
    let config = config(&format!(
        "relay_inbound = '{inbound}'\nendpoints.relay_outbound = '{outbound}'\npost_init_sleep = 0"
    ))?;
    let words = ["--high-water-mark", "0", "--log", "warn"];
    let program = env!("CARGO_BIN_EXE_fedmsg-relay");
    let core = setting.placement.subject();
    let relay = Peer::program(core, program, config.path(), &words, Voice::Silent)?;
    let sample = pass_on(setting, &relay, &inbound, &outbound)?;
    relay.terminate()?;
    Ok(sample)
}

/// How fast `fedmsg-gateway` passes messages on.
pub(crate) fn gateway(setting: &Setting) -> Result<Sample> {
    let (mut publisher, inbound) = raw_publisher(setting)?;
    let outbound = free_address();
    let config = config(&format!(
        "endpoints = {{ relay_outbound = [], bench = '{inbound}' }}\npost_init_sleep = 0\n\
         [consumers.gateway]\nkind = 'gateway'\n\
         params = {{ address = '{outbound}', high_water_mark = 0 }}"
    ))?;
    let program = env!("CARGO_BIN_EXE_fedmsg-gateway");
    let core = setting.placement.subject();
    let words = ["--log", "warn"];
    let gateway = Peer::program(core, program, config.path(), &words, Voice::Silent)?;
    let subscriber = sink(setting, &outbound)?;
    publisher.hear("subscribed")?;
    let sample = burst_through(setting, &gateway, publisher, subscriber)?;
    gateway.terminate()?;
    Ok(sample)
}

/// How fast `subject` passes messages on between two addresses.
fn pass_on(setting: &Setting, subject: &Peer, inbound: &str, outbound: &str) -> Result<Sample> {
    let others = setting.placement.others();
    let subscriber = sink(setting, outbound)?;
    let mut publisher = Peer::role(others, &["raw-publisher", LARGE, "--connect", inbound])?;
    publisher.hear("subscribed")?;
    burst_through(setting, subject, publisher, subscriber)
}

/// How fast a burst passes through `subject`, which has subscribed to `publisher`.
fn burst_through(
    setting: &Setting,
    subject: &Peer,
    mut publisher: Peer,
    mut subscriber: Peer,
) -> Result<Sample> {
    // That the subscriber's subscription has arrived as well, only a message can tell.
    loop {
        publisher.tell("probe")?;
        if subscriber.hear_within("probed", PASSAGE)?.is_some() {
            break;
        }
    }
    let meter = Meter::start(subject)?;
    publisher.tell(&burst(setting))?;
    let (end, _) = subscriber.hear("done")?;
    let sample = meter.stop(end, subject.cpu_time()?, setting.messages);
    publisher.dismiss()?;
    subscriber.dismiss()?;
    Ok(sample)
}

/// How fast `sender` publishes.
pub(crate) fn publish(setting: &Setting, sender: Sender) -> Result<Sample> {
    let core = setting.placement.subject();
    let mut publisher = match sender {
        Sender::Raw(batches) => Peer::role(core, &["raw-publisher", &option(batches)])?,
        Sender::Publisher => Peer::role(core, &["publisher"])?,
        Sender::Signer => Peer::role(core, &["publisher", "--signed"])?,
    };
    let (_, address) = publisher.hear("bound")?;
    let mut subscriber = sink(setting, &address)?;
    publisher.hear("subscribed")?;
    let meter = Meter::start(&publisher)?;
    publisher.tell(&burst(setting))?;
    let (end, _) = subscriber.hear("done")?;
    let sample = meter.stop(end, publisher.cpu_time()?, setting.messages);
    publisher.hear("sent")?;
    publisher.dismiss()?;
    subscriber.dismiss()?;
    Ok(sample)
}

/// How long a message takes from before `zmq_send` until `receiver` has it.
pub(crate) fn latency(setting: &Setting, receiver: Receiver) -> Result<Sample> {
    let (mut publisher, address) = raw_publisher(setting)?;
    let mut subject = receiving_role(setting, receiver, &address)?;
    publisher.hear("subscribed")?;
    let Setting {
        messages, bytes, ..
    } = setting;
    publisher.tell(&format!("pace {messages} {bytes} {INTERVAL}"))?;
    let sent = times(&publisher.hear("sent")?.1)?;
    let received = times(&subject.hear("done")?.1)?;
    ensure!(sent.len() == received.len(), "not as many received as sent");
    let pairs = sent.iter().zip(&received);
    let mut took: Vec<u64> = pairs
        .map(|(sent, received)| received.saturating_sub(*sent))
        .collect();
    took.sort_unstable();
    subject.dismiss()?;
    publisher.dismiss()?;
    Ok(Sample {
        main: percentile(&took, 50) / 1e3,
        beside: percentile(&took, 99) / 1e3,
    })
}

/// How long it takes until a program is ready, and how much memory it occupies then.
pub(crate) fn start(starter: Starter) -> Result<Sample> {
    let tail = env!("CARGO_BIN_EXE_fedmsg-tail");
    match starter {
        Starter::Raw => {
            start_listening(|address, _| Peer::role(None, &["subscriber", address, "1"]))
        }
        Starter::Tail => {
            start_listening(|_, config| Peer::program(None, tail, config, &[], Voice::Silent))
        }
        Starter::Hub => start_hub(),
    }
}

/// Starts something that subscribes to a publisher, given by its address and by a configuration
/// with nothing else in it.
fn start_listening(start: impl FnOnce(&str, &Path) -> Result<Peer>) -> Result<Sample> {
    let mut publisher = Peer::role(None, &["raw-publisher"])?;
    let (_, address) = publisher.hear("bound")?;
    let config = listening_config(&address)?;
    let begin = Instant::now();
    let listener = start(&address, config.path())?;
    let (ready, _) = publisher.hear("subscribed")?;
    started(&listener, begin, ready)
}

/// Starts a hub as it runs without a configuration, but for the ports.
fn start_hub() -> Result<Sample> {
    let (inbound, outbound) = (free_address(), free_address());
    let config = config(&format!(
        "relay_inbound = '{inbound}'\nendpoints.relay_outbound = '{outbound}'\n{DEFAULT_HUB}"
    ))?;
    let program = env!("CARGO_BIN_EXE_fedmsg-hub");
    let begin = Instant::now();
    let mut hub = Peer::program(None, program, config.path(), &[], Voice::Log)?;
    let ready = hub.hear_of("hub running")?;
    // When its first heartbeat has come back to it, everything in it has been used once.
    hub.hear_of("heartbeat")?;
    let sample = started(&hub, begin, ready)?;
    hub.terminate()?;
    Ok(sample)
}

fn started(peer: &Peer, begin: Instant, ready: Instant) -> Result<Sample> {
    Ok(Sample {
        main: ready.duration_since(begin).as_secs_f64() * 1e3,
        beside: peer.resident_bytes()? as f64 / 1e6,
    })
}

fn raw_publisher(setting: &Setting) -> Result<(Peer, String)> {
    raw_publisher_with(setting, &[])
}

fn raw_publisher_with(setting: &Setting, options: &[&str]) -> Result<(Peer, String)> {
    let words = [&["raw-publisher", LARGE], options].concat();
    let mut publisher = Peer::role(setting.placement.others(), &words)?;
    let (_, address) = publisher.hear("bound")?;
    Ok((publisher, address))
}

/// A raw subscriber that is not what is measured.
fn sink(setting: &Setting, address: &str) -> Result<Peer> {
    let messages = setting.messages.to_string();
    let words = ["subscriber", address, &messages, LARGE];
    Peer::role(setting.placement.others(), &words)
}

fn receiving_role(setting: &Setting, receiver: Receiver, address: &str) -> Result<Peer> {
    let messages = setting.messages.to_string();
    let core = setting.placement.subject();
    match receiver {
        Receiver::Raw(batches) => {
            let words = [
                "subscriber",
                address,
                &messages,
                "--batches",
                &word(&batches),
            ];
            Peer::role(core, &words)
        }
        Receiver::RawClock => Peer::role(core, &["subscriber", address, &messages, "--times"]),
        Receiver::Hub(reaction) => Peer::role(core, &["hub", address, &messages, &word(&reaction)]),
        Receiver::Tail(_) => bail!("fedmsg-tail is no role"),
    }
}

/// Batches as they stand on the command line.
fn option(batches: Batches) -> String {
    format!("--batches={}", word(&batches))
}

/// A value as it stands on the command line.
fn word(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

fn burst(setting: &Setting) -> String {
    format!("burst {} {}", setting.messages, setting.bytes)
}

pub(crate) fn free_address() -> String {
    format!("tcp://127.0.0.1:{}", free_tcp_port())
}

/// A configuration of somebody who listens to one address.
fn listening_config(address: &str) -> Result<NamedTempFile> {
    config(&format!(
        "[endpoints]\nrelay_outbound = []\nbench = '{address}'"
    ))
}

fn config(text: &str) -> Result<NamedTempFile> {
    let mut file = NamedTempFile::with_suffix(".toml")?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Reads what [`crate::role`] has written.
fn times(line: &str) -> Result<Vec<u64>> {
    let words = line.split(' ');
    let times: Result<Vec<_>, _> = words.map(str::parse).collect();
    times.with_context(|| format!("no times: {line:?}"))
}

/// The value that so many of a hundred do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    let value = sorted.get(rank.saturating_sub(1));
    value.copied().unwrap_or_default() as f64
}
