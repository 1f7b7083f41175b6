//! The outside world of a plugin under test: where its effects are to be seen, or its news come from.
//!
//! The author of the plugin makes one for each trial.

use std::cell::RefCell;
use std::fmt::Debug;

/// The outside world of a consumer or producer under test: its settings, what is to be seen of its effects or
/// where its news come from, and, where that can be done, a switch for outages.
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
    pub(super) source: Option<Box<dyn Fn(u64)>>,
    pub(super) outage: Option<Box<dyn Fn(bool)>>,
    /// What a consumer has published in it, over all its trials, sorted.
    heard: RefCell<Vec<String>>,
}

impl World {
    /// A world in which the consumer has these settings, the inside of `[consumers.NAME]` in TOML without
    /// `kind`, and in which `effect` shows what it has done: the rows of a table, the content of a file.
    /// What is shown is compared as text (`{:#?}`), so it has to be in an order that does not depend on that
    /// of the messages: sort it, or collect it into a `BTreeMap`. Where that never changes, what the consumer
    /// publishes is taken for its effect: topics and payloads, in any order.
    #[must_use]
    pub fn new<T: Debug>(settings: &str, effect: impl Fn() -> T + 'static) -> Self {
        Self {
            settings: settings.to_owned(),
            effect: Box::new(move || format!("{:#?}", effect())),
            source: None,
            outage: None,
            heard: RefCell::default(),
        }
    }

    /// A world in which a producer has these settings, the inside of `[producers.NAME]` in TOML without `kind`;
    /// it needs no schedule. What it publishes is all that is to be seen of it.
    ///
    /// ```
    /// use std::fs::{self, OpenOptions};
    /// use std::io::Write;
    /// use fedmsg_actors::World;
    ///
    /// fn world() -> World {
    ///     let directory = tempfile::tempdir().unwrap();
    ///     let (log, elsewhere) = (directory.path().join("log"), directory.path().join("elsewhere"));
    ///     fs::write(&log, "").unwrap();
    ///     let settings = format!("params.path = {log:?}");
    ///     let logged = log.clone();
    ///     // The directory lives as long as the closure.
    ///     let tell = move |n| {
    ///         let file = OpenOptions::new().append(true).open(directory.path().join("log"));
    ///         writeln!(file.unwrap(), "line {n}").unwrap();
    ///     };
    ///     World::for_producer(&settings).source(tell).outage(move |is_down| {
    ///         let (from, to) = if is_down { (&logged, &elsewhere) } else { (&elsewhere, &logged) };
    ///         let _ = fs::rename(from, to);
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn for_producer(settings: &str) -> Self {
        Self::new(settings, || ())
    }

    /// Adds a source of news for a producer: `tell(n)` has something happen, the `n`th time since this
    /// world was made, that the producer is to publish.
    #[must_use]
    pub fn source(mut self, tell: impl Fn(u64) + 'static) -> Self {
        self.source = Some(Box::new(tell));
        self
    }

    /// Adds a switch: after `switch(true)` nothing that the plugin wants of this world succeeds, after
    /// `switch(false)` all does again. Without one it cannot be seen whether it swallows errors, or a consumer
    /// publishes what has not happened. One that does nothing but publish needs none: the suite lets that fail.
    #[must_use]
    pub fn outage(mut self, switch: impl Fn(bool) + 'static) -> Self {
        self.outage = Some(Box::new(switch));
        self
    }

    pub(super) fn look(&self) -> String {
        (self.effect)()
    }

    /// Adds what was published, and returns all that was.
    pub(super) fn hear(&self, published: impl Iterator<Item = String>) -> Vec<String> {
        let mut heard = self.heard.borrow_mut();
        heard.extend(published);
        heard.sort();
        heard.clone()
    }
}
