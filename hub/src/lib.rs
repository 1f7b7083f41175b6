//! The hub: what you start.
