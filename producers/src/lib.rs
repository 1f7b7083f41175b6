//! Who speaks: the built-in producers of the hub, one file each.
//!
//! [`register`] is the table of their kinds. The hub calls it; `config/fedmsg.toml` has a block to
//! copy for each.

mod announcer;
mod bounded;
mod errand;
mod exec;
mod file;
mod heartbeat;
mod http;
mod monitor;
mod state_file;
mod system;
mod template;
mod topic_template;

use fedmsg_actors::Registry;

pub use self::exec::{ExecProducer, ExecProducerParams, Output};
pub use self::file::{Beginning, FileParams, FileProducer};
pub use self::heartbeat::{Heartbeat, HeartbeatParams};
pub use self::http::{Format, HttpParams, HttpProducer, JsonPointer, Publish, Url};
pub use self::monitor::{MonitorParams, MonitorProducer};
pub use self::system::{SystemParams, SystemProducer};
pub use self::template::{MsgTemplate, TemplateParams, TemplateProducer};
pub use self::topic_template::{TopicTemplate, TopicTemplateError};

/// Adds every built-in kind of producer to `registry`.
///
/// ```
/// let mut registry = fedmsg_actors::Registry::default();
/// fedmsg_producers::register(&mut registry);
/// assert!(registry.producer_kinds().any(|kind| kind == "heartbeat"));
/// ```
pub fn register(registry: &mut Registry) {
    registry.producer::<ExecProducer>();
    registry.producer::<FileProducer>();
    registry.producer::<Heartbeat>();
    registry.producer::<HttpProducer>();
    registry.producer::<MonitorProducer>();
    registry.producer::<SystemProducer>();
    registry.producer::<TemplateProducer>();
}
