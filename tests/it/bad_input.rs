//! What no peer, no network and no configuration can do to our programs: stop them, fill their
//! memory, or keep the messages of others from them.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod bodies;
mod configuration;
mod connections;
mod endpoints;
mod frames;
mod indented;
mod rig;
mod sizes;

use self::rig::Rig;
