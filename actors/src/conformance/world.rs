//! The outside world of a consumer under test: where its effects are to be seen.
//!
//! The author of the consumer makes one for each trial.

use std::fmt::Debug;

/// The outside world of a consumer under test: its settings, what is to be seen of its effects, and, where
/// that can be done, a switch for outages.
///
/// # Examples
///
/// ```
/// use std::fs;
/// use fedmsg_actors::World;
///
/// fn world() -> World {
///     let directory = tempfile::tempdir().unwrap();
///     let settings = format!("params.file = {:?}", directory.path().join("sales"));
///     // The directory lives as long as the closure.
///     World::new(&settings, move || fs::read_to_string(directory.path().join("sales")).ok())
/// }
/// ```
pub struct World {
    pub(super) settings: String,
    effect: Box<dyn Fn() -> String>,
    pub(super) outage: Option<Box<dyn Fn(bool)>>,
}

impl World {
    /// A world in which the consumer has these settings, the inside of `[consumers.NAME]` in TOML without
    /// `kind`, and in which `effect` shows what it has done: the rows of a table, the content of a file.
    /// What is shown is compared as text (`{:#?}`), so it has to be in an order that does not depend on that
    /// of the messages: sort it, or collect it into a `BTreeMap`.
    #[must_use]
    pub fn new<T: Debug>(settings: &str, effect: impl Fn() -> T + 'static) -> Self {
        Self {
            settings: settings.to_owned(),
            effect: Box::new(move || format!("{:#?}", effect())),
            outage: None,
        }
    }

    /// Adds a switch: after `switch(true)` nothing that the consumer wants of this world succeeds, after
    /// `switch(false)` all does again. Without one it cannot be seen whether a consumer swallows errors, or
    /// publishes what has not happened.
    #[must_use]
    pub fn outage(mut self, switch: impl Fn(bool) + 'static) -> Self {
        self.outage = Some(Box::new(switch));
        self
    }

    pub(super) fn look(&self) -> String {
        (self.effect)()
    }
}
