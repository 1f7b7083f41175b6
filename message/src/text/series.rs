//! Lists in words: "a, b, and 2 others".
//!
//! For conglomerators, which name users and packages so.

use std::collections::BTreeSet;

/// Whether there is a comma before the last "and" of three parts or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialComma {
    /// "a, b, and c".
    Oxford,
    /// "a, b and c".
    None,
}

/// Returns the items in words, sorted and each once: of more than `limit` the first `limit` - 1 and how
/// many others there are. Nothing is "(nothing)".
///
/// As in the original (fedmsg wire specification §6.5), but that a `limit` of 0 or 1 gives "4 others".
///
/// ```
/// use fedmsg_message::text::{SerialComma, list_to_series};
///
/// assert_eq!(list_to_series(["c", "a", "b"], 3, SerialComma::Oxford), "a, b, and c");
/// assert_eq!(list_to_series(["c", "a", "b"], 2, SerialComma::Oxford), "a and 2 others");
/// ```
pub fn list_to_series<S: Into<String>>(
    items: impl IntoIterator<Item = S>,
    limit: usize,
    comma: SerialComma,
) -> String {
    let items: BTreeSet<String> = items.into_iter().map(Into::into).collect();
    let named = if items.len() > limit {
        limit.saturating_sub(1)
    } else {
        items.len()
    };
    let others = items.len() - named;
    let mut parts: Vec<String> = items.into_iter().take(named).collect();
    if others > 0 {
        parts.push(format!("{others} others"));
    }
    let Some(last) = parts.pop() else {
        return "(nothing)".to_owned();
    };
    match (parts.len(), comma) {
        (0, _) => last,
        (2.., SerialComma::Oxford) => format!("{}, and {last}", parts.join(", ")),
        _ => format!("{} and {last}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::cases;
    use crate::json::Value;

    #[test]
    fn the_vectors_of_the_original_are_met() {
        for case in cases("meta/list_to_series.json", "cases") {
            let items = case.get("items").and_then(Value::as_array).unwrap();
            let items = items.iter().map(|item| item.as_str().unwrap());
            let limit = case.get("N").and_then(Value::as_u64).unwrap();
            let comma = match case.get("oxford_comma").and_then(Value::as_bool) {
                Some(true) => SerialComma::Oxford,
                _ => SerialComma::None,
            };
            let series = list_to_series(items, usize::try_from(limit).unwrap(), comma);
            assert_eq!(Some(&*series), case.get("value").and_then(Value::as_str));
        }
    }

    #[test]
    fn a_limit_of_one_names_nobody() {
        for limit in [0, 1] {
            let series = list_to_series(["a", "b", "c", "d"], limit, SerialComma::Oxford);
            assert_eq!(series, "4 others");
        }
    }
}
