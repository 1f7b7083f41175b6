//! Everything that happened to a hub under test.
//!
//! Made by [`TestBus::run`](super::TestBus::run) when the hub has stopped.

use fedmsg::Delivery;

use crate::consumer::ConsumeError;
use crate::status::HubStatus;

/// Everything that happened to a hub under test, from its start to its stop.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
/// use fedmsg_actors::{CallOutcome, TestBus, TestReport};
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
/// let report: TestReport = TestBus::new().consumer::<Echo>("echo", "").run(async |bus| {
///     bus.publish("com.example.test.call", "hello").await;
///     bus.settle().await;
/// });
/// assert!(report.is_clean());
/// assert_eq!(report.calls[0].outcome, CallOutcome::Consumed);
/// assert_eq!(report.published[0].topic().as_str(), "com.example.dev.echo.echo");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TestReport {
    /// The state of everything at the end.
    pub status: HubStatus,
    /// Consumers and producers that were not done within `stop_timeout`, by name.
    pub unfinished: Vec<String>,
    /// The calls of `consume`, in the order in which they began: the first 10 000.
    pub calls: Vec<Call>,
    /// How many more there were.
    pub more_calls: u64,
    /// What the hub has published, in order, with topics: the first 10 000, without those before the
    /// newest that the test has taken when there were more.
    pub published: Vec<Delivery>,
    /// How many more there were.
    pub more_published: u64,
    /// The seeds of the faults that were played, in order.
    pub seeds: Vec<u64>,
}

impl TestReport {
    /// Whether every message that reached the hub was handled by all who wanted it.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unfinished.is_empty() && self.status.lost() == 0
    }
}

/// One call of a consumer: one attempt at one message.
///
/// # Examples
///
/// See [`TestReport`]:
///
/// ```
/// use fedmsg_actors::{Call, CallOutcome};
///
/// fn is_good(call: &Call) -> bool {
///     call.outcome == CallOutcome::Consumed
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Call {
    /// The name of the consumer in the configuration.
    pub consumer: String,
    /// What it was called with.
    pub delivery: Delivery,
    /// What came of it.
    pub outcome: CallOutcome,
}

/// What came of a call.
///
/// # Examples
///
/// ```
/// use fedmsg_actors::CallOutcome;
///
/// assert_eq!(CallOutcome::Retry("no connection".to_owned()).to_string(), "retry: no connection");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// It had not ended when the report was made.
    Unfinished,
    /// It was in a batch that failed before its turn.
    NotReached,
    /// It succeeded.
    Consumed,
    /// It succeeded, and then the test let the consumer crash before the hub knew.
    Crashed,
    /// It answered [`Retry`](crate::ConsumeError::Retry), at once or after a pause, with this reason.
    Retry(String),
    /// It answered [`Drop`](crate::ConsumeError::Drop), with this reason.
    Dropped(String),
    /// It answered [`Halt`](crate::ConsumeError::Halt), with this reason.
    Halted(String),
    /// It panicked, with this text.
    Panicked(String),
}

impl CallOutcome {
    pub(super) fn of(error: &ConsumeError) -> Self {
        let reason = error.to_string();
        match error {
            ConsumeError::Retry(_)
            | ConsumeError::RetryAfter(..)
            | ConsumeError::RetryNoSooner(..) => Self::Retry(reason),
            ConsumeError::Drop(_) => Self::Dropped(reason),
            ConsumeError::Halt(_) => Self::Halted(reason),
        }
    }
}

impl std::fmt::Display for CallOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unfinished => f.write_str("not finished"),
            Self::NotReached => f.write_str("not reached"),
            Self::Consumed => f.write_str("consumed"),
            Self::Crashed => f.write_str("crashed by the test"),
            Self::Retry(reason) => write!(f, "retry: {reason}"),
            Self::Dropped(reason) => write!(f, "dropped: {reason}"),
            Self::Halted(reason) => write!(f, "halted: {reason}"),
            Self::Panicked(text) => write!(f, "panicked: {text}"),
        }
    }
}
