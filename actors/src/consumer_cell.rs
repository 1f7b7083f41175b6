//! What is known of a consumer while actors come and go: its name, its mailbox, its state.
//!
//! Shared by the router, the consumer's actor and the supervisor.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use fedmsg::Delivery;
use fedmsg_config::{ConsumerConfig, Source};
use fedmsg_message::TopicPattern;
use serde::Serialize;
use tracing::error;

use crate::counters::{ConsumerCounters, add};
use crate::figures::Figures;
use crate::mailbox::Mailbox;
use crate::pulse::Pulse;
use crate::timings::Timings;

/// Where a consumer is in its life.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::ConsumerState;
///
/// let state = ConsumerState::Halted("the dog is loose".to_owned());
/// assert!(state.is_over());
/// assert_eq!(state.to_string(), "halted: the dog is loose");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "reason", rename_all = "snake_case")]
pub enum ConsumerState {
    /// It is being built.
    Starting,
    /// It takes messages.
    Running,
    /// It has panicked and is being built anew.
    Restarting,
    /// It has panicked, or failed to build, too often: it takes nothing more. With the last reason.
    GivenUp(String),
    /// It said that it cannot go on: it takes nothing more. With its reason.
    Halted(String),
    /// It has stopped with the hub.
    Stopped,
}

impl ConsumerState {
    /// Whether a consumer in this state will never take a message again.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::GivenUp(_) | Self::Halted(_) | Self::Stopped)
    }
}

impl fmt::Display for ConsumerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Running => f.write_str("running"),
            Self::Restarting => f.write_str("restarting"),
            Self::GivenUp(reason) => write!(f, "given up: {reason}"),
            Self::Halted(reason) => write!(f, "halted: {reason}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// A consumer of the configuration, as the whole hub sees it.
pub(crate) struct ConsumerCell {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) topics: Vec<TopicPattern>,
    pub(crate) source: Source,
    /// Whether it gets only messages whose signature is good.
    pub(crate) validates: bool,
    pub(crate) config: ConsumerConfig,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) counters: ConsumerCounters,
    /// What each of its workers is doing.
    pub(crate) pulses: Vec<Arc<Pulse>>,
    /// What each of its workers counts by itself.
    pub(crate) figures: Vec<Arc<Figures>>,
    /// For how long it has been stuck, in milliseconds; 0 when it is not.
    pub(crate) stuck_ms: AtomicU64,
    /// How long its newest messages took, where somebody wants to know.
    pub(crate) timings: Option<Timings>,
    state: Mutex<ConsumerState>,
}

impl ConsumerCell {
    pub(crate) fn new(
        name: &str,
        kind: &'static str,
        topics: Vec<TopicPattern>,
        source: Source,
        validates: bool,
        config: ConsumerConfig,
        timings: Option<Timings>,
    ) -> Arc<Self> {
        let pulses = (0..config.workers.max(1)).map(|_| Arc::default());
        let figures = pulses.clone().map(|_: Arc<Pulse>| Arc::default());
        Arc::new(Self {
            name: name.to_owned(),
            kind,
            topics,
            source,
            validates,
            mailbox: Mailbox::new(&config.mailbox, config.workers),
            config,
            counters: ConsumerCounters::default(),
            figures: figures.collect(),
            pulses: pulses.collect(),
            stuck_ms: AtomicU64::new(0),
            timings,
            state: Mutex::new(ConsumerState::Starting),
        })
    }

    pub(crate) fn state(&self) -> ConsumerState {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_state(&self, state: ConsumerState) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Whether it will never take a message again.
    pub(crate) fn is_over(&self) -> bool {
        self.state().is_over()
    }

    /// It will never take a message again: what waits in the mailbox is lost, counted and named.
    /// What ended it first stays visible.
    pub(crate) fn end(&self, state: ConsumerState) {
        self.set_last_state(state);
        let left = self.mailbox.abandon();
        self.lose(&left, left.len() as u64);
    }

    /// As [`ConsumerCell::end`], and counts as lost what its workers have taken, too: nobody hears
    /// of them any more.
    pub(crate) fn cut_off(&self, state: ConsumerState) {
        self.set_last_state(state);
        let left = self.mailbox.abandon();
        self.lose(&left, self.counters.unsettled());
    }

    fn set_last_state(&self, state: ConsumerState) {
        if self.is_over() {
            return;
        }
        if state != ConsumerState::Stopped {
            error!(consumer = %self.name, %state, "consumer takes no more messages");
        }
        self.set_state(state);
    }

    fn lose(&self, left: &[Delivery], lost: u64) {
        if lost == 0 {
            return;
        }
        add(&self.counters.abandoned, lost);
        let (first, last) = (left.first(), left.last());
        let topic = |delivery: &Delivery| tracing::field::display(delivery.topic().clone());
        error!(
            consumer = %self.name, lost, in_work = lost.saturating_sub(left.len() as u64),
            first = first.map(topic),
            first_msg_id = first.and_then(Delivery::msg_id),
            last = last.map(topic),
            last_msg_id = last.and_then(Delivery::msg_id),
            "messages in its mailbox are lost: this consumer has not handled them"
        );
    }
}
