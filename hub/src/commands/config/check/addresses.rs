//! Addresses: which of them two programs of this host would bind, which are taken, which lead nowhere.
//!
//! [`super::findings`] calls it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use fedmsg::host_name;
use fedmsg_actors::Consumer;
use fedmsg_config::{
    Config, Endpoint, KeyPath, Listing, Loaded, MonitoringAddress, Origin, Scheme, Segment,
};
use fedmsg_consumers::{Gateway, GatewayParams, Relay, SigningRelay};
use futures::{StreamExt as _, stream};
use toml::Value;

use super::Scope;
use super::finding::{Finding, Severity};
use super::socket_file::obstacle;
use crate::commands::common::runtime;
use crate::monitoring::process_name;

/// The settings that have addresses to bind.
pub(super) const KEYS: [&str; 4] = ["endpoints", "relay_inbound", "bind_host", "name"];

/// Hosts that stand for every interface.
const WILDCARDS: [&str; 3] = ["*", "0.0.0.0", "::"];

/// The kinds of consumers that bind the addresses of a relay.
const RELAYS: [&str; 2] = [Relay::KIND, SigningRelay::KIND];

/// The programs that have a monitoring socket, as `{process}` has them.
const HUBS: [&str; 4] = [
    "fedmsg-hub",
    "fedmsg-relay",
    "fedmsg-gateway",
    "fedmsg-signing-relay",
];

/// Names that are looked up at the same time.
const LOOKUPS: usize = 32;

/// An address that a program of this host would bind, and the setting that says so.
struct Claim {
    endpoint: Endpoint,
    key: KeyPath,
    /// Whether another address does as well.
    has_others: bool,
}

/// Looks for conflicts; with more of a `scope` also for ports in use, and for names without an address.
pub(super) fn check(loaded: &Loaded, scope: Scope, findings: &mut Vec<Finding>) {
    let claims = claims(loaded);
    for (number, claim) in claims.iter().enumerate() {
        let earlier = claims.iter().take(number);
        let is_other = |it: &&Claim| group(&it.key) != group(&claim.key);
        let other = earlier
            .filter(is_other)
            .find(|it| collide(&loaded.config, &it.endpoint, &claim.endpoint));
        if let Some(other) = other {
            let message = format!("{} is that of {}, too", claim.endpoint, other.key);
            let key = claim.key.clone();
            findings.push(if claim.has_others || other.has_others {
                let message = format!("{message}: only one of the two can have it");
                Finding::warning(loaded, key, message)
            } else {
                let message = format!("{message}: they cannot both bind it");
                Finding::error(loaded, key, message)
            });
        }
    }
    look_for_shared(loaded, findings);
    if scope != Scope::Text {
        look_for_files(loaded, &claims, findings);
        for claim in &claims {
            if let Some(message) = taken(&loaded.config, &claim.endpoint) {
                findings.push(Finding::warning(loaded, claim.key.clone(), message));
            }
        }
    }
    if scope == Scope::Names {
        look_up(loaded, findings);
    }
}

/// Looks for publishers without a name, and for two with one address. Which hosts those of others are on is not
/// known, so that only an address with a host is surely the same.
fn look_for_shared(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let mut owners: BTreeMap<String, (&str, KeyPath)> = BTreeMap::new();
    for (name, addresses) in loaded.config.endpoints.iter() {
        let name = name.as_str();
        let key = KeyPath::from(["endpoints", name]);
        if name.is_empty() {
            let message = "a publisher without a name: nobody publishes as that";
            findings.push(Finding::warning(loaded, key.clone(), message));
        }
        let mut listed = Vec::new();
        list(loaded, addresses, &key, false, &mut listed);
        for Claim { endpoint, key, .. } in listed {
            let is_wildcard = endpoint.host().is_none_or(|host| WILDCARDS.contains(&host));
            let is_default = loaded.origins.of(&key) == Origin::Default;
            if is_wildcard || is_default || endpoint.port() == Some(0) {
                continue;
            }
            let address = endpoint.as_str().to_ascii_lowercase();
            let (owner, other) = owners.entry(address).or_insert((name, key.clone()));
            let is_said = findings.iter().any(|it| it.key == key || it.key == *other);
            if *owner != name && !is_said {
                let message =
                    format!("{endpoint} is that of {other}, too: only one of the two can bind it");
                findings.push(Finding::warning(loaded, key, message));
            }
        }
    }
}

