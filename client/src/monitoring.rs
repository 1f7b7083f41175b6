//! The monitoring socket: where a program says now and then how it is, and anybody may listen.
//!
//! A hub binds a [`MonitoringSocket`] and `fedmsg-check` waits for an [`emission`](crate::Bus::emission);
//! what is said is theirs. Each message has one frame (fedmsg hub specification §1.10).

use bytes::Bytes;
use fedmsg_config::{Config, Endpoint, EndpointName, FileMode, SocketOptions};
use thiserror::Error;

use crate::forwarder::Forwarder;
use crate::publisher::PublishError;
use crate::resolver::{ResolveError, resolve, resolve_bind};
use crate::socket::{Frames, SocketContext, SocketError, SubSocket};

/// What the log calls it.
const MONITORING: &str = "monitoring";

/// Emissions that wait for a reader that does not keep up; it misses those beyond. They are worth
/// nothing when they are old.
const QUEUED: u32 = 4;

/// Why there is no monitoring socket, or nothing came from one.
#[derive(Debug, Error)]
pub enum MonitoringError {
    /// It cannot be bound or connected, and another process may have it; or its file does not take the mode
    /// of `moksha.monitoring.socket.mode`.
    #[error("monitoring socket: {0}")]
    Socket(#[from] SocketError),
    /// Its host has no address.
    #[error("monitoring socket: {0}")]
    Resolve(#[from] ResolveError),
    /// What came is not from a monitoring socket.
    #[error("{address} sends messages of {frames} frames; a monitoring socket sends one")]
    Frames {
        /// The address.
        address: Endpoint,
        /// How many there were.
        frames: usize,
    },
}

/// A bound monitoring socket; made by [`crate::Bus::monitoring_socket`]. The file of an `ipc://` address
/// goes with it.
///
/// # Examples
///
/// ```
/// use fedmsg::{Bus, Config};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Bus::open(Config::default());
/// let socket = bus.monitoring_socket(&"tcp://127.0.0.1:0".parse()?, None).await?;
/// socket.emit(br#"{"consumers": [], "producers": []}"#)?; // nobody listens, which is no error
/// # Ok(())
/// # }
/// ```
pub struct MonitoringSocket(Forwarder);

impl MonitoringSocket {
    pub(crate) async fn bind(
        config: &Config,
        endpoint: &Endpoint,
        mode: Option<FileMode>,
    ) -> Result<Self, MonitoringError> {
        // `bind_host` may open the addresses of the bus to everybody; this one says where it is.
        let address = resolve_bind(endpoint, None).await?;
        let name = EndpointName::from(MONITORING);
        let bound = Forwarder::bind_address(config, &name, &address, QUEUED, mode).await;
        let forwarder = bound.map_err(|error| SocketError::not_bound(endpoint, &error))?;
        Ok(Self(forwarder))
    }

    /// Says `emission` to all who listen now. Never waits.
    ///
    /// # Errors
    ///
    /// It is larger than `zmq_max_message_size`.
    pub fn emit(&self, emission: &[u8]) -> Result<(), PublishError> {
        self.0.emit(emission)
    }
}

/// Waits for the next emission of the monitoring socket at `endpoint`, for as long as it takes. One that
/// is larger than `zmq_max_message_size` never arrives.
pub(crate) async fn emission(
    context: &SocketContext,
    options: &SocketOptions,
    endpoint: &Endpoint,
) -> Result<Bytes, MonitoringError> {
    let address = resolve(endpoint).await?;
    let mut socket = SubSocket::connect(context, options, &address, &[Bytes::new()])?;
    let mut received = None;
    while received.is_none() {
        std::future::poll_fn(|context| {
            socket.poll_drain(context, |frames| {
                received.get_or_insert_with(|| match frames {
                    Frames::Odd(only, 1) => Ok(Bytes::copy_from_slice(only)),
                    Frames::Odd(_, frames) => Err(frames),
                    Frames::Pair(..) => Err(2),
                });
            })
        })
        .await?;
    }
    match received {
        Some(Err(frames)) => Err(MonitoringError::Frames {
            address: endpoint.clone(),
            frames,
        }),
        Some(Ok(emission)) => Ok(emission),
        None => Ok(Bytes::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::Bus;

    fn at(path: &Path) -> Endpoint {
        format!("ipc://{}", path.display()).parse().unwrap()
    }

    #[tokio::test]
    async fn what_is_said_is_heard_as_one_frame() {
        let directory = TempDir::new().unwrap();
        let address = at(&directory.path().join("m"));
        let bus = Bus::open(Config::default());
        let socket = bus.monitoring_socket(&address, None).await.unwrap();
        let hear = bus.emission(&address);
        let say = async {
            loop {
                socket.emit(b"well").unwrap();
                sleep(Duration::from_millis(10)).await; // until somebody has subscribed
            }
        };
        let heard = tokio::select! {
            heard = timeout(Duration::from_secs(30), hear) => heard.unwrap(),
            () = say => unreachable!(),
        };
        assert_eq!(heard.unwrap(), "well");
    }

    #[tokio::test]
    async fn what_is_no_emission_is_refused() {
        let toml = "endpoints.a = 'tcp://127.0.0.1:0'\npost_init_sleep = 0";
        let bus = Bus::open(Config::from_toml(toml).unwrap());
        let publisher = bus.publisher_named(&"a".into()).await.unwrap();
        let address = publisher.addresses()[0].clone();
        let speak = async {
            let topic = "org.t".parse().unwrap();
            publisher
                .wait_for_subscriber(&topic, Duration::from_secs(30))
                .await;
            publisher.forward(&topic, &Bytes::from("{}")).unwrap();
        };
        let (heard, ()) = tokio::join!(bus.emission(&address), speak);
        let error = heard.unwrap_err();
        assert!(matches!(error, MonitoringError::Frames { frames: 2, .. }));
    }

    #[tokio::test]
    async fn a_file_gets_its_mode_and_goes_with_its_socket() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("m");
        let bus = Bus::open(Config::default());
        let mode = Some("640".parse().unwrap());
        let socket = bus.monitoring_socket(&at(&path), mode).await.unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
        drop(socket);
        bus.close().await;
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_path_is_taken_over_from_the_dead_only() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("m");
        let bus = Bus::open(Config::default());
        let owner = UnixListener::bind(&path).unwrap();
        let refused = bus.monitoring_socket(&at(&path), None).await.err().unwrap();
        let in_use = |error: &_| matches!(error, MonitoringError::Socket(SocketError::InUse(_)));
        assert!(in_use(&refused), "{refused}");
        drop(owner); // its file stays
        bus.monitoring_socket(&at(&path), None).await.unwrap();

        let document = directory.path().join("document");
        fs::write(&document, "precious").unwrap();
        let refused = bus.monitoring_socket(&at(&document), None).await.err();
        assert!(refused.is_some_and(|error| !in_use(&error)));
        assert_eq!(fs::read_to_string(&document).unwrap(), "precious");
    }
}
