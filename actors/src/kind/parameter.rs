//! One parameter of a kind, as a person reads it: from the JSON Schema of the kind's params.
//!
//! [`super::Kind::parameters`] makes them.

use schemars::Schema;
use serde::Serialize;
use serde_json::{Map, Value};

/// How deep tables within tables are followed: a type may contain itself.
const DEEPEST: usize = 4;

/// A parameter of a kind.
///
/// # Examples
///
/// ```
/// # use fedmsg_actors::schemars::JsonSchema;
/// # use fedmsg_actors::serde::Deserialize;
/// # use fedmsg_actors::{BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, Registry};
/// /// What `[consumers.NAME.params]` may say.
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(crate = "fedmsg_actors::serde")]
/// #[schemars(crate = "fedmsg_actors::schemars")]
/// struct Params {
///     /// How loud it is.
///     volume: u8,
/// }
/// # struct Bell;
/// # impl Consumer for Bell {
/// #     const KIND: &'static str = "bell";
/// #     type Params = Params;
/// #     async fn from_params(_: Params, _: &ConsumerContext) -> Result<Self, BoxError> { Ok(Bell) }
/// #     async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
/// #         Ok(())
/// #     }
/// # }
///
/// let mut registry = Registry::default();
/// registry.consumer::<Bell>();
/// let parameters = registry.kinds()[0].parameters();
/// assert_eq!((parameters[0].name.as_str(), parameters[0].required), ("volume", true));
/// assert_eq!(parameters[0].about, "How loud it is.");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// Its key below `params`, such as `level` or `limit.per_second`.
    pub name: String,
    /// What it takes, in words: "integer, 1 to 64", "one of "json", "msg", "raw"".
    pub takes: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it is when it is not given, if that can be written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// A value to copy, if its author gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// What it is for: its doc comment, as one line.
    pub about: String,
}

/// Reads every parameter that `schema` describes.
pub(super) fn all(schema: &Schema) -> Vec<Parameter> {
    let Some(root) = schema.as_object() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    Reader { root }.table(root, "", true, None, DEEPEST, &mut found);
    found.sort_by(|a, b| (!a.required, &a.name).cmp(&(!b.required, &b.name)));
    found
}

struct Reader<'a> {
    root: &'a Map<String, Value>,
}

impl<'a> Reader<'a> {
    /// Adds the parameters of a table whose names begin with `prefix`.
    fn table(
        &self,
        table: &Map<String, Value>,
        prefix: &str,
        is_required: bool,
        defaults: Option<&Value>,
        depth: usize,
        found: &mut Vec<Parameter>,
    ) {
        let required = table.get("required").and_then(Value::as_array);
        let properties = table.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            let Some(property) = property.as_object() else {
                continue;
            };
            let name = format!("{prefix}{key}");
            let required =
                is_required && required.is_some_and(|keys| keys.iter().any(|it| it == key));
            let resolved = self.resolved(property);
            // What stands beside a reference is about this parameter, not about its type.
            let own = |what: &str| property.get(what).or_else(|| resolved.get(what));
            let default = own("default").or_else(|| defaults?.get(key)).cloned();
            if depth > 0 && resolved.contains_key("properties") {
                let prefix = format!("{name}.");
                let nested = default.as_ref().filter(|it| !it.is_null());
                let first = found.len();
                self.table(resolved, &prefix, required, nested, depth - 1, found);
                if !required && nested.is_none() {
                    // Without the table nothing in it is anything, and with it all that it needs must be there.
                    let within = found.iter_mut().skip(first);
                    within.for_each(|parameter| parameter.default = None);
                }
                continue;
            }
            let examples = own("examples").and_then(Value::as_array);
            let about = own("description").and_then(Value::as_str);
            found.push(Parameter {
                name,
                takes: self.takes(property, DEEPEST),
                required,
                default: default.filter(|it| !it.is_null()),
                example: examples.and_then(|all| all.first()).cloned(),
                about: about.map(one_line).unwrap_or_default(),
            });
        }
    }

    /// Follows references and options with a single form.
    fn resolved(&self, mut schema: &'a Map<String, Value>) -> &'a Map<String, Value>
    where
        Self: 'a,
    {
        for _ in 0..DEEPEST {
            let reference = schema.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|it| it.strip_prefix("#/$defs/"));
            let definitions = self.root.get("$defs").and_then(Value::as_object);
            let definition = name.and_then(|name| definitions?.get(name)?.as_object());
            match definition.or_else(|| only(schema)) {
                Some(further) => schema = further,
                None => break,
            }
        }
        schema
    }

    /// What values it takes.
    fn takes(&self, schema: &Map<String, Value>, depth: usize) -> String {
        // The reader outlives what it reads, but a schema within a schema is looked up by value.
        let title = schema.get("title").and_then(Value::as_str);
        if let Some(title) = title {
            return title.to_owned();
        }
        if depth == 0 {
            return "anything".to_owned();
        }
        let within = |it: &Value| {
            let schema = it.as_object();
            schema.map_or_else(|| "anything".to_owned(), |it| self.takes(it, depth - 1))
        };
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let definitions = self.root.get("$defs");
            let name = name.trim_start_matches("#/$defs/");
            let definition = definitions.and_then(|all| all.get(name));
            return definition.map_or_else(|| name.to_owned(), within);
        }
        let choices = choices(schema);
        if !choices.is_empty() {
            return format!("one of {}", choices.join(", "));
        }
        for form in ["anyOf", "oneOf", "allOf"] {
            if let Some(forms) = schema.get(form).and_then(Value::as_array) {
                return forms.iter().map(within).collect::<Vec<_>>().join(" or ");
            }
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => "text".to_owned(),
            Some("boolean") => "true or false".to_owned(),
            Some(kind @ ("integer" | "number")) => number(kind, schema),
            Some("array") => match schema.get("items") {
                Some(items) => format!("list of {}", within(items)),
                None => "list".to_owned(),
            },
            Some("object") => match schema.get("additionalProperties") {
                Some(values @ Value::Object(_)) => format!("table of {}", within(values)),
                _ => "table".to_owned(),
            },
            _ => "anything".to_owned(),
        }
    }
}

