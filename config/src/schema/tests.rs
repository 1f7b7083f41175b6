//! The schema says what the reading of settings does: names, types and ranges.

use fedmsg_message::{Backend, CrlPolicy, StrongAlgorithm};
use schemars::Schema;
use serde::Serialize;

use super::*;
use crate::{Config, KeyPath};

fn generated(schema: fn(&mut SchemaGenerator) -> Schema) -> Vec<String> {
    let schema = schema(&mut SchemaGenerator::default());
    let names = schema.pointer("/enum").or(schema.pointer("/items/enum"));
    let names = names.unwrap().as_array().unwrap();
    names.iter().map(|it| it.as_str().unwrap().into()).collect()
}

#[test]
fn names_are_those_that_are_read() {
    #[track_caller]
    fn check<T: Serialize>(schema: fn(&mut SchemaGenerator) -> Schema, expected: &[T]) {
        let name = |it| {
            toml::Value::try_from(it)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        };
        let expected: Vec<_> = expected.iter().map(name).collect();
        assert_eq!(generated(schema), expected);
    }
    check(backends, &[Backend::X509, Backend::Gpg]);
    check(crl_policy, &[CrlPolicy::Refuse, CrlPolicy::AcceptWithAlarm]);
    check(
        strong_signature,
        &[StrongAlgorithm::RsaSha256, StrongAlgorithm::Ed25519],
    );
}

#[test]
fn ranges_are_those_that_are_read() {
    let schema = schemars::schema_for!(Config);
    let bounded = |at: &str, header: &str| {
        let properties = schema.pointer(at).unwrap().as_object().unwrap();
        let mut count = 0;
        for (key, property) in properties {
            let bound = |name| property.get(name).and_then(|bound| bound.as_i64());
            let (Some(min), Some(max)) = (bound("minimum"), bound("maximum")) else {
                continue;
            };
            count += 1;
            for (value, expected) in [(min - 1, false), (min, true), (max, true), (max + 1, false)]
            {
                let toml = format!("{header}\n{key} = {value}");
                assert_eq!(Config::from_toml(&toml).is_ok(), expected, "{toml}");
            }
        }
        count
    };
    let consumer = "[consumers.x]\nkind = 'k'";
    assert_eq!(bounded("/properties", ""), 4);
    assert_eq!(bounded("/$defs/ConsumerConfig/properties", consumer), 1);
    for (name, key) in [
        ("MailboxConfig", "mailbox"),
        ("RetryConfig", "retry"),
        ("RestartConfig", "restart"),
    ] {
        let header = format!("{consumer}\n[consumers.x.{key}]");
        assert_eq!(bounded(&format!("/$defs/{name}/properties"), &header), 1);
    }
}

#[test]
fn every_setting_is_there_and_described() {
    let schema = schemars::schema_for!(Config);
    let properties = schema.pointer("/properties").unwrap().as_object().unwrap();
    let defaults = toml::Table::try_from(Config::default()).unwrap();
    for key in defaults.keys() {
        let property = properties.get(key.as_str());
        assert!(property.is_some(), "{}", KeyPath::from(key.as_str()));
        let default = toml::Value::try_from(&property.unwrap()["default"]).ok();
        assert!(default.is_some(), "{key} has no default");
    }
    for (key, property) in properties {
        let described = property.get("description").and_then(|text| text.as_str());
        assert!(described.is_some_and(|text| text.len() > 20), "{key}");
    }
}