/// Looks whether the files of sockets can be made where they are to be.
fn look_for_files(loaded: &Loaded, claims: &[Claim], findings: &mut Vec<Finding>) {
    let claims = claims.iter();
    let claims = claims.map(|it| (it.key.clone(), it.endpoint.clone(), it.has_others));
    for (key, endpoint, has_others) in claims.chain(monitoring(loaded)) {
        let path = endpoint.ipc_path().map(Path::new);
        let Some((severity, message)) = path.and_then(obstacle) else {
            continue;
        };
        findings.push(if has_others || severity == Severity::Warning {
            Finding::warning(loaded, key, message)
        } else {
            Finding::error(loaded, key, message)
        });
    }
}

/// Returns the monitoring sockets that there would be: one for each program, if their name is in it.
fn monitoring(loaded: &Loaded) -> Vec<(KeyPath, Endpoint, bool)> {
    let Some(address) = loaded.config.monitoring_socket.as_ref() else {
        return Vec::new();
    };
    let asked = process_name();
    let programs = match &*asked {
        "fedmsg-config" => &HUBS[..],
        own => &[own],
    };
    let of = |program: &&str| address.of(program, &host_name()).ok();
    let mut sockets: Vec<Endpoint> = programs.iter().filter_map(of).collect();
    sockets.dedup();
    // Where the directory has the name of the program in it, not all programs need be on this machine.
    let directory = |it: &Endpoint| Some(Path::new(it.ipc_path()?).parent()?.to_owned());
    let mut directories: Vec<_> = sockets.iter().map(directory).collect();
    directories.dedup();
    if directories.len() > 1 {
        return Vec::new();
    }
    let key = KeyPath::from("moksha.monitoring.socket");
    let sockets = sockets.into_iter();
    sockets.map(|it| (key.clone(), it, false)).collect()
}

/// The setting as a whole that an address is listed in.
fn group(key: &KeyPath) -> KeyPath {
    match key.last() {
        Some(Segment::Index(_)) => key.parent().unwrap_or_default(),
        _ => key.clone(),
    }
}

/// Returns the addresses that programs of this host would bind under this configuration: its own entries of
/// `endpoints`, those of a relay if there is one, and those of the settings that have a port of their own.
fn claims(loaded: &Loaded) -> Vec<Claim> {
    let config = &loaded.config;
    let of_host = format!(".{}", host_name());
    let mut consumers = config.consumers.values();
    let has_relay = consumers.any(|it| it.enabled && RELAYS.contains(&&*it.kind));
    let mut claims = Vec::new();
    for (name, addresses) in config.endpoints.iter() {
        let name = name.as_str();
        let is_own = config.name.as_deref() == Some(name) && !config.active;
        let is_relay = has_relay && name == "relay_outbound";
        if is_own || is_relay || name.ends_with(&of_host) {
            let key = KeyPath::from(["endpoints", name]);
            list(loaded, addresses, &key, addresses.len() > 1, &mut claims);
        }
    }
    if has_relay {
        let key = KeyPath::from("relay_inbound");
        list(loaded, &config.relay_inbound, &key, false, &mut claims);
    }
    let listing = Listing::new(loaded).ok();
    let value = |path: &str| listing.as_ref().and_then(|it| it.find(path));
    let consumers = config.consumers.iter();
    for (name, _) in consumers.filter(|(_, it)| it.enabled && it.kind == Gateway::KIND) {
        let params = KeyPath::from(["consumers", &**name, "params", "address"]);
        let (key, endpoint) = match value(&params.to_string()) {
            Some((key, address)) => (key, address.as_str().and_then(|it| it.parse().ok())),
            None => (params, Some(GatewayParams::default().address)),
        };
        claims.extend(endpoint.map(|endpoint| Claim {
            endpoint,
            key,
            has_others: false,
        }));
    }
    let names_process = |it: &MonitoringAddress| it.names_process();
    if !config.monitoring_socket.as_ref().is_some_and(names_process)
        && let Some((key, Value::String(address))) = value("moksha.monitoring.socket")
        && let Ok(endpoint) = address.parse()
    {
        claims.push(Claim {
            endpoint,
            key,
            has_others: false,
        });
    }
    claims
}

fn list(
    loaded: &Loaded,
    addresses: &[Endpoint],
    key: &KeyPath,
    has_others: bool,
    claims: &mut Vec<Claim>,
) {
    for (index, endpoint) in addresses.iter().enumerate() {
        let item = key.child(index);
        let is_listed = loaded.origins.written_at(&item).is_some();
        claims.push(Claim {
            endpoint: endpoint.clone(),
            key: if is_listed { item } else { key.clone() },
            has_others,
        });
    }
}

