//! How settings look in a JSON Schema, where serde alone does not say it.
//!
//! The settings structs name these in `schema_with`; the types of settings use them. What a plugin needs
//! for its params is public: [`crate::duration::schema`].

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::byte_size::ByteSize;
use crate::endpoint::Endpoint;
use crate::endpoint_name::EndpointName;
use crate::endpoints::Endpoints;
use crate::file_mode::FileMode;
use crate::location::Location;
use crate::monitoring_address::MonitoringAddress;
use crate::params::Params;

/// Gives a type of settings its schema, and a name for it.
macro_rules! schema_of {
    ($type:ident, $schema:expr) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }

            fn inline_schema() -> bool {
                true // short, and so a description of the field stays the only one
            }
        }
    };
}

schema_of!(ByteSize, {
    json_schema!({
        "title": "size",
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^\\s*[0-9]+\\s*([kKmMgGtT]?[iI]?[bB])\\s*$" },
        ],
        "examples": ["64 MiB"],
    })
});
schema_of!(Endpoint, {
    json_schema!({
        "title": "address",
        "type": "string",
        "pattern": "^[a-zA-Z]+://.+",
        "examples": ["tcp://127.0.0.1:9940"],
    })
});
schema_of!(EndpointName, {
    json_schema!({ "title": "name", "type": "string", "minLength": 1 })
});
schema_of!(FileMode, {
    json_schema!({ "title": "mode", "type": "string", "pattern": "^[0-7]{1,4}$", "examples": ["770"] })
});
schema_of!(Location, {
    json_schema!({ "title": "file or URL", "type": "string", "minLength": 1 })
});
schema_of!(MonitoringAddress, {
    json_schema!({
        "title": "address",
        "type": "string",
        "pattern": "^[a-zA-Z]+://.+",
        "examples": ["ipc:///run/fedmsg/monitoring-{process}.socket"],
    })
});
schema_of!(Params, {
    json_schema!({ "type": "object" }) // which depends on the kind
});

impl JsonSchema for Endpoints {
    fn schema_name() -> Cow<'static, str> {
        "Endpoints".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let addresses = one_or_many::<Endpoint>(generator);
        json_schema!({ "type": "object", "additionalProperties": addresses })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// A text, or a list of them.
pub(crate) fn one_or_many<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let one = generator.subschema_for::<T>();
    json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
}

/// A length of time that a bare number gives in seconds, or in milliseconds.
pub(crate) fn number_or_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "time",
        "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string" }],
    })
}

/// 0 or 1, or true or false.
pub(crate) fn switch(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "boolean" }, { "enum": [0, 1] }] })
}

/// The names of the ways to sign, by [`fedmsg_message::Backend`].
pub(crate) fn backends(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "enum": ["x509", "gpg"] } })
}

/// The names of [`fedmsg_message::CrlPolicy`].
pub(crate) fn crl_policy(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["refuse", "accept-with-alarm"] })
}

/// The names of [`fedmsg_message::StrongAlgorithm`].
pub(crate) fn strong_signature(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["rsa-sha256", "ed25519"] })
}

#[cfg(test)]
mod tests;
