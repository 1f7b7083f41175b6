//! The commands, one file each, and what they share.

pub(crate) mod ca;
pub(crate) mod common;
pub(crate) mod hub;
pub(crate) mod logger;
pub(crate) mod relay;
pub(crate) mod tail;