/// Whether two addresses cannot be bound at the same time.
fn collide(config: &Config, a: &Endpoint, b: &Endpoint) -> bool {
    if a.scheme() != Scheme::Tcp || b.scheme() != Scheme::Tcp {
        return a.as_str() == b.as_str();
    }
    let host = |endpoint: &Endpoint| {
        let host = config.bind_host.as_deref().or_else(|| endpoint.host());
        host.unwrap_or("*").to_ascii_lowercase()
    };
    let (host_a, host_b) = (host(a), host(b));
    let is_wildcard = |host: &str| WILDCARDS.contains(&host);
    let is_same_host = host_a == host_b || is_wildcard(&host_a) || is_wildcard(&host_b);
    a.port() == b.port() && a.port() != Some(0) && is_same_host
}

/// Says why an address cannot be bound just now, if that can be told without asking anybody.
fn taken(config: &Config, endpoint: &Endpoint) -> Option<String> {
    let host = config.bind_host.as_deref().or_else(|| endpoint.host())?;
    let port = endpoint.port()?;
    let address = match host {
        "*" => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        host => host.parse().ok()?,
    };
    let error = TcpListener::bind(SocketAddr::new(address, port)).err()?;
    match error.kind() {
        ErrorKind::AddrInUse => Some(format!(
            "{endpoint} is in use now; it may be by a program of this bus that runs already"
        )),
        ErrorKind::AddrNotAvailable => Some(format!("{endpoint} is no address of this machine")),
        ErrorKind::PermissionDenied => Some(format!("{endpoint} may not be bound by this user")),
        _ => None,
    }
}

/// Looks up every host that is named.
fn look_up(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let config = &loaded.config;
    let listed = config.endpoints.addresses();
    let listed = listed.map(|(name, it)| (KeyPath::from(["endpoints", name.as_str()]), it));
    let inbound = config.relay_inbound.iter();
    let inbound = inbound.map(|it| (KeyPath::from("relay_inbound"), it));
    let all: Vec<(KeyPath, Endpoint)> = listed
        .chain(inbound)
        .map(|(key, endpoint)| (key, endpoint.clone()))
        .collect();
    let Ok(runtime) = runtime() else {
        return;
    };
    let lookups = all.into_iter().map(|(key, endpoint)| async move {
        let error = fedmsg::resolve(&endpoint).await.err()?;
        Some((key, error))
    });
    let failed = runtime.block_on(
        stream::iter(lookups)
            .buffered(LOOKUPS)
            .filter_map(|it| async { it })
            .collect::<Vec<_>>(),
    );
    // A name server that does not answer would be waited for.
    runtime.shutdown_background();
    let mut said = BTreeSet::new();
    for (key, error) in failed {
        if said.insert((key.clone(), error.host.clone())) {
            findings.push(Finding::error(loaded, key, error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_collide_at_the_same_port_of_the_same_host_or_of_every_interface() {
        let check = |a: &str, b: &str, more: &str, expected: bool| {
            let config = Config::from_toml(more).unwrap();
            let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(collide(&config, &a, &b), expected, "{a} {b}");
            assert_eq!(collide(&config, &b, &a), expected, "{b} {a}");
        };
        check("tcp://a:1", "tcp://A:1", "", true);
        check("tcp://a:1", "tcp://a:2", "", false);
        check("tcp://a:1", "tcp://b:1", "", false);
        check("tcp://a:1", "tcp://b:1", "bind_host = '*'", true);
        check("tcp://*:1", "tcp://127.0.0.1:1", "", true);
        check("tcp://127.0.0.1:0", "tcp://127.0.0.1:0", "", false);
        check("ipc:///a", "ipc:///a", "", true);
        check("ipc:///a", "ipc:///b", "", false);
        check("ipc:///a", "tcp://a:1", "", false);
    }

    #[test]
    fn a_port_that_somebody_has_is_taken() {
        let config = Config::default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = Endpoint::tcp(listener.local_addr().unwrap());
        assert!(taken(&config, &endpoint).unwrap().contains("in use"));
        assert!(taken(&config, &Endpoint::loopback(0)).is_none());
        assert!(taken(&config, &"tcp://not-looked-up.example:1".parse().unwrap()).is_none());
        let elsewhere = "tcp://192.0.2.1:9".parse().unwrap();
        assert!(
            taken(&config, &elsewhere)
                .unwrap()
                .contains("no address of this machine")
        );
    }
}
