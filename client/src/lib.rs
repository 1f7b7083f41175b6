//! Publish and tail on a federated message bus.
