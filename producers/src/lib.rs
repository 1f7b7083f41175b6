//! Who speaks: the built-in producers of the hub.
