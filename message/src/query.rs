//! `Query`: some members of a message, by dotted paths.
//!
//! `fedmsg-tail --query` shows them; it is the original's `dict_query`.

use crate::json::Value;

/// Dotted paths, separated by commas: `msg.item,username`.
///
/// A path walks through objects only, so that neither the items of a list nor a key with a dot in its
/// name can be reached. White space around a path does not count; of two equal paths one is left.
/// Source: fedmsg wire specification §7.2 (`fedmsg.utils.dict_query`).
///
/// ```
/// use fedmsg_message::{Query, Value};
///
/// let message = Value::parse(br#"{"msg": {"item": "tea"}, "i": 1}"#)?;
/// let query = Query::new("msg.item, msg.price");
/// let found: Vec<_> = query.of(&message).collect();
/// assert_eq!(found, [("msg.item", Some(&Value::from("tea"))), ("msg.price", None)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    paths: Vec<String>,
}

impl Query {
    /// Reads the paths; every text has at least one, be it the empty name.
    #[must_use]
    pub fn new(paths: &str) -> Query {
        let mut query = Query { paths: Vec::new() };
        for path in paths.split(',').map(str::trim) {
            if !query.paths.iter().any(|known| known == path) {
                query.paths.push(path.to_owned());
            }
        }
        query
    }

    /// Returns each path and what is there, in the order in which they were written. A `null` that is
    /// there is `Some`.
    pub fn of<'a>(
        &'a self,
        value: &'a Value,
    ) -> impl Iterator<Item = (&'a str, Option<&'a Value>)> {
        let walk = move |path: &str| {
            path.split('.')
                .try_fold(value, |value, name| value.get(name))
        };
        self.paths
            .iter()
            .map(move |path| (path.as_str(), walk(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{cases, text, vectors};

    #[test]
    fn the_vectors_of_the_original_are_met() {
        let file = "utils/dict_query.json";
        let vectors = vectors(file);
        let document = vectors.get("document").unwrap();
        for case in cases(file, "cases") {
            let query = Query::new(text(&case, "query"));
            let found = query.of(document).map(|(path, found)| {
                Value::from(vec![
                    Value::from(path),
                    found.cloned().unwrap_or(Value::Null),
                ])
            });
            assert_eq!(case.get("result"), Some(&found.collect()), "{case:?}");
        }
    }
}
