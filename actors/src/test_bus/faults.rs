//! What may happen to messages on their way, at will: lost, twice, out of order, late, or a crash.
//!
//! A pure plan: from messages and a seed to steps, the same ones each time.
//! [`TestHub::send_with`](super::TestHub::send_with) takes the steps.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use fedmsg::Delivery;

/// The variable that gives [`Faults::new`] its seed.
const SEED: &str = "FEDMSG_TEST_SEED";

/// What happens to messages on their way to a hub under test.
///
/// A share is between 0 (never, the default) and 1 (each message); which messages it hits is drawn by a
/// generator that starts with a seed, so that the same seed gives the same faults. A test that fails
/// names the seeds of its faults.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
/// use fedmsg_actors::{DeliveryBuilder, Faults, Order, TestBus};
/// # struct Sink;
/// # impl Consumer for Sink {
/// #     const KIND: &'static str = "sink";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Sink) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         Ok(())
/// #     }
/// # }
///
/// let faults = Faults::seeded(7).drop(0.2).duplicate(0.2).crash(0.2).reorder(Order::AcrossPublishers);
/// let bus = TestBus::new().publisher("a").publisher("b").impatient();
/// let report = bus.consumer::<Sink>("sink", "").run(async |bus| {
///     let messages = (0..20).map(|n| {
///         DeliveryBuilder::new("com.example.test.n", n).from_publisher(["a", "b"][n % 2])
///     });
///     bus.send_with(&faults, messages).await;
///     bus.settle().await;
/// });
/// assert_eq!(report.seeds, [7]);
/// ```
#[derive(Debug, Clone)]
pub struct Faults {
    seed: u64,
    drop: f64,
    duplicate: f64,
    delay: (f64, Duration),
    crash: f64,
    order: Order,
    stop_after: Option<usize>,
}

/// In which order messages arrive.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::{Faults, Order};
///
/// let faults = Faults::seeded(1).reorder(Order::AcrossPublishers);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As they were given.
    #[default]
    AsSent,
    /// Those of each publisher as they were given, mixed with those of others at random: what a bus may
    /// do at any time.
    AcrossPublishers,
    /// At random, those of one publisher too: what happens when a publisher restarts or has two ways to
    /// the hub.
    Any,
}

/// What is done to a hub under test, one after the other.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// This message is sent.
    Send(Delivery),
    /// Whoever handles this message next crashes before the hub knows.
    Crash(Delivery),
    /// So much time passes.
    Pass(Duration),
    /// The hub is stopped.
    Stop,
}

impl Faults {
    /// No faults yet, and a seed from the variable `FEDMSG_TEST_SEED`, or else a new one each time.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "two of them are not the same")]
    pub fn new() -> Self {
        let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        Self::seeded(given.unwrap_or_else(|| fastrand::u64(..)))
    }

