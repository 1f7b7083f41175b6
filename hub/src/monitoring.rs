//! Says every five seconds how a hub is, on its monitoring socket, in the form of the original.
//!
//! [`crate::hub`] opens and runs it; what is said is in [`emission`], who hears it is `fedmsg-check` and
//! whatever else an operator has (fedmsg hub specification §1.10).

mod emission;

use std::ffi::OsStr;
use std::time::Duration;

use fedmsg::{Bus, Endpoint, LogLimit, MonitoringError, MonitoringSocket, host_name, program_name};
use fedmsg_actors::RunningHub;
use fedmsg_config::{MonitoringAddress, MonitoringAddressError};
use thiserror::Error;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::{info, warn};

use self::emission::Emissions;

/// How often it speaks, and after how long for the first time (as the original).
pub(crate) const PERIOD: Duration = Duration::from_secs(5);

/// At most one line about an emission that could not be sent in this time.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// Why a hub cannot say how it is.
///
/// # Examples
///
/// ```
/// use fedmsg_hub::{HubError, MonitoringStartError};
///
/// fn is_in_use(error: &HubError) -> bool {
///     matches!(error, HubError::Monitoring(MonitoringStartError::Bind(_)))
/// }
/// ```
#[derive(Debug, Error)]
pub enum MonitoringStartError {
    /// `moksha.monitoring.socket` makes no address for this program on this host.
    #[error("\"moksha.monitoring.socket\": {0}")]
    Address(#[from] MonitoringAddressError),
    /// The address cannot be bound: another process has it, or may not be asked whether it does.
    #[error("\"moksha.monitoring.socket\": {0}")]
    Bind(#[from] MonitoringError),
}

/// The monitoring of one hub; silent where the configuration names no socket.
pub(crate) struct Monitoring(Option<MonitoringSocket>);

impl Monitoring {
    /// Binds the socket that the configuration of `bus` names, if it names one.
    pub(crate) async fn open(bus: &Bus) -> Result<Self, MonitoringStartError> {
        let config = bus.config();
        let Some(address) = &config.monitoring_socket else {
            return Ok(Self(None));
        };
        let endpoint = endpoint(address, &process_name())?;
        let mode = config.monitoring_socket_mode;
        let socket = bus.monitoring_socket(&endpoint, mode).await?;
        info!(address = %endpoint, "monitoring socket open");
        Ok(Self(Some(socket)))
    }

    /// Speaks about `hub`, for ever.
    pub(crate) async fn run(&self, hub: &RunningHub) {
        let Some(socket) = &self.0 else {
            return std::future::pending().await;
        };
        let mut emissions = Emissions::default();
        let failures = LogLimit::new(LOG_PERIOD);
        let mut ticks = interval_at(Instant::now() + PERIOD, PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let times = hub.take_timings().await;
            let emission = emissions.next(&hub.status().await, &times);
            if let Err(error) = socket.emit(emission.as_bytes())
                && let Some(held_back) = failures.admit()
            {
                warn!(%error, held_back, "monitoring socket does not send");
            }
        }
    }
}

/// The address for the program of this name on this host.
pub(crate) fn endpoint(
    address: &MonitoringAddress,
    process: &str,
) -> Result<Endpoint, MonitoringAddressError> {
    address.of(process, &host_name())
}

/// What `{process}` stands for: the name of this program; `fedmsg-hub` also for `fedmsg hub`.
pub(crate) fn process_name() -> String {
    let program = program_name();
    let word = std::env::args_os().nth(1); // the others need not be UTF-8
    match word.as_deref().and_then(OsStr::to_str) {
        Some(word) if program == "fedmsg" && !word.starts_with('-') => format!("fedmsg-{word}"),
        _ => program,
    }
}
