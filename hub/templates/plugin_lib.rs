//! A {{what}} for hubs of the bus. `main.rs` is a hub that knows it; another hub may depend on this crate.

mod {{module}};

pub use {{module}}::{{type}}{{What}};
