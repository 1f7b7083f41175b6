//! One address of the bus: found, connected, read, and found again when it moves.
//!
//! [`super::Subscriber`] holds one for each distinct address and polls only those that have something
//! to say. It reads [`crate::socket`], asks [`crate::resolver`] and hands on whole batches.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use fedmsg_config::{Endpoint, EndpointName, Scheme, SocketOptions};
use fedmsg_message::{DecodeError, Envelope, Topic};
use futures::Stream;
use futures::future::{BoxFuture, FutureExt};
use tokio::time::{Sleep, sleep};
use tracing::{debug, error, info, warn};

use super::counters::SubscriberCounters;
use super::endpoint_counters::EndpointCounters;
use crate::delivery::Delivery;
use crate::log_limit::LogLimit;
use crate::resolver::{ResolveError, resolve};
use crate::socket::{Frames, PeerEvent, SocketContext, SocketError, SubSocket};

/// The first pause after a host name did not resolve or a socket could not be opened; doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest such pause.
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// The first wait before an unconnected socket is replaced by a new one; doubles up to [`LAST_PAUSE`].
/// libzmq reconnects by itself after a lost connection, but never again after a peer that broke the
/// protocol (a frame beyond the limit, or something that is no ZMTP), and it looks no name up again.
const FIRST_REPLACEMENT: Duration = Duration::from_secs(2);
/// At most one line about malformed messages of an endpoint in this time.
const MALFORMED_LOG_PERIOD: Duration = Duration::from_secs(10);

/// A stream of batches from one address. One that connects never ends; a bound one ends with [`Failed`].
pub(super) struct Intake {
    name: EndpointName,
    endpoint: Endpoint,
    state: State,
    /// How to open the socket again; absent for a bound one, which is opened once.
    opener: Option<Opener>,
    pause: Duration,
    connections: u64,
    counters: Arc<SubscriberCounters>,
    /// The same for this address alone.
    own: Arc<EndpointCounters>,
    malformed: LogLimit,
}

struct Opener {
    context: SocketContext,
    options: SocketOptions,
    prefixes: Arc<[Bytes]>,
}

impl Opener {
    fn open(&self, address: &Endpoint) -> Result<SubSocket, SocketError> {
        SubSocket::connect(&self.context, &self.options, address, &self.prefixes)
    }
}

enum State {
    Resolving(LookUp),
    Pausing(Pin<Box<Sleep>>),
    Open {
        socket: Box<SubSocket>,
        replacement: Replacement,
    },
    /// It was bound, and has failed for good.
    Failed,
}

/// A bound address that cannot be read any more, which has been logged.
#[derive(Debug)]
pub(super) struct Failed;

/// What becomes of a socket that stays without a connection.
enum Replacement {
    /// Nothing: it is bound, or within this process.
    Never,
    /// It is replaced when the timer is up; the wait before that is kept, to double it.
    After(Pin<Box<Sleep>>, Duration),
    /// The name of its host is being looked up anew.
    Resolving(LookUp, Duration),
}

type LookUp = BoxFuture<'static, Result<Endpoint, ResolveError>>;

impl Intake {
    /// An intake that resolves `endpoint` and connects to it, for as long as it takes.
    pub(super) fn connect(
        context: SocketContext,
        options: SocketOptions,
        name: EndpointName,
        endpoint: Endpoint,
        prefixes: Arc<[Bytes]>,
        counters: Arc<SubscriberCounters>,
    ) -> Self {
        let state = State::Resolving(look_up(&endpoint));
        let opener = Some(Opener {
            context,
            options,
            prefixes,
        });
        Self::new(name, endpoint, state, opener, counters)
    }

    /// An intake of a socket that is bound already.
    pub(super) fn bound(
        name: EndpointName,
        endpoint: Endpoint,
        socket: SubSocket,
        counters: Arc<SubscriberCounters>,
    ) -> Self {
        let state = State::Open {
            socket: Box::new(socket),
            replacement: Replacement::Never,
        };
        Self::new(name, endpoint, state, None, counters)
    }

