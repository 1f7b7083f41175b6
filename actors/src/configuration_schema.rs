//! The JSON Schema of a whole configuration file, for editors: with the params of every kind.
//!
//! [`crate::Registry::configuration_schema`] makes it of the settings that every hub has (fedmsg-config)
//! and the kinds that this one knows. It demands nothing: a file may be one of several, which add up. What
//! is missing in all of them is found by `fedmsg-config check`.

use fedmsg_config::Config;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// One kind of a table: its name, what it does, and what makes the schema of its params.
pub(crate) struct KindSchema {
    pub(crate) kind: &'static str,
    pub(crate) about: &'static str,
    pub(crate) params: fn(&mut SchemaGenerator) -> Schema,
}

/// Returns the schema of a configuration whose consumers and producers are of these kinds.
pub(crate) fn of(consumers: &[KindSchema], producers: &[KindSchema]) -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    // All from one generator, so that two types of the same name do not share a definition.
    let consumer_rules = rules(consumers, &mut generator);
    let producer_rules = rules(producers, &mut generator);
    let mut schema = generator.into_root_schema_for::<Config>();
    schema.insert("title".to_owned(), "Configuration of fedmsg".into());
    for (definition, rules) in [
        ("ConsumerConfig", consumer_rules),
        ("ProducerConfig", producer_rules),
    ] {
        let at = format!("/$defs/{definition}");
        if let Some(Value::Object(table)) = schema.pointer_mut(&at) {
            table.remove("required");
            table.extend(rules);
        }
    }
    if let Some(Value::Object(producer)) = schema.pointer_mut("/$defs/ProducerConfig") {
        let both = json!({ "required": ["every", "cron"] });
        producer.insert("not".to_owned(), both);
    }
    without_nulls(&mut schema);
    schema
}

/// What the kinds of a table add to it: their names, and for each what its params are.
fn rules(kinds: &[KindSchema], generator: &mut SchemaGenerator) -> Map<String, Value> {
    let names = kinds.iter().map(|it| match it.about {
        "" => json!({ "const": it.kind }),
        about => json!({ "const": it.kind, "description": about }),
    });
    let names: Vec<_> = names.collect();
    let mut conditions = vec![json!({ "properties": { "kind": { "oneOf": names } } })];
    for kind in kinds {
        let params = (kind.params)(generator);
        let params = without_required(params, generator);
        conditions.push(json!({
            "if": { "properties": { "kind": { "const": kind.kind } }, "required": ["kind"] },
            "then": { "properties": { "params": params } },
        }));
    }
    Map::from_iter([("allOf".to_owned(), Value::Array(conditions))])
}

/// The schema of these params without the demand that some are there: another file may have them.
fn without_required(mut params: Schema, generator: &mut SchemaGenerator) -> Schema {
    let reference = params.get("$ref").and_then(Value::as_str);
    let name = reference.and_then(|it| it.strip_prefix("#/$defs/"));
    let name = name.map(str::to_owned);
    match name.and_then(|name| generator.definitions_mut().get_mut(&name)) {
        Some(Value::Object(definition)) => drop(definition.remove("required")),
        _ => drop(params.remove("required")),
    }
    params
}

/// Takes out what TOML cannot say, and what is of no use to whoever writes it: nulls, and the examples of
/// Rust in doc comments.
pub(crate) fn without_nulls(schema: &mut Schema) {
    if let Some(object) = schema.as_object_mut() {
        clean(object);
    }
}

fn clean(object: &mut Map<String, Value>) {
    object.retain(|key, value| key != "default" || !value.is_null());
    if let Some(Value::Object(default)) = object.get_mut("default") {
        default.retain(|_, value| !value.is_null());
    }
    let is_null = |it: &Value| it == "null" || it.get("type") == Some(&"null".into());
    for key in ["type", "anyOf", "enum"] {
        let Some(Value::Array(forms)) = object.get_mut(key) else {
            continue;
        };
        forms.retain(|form| !is_null(form) && !form.is_null());
        if let ("type", [only]) = (key, forms.as_slice()) {
            let only = only.clone();
            object.insert(key.to_owned(), only);
        }
    }
    if let Some(Value::String(text)) = object.get_mut("description")
        && let Some((before, _)) = text.split_once("```")
    {
        *text = before.trim_end().to_owned();
    }
    for value in object.values_mut() {
        match value {
            Value::Object(inner) => clean(inner),
            Value::Array(items) => items
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(clean),
            _ => {}
        }
    }
}
