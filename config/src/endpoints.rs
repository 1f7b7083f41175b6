//! Who publishes where: the table that everybody on the bus shares.
//!
//! A part of [`crate::Config`]: subscribers connect to all of it, a publisher binds its own entry.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::endpoint::Endpoint;
use crate::endpoint_name::EndpointName;
use crate::one_or_many::Wrapped;

/// The addresses of every publisher, by name; in TOML a table with one address or a list for each:
///
/// ```toml
/// [endpoints]
/// "bodhi.app01"  = ["tcp://app01:3000", "tcp://app01:3001"]
/// relay_outbound = "tcp://127.0.0.1:4001"
/// ```
///
/// Names are in order of their text, the addresses of one name in the order given. A name may have
/// an empty list, which takes it out of a table that an earlier file has filled.
///
/// ```
/// use fedmsg_config::Endpoints;
///
/// let addresses = ["tcp://app01:3000".parse()?];
/// let endpoints = Endpoints::from_iter([("bodhi.app01", addresses)]);
/// assert_eq!(endpoints.get("bodhi.app01").map(<[_]>::len), Some(1));
/// assert_eq!(endpoints.addresses().count(), 1);
/// # Ok::<(), fedmsg_config::EndpointError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Endpoints(BTreeMap<EndpointName, Vec<Endpoint>>);

impl Endpoints {
    /// Returns the addresses listed under `name`, or `None` when there is no such entry.
    pub fn get<Q>(&self, name: &Q) -> Option<&[Endpoint]>
    where
        EndpointName: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Returns the names with their addresses.
    pub fn iter(&self) -> impl Iterator<Item = (&EndpointName, &[Endpoint])> {
        self.0
            .iter()
            .map(|(name, addresses)| (name, addresses.as_slice()))
    }

    /// Returns every address with the name it is listed under, one by one.
    pub fn addresses(&self) -> impl Iterator<Item = (&EndpointName, &Endpoint)> {
        self.iter()
            .flat_map(|(name, addresses)| addresses.iter().map(move |address| (name, address)))
    }

    /// Lists `addresses` under `name` and returns those that were listed before.
    pub fn insert(
        &mut self,
        name: impl Into<EndpointName>,
        addresses: impl IntoIterator<Item = Endpoint>,
    ) -> Option<Vec<Endpoint>> {
        self.0.insert(name.into(), addresses.into_iter().collect())
    }

    /// Returns the number of names.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no name at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<EndpointName>, A: IntoIterator<Item = Endpoint>> FromIterator<(N, A)> for Endpoints {
    fn from_iter<I: IntoIterator<Item = (N, A)>>(entries: I) -> Self {
        let collect = |(name, addresses): (N, A)| (name.into(), addresses.into_iter().collect());
        Self(entries.into_iter().map(collect).collect())
    }
}

impl<'de> Deserialize<'de> for Endpoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<EndpointName, Wrapped<Endpoint>>::deserialize(deserializer)?;
        Ok(Self(
            entries
                .into_iter()
                .map(|(name, Wrapped(addresses))| (name, addresses))
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(toml: &str, expected: &[(&str, &[&str])]) {
        let endpoints: Endpoints = toml::from_str(toml).unwrap();
        let parse = |address: &&str| address.parse().unwrap();
        let expected: Endpoints = expected
            .iter()
            .map(|&(name, addresses)| (name, addresses.iter().map(parse).collect::<Vec<_>>()))
            .collect();
        assert_eq!(endpoints, expected);
        let written = toml::to_string(&endpoints).unwrap();
        assert_eq!(toml::from_str::<Endpoints>(&written).unwrap(), endpoints);
    }

    #[test]
    fn a_name_has_one_address_or_a_list() {
        check("", &[]);
        check("a = 'tcp://a:1'", &[("a", &["tcp://a:1"])]);
        check(
            "'a.b' = ['tcp://a:2', 'tcp://a:1']",
            &[("a.b", &["tcp://a:2", "tcp://a:1"])],
        );
        check(
            "b = []\na = 'inproc://x'",
            &[("a", &["inproc://x"]), ("b", &[])],
        );
    }

    #[test]
    fn an_entry_is_found_by_text_and_by_name() {
        let mut endpoints = Endpoints::default();
        assert!(endpoints.is_empty());
        assert_eq!(endpoints.insert("a", ["tcp://a:1".parse().unwrap()]), None);
        assert_eq!(endpoints.get("a"), endpoints.get(&EndpointName::from("a")));
        assert_eq!(endpoints.get("b"), None);
        assert_eq!(
            endpoints.insert("a", []).map(|before| before.len()),
            Some(1)
        );
        assert_eq!((endpoints.len(), endpoints.addresses().count()), (1, 0));
    }
}