    fn new(
        name: EndpointName,
        endpoint: Endpoint,
        state: State,
        opener: Option<Opener>,
        counters: Arc<SubscriberCounters>,
    ) -> Self {
        let own = counters.endpoint(&name, &endpoint);
        Self {
            name,
            endpoint,
            state,
            opener,
            pause: FIRST_PAUSE,
            connections: 0,
            counters,
            own,
            malformed: LogLimit::new(MALFORMED_LOG_PERIOD),
        }
    }

    /// Opens the socket at the address found, or pauses; `wait` is how long it may then stay without
    /// a connection.
    fn open(&mut self, found: Result<Endpoint, ResolveError>, wait: Duration) {
        let opened = match (found, &self.opener) {
            (Ok(address), Some(opener)) => opener
                .open(&address)
                .inspect_err(|error| self.failed(error))
                .ok(),
            (Err(error), _) => {
                self.counters.unresolved();
                self.failed(&error);
                None
            }
            (Ok(_), None) => None,
        };
        self.state = match opened {
            Some(socket) => {
                self.pause = FIRST_PAUSE;
                State::Open {
                    socket: Box::new(socket),
                    replacement: self.replacement(wait),
                }
            }
            None => {
                let pause = self.pause;
                self.pause = (pause * 2).min(LAST_PAUSE);
                State::Pausing(Box::pin(sleep(pause)))
            }
        };
    }

    fn failed(&self, error: &dyn fmt::Display) {
        let (endpoint, address, retry_in) = (&self.name, &self.endpoint, self.pause);
        warn!(%endpoint, %address, %error, ?retry_in, "cannot connect");
    }

    /// libzmq reports no connections of `inproc` sockets, and there is nothing to replace there.
    fn replacement(&self, wait: Duration) -> Replacement {
        if self.opener.is_none() || self.endpoint.scheme() == Scheme::Inproc {
            Replacement::Never
        } else {
            Replacement::After(Box::pin(sleep(wait)), wait)
        }
    }

    fn peer(&mut self, event: PeerEvent) {
        let (name, address) = (self.name.clone(), self.endpoint.clone());
        match event {
            PeerEvent::Up => {
                self.connections += 1;
                self.counters.up();
                self.own.up();
                debug!(endpoint = %name, %address, "connected");
            }
            PeerEvent::Down => {
                // A connection that never finished its handshake also ends with this event.
                if self.connections > 0 {
                    self.connections -= 1;
                    self.counters.down();
                    self.own.down();
                    let fresh = self.replacement(FIRST_REPLACEMENT);
                    if let State::Open { replacement, .. } = &mut self.state {
                        *replacement = fresh;
                    }
                    if self.opener.is_some() {
                        info!(endpoint = %name, %address, "connection lost: what it publishes until it is back is missed");
                    }
                }
            }
            PeerEvent::Refused => {
                self.counters.refused();
                if let Some(held_back) = self.malformed.admit() {
                    warn!(endpoint = %name, %address, held_back, "a peer does not speak ZMTP");
                }
            }
        }
    }

    /// Sees to a socket that cannot be read: it goes, with its connections. One that connects is opened
    /// again after a pause.
    fn broken(&mut self, error: &SocketError) -> Result<(), Failed> {
        for _ in 0..std::mem::take(&mut self.connections) {
            self.counters.down();
            self.own.down();
        }
        if self.opener.is_none() {
            let (endpoint, address) = (&self.name, &self.endpoint);
            error!(%endpoint, %address, %error, "a bound address cannot be read any more");
            self.state = State::Failed;
            return Err(Failed);
        }
        self.failed(error);
        self.state = State::Pausing(Box::pin(sleep(self.pause)));
        Ok(())
    }

    fn malformed(&self, error: &DecodeError) {
        self.counters.malformed(error);
        if let Some(held_back) = self.malformed.admit() {
            warn!(endpoint = %self.name, address = %self.endpoint, %error, held_back, "malformed message skipped");
        }
    }

