//! Listening to the bus: every endpoint, as one stream of deliveries.
//!
//! [`crate::Bus`] opens it; applications read it as a `Stream`, the hub in batches. Behind it stands
//! one [`Intake`] for each distinct address, which feeds it from [`crate::socket`].

mod counters;
mod endpoint_counters;
mod intake;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

use bytes::Bytes;
use fedmsg_config::{Endpoint, EndpointName, SocketOptions};
use fedmsg_message::TopicFilter;
use futures::future::BoxFuture;
use futures::stream::SelectAll;
use futures::{FutureExt, Stream, StreamExt};
use thiserror::Error;

pub use self::counters::{SubscriberCounters, SubscriberCounts};
pub use self::endpoint_counters::EndpointCounts;
use self::intake::{Failed, Intake};
use crate::delivery::Delivery;
use crate::inspector::Inspector;
use crate::resolver::{ResolveError, resolve_bind};
use crate::socket::{SocketContext, SocketError, SubSocket};
use crate::trust::TrustOpenError;

/// Why nothing can be listened to.
///
/// ```
/// use fedmsg::{Bus, Config, SubscribeError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Bus::open(Config::from_toml("endpoints = { relay_outbound = [] }")?);
/// assert!(matches!(bus.subscribe([]), Err(SubscribeError::NoEndpoint)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
pub enum SubscribeError {
    /// The configuration names no address to listen to.
    #[error("no endpoint to listen to: add one to [endpoints] in the configuration")]
    NoEndpoint,
    /// There is no address to bind.
    #[error("no address to listen on: `{name}` is empty")]
    NoAddress {
        /// What the addresses would be listed as.
        name: EndpointName,
    },
    /// An address that was to be bound is taken or not of this host.
    #[error("{name}: cannot listen on {endpoint}: {source}")]
    Bind {
        /// What the address is listed as.
        name: EndpointName,
        /// The endpoint as configured.
        endpoint: Endpoint,
        /// What the socket said.
        source: SocketError,
    },
    /// An address that was to be bound has a host name without an address.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// Signatures are to be checked (`validate_signatures`), and nobody can be believed.
    #[error(transparent)]
    Trust(#[from] TrustOpenError),
}

/// Messages of the bus, as a stream; made by [`crate::Bus::subscribe`].
///
/// Each distinct address has one socket, however often the configuration lists it. A host that
/// does not resolve is tried again with growing pauses, a lost connection comes back by itself;
/// both are logged and counted, neither ends the stream. Malformed messages are skipped, counted and
/// logged at a limited rate; so are those whose signature is not good, where `validate_signatures`
/// says that signatures are checked. The stream ends when there is no address at all, and when an
/// address that was bound ([`crate::Bus::listen`]) cannot be read any more, whatever others there are.
///
/// **Order**: messages of one endpoint arrive in the order in which it sent them; between endpoints
/// there is none. **Back-pressure**: what is not read stays in the sockets, up to
/// `receive_high_water_mark` messages a connection, and then with its publisher. **Cancel-safety**:
/// dropping a pending `next` or [`Subscriber::next_batch`] loses nothing.
///
/// # Examples
///
/// ```no_run
/// use fedmsg::{Bus, Config, TopicFilter};
/// use futures::StreamExt;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Bus::open(Config::default());
/// let mut messages = bus.subscribe(["org.example.prod.#".parse::<TopicFilter>()?])?;
/// while let Some(delivery) = messages.next().await {
///     println!("{} {:?}", delivery.topic(), delivery.msg());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Subscriber {
    intakes: SelectAll<Intake>,
    /// Empty when the sockets' prefixes already select exactly what is wanted.
    filters: Vec<TopicFilter>,
    batch: vec::IntoIter<Delivery>,
    counters: Arc<SubscriberCounters>,
    /// Judges what arrives, if signatures are to be checked.
    inspector: Option<Arc<Inspector>>,
    /// What is being judged: nothing more is read meanwhile.
    inspection: Option<BoxFuture<'static, Vec<Delivery>>>,
}

impl Subscriber {
    /// Connects to every distinct address of `endpoints`.
    pub(crate) fn connect(
        context: &SocketContext,
        options: &SocketOptions,
        endpoints: impl IntoIterator<Item = (EndpointName, Endpoint)>,
        filters: Vec<TopicFilter>,
    ) -> Result<Self, SubscribeError> {
        let mut distinct = BTreeMap::new();
        for (name, endpoint) in endpoints {
            distinct.entry(endpoint).or_insert(name);
        }
        if distinct.is_empty() {
            return Err(SubscribeError::NoEndpoint);
        }
        let counters = Arc::new(SubscriberCounters::default());
        let prefixes: Arc<[Bytes]> = prefixes(&filters).into();
        let intakes = distinct.into_iter().map(|(endpoint, name)| {
            let (context, prefixes) = (context.clone(), Arc::clone(&prefixes));
            Intake::connect(
                context,
                options.clone(),
                name,
                endpoint,
                prefixes,
                Arc::clone(&counters),
            )
        });
        Ok(Self::new(intakes.collect(), filters, counters))
    }

