//! A started hub, as those who started it hold it: ask for its state, stop it.
//!
//! The only door to the supervisor for the crates to the left; no actor type passes through it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use actix::Addr;
use fedmsg::Bus;

use crate::alive::Ending;
use crate::clock::Clock;
use crate::plan::StartError;
use crate::progress::Progress;
use crate::registry::Registry;
use crate::status::HubStatus;
use crate::supervisor::{GetStatus, Launched, Stop, StopReport, Supervisor, TakeTimings};

/// A hub that is running, on the actor system of the current thread.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
/// # struct Sink;
/// # impl Consumer for Sink {
/// #     const KIND: &'static str = "sink";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Sink) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         Ok(())
/// #     }
/// # }
/// use fedmsg::{Bus, Config};
/// use fedmsg_actors::{Registry, RunningHub, block_on};
///
/// let toml = "endpoints = { shop = 'inproc://shop', relay_outbound = [] }\nconsumers.a.kind = 'sink'";
/// let bus = Config::from_toml(toml).map(Bus::open)?;
/// let mut registry = Registry::default();
/// registry.consumer::<Sink>();
/// let report = block_on(async {
///     let hub = RunningHub::start(bus, &registry).await?;
///     assert_eq!(hub.status().await.consumers.len(), 1);
///     Ok::<_, fedmsg_actors::StartError>(hub.stop().await)
/// })??;
/// assert!(report.is_clean());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RunningHub {
    supervisor: Addr<Supervisor>,
    progress: Progress,
    /// Beats only when a part has ended.
    endings: Progress,
    /// That of the supervisor.
    ending: Ending,
}

/// How a start ended that could be called off.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, NoParams};
/// # struct Sink;
/// # impl Consumer for Sink {
/// #     const KIND: &'static str = "sink";
/// #     type Params = NoParams;
/// #     async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Sink) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         Ok(())
/// #     }
/// # }
/// use fedmsg::{Bus, Config};
/// use fedmsg_actors::{Registry, RunningHub, Started, block_on};
///
/// let toml = "endpoints = { shop = 'inproc://shop', relay_outbound = [] }\nconsumers.a.kind = 'sink'";
/// let bus = Config::from_toml(toml).map(Bus::open)?;
/// let mut registry = Registry::default();
/// registry.consumer::<Sink>();
/// let now = async { /* somebody has changed their mind */ };
/// let started = block_on(RunningHub::start_unless(bus, &registry, now))??;
/// assert!(matches!(started, Started::CalledOff(report) if report.is_clean()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub enum Started {
    /// All of it runs.
    Running(RunningHub),
    /// It was called off, and what had started has stopped.
    CalledOff(StopReport),
}

impl RunningHub {
    /// Starts everything that the configuration of `bus` enables, with the kinds of `registry`.
    /// Must be called on a thread with an actor system ([`crate::block_on`] makes one).
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration at once, or the first part that does not
    /// start; nothing runs then.
    pub async fn start(bus: Bus, registry: &Registry) -> Result<Self, StartError> {
        Self::start_with(bus, registry, Clock::system()).await
    }

    /// Starts everything as [`RunningHub::start`] does, unless `called_off` resolves before all of it has
    /// started: then what has started is stopped in order. Sockets may have been open by then; what they have
    /// received is counted as undelivered.
    ///
    /// # Errors
    ///
    /// As [`RunningHub::start`].
    pub async fn start_unless(
        bus: Bus,
        registry: &Registry,
        called_off: impl Future<Output = ()>,
    ) -> Result<Started, StartError> {
        let started = Self::launch(bus, registry, Clock::system(), called_off).await?;
        Ok(match started {
            Ok(hub) => Started::Running(hub),
            Err(((), report)) => Started::CalledOff(report),
        })
    }

    pub(crate) async fn start_with(
        bus: Bus,
        registry: &Registry,
        clock: Clock,
    ) -> Result<Self, StartError> {
        match Self::launch(bus, registry, clock, pending::<Infallible>()).await? {
            Ok(hub) => Ok(hub),
            Err((never, _)) => match never {},
        }
    }

    async fn launch<T>(
        bus: Bus,
        registry: &Registry,
        clock: Clock,
        called_off: impl Future<Output = T>,
    ) -> Result<Result<Self, (T, StopReport)>, StartError> {
        let (progress, endings) = <(Progress, Progress)>::default();
        let pulses = (progress.clone(), endings.clone());
        let launched = Supervisor::launch(bus, registry, clock, pulses, called_off).await?;
        Ok(match launched {
            Launched::Running(supervisor, ending) => Ok(Self {
                supervisor,
                progress,
                endings,
                ending,
            }),
            Launched::CalledOff(by, report) => Err((by, report)),
        })
    }

    /// The state of everything; empty once the hub has stopped.
    pub async fn status(&self) -> HubStatus {
        self.supervisor.send(GetStatus).await.unwrap_or_default()
    }

