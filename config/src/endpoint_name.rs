//! The name of a publisher, under which `[endpoints]` lists its addresses.
//!
//! [`crate::Endpoints`] is keyed by it; deliveries carry it to consumers.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of an entry of `[endpoints]`, by custom `<service>.<host>`: `bodhi.app01`.
///
/// Any text is a name. Names order and compare as texts do, so a map keyed by names can be asked with
/// a `&str`. Cloning costs nothing, because every message carries one: the text of a name is kept once,
/// for as long as the program runs. Names come from the configuration, never from the network.
///
/// ```
/// use fedmsg_config::EndpointName;
///
/// let name = EndpointName::from("bodhi.app01");
/// assert_eq!(name.as_str(), "bodhi.app01");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName(&'static str);

/// Every name that there has been.
static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

impl EndpointName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        self.0
    }
}

impl From<&str> for EndpointName {
    fn from(name: &str) -> Self {
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name) {
            return Self(known);
        }
        let name: &'static str = Box::leak(Box::from(name));
        names.insert(name);
        Self(name)
    }
}

impl From<String> for EndpointName {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl Borrow<str> for EndpointName {
    fn borrow(&self) -> &str {
        self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointName({:?})", self.0)
    }
}

impl Serialize for EndpointName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for EndpointName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[test]
    fn a_map_keyed_by_names_can_be_asked_with_a_text() {
        let name = EndpointName::from("bodhi.app01".to_owned());
        let sorted = BTreeMap::from([(name.clone(), 1)]);
        let hashed = HashMap::from([(name.clone(), 1)]);
        assert_eq!(sorted.get("bodhi.app01"), Some(&1));
        assert_eq!(hashed.get("bodhi.app01"), Some(&1));
        assert_eq!(hashed.get(&name), Some(&1));
    }

    #[test]
    fn a_name_reads_and_writes_as_text() {
        let name = EndpointName::from("a");
        let value = toml::Value::try_from(&name).unwrap();
        assert_eq!(value, toml::Value::String("a".to_owned()));
        assert_eq!(EndpointName::deserialize(value).unwrap(), name);
        assert_eq!(format!("{name:>3}"), "  a");
    }
}
