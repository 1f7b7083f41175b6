//! A gate before what a plugin under test publishes: each message waits there once, and fails while it is shut.
//!
//! The witnesses put it into the contexts that plugins are called with. On the bus of a test publishing takes no
//! time and never fails; on a real one it may do both.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use fedmsg::PublishError;
use tokio::task::yield_now;

use crate::context::{ConsumerContext, ProducerContext};

/// Nobody is held up.
const ABSENT: u8 = 0;
/// Messages wait once, and pass.
const OPEN: u8 = 1;
/// No message passes.
const SHUT: u8 = 2;

/// A gate that is not there until it is opened.
#[derive(Default)]
pub(crate) struct Gate {
    state: AtomicU8,
    refused: AtomicU64,
}

impl Gate {
    /// Lets each message wait once before it is published.
    pub(crate) fn open(&self) {
        self.state.store(OPEN, Ordering::Relaxed);
    }

    /// Lets nothing be published, until it is opened.
    pub(crate) fn shut(&self) {
        self.state.store(SHUT, Ordering::Relaxed);
    }

    /// How many messages have not been let through.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits once, and fails when it is shut. What is dropped meanwhile has published nothing.
    pub(crate) async fn pass(&self) -> Result<(), Arc<PublishError>> {
        yield_now().await;
        match self.state.load(Ordering::Relaxed) {
            SHUT => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(Arc::new(PublishError::Closed))
            }
            _ => Ok(()),
        }
    }

    /// The context with this gate, if it is there.
    pub(crate) fn before<'a, C: Gated>(self: &Arc<Self>, context: &'a C) -> Cow<'a, C> {
        match self.state.load(Ordering::Relaxed) {
            ABSENT => Cow::Borrowed(context),
            _ => Cow::Owned(context.with(self)),
        }
    }
}

/// A context that a gate can be put into.
pub(crate) trait Gated: Clone {
    /// The same with a gate.
    fn with(&self, gate: &Arc<Gate>) -> Self;
}

impl Gated for ConsumerContext {
    fn with(&self, gate: &Arc<Gate>) -> Self {
        self.gated(gate)
    }
}

impl Gated for ProducerContext {
    fn with(&self, gate: &Arc<Gate>) -> Self {
        self.gated(gate)
    }
}
