//! From the host name in an endpoint to an address that libzmq may have.
//!
//! libzmq would look names up itself, but in its I/O thread, where a slow name server stalls every
//! connection of the process. [`crate::subscriber`] and [`crate::publisher`] therefore ask here, off
//! that thread and with a time limit, and give libzmq numbers only.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use fedmsg_config::{Endpoint, Scheme};
use thiserror::Error;

/// How long one look-up may take: glibc's resolver tries each server for 5 s by default.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(6);

/// A host name that has no address, or whose name server does not answer.
#[derive(Debug, Error)]
#[error("host {host} of {endpoint} does not resolve: {reason}")]
pub struct ResolveError {
    /// The endpoint as configured.
    pub endpoint: Endpoint,
    /// Its host part.
    pub host: String,
    /// What the resolver said.
    pub reason: String,
}

/// Returns `endpoint` with its host name replaced by an address, IPv4 before IPv6 (the original
/// knows IPv4 only). An address, `ipc` and `inproc` come back as they are; `*`, which says "every
/// interface" to one who binds, is this host to one who connects (`127.0.0.1`, as the original does).
///
/// # Errors
///
/// The name has no address, or there is no answer within 6 s.
pub async fn resolve(endpoint: &Endpoint) -> Result<Endpoint, ResolveError> {
    let (Some(host), Some(port)) = (endpoint.host(), endpoint.port()) else {
        return Ok(endpoint.clone());
    };
    if endpoint.scheme() != Scheme::Tcp || host.parse::<IpAddr>().is_ok() {
        return Ok(endpoint.clone());
    }
    if host == "*" {
        return Ok(Endpoint::tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    }
    let error = |reason: String| ResolveError {
        endpoint: endpoint.clone(),
        host: host.to_owned(),
        reason,
    };
    let found = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| error(format!("no answer within {} s", LOOKUP_TIMEOUT.as_secs())))?
        .map_err(|reason| error(reason.to_string()))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses
        .first()
        .copied()
        .map(Endpoint::tcp)
        .ok_or_else(|| error("it has no address".to_owned()))
}

/// Returns `endpoint` as it is to be bound: with `bind_host` in the place of its host if one is
/// configured (`*` means every interface, as the original always does), else with its own host
/// resolved. `*` stays.
pub(crate) async fn resolve_bind(
    endpoint: &Endpoint,
    bind_host: Option<&str>,
) -> Result<Endpoint, ResolveError> {
    if endpoint.scheme() != Scheme::Tcp {
        return Ok(endpoint.clone());
    }
    let host = bind_host.or_else(|| endpoint.host()).unwrap_or("*");
    let wanted = endpoint.with_host(host).map_err(|reason| ResolveError {
        endpoint: endpoint.clone(),
        host: host.to_owned(),
        reason: reason.to_string(),
    })?;
    if host == "*" {
        Ok(wanted)
    } else {
        resolve(&wanted).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(endpoint: &str, expected: Option<&str>) {
        let endpoint: Endpoint = endpoint.parse().unwrap();
        let resolved = resolve(&endpoint)
            .await
            .ok()
            .map(|endpoint| endpoint.to_string());
        assert_eq!(resolved.as_deref(), expected, "{endpoint}");
    }

    #[tokio::test]
    async fn names_become_addresses_and_the_rest_stays() {
        check("tcp://127.0.0.1:3000", Some("tcp://127.0.0.1:3000")).await;
        check("tcp://[::1]:3000", Some("tcp://[::1]:3000")).await;
        check("tcp://localhost:3000", Some("tcp://127.0.0.1:3000")).await;
        check("tcp://*:3000", Some("tcp://127.0.0.1:3000")).await;
        check("ipc:///run/x.sock", Some("ipc:///run/x.sock")).await;
        check("inproc://x", Some("inproc://x")).await;
        check("tcp://no-such-host.invalid:3000", None).await;
    }

    #[tokio::test]
    async fn a_bind_host_replaces_the_one_that_the_endpoint_names() {
        let endpoint: Endpoint = "tcp://app01.example.invalid:3000".parse().unwrap();
        assert!(resolve_bind(&endpoint, None).await.is_err());
        for (host, expected) in [
            ("*", "tcp://*:3000"),
            ("127.0.0.1", "tcp://127.0.0.1:3000"),
            ("::1", "tcp://[::1]:3000"),
        ] {
            assert_eq!(
                resolve_bind(&endpoint, Some(host)).await.unwrap().as_str(),
                expected
            );
        }
    }
}
