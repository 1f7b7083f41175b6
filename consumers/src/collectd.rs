//! The consumer that counts messages for collectd, and prints the counts.
//!
//! `fedmsg-collectd` is a hub with nothing else. The names are those of the processors in
//! `fedmsg_message::text`; `collectd/printer.rs` writes.

mod printer;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fedmsg::host_name;
use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery};
use fedmsg_message::text::Processors;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use self::printer::{Closed, Printer};

/// What `[consumers.NAME.params]` may say for kind `collectd`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CollectdParams {
    /// Seconds from one line to the next: 1 or more, default 2. It should be that of collectd.
    pub interval: NonZeroU32,
}

impl Default for CollectdParams {
    fn default() -> Self {
        let interval = NonZeroU32::MIN.saturating_add(1);
        Self { interval }
    }
}

/// Counts messages by the processor that knows their topic, and every so many seconds prints a line for
/// each of them on standard output, sorted by name, and counts anew:
///
/// ```text
/// PUTVAL app01/fedmsg/fedmsg_wallboard-logger interval=2 1795838314:3
/// ```
///
/// These are the host without its domain, the processor in lower case, the interval, the time in seconds
/// since the epoch, and how many messages came: the plain text protocol of collectd's exec plugin, as the
/// original prints it (fedmsg hub specification, section 5.11). What came since the last lines is printed when
/// the hub stops. While standard output is not read the counts are kept for later; when it cannot be written the consumer halts. With several `workers` each
/// would print lines of its own.
#[derive(Debug)]
pub struct Collectd {
    processors: Processors,
    counts: Arc<Counts>,
    interval: NonZeroU32,
    printer: Printer,
    /// The task that prints; ends with this value.
    reporting: JoinSet<()>,
}

impl Consumer for Collectd {
    const KIND: &'static str = "collectd";
    const ABOUT: &'static str = "Counts messages for collectd, and prints the counts";
    type Params = CollectdParams;

    async fn from_params(
        params: CollectdParams,
        context: &ConsumerContext,
    ) -> Result<Self, BoxError> {
        let processors = Processors::for_prefix(&context.config().topic_prefix)?;
        let counts = Arc::new(Counts::new(&processors));
        let printer = Printer::start(io::stdout())?;
        let mut reporting = JoinSet::new();
        reporting.spawn(report(params.interval, counts.clone(), printer.clone()));
        Ok(Self {
            processors,
            counts,
            interval: params.interval,
            printer,
            reporting,
        })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        if self.printer.error().is_some() {
            return Err(ConsumeError::Halt(self.until_broken().await));
        }
        let (processor, _) = self.processors.handle(delivery.topic().as_str());
        self.counts.add(processor.about().name);
        Ok(())
    }

    async fn until_broken(&mut self) -> BoxError {
        self.printer.closed().await;
        match self.printer.error() {
            Some(error) => format!("standard output: {error}").into(),
            None => "nothing prints any more".into(),
        }
    }

    async fn stop(&mut self, _: &ConsumerContext) {
        self.reporting.shutdown().await;
        let last = || {
            let counts = self.counts.take();
            // Nothing has been counted since the last lines, which perhaps are of this very second.
            let is_told = counts.values().all(|count| *count == 0);
            (!is_told).then(|| lines(&short_host_name(), self.interval, unix_time(), &counts))
        };
        self.printer.finish(last).await;
    }
}

/// Prints the counts for as long as they can be printed.
async fn report(interval: NonZeroU32, counts: Arc<Counts>, printer: Printer) {
    let host = short_host_name();
    let period = Duration::from_secs(interval.get().into());
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        match printer.print(|| lines(&host, interval, unix_time(), &counts.take())) {
            Ok(()) => {}
            Err(Closed) => return,
        }
    }
}

/// The name of this host without its domain.
fn short_host_name() -> String {
    let host = host_name();
    host.split('.').next().unwrap_or_default().to_owned()
}

/// Seconds since the epoch.
fn unix_time() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

/// The lines of one moment.
fn lines(host: &str, interval: NonZeroU32, now: u64, counts: &BTreeMap<String, u64>) -> String {
    let line = |(name, count): (&String, &u64)| {
        format!("PUTVAL {host}/fedmsg/fedmsg_wallboard-{name} interval={interval} {now}:{count}\n")
    };
    counts.iter().map(line).collect()
}

/// How many messages have come since they were last taken, by the name of their processor.
#[derive(Debug)]
struct Counts(Mutex<BTreeMap<String, u64>>);

impl Counts {
    /// None yet, for each of `processors`.
    fn new(processors: &Processors) -> Self {
        let names = processors.iter().map(|it| it.about().name.to_lowercase());
        Self(Mutex::new(names.map(|name| (name, 0)).collect()))
    }

    fn add(&self, name: &str) {
        *self.lock().entry(name.to_lowercase()).or_default() += 1;
    }

    /// Returns the counts and starts anew.
    fn take(&self) -> BTreeMap<String, u64> {
        let mut counts = self.lock();
        let taken = counts.clone();
        counts.values_mut().for_each(|count| *count = 0);
        taken
    }

    /// Counts are right at every moment, whoever panicked.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use fedmsg::Config;

    use super::*;

    #[test]
    fn each_processor_has_a_line_with_what_came_since_the_last_one() {
        let counts = Counts::new(&Processors::for_prefix("org").unwrap());
        for name in ["logger", "Logger", "unhandled"] {
            counts.add(name);
        }
        let interval = NonZeroU32::new(10).unwrap();
        let text = || lines("app01", interval, 1_795_838_314, &counts.take());
        assert_eq!(
            text(),
            "PUTVAL app01/fedmsg/fedmsg_wallboard-announce interval=10 1795838314:0\n\
             PUTVAL app01/fedmsg/fedmsg_wallboard-logger interval=10 1795838314:2\n\
             PUTVAL app01/fedmsg/fedmsg_wallboard-unhandled interval=10 1795838314:1\n"
        );
        assert!(text().lines().all(|line| line.ends_with(":0")));
    }

    #[test]
    fn the_interval_is_whole_seconds_from_one() {
        let parse = |params: &str| {
            let toml = format!("[consumers.c]\nkind = 'collectd'\n[consumers.c.params]\n{params}");
            let config = Config::from_toml(&toml).unwrap();
            config.consumers["c"].params.parse::<CollectdParams>()
        };
        assert_eq!(parse("").unwrap().interval.get(), 2);
        assert_eq!(parse("interval = 10").unwrap().interval.get(), 10);
        for wrong in ["interval = 0", "interval = -1", "interval = 0.5", "x = 1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