    /// The times that each consumer, by name, took over its newest messages since this was last asked: in
    /// seconds, at most 1024, oldest first. What was handed over together shares its time evenly. Empty
    /// unless the hub has a monitoring socket.
    pub async fn take_timings(&self) -> BTreeMap<String, Vec<f64>> {
        self.supervisor.send(TakeTimings).await.unwrap_or_default()
    }

    /// Waits until `done` is satisfied with the state of the hub; looks whenever something has moved.
    pub async fn until(&self, done: impl FnMut(&HubStatus) -> bool) -> HubStatus {
        self.look(&self.progress, done).await
    }

    /// Waits until it can do nothing more: every consumer has given up or halted and there is no
    /// producer, a source of messages has ended by itself, or the supervisor has died, of which the status is
    /// empty.
    pub async fn until_idle(&self) -> HubStatus {
        tokio::select! {
            status = self.look(&self.endings, HubStatus::is_idle) => status,
            () = self.ending.clone().wait() => HubStatus::default(),
        }
    }

    /// Looks at the state of the hub at every beat of `pulse` until `done` is satisfied with it.
    async fn look(&self, pulse: &Progress, mut done: impl FnMut(&HubStatus) -> bool) -> HubStatus {
        loop {
            let beaten = pulse.beaten();
            tokio::pin!(beaten);
            beaten.as_mut().enable(); // before looking, so that nothing is missed
            let status = self.status().await;
            if done(&status) {
                return status;
            }
            beaten.await;
        }
    }

    /// Stops it: intake first, then mailboxes run empty up to `stop_timeout`, then producers, then
    /// the publisher.
    pub async fn stop(self) -> StopReport {
        self.end().await
    }

    /// As [`RunningHub::stop`], for those who still have to answer for it.
    pub(crate) async fn end(&self) -> StopReport {
        let report = self.supervisor.send(Stop).await;
        report.unwrap_or_else(|_| StopReport {
            unfinished: vec!["the supervisor, which has died".to_owned()],
            ..StopReport::default()
        })
    }
}

/// Runs `future` on a new actor system, on this thread, and returns what it gives. Work that still blocks another
/// thread then, such as the look-up of a name that nobody answers, is not waited for.
///
/// # Errors
///
/// The system gave no event loop.
///
/// # Examples
///
/// ```
/// assert_eq!(fedmsg_actors::block_on(async { 6 * 7 })?, 42);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn block_on<F: Future>(future: F) -> std::io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let runtime = Arc::new(runtime);
    let system = actix_rt::System::with_tokio_rt(|| Arc::clone(&runtime));
    let output = system.block_on(future);
    drop(system);
    if let Some(runtime) = Arc::into_inner(runtime) {
        runtime.shutdown_background();
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use actix::{Context, Handler, Message};
    use fedmsg::Config;

    use super::*;
    use crate::consumer::{BoxError, ConsumeError, Consumer};
    use crate::context::{ConsumerContext, NoParams};

    struct Sink;

    impl Consumer for Sink {
        const KIND: &'static str = "sink";
        type Params = NoParams;

        async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
            Ok(Self)
        }

        async fn consume(
            &mut self,
            _: fedmsg::Delivery,
            _: &ConsumerContext,
        ) -> Result<(), ConsumeError> {
            Ok(())
        }
    }

    struct Crash;

    impl Message for Crash {
        type Result = ();
    }

    impl Handler<Crash> for Supervisor {
        type Result = ();

        fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
            panic!("a mistake of ours");
        }
    }

    #[test]
    fn what_blocks_a_thread_at_the_end_is_not_waited_for() {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let ended = block_on(async {
            tokio::task::spawn_blocking(move || {
                let _ = begin.send(());
                // Else this test would fail after a minute, and not wait for ever.
                let _ = released.recv_timeout(std::time::Duration::from_secs(60));
            });
            begun.await
        });
        ended.unwrap().unwrap();
        release.send(()).expect("it still waits");
    }

    #[test]
    fn a_hub_whose_supervisor_has_died_is_over_and_its_end_is_not_clean() {
        let toml = "endpoints = { shop = 'inproc://shop', relay_outbound = [] }\n\
                    consumers.a.kind = 'sink'";
        let bus = Config::from_toml(toml).map(Bus::open).unwrap();
        let mut registry = Registry::default();
        registry.consumer::<Sink>();
        let report = block_on(async {
            let hub = RunningHub::start(bus, &registry).await.unwrap();
            assert!(hub.supervisor.send(Crash).await.is_err());
            assert_eq!(hub.until_idle().await.read_ms, 0);
            hub.stop().await
        });
        let report = report.unwrap();
        assert!(!report.is_clean());
        assert_eq!(report.status.read_ms, 0);
    }
}