    /// No faults yet, and this seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            drop: 0.0,
            duplicate: 0.0,
            delay: (0.0, Duration::ZERO),
            crash: 0.0,
            order: Order::AsSent,
            stop_after: None,
        }
    }

    /// This share of messages never arrives.
    #[must_use]
    pub fn drop(mut self, share: f64) -> Self {
        self.drop = share;
        self
    }

    /// This share of messages arrives twice, one right after the other.
    #[must_use]
    pub fn duplicate(mut self, share: f64) -> Self {
        self.duplicate = share;
        self
    }

    /// Messages arrive in another order.
    #[must_use]
    pub fn reorder(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// This share of messages, and all behind them, is late by so much: the test's clock moves on, and
    /// what falls due ticks, before they arrive.
    #[must_use]
    pub fn delay(mut self, share: f64, by: Duration) -> Self {
        self.delay = (share, by);
        self
    }

    /// With this share of messages, the consumer that has handled one crashes before the hub knows: it is
    /// built anew and gets the message again. Counts as an attempt, a panic and a restart;
    /// [`TestBus::impatient`](crate::TestBus::impatient) spares the pauses before those.
    #[must_use]
    pub fn crash(mut self, share: f64) -> Self {
        self.crash = share;
        self
    }

    /// The hub is stopped, in order, after so many messages have arrived; the rest is not sent.
    #[must_use]
    pub fn stop_after(mut self, messages: usize) -> Self {
        self.stop_after = Some(messages);
        self
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The steps for these messages.
    pub(crate) fn plan(&self, messages: Vec<Delivery>) -> Vec<Step> {
        let mut rng = Rng::with_seed(self.seed);
        let mut hits = |share: f64| share > 0.0 && rng.f64() < share;
        let mut mark = |delivery| {
            let is_lost = hits(self.drop);
            let marked = (
                delivery,
                hits(self.duplicate),
                hits(self.crash),
                hits(self.delay.0),
            );
            (!is_lost).then_some(marked)
        };
        let mut messages: Vec<_> = messages.into_iter().filter_map(&mut mark).collect();
        match self.order {
            Order::AsSent => {}
            Order::AcrossPublishers => messages = interleave(messages, &mut rng),
            Order::Any => rng.shuffle(&mut messages),
        }
        let mut steps = Vec::new();
        let mut sent = 0;
        for (delivery, is_twice, crashes, is_late) in messages {
            if is_late {
                steps.push(Step::Pass(self.delay.1));
            }
            if crashes {
                steps.push(Step::Crash(delivery.clone()));
            }
            for _ in 0..1 + usize::from(is_twice) {
                if self.stop_after == Some(sent) {
                    steps.push(Step::Stop);
                    return steps;
                }
                steps.push(Step::Send(delivery.clone()));
                sent += 1;
            }
        }
        if self.stop_after.is_some() {
            steps.push(Step::Stop);
        }
        steps
    }
}

type Marked = (Delivery, bool, bool, bool);

/// Mixes the messages of all publishers; each way to do so is as likely as any other.
fn interleave(messages: Vec<Marked>, rng: &mut Rng) -> Vec<Marked> {
    let mut turns: Vec<String> = messages.iter().map(|(it, ..)| publisher(it)).collect();
    rng.shuffle(&mut turns);
    let mut queues: BTreeMap<String, Vec<Marked>> = BTreeMap::new();
    for message in messages.into_iter().rev() {
        queues
            .entry(publisher(&message.0))
            .or_default()
            .push(message);
    }
    let next = |publisher: String| queues.get_mut(&publisher)?.pop();
    turns.into_iter().filter_map(next).collect()
}

fn publisher(delivery: &Delivery) -> String {
    delivery.endpoint().as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_bus::DeliveryBuilder;

    fn messages() -> Vec<Delivery> {
        let message = |n: usize| {
            let builder = DeliveryBuilder::new("com.example.test.n", n);
            builder.from_publisher(["a", "b", "c"][n % 3]).build()
        };
        (0..300).map(message).collect()
    }

    fn sent(steps: &[Step]) -> Vec<(String, i64)> {
        let number = |it: &Delivery| (publisher(it), it.msg().as_i64().unwrap());
        let sent = steps.iter().filter_map(|step| match step {
            Step::Send(delivery) => Some(number(delivery)),
            _ => None,
        });
        sent.collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_steps_and_another_gives_others() {
        let steps = |seed| {
            let faults = Faults::seeded(seed).drop(0.3).duplicate(0.3).crash(0.3);
            let faults = faults
                .delay(0.1, Duration::from_secs(1))
                .reorder(Order::Any);
            format!("{:?}", faults.plan(messages()))
        };
        assert_eq!(steps(1), steps(1));
        assert_ne!(steps(1), steps(2));
    }

    #[test]
    fn without_faults_everything_arrives_once_and_in_order() {
        let numbers = sent(&Faults::seeded(3).plan(messages()));
        assert!(numbers.iter().map(|it| it.1).eq(0..300));
    }

    #[test]
    fn a_mixture_keeps_the_order_of_each_publisher_and_loses_nothing() {
        for seed in 0..20 {
            let mixed = sent(
                &Faults::seeded(seed)
                    .reorder(Order::AcrossPublishers)
                    .plan(messages()),
            );
            assert!(!mixed.is_sorted_by_key(|it| it.1), "seed {seed}");
            for publisher in ["a", "b", "c"] {
                let own: Vec<_> = mixed.iter().filter(|it| it.0 == publisher).collect();
                assert_eq!(own.len(), 100);
                assert!(own.is_sorted_by_key(|it| it.1), "seed {seed}");
            }
        }
    }

    #[test]
    fn shares_are_kept_and_a_stop_is_the_last_step() {
        let all = Faults::seeded(1).duplicate(1.0).crash(1.0);
        assert_eq!(sent(&all.plan(messages())).len(), 600);
        let crashes = all.plan(messages());
        let crashes = crashes.iter().filter(|step| matches!(step, Step::Crash(_)));
        assert_eq!(crashes.count(), 300);
        assert!(sent(&Faults::seeded(1).drop(1.0).plan(messages())).is_empty());
        for at in [0, 7, 300, 301] {
            let steps = Faults::seeded(1).stop_after(at).plan(messages());
            assert!(matches!(steps.last(), Some(Step::Stop)), "{at}");
            assert_eq!(sent(&steps).len(), at.min(300));
        }
    }
}