    /// Binds every one of `endpoints`, or fails and names the one that could not be bound.
    /// Returns the addresses bound, in the same order (a port 0 has become a real one).
    pub(crate) async fn bind(
        context: &SocketContext,
        options: &SocketOptions,
        name: &EndpointName,
        endpoints: &[Endpoint],
        filters: Vec<TopicFilter>,
    ) -> Result<(Self, Vec<Endpoint>), SubscribeError> {
        if endpoints.is_empty() {
            return Err(SubscribeError::NoAddress { name: name.clone() });
        }
        let counters = Arc::new(SubscriberCounters::default());
        let prefixes = prefixes(&filters);
        let (mut intakes, mut addresses) = (SelectAll::new(), Vec::new());
        for endpoint in endpoints {
            let address = resolve_bind(endpoint, options.bind_host.as_deref()).await?;
            let (socket, bound) =
                SubSocket::bind(context, options, &address, &prefixes).map_err(|source| {
                    SubscribeError::Bind {
                        name: name.clone(),
                        endpoint: endpoint.clone(),
                        source,
                    }
                })?;
            intakes.push(Intake::bound(
                name.clone(),
                bound.clone(),
                socket,
                Arc::clone(&counters),
            ));
            addresses.push(bound);
        }
        Ok((Self::new(intakes, filters, counters), addresses))
    }

    fn new(
        intakes: SelectAll<Intake>,
        mut filters: Vec<TopicFilter>,
        counters: Arc<SubscriberCounters>,
    ) -> Self {
        if filters
            .iter()
            .all(|filter| matches!(filter, TopicFilter::Prefix(_)))
        {
            filters.clear();
        }
        Self {
            intakes,
            filters,
            batch: Vec::new().into_iter(),
            counters,
            inspector: None,
            inspection: None,
        }
    }

    /// Returns the same subscriber, which now hands on only messages that `inspector` accepts.
    pub(crate) fn inspected(self, inspector: Inspector) -> Self {
        let inspector = Some(Arc::new(inspector));
        Self { inspector, ..self }
    }

    /// Waits for messages and returns all that one wake-up brought, at least one and at most about
    /// 256 messages or 256 KiB from one endpoint; `None` when there is no address to listen to, or one
    /// that was bound has failed.
    pub async fn next_batch(&mut self) -> Option<Vec<Delivery>> {
        std::future::poll_fn(|context| self.poll_batch(context)).await
    }

    /// What has been received, skipped and lost from sight so far.
    #[must_use]
    pub fn counters(&self) -> Arc<SubscriberCounters> {
        Arc::clone(&self.counters)
    }

    /// What checks signatures, if anything does: knows what has been refused.
    #[must_use]
    pub fn inspector(&self) -> Option<&Arc<Inspector>> {
        self.inspector.as_ref()
    }

    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<Delivery>>> {
        if self.batch.len() > 0 {
            return Poll::Ready(Some(std::mem::take(&mut self.batch).collect()));
        }
        loop {
            if let Some(inspection) = &mut self.inspection {
                let mut batch = ready!(inspection.poll_unpin(context));
                self.inspection = None;
                batch.retain(|delivery| delivery.verdict().is_accepted());
                if !batch.is_empty() {
                    return Poll::Ready(Some(batch));
                }
            }
            let mut batch = match ready!(self.intakes.poll_next_unpin(context)) {
                Some(Ok(batch)) => batch,
                Some(Err(Failed)) => {
                    self.intakes.clear(); // whoever relies on all of them must not be deaf in part
                    return Poll::Ready(None);
                }
                None => return Poll::Ready(None),
            };
            if !self.filters.is_empty() {
                batch.retain(|delivery| {
                    let topic = delivery.topic().as_str();
                    self.filters.iter().any(|filter| filter.matches(topic))
                });
            }
            if batch.is_empty() {
                continue;
            }
            let Some(inspector) = self.inspector.clone() else {
                return Poll::Ready(Some(batch));
            };
            self.inspection = Some(async move { inspector.inspect(batch).await }.boxed());
        }
    }
}

impl Stream for Subscriber {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if let Some(delivery) = self.batch.next() {
            return Poll::Ready(Some(delivery));
        }
        let Some(batch) = ready!(self.poll_batch(context)) else {
            return Poll::Ready(None);
        };
        self.batch = batch.into_iter();
        Poll::Ready(self.batch.next())
    }
}

/// The byte prefixes to subscribe to: those of the filters, without those that a shorter one covers.
/// No filter at all means everything.
fn prefixes(filters: &[TopicFilter]) -> Vec<Bytes> {
    let mut all: Vec<&[u8]> = filters
        .iter()
        .map(|filter| filter.literal_prefix().as_bytes())
        .collect();
    if all.is_empty() {
        all.push(b"");
    }
    all.sort_unstable();
    let mut kept: Vec<&[u8]> = Vec::new();
    for prefix in all {
        if !kept
            .last()
            .is_some_and(|shorter| prefix.starts_with(shorter))
        {
            kept.push(prefix);
        }
    }
    kept.into_iter().map(Bytes::copy_from_slice).collect()
}

#[cfg(test)]
mod tests;