/// The one form of a schema that has no other.
fn only(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let forms = ["anyOf", "allOf", "oneOf"];
    let mut forms = forms
        .iter()
        .filter_map(|form| schema.get(*form)?.as_array());
    match forms.next()?.as_slice() {
        [form] => form.as_object(),
        _ => None,
    }
}

/// The values that a schema lists.
fn choices(schema: &Map<String, Value>) -> Vec<String> {
    let listed = schema.get("enum").and_then(Value::as_array);
    let values = listed.map(|all| all.iter().map(ToString::to_string).collect());
    let forms = schema.get("oneOf").and_then(Value::as_array);
    let constants = || {
        let forms = forms?.iter();
        let lists = forms.map(|form| match (form.get("const"), form.get("enum")) {
            (Some(value), _) => Some(vec![value.to_string()]),
            (None, Some(Value::Array(all))) => Some(all.iter().map(ToString::to_string).collect()),
            _ => None,
        });
        let lists: Option<Vec<Vec<_>>> = lists.collect();
        lists.map(|lists| lists.concat())
    };
    let constant = schema.get("const").map(|it| vec![it.to_string()]);
    values.or(constant).or_else(constants).unwrap_or_default()
}

/// A number with its bounds, but for those that only say how many bits it has.
fn number(kind: &str, schema: &Map<String, Value>) -> String {
    let bound = |name: &str| schema.get(name).filter(|it| it.is_number());
    let (least, most) = (bound("minimum"), bound("maximum"));
    match (least, most) {
        (Some(least), Some(most)) => format!("{kind}, {least} to {most}"),
        (Some(least), None) => format!("{kind}, at least {least}"),
        (None, Some(most)) => format!("{kind}, at most {most}"),
        (None, None) => kind.to_owned(),
    }
}

/// A doc comment without line ends, and without its examples.
fn one_line(text: &str) -> String {
    let text = text.split("```").next().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;
    use crate::kind::Kind;

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema counts")]
    struct Params {
        /// Where to.
        ///
        /// ```text
        /// an example
        /// ```
        #[schemars(example = &"here")]
        to: String,
        #[serde(default = "seven")]
        #[schemars(range(min = 1, max = 9))]
        often: u32,
        mode: Option<Mode>,
        #[serde(default)]
        limit: Limit,
        extra: Option<Limit>,
        words: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, bool>,
        number_or_not: Option<f64>,
    }

    fn seven() -> u32 {
        7
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        /// One line.
        Line,
        /// All of it.
        Whole,
    }

    #[derive(Default, Deserialize, serde::Serialize, JsonSchema)]
    #[serde(default)]
    struct Limit {
        /// How many.
        per_second: u8,
    }

    #[test]
    fn a_schema_is_put_into_words() {
        let parameters = all(&Kind::params_schema::<Params>());
        let rows: Vec<_> = parameters
            .iter()
            .map(|it| (it.name.as_str(), it.takes.as_str(), it.required))
            .collect();
        assert_eq!(
            rows,
            [
                ("to", "text", true),
                ("words", "list of text", true),
                ("env", "table of true or false", false),
                ("extra.per_second", "integer, 0 to 255", false),
                ("limit.per_second", "integer, 0 to 255", false),
                ("mode", "one of \"line\", \"whole\"", false),
                ("number_or_not", "number", false),
                ("often", "integer, 1 to 9", false),
            ]
        );
        let find = |name: &str| parameters.iter().find(|it| it.name == name).unwrap();
        assert_eq!(find("to").about, "Where to.");
        assert_eq!(find("to").example, Some("here".into()));
        assert_eq!(find("often").default, Some(7.into()));
        assert_eq!(find("limit.per_second").default, Some(0.into()));
        assert_eq!(find("mode").default, None);
        assert_eq!(find("extra.per_second").default, None);
    }
}
