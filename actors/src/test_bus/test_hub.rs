//! A running hub as its test sees it: send to it, see what it publishes, move its clock, stop it.
//!
//! [`TestBus::run`](super::TestBus::run) lends it to the test.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fedmsg::json::Value;
use fedmsg::{Audience, Bus, Config, Delivery, EndpointName, Envelope, Publisher, Topic};
use fedmsg_config::Source;
use fedmsg_message::Stamp;
use jiff::Timestamp;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::delivery_builder::TEST;
use super::published::Published;
use super::witness::Witness;
use super::{Faults, Recording, Step, TestReport};
use crate::clock::{Clock, VirtualClock};
use crate::plan::StartError;
use crate::registry::Registry;
use crate::running::RunningHub;
use crate::status::HubStatus;
use crate::supervisor::StopReport;

/// Whatever a test waits for comes within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the hub has published arrives within this time after its stop, or never.
const LAST_ARRIVALS: Duration = Duration::from_secs(5);

/// A running hub as its test sees it: send to it, see what it publishes, move its clock, stop it.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
/// use fedmsg_actors::{TestBus, TestHub};
/// # struct Echo;
/// # impl Consumer for Echo {
/// #     const KIND: &'static str = "echo";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Echo) }
/// #     async fn consume(&mut self, it: Delivery, cx: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         cx.publish("echo", it.msg().clone()).await?;
/// #         Ok(())
/// #     }
/// # }
///
/// async fn test(bus: &TestHub) {
///     bus.publish("com.example.test.call", "hello").await;
///     let status = bus.settle().await;
///     assert_eq!(status.consumer("echo").unwrap().consumed, 1);
///     assert_eq!(bus.next_published().await.msg().as_str(), Some("hello"));
///     assert!(bus.stop().await.is_clean()); // tests may go on without it
/// }
/// TestBus::new().consumer::<Echo>("echo", "").run(test);
/// ```
pub struct TestHub {
    hub: RunningHub,
    stopped: OnceCell<StopReport>,
    bus: Bus,
    publishers: BTreeMap<EndpointName, Publisher>,
    /// Whose message was sent last.
    last: Mutex<Option<EndpointName>>,
    published: Arc<Published>,
    clock: VirtualClock,
    pub(crate) witness: Arc<Witness>,
    seeds: Mutex<Vec<u64>>,
    sent: AtomicU64,
    number: AtomicU64,
}

impl TestHub {
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub(super) async fn start(
        registry: &Registry,
        config: Config,
        publishers: &[EndpointName],
        start: Timestamp,
        witness: Arc<Witness>,
    ) -> Result<Self, StartError> {
        let bus = Bus::open(config);
        let mut open = BTreeMap::new();
        for name in publishers {
            let publisher = bus.publisher_named(name).await;
            let publisher = publisher.unwrap_or_else(|error| panic!("publisher {name}: {error}"));
            open.insert(name.clone(), publisher);
        }
        let name = EndpointName::from("published");
        let published = bus.listen(&name, &bus.config().relay_inbound, []).await;
        let (published, _) = published.unwrap_or_else(|error| panic!("{error}"));
        let clock = VirtualClock::new(start);
        let hub =
            RunningHub::start_with(bus.clone(), registry, Clock::Virtual(clock.clone())).await?;
        let (stopped, last, seeds, sent, number) = Default::default();
        Ok(Self {
            hub,
            stopped,
            bus,
            publishers: open,
            last,
            published: Published::collect(published),
            clock,
            witness,
            seeds,
            sent,
            number,
        })
    }

