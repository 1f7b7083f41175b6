//! Where a setting sits: the keys and list positions that lead to it.
//!
//! [`crate::Origins`], [`crate::ConfigError`] and [`crate::ParamsError`] name settings with it; the
//! reader of values builds one on its way down.

use std::fmt;

/// One step of a [`KeyPath`]: into a table by key, or into a list by position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The key of a table, as written, without quotes.
    Key(String),
    /// The position in a list, counted from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for Segment {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The way from the top of the configuration to one setting.
///
/// It is shown as TOML would write it: keys joined by dots and quoted where TOML demands it, list
/// positions in brackets. Paths order by their segments, so a table comes before what it holds.
///
/// ```
/// use fedmsg_config::KeyPath;
///
/// let path = KeyPath::from(["endpoints", "bodhi.app01"]).child(1);
/// assert_eq!(path.to_string(), r#"endpoints."bodhi.app01"[1]"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPath(Vec<Segment>);

impl KeyPath {
    /// Returns the path of the whole configuration, which has no segments.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns whether this is the path of the whole configuration.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path of what lies one step below.
    #[must_use]
    pub fn child(&self, segment: impl Into<Segment>) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.into());
        Self(segments)
    }

    /// Returns the path of what `below` names, seen from here.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        Self(self.0.iter().chain(&below.0).cloned().collect())
    }

    /// Returns the path of what holds this, or `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// Returns the last step, or `None` at the top.
    pub fn last(&self) -> Option<&Segment> {
        self.0.last()
    }

    /// Returns whether this is `above`, or lies somewhere below it.
    pub fn starts_with(&self, above: &Self) -> bool {
        self.0.starts_with(&above.0)
    }

    /// Returns the steps from the top down.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }
}

impl<S: Into<Segment>, const N: usize> From<[S; N]> for KeyPath {
    fn from(segments: [S; N]) -> Self {
        segments.into_iter().collect()
    }
}

impl From<&str> for KeyPath {
    /// Makes the path of one key of the top table; dots in it are part of the key.
    fn from(key: &str) -> Self {
        Self::root().child(key)
    }
}

impl<S: Into<Segment>> FromIterator<S> for KeyPath {
    fn from_iter<I: IntoIterator<Item = S>>(segments: I) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    write_key(f, key)?;
                }
            }
        }
        Ok(())
    }
}

/// Writes a bare key as it is and any other as a quoted one (TOML 1.0, "Keys").
fn write_key(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.is_empty() && key.chars().all(is_bare) {
        return f.write_str(key);
    }
    f.write_str("\"")?;
    for c in key.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: KeyPath, expected: &str) {
        assert_eq!(path.to_string(), expected);
    }

    #[test]
    fn a_path_is_shown_as_toml_would_write_it() {
        check(KeyPath::root(), "");
        check(KeyPath::from("timeout"), "timeout");
        check(
            KeyPath::from(["consumers", "audit", "kind"]),
            "consumers.audit.kind",
        );
        check(KeyPath::from("relay_inbound").child(0), "relay_inbound[0]");
        check(
            KeyPath::from(["endpoints", "relay.host"]),
            "endpoints.\"relay.host\"",
        );
        check(KeyPath::from(["endpoints", ""]), "endpoints.\"\"");
        check(
            KeyPath::from("a\"b\\c\n\t\u{1}é"),
            r#""a\"b\\c\n\t\u0001é""#,
        );
    }

    #[test]
    fn a_shown_path_is_a_toml_key() {
        let key = "a\"b\\c\n\t\u{1}é .x";
        let text = format!("{} = 1", KeyPath::from(["endpoints", key]));
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["endpoints"].get(key), Some(&toml::Value::Integer(1)));
    }

    #[test]
    fn a_path_knows_what_is_above_and_below() {
        let path = KeyPath::from(["consumers", "audit"])
            .child("topics")
            .child(2);
        assert_eq!(
            path.parent(),
            Some(KeyPath::from(["consumers", "audit", "topics"]))
        );
        assert_eq!(KeyPath::root().parent(), None);
        assert_eq!(path.last(), Some(&Segment::Index(2)));
        assert!(path.starts_with(&KeyPath::from(["consumers", "audit"])));
        assert!(!path.starts_with(&KeyPath::from(["consumers", "aud"])));
        assert!(path.starts_with(&KeyPath::root()));
        let below = KeyPath::from("topics").child(2);
        assert_eq!(KeyPath::from(["consumers", "audit"]).join(&below), path);
        assert!(KeyPath::from("consumers") < path);
    }
}
