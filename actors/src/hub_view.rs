//! What a plugin sees of the hub that it is a part of: its time, and its state.
//!
//! A part of each context; the supervisor makes one, and opens it once everybody has started.

use std::sync::{Arc, OnceLock};

use actix::WeakRecipient;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::status::HubStatus;
use crate::supervisor::GetStatus;

/// The hub from within. It does not keep the hub's supervisor alive.
#[derive(Clone)]
pub(crate) struct HubView {
    clock: Clock,
    supervisor: Arc<OnceLock<WeakRecipient<GetStatus>>>,
}

impl HubView {
    /// The view of a hub that has not started yet.
    pub(crate) fn new(clock: Clock) -> Self {
        let supervisor = Arc::default();
        Self { clock, supervisor }
    }

    /// The hub has started: from now on its state can be asked for.
    pub(crate) fn open(&self, supervisor: WeakRecipient<GetStatus>) {
        let _ = self.supervisor.set(supervisor);
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asks the supervisor, which never waits for a plugin before it answers: no plugin that asks can
    /// hold itself up.
    pub(crate) async fn status(&self) -> Option<HubStatus> {
        let supervisor = self.supervisor.get()?.upgrade()?;
        supervisor.send(GetStatus).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use crate::{BoxError, NoParams, Producer, ProducerContext, TestBus};

    static SEEN: Mutex<Vec<Option<usize>>> = Mutex::new(Vec::new());

    struct Curious;

    async fn look(context: &ProducerContext) {
        let status = context.hub_status().await;
        let producers = status.map(|status| status.producers.len());
        SEEN.lock().unwrap().push(producers);
    }

    impl Producer for Curious {
        const KIND: &'static str = "curious";
        type Params = NoParams;

        async fn from_params(_: NoParams, context: &ProducerContext) -> Result<Self, BoxError> {
            look(context).await;
            Ok(Self)
        }

        async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
            look(context).await;
            Ok(())
        }

        async fn stop(&mut self, context: &ProducerContext) {
            look(context).await;
        }
    }

    #[test]
    fn a_plugin_sees_the_hub_from_its_start_to_its_stop() {
        let bus = TestBus::new().producer::<Curious>("a", "every = '1h'");
        let report = bus.run(async |bus| bus.advance(Duration::from_secs(3600)).await);
        assert!(report.is_clean());
        assert_eq!(*SEEN.lock().unwrap(), [None, Some(1), Some(1)]);
    }
}