    /// Publishes `msg` under the full topic `topic`, as the publisher `test`, once the hub listens.
    ///
    /// # Panics
    ///
    /// When the topic is none, or no consumer of the hub listens to it.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn publish(&self, topic: &str, msg: impl Into<Value>) {
        let topic: Topic = topic
            .parse()
            .unwrap_or_else(|error| panic!("{topic}: {error}"));
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let stamp = Stamp {
            msg_id: format!("2026-{number}"),
            timestamp: self.clock_now().as_second(),
            i: number,
            username: TEST.to_owned(),
        };
        let envelope = Envelope::stamp(topic.clone(), msg.into(), &stamp)
            .unwrap_or_else(|error| panic!("{topic}: {error}"));
        self.forward(&envelope).await;
    }

    /// Publishes `envelope` as it is, as the publisher `test`, once the hub listens.
    ///
    /// # Panics
    ///
    /// When no consumer of the hub listens to its topic.
    pub async fn forward(&self, envelope: &Envelope) {
        let delivery = Delivery::new(envelope.clone(), EndpointName::from(TEST));
        self.send([delivery]).await;
    }

    /// Sends messages, each from its publisher, byte for byte. They arrive in this order, those of several
    /// publishers too: before the publisher changes, what has been sent is waited for.
    ///
    /// # Panics
    ///
    /// When no consumer of the hub listens to a topic, or a publisher is not on this bus.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn send(&self, messages: impl IntoIterator<Item = impl Into<Delivery>>) {
        for message in messages {
            let delivery = message.into();
            if !self.try_send(&delivery, PATIENCE).await {
                panic!(
                    "what was sent has not arrived for {PATIENCE:?}: {:#?}",
                    self.status().await
                );
            }
        }
    }

    /// As [`TestHub::send`]; returns whether all that had to be waited for has come in time.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub(crate) async fn try_send(&self, delivery: &Delivery, patience: Duration) -> bool {
        let (topic, endpoint) = (delivery.topic(), delivery.endpoint());
        let Some(publisher) = self.publishers.get(endpoint) else {
            panic!(
                "no publisher {endpoint} on this bus: add it with TestBus::publisher(\"{endpoint}\")"
            );
        };
        let last = self.last(Some(endpoint.clone()));
        if last.is_some_and(|last| last != *endpoint) && !self.arrived_within(patience).await {
            return false;
        }
        if publisher.wait_for_subscriber(topic, patience).await == Audience::Nobody {
            panic!("no consumer listens to {topic}");
        }
        if let Err(error) = publisher.forward(topic, delivery.envelope().bytes()) {
            panic!("{topic}: {error}");
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Waits until what has been sent is in the mailboxes; returns whether that came in time.
    pub(crate) async fn arrived_within(&self, patience: Duration) -> bool {
        let sent = self.sent.load(Ordering::Relaxed);
        let all_arrived = |status: &HubStatus| status.routed(Source::Endpoints) >= sent;
        self.until_within(patience, all_arrived).await.is_some()
    }

    fn last(&self, now: Option<EndpointName>) -> Option<EndpointName> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *last, now)
    }

    /// Sends messages as [`TestHub::send`] does, and lets faults happen to them.
    ///
    /// # Panics
    ///
    /// As [`TestHub::send`] and [`TestHub::advance`].
    pub async fn send_with(
        &self,
        faults: &Faults,
        messages: impl IntoIterator<Item = impl Into<Delivery>>,
    ) {
        let seeds = self.seeds.lock();
        seeds
            .unwrap_or_else(PoisonError::into_inner)
            .push(faults.seed());
        let messages = messages.into_iter().map(Into::into).collect();
        for step in faults.plan(messages) {
            match step {
                Step::Send(delivery) => self.send([delivery]).await,
                Step::Crash(delivery) => self.witness.crash_after(delivery),
                Step::Pass(time) => self.advance(time).await,
                Step::Stop => {
                    // What has been sent is to be in the mailboxes, however busy the machine is.
                    let _ = self.arrived_within(PATIENCE).await;
                    self.stop().await;
                }
            }
        }
    }

    /// Plays a recording that `fedmsg-tail --json` has made, byte for byte, as the publisher `test`.
    ///
    /// # Panics
    ///
    /// When the file cannot be read or has bad lines, all of which are named, and as [`TestHub::send`].
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn play(&self, path: impl AsRef<Path>) {
        let recording = Recording::open(path);
        let recording = recording.unwrap_or_else(|error| panic!("{error}"));
        self.send(recording).await;
    }

    /// The next message that the hub publishes.
    ///
    /// # Panics
    ///
    /// When none comes within 30 s.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn next_published(&self) -> Delivery {
        match timeout(PATIENCE, self.published.next()).await {
            Ok(delivery) => delivery,
            Err(_) => panic!("the hub has published nothing for {PATIENCE:?}"),
        }
    }

    /// All that the hub has published so far, in order, those taken by [`TestHub::next_published`] too: the
    /// first 10 000, or when those have been taken, newer ones.
    pub async fn published(&self) -> Vec<Delivery> {
        self.catch_up(&self.status().await).await;
        self.published.all().0
    }

    /// Waits until everything published has been consumed, dropped or refused by every consumer.
    ///
    /// # Panics
    ///
    /// When that takes more than 30 s.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn settle(&self) -> HubStatus {
        match self.settled_within(PATIENCE).await {
            Some(status) => status,
            None => panic!("not within {PATIENCE:?}: {:#?}", self.status().await),
        }
    }

    /// As [`TestHub::settle`]; `None` when it takes longer.
    pub(crate) async fn settled_within(&self, patience: Duration) -> Option<HubStatus> {
        let sent = self.sent.load(Ordering::Relaxed);
        let is_settled = |status: &HubStatus| {
            let mut consumers = status.consumers.iter();
            status.routed(Source::Endpoints) >= sent && consumers.all(|it| it.backlog == 0)
        };
        match self.stopped.get() {
            Some(stopped) => Some(stopped.status.clone()),
            None => self.until_within(patience, is_settled).await,
        }
    }

    /// As [`TestHub::until`]; `None` when it takes longer.
    pub(crate) async fn until_within(
        &self,
        patience: Duration,
        done: impl FnMut(&HubStatus) -> bool,
    ) -> Option<HubStatus> {
        timeout(patience, self.hub.until(done)).await.ok()
    }

    /// Waits until the state of the hub is as wanted, and returns it.
    ///
    /// # Panics
    ///
    /// When that takes more than 30 s, or the hub has stopped in another state.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn until(&self, mut done: impl FnMut(&HubStatus) -> bool) -> HubStatus {
        if let Some(stopped) = self.stopped.get() {
            assert!(
                done(&stopped.status),
                "the hub has stopped: {:#?}",
                stopped.status
            );
            return stopped.status.clone();
        }
        match self.until_within(PATIENCE, done).await {
            Some(status) => status,
            None => panic!("not within {PATIENCE:?}: {:#?}", self.status().await),
        }
    }

    /// Moves the clock that schedules go by; every tick that falls due is run, in order, before the
    /// next moment comes. Pauses before retries and restarts go by another clock: see
    /// [`TestBus::impatient`](crate::TestBus::impatient).
    ///
    /// # Panics
    ///
    /// When a tick does not end within 30 s.
    #[expect(clippy::panic, reason = "a test kit reports by panicking")]
    pub async fn advance(&self, step: Duration) {
        if !self.try_advance(step, PATIENCE).await {
            panic!("a tick has not ended for {PATIENCE:?}");
        }
    }

    /// As [`TestHub::advance`]; returns whether all ticks have ended in time.
    pub(crate) async fn try_advance(&self, step: Duration, patience: Duration) -> bool {
        let producers = match self.stopped.get() {
            Some(_) => 0,
            None => self.status().await.producers.len(),
        };
        let advanced = timeout(patience, self.clock.advance(step, producers));
        advanced.await.is_ok()
    }

    /// The time of day by which schedules go; starts at 2026-01-01T00:00:00Z unless
    /// [`TestBus::starts_at`](crate::TestBus::starts_at) says otherwise.
    #[must_use]
    pub fn clock_now(&self) -> Timestamp {
        Clock::Virtual(self.clock.clone()).now()
    }

    /// The bus that the hub is on, for a test that opens publishers or subscribers of its own.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    #[cfg(test)]
    pub(crate) async fn take_timings(&self) -> BTreeMap<String, Vec<f64>> {
        self.hub.take_timings().await
    }

    /// The state of the hub; its last one, once it has stopped.
    pub async fn status(&self) -> HubStatus {
        match self.stopped.get() {
            Some(stopped) => stopped.status.clone(),
            None => self.hub.status().await,
        }
    }

    /// Stops the hub now, in order: it takes what has arrived and works off what it has. Later calls
    /// return the same report.
    pub async fn stop(&self) -> &StopReport {
        self.stopped.get_or_init(|| self.hub.end()).await
    }

    /// The seeds of the faults played so far.
    pub(super) fn seeds(&self) -> Vec<u64> {
        let seeds = self.seeds.lock();
        seeds.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps nothing of what comes, so that what is measured is the memory of others.
    pub(crate) fn forget(&self) {
        self.witness.forget();
        self.published.forget();
    }

    /// Stops the hub and tells all that has happened.
    pub(super) async fn finish(&self) -> TestReport {
        let StopReport { status, unfinished } = self.stop().await.clone();
        self.catch_up(&status).await;
        let (calls, more_calls) = self.witness.calls();
        let (published, more_published) = self.published.all();
        TestReport {
            status,
            unfinished,
            calls,
            more_calls,
            published,
            more_published,
            seeds: self.seeds(),
        }
    }

    /// Waits until what the hub had published has arrived here, if it arrives at all.
    async fn catch_up(&self, status: &HubStatus) {
        let sent = status
            .publisher
            .map_or(0, |it| it.messages.saturating_sub(it.unheard));
        let _ = timeout(LAST_ARRIVALS, self.published.until_seen(sent)).await;
    }
}