    /// Replaces a socket that has been without a connection for too long; true when it has.
    fn poll_replacement(&mut self, context: &mut Context<'_>) -> bool {
        if self.connections > 0 {
            return false;
        }
        let State::Open { replacement, .. } = &mut self.state else {
            return false;
        };
        loop {
            match replacement {
                Replacement::Never => return false,
                Replacement::After(timer, wait) => {
                    if timer.as_mut().poll(context).is_pending() {
                        return false;
                    }
                    let wait = (*wait * 2).min(LAST_PAUSE);
                    *replacement = Replacement::Resolving(look_up(&self.endpoint), wait);
                }
                Replacement::Resolving(found, wait) => {
                    let wait = *wait;
                    let Poll::Ready(found) = found.poll_unpin(context) else {
                        return false;
                    };
                    self.open(found, wait);
                    return true;
                }
            }
        }
    }

    /// Takes a batch from the open socket, decoded.
    fn poll_batch(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Vec<Delivery>, SocketError>> {
        let mut batch = Vec::new();
        let mut refused = Vec::new();
        let mut bytes = 0;
        let State::Open { socket, .. } = &mut self.state else {
            return Poll::Pending;
        };
        let mut topic = None;
        let endpoint = &self.name;
        let drained =
            ready!(
                socket.poll_drain(context, |frames| match decode(frames, &mut topic) {
                    Ok(envelope) => {
                        let delivery = Delivery::new(envelope, endpoint.clone());
                        bytes += delivery.size() as u64;
                        batch.push(delivery);
                    }
                    Err(error) => refused.push(error),
                })
            );
        for error in &refused {
            self.malformed(error);
        }
        self.counters.received(batch.len() as u64, bytes);
        self.own.received(batch.len() as u64);
        Poll::Ready(drained.map(|_| batch))
    }
}

impl Stream for Intake {
    type Item = Result<Vec<Delivery>, Failed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let intake = &mut *self;
        loop {
            match &mut intake.state {
                State::Failed => return Poll::Ready(None),
                State::Resolving(found) => {
                    let found = ready!(found.poll_unpin(context));
                    intake.open(found, FIRST_REPLACEMENT);
                }
                State::Pausing(timer) => {
                    ready!(timer.as_mut().poll(context));
                    intake.state = State::Resolving(look_up(&intake.endpoint));
                }
                State::Open { socket, .. } => {
                    if let Poll::Ready(event) = socket.poll_peer(context) {
                        intake.peer(event);
                        continue;
                    }
                    match intake.poll_batch(context) {
                        Poll::Ready(Ok(batch)) if batch.is_empty() => {
                            // Nothing but malformed messages: the others have their turn first.
                            context.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                        Poll::Ready(Ok(batch)) => return Poll::Ready(Some(Ok(batch))),
                        Poll::Ready(Err(error)) => {
                            if let Err(failed) = intake.broken(&error) {
                                return Poll::Ready(Some(Err(failed)));
                            }
                        }
                        // Everything that has arrived is taken before the socket may go.
                        Poll::Pending if !intake.poll_replacement(context) => return Poll::Pending,
                        Poll::Pending => {}
                    }
                }
            }
        }
    }
}

fn look_up(endpoint: &Endpoint) -> LookUp {
    let endpoint = endpoint.clone();
    async move { resolve(&endpoint).await }.boxed()
}

/// Makes an envelope of copies of frames. One with the topic of the message before shares its copy, but
/// only within a batch: its owners are counted by whoever has one, and must not be on two cores.
fn decode(frames: Frames<'_>, last: &mut Option<Topic>) -> Result<Envelope, DecodeError> {
    match frames {
        Frames::Pair(topic, body) => {
            let topic = match last {
                Some(last) if last.as_str().as_bytes() == topic => last.clone(),
                _ => last
                    .insert(Topic::received(Bytes::copy_from_slice(topic))?)
                    .clone(),
            };
            Envelope::received(topic, Bytes::copy_from_slice(body))
        }
        Frames::Odd(first, frames) => {
            let first = Bytes::copy_from_slice(first);
            Envelope::decode(&[first]).map_err(|error| match error {
                DecodeError::Frames { .. } => DecodeError::Frames { frames },
                other => other,
            })
        }
    }
}
