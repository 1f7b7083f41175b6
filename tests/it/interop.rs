//! Our programs and our library on one bus with the real Python fedmsg, in both directions.
//!
//! What is sent in one language is compared with what arrives in the other: JSON without loss
//! (`fedmsg::json`), byte for byte where we received it, in the order in which it was sent. Without
//! the original programs these tests skip themselves by name; see `tests/interop/README.md`.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod bodies;
mod direct;
mod events;
mod imported;
mod mixtures;
mod monitoring;
mod relayed;
mod restarts;
mod signed;
mod terse;
mod wrapping;
