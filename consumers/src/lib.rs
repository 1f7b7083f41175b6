//! Who listens: the built-in consumers of the hub.
