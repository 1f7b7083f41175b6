//! The commands, one file each, and what they share.

pub(crate) mod announce;
pub(crate) mod bad_expression;
pub(crate) mod ca;
pub(crate) mod check;
pub(crate) mod collectd;
pub(crate) mod common;
pub(crate) mod config;
pub(crate) mod dg_replay;
pub(crate) mod filter;
pub(crate) mod gateway;
pub(crate) mod hub;
pub(crate) mod input;
pub(crate) mod located;
pub(crate) mod logger;
pub(crate) mod new;
pub(crate) mod outlet;
pub(crate) mod preset;
pub(crate) mod relay;
pub(crate) mod signing_relay;
pub(crate) mod tail;
pub(crate) mod timeout;
pub(crate) mod trigger;
