//! The producer that says how its host is: load, memory, swap, disks, uptime.
//!
//! From `/proc` (proc(5)) and statvfs(3) of Linux; what a crate for this would add are other systems.

mod host_state;

use std::path::PathBuf;

use fedmsg::json::to_value;
use fedmsg_actors::{BoxError, ParamsError, Producer, ProducerContext};
use fedmsg_config::Config;
use schemars::JsonSchema;
use serde::Deserialize;

use self::host_state::{HostState, HostStateError};
use crate::announcer::Announcer;
use crate::errand::Errand;
use crate::topic_template::TopicTemplate;

/// What `[producers.NAME.params]` may say for kind `system`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SystemParams {
    /// The topic after `<topic_prefix>.<environment>.`: a template of at least two words. Default
    /// "{{ name }}.system".
    pub topic: Option<TopicTemplate>,
    /// The file systems whose room is told of: for each a folder in it. One that is not there later is told of as
    /// an `error`. Default ["/"].
    pub mounts: Vec<PathBuf>,
}

impl Default for SystemParams {
    fn default() -> Self {
        Self {
            topic: None,
            mounts: vec!["/".into()],
        }
    }
}

/// Publishes how the host is.
///
/// | member | is |
/// |---|---|
/// | `host`, `cpus`, `uptime` | its name, how many processors it has for this process, seconds since it was started |
/// | `load` | a list: the processes that run or wait to, over 1, 5 and 15 minutes |
/// | `memory` | `total` and `available` bytes |
/// | `swap` | `total` and `free` bytes |
/// | `disks` | for each of `mounts` its `mount`, `total`, `free` and `available` (to this user) bytes, `inodes` and `inodes_free`; or an `error` in place of those |
///
/// A file system that does not answer is waited for until `time_limit`, by one thread.
///
/// ```
/// use std::time::Duration;
/// use fedmsg_actors::TestBus;
/// use fedmsg_producers::SystemProducer;
///
/// TestBus::new().producer::<SystemProducer>("app01", "every = '1m'").run(async |bus| {
///     bus.advance(Duration::from_secs(60)).await;
///     let state = bus.next_published().await;
///     assert_eq!(state.topic().as_str(), "com.example.dev.app01.system");
///     let free = state.msg().pointer("/disks/0/total").and_then(|it| it.as_u64());
///     assert!(free > Some(0));
/// });
/// ```
pub struct SystemProducer {
    announcer: Announcer,
    mounts: Vec<PathBuf>,
    errand: Errand<Result<HostState, HostStateError>>,
}

impl Producer for SystemProducer {
    const KIND: &'static str = "system";
    const ABOUT: &'static str = "Says how this host is: load, memory, swap, disks, uptime";
    type Params = SystemParams;

    async fn from_params(
        params: SystemParams,
        context: &ProducerContext,
    ) -> Result<Self, BoxError> {
        Ok(Self {
            announcer: Announcer::open(params.topic, "system", context).await?,
            mounts: params.mounts,
            errand: Errand::new(),
        })
    }

    /// A file system that comes and goes does not keep a hub from starting, but mostly it is a typing mistake.
    fn preflight(params: &SystemParams, _: &Config) -> Result<(), BoxError> {
        for mount in &params.mounts {
            if let Some(error) = HostState::missing(mount) {
                let reason = format!("cannot tell the room of {}: {error}", mount.display());
                return Err(ParamsError::invalid("mounts", reason).into());
            }
        }
        Ok(())
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        let mounts = self.mounts.clone();
        let state = self.errand.run(move || HostState::read(&mounts)).await??;
        self.announcer.announce(to_value(&state)?, context).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fedmsg_actors::TestBus;

    use super::*;

    #[test]
    fn a_mount_that_is_not_there_is_told_before_a_start() {
        let check = |mounts: &str| {
            let params = toml::from_str(&format!("mounts = {mounts}")).unwrap();
            let told = SystemProducer::preflight(&params, &Config::default());
            told.err().map(|error| error.to_string())
        };
        assert_eq!(check("['/', '/tmp']"), None);
        let told = check("['/', '/nowhere']").unwrap();
        let expected = "params.mounts: cannot tell the room of /nowhere: No such file";
        assert!(told.starts_with(expected), "{told}");
    }

    #[test]
    fn a_mount_that_is_not_there_is_said_and_the_others_are_told_of() {
        let settings =
            "every = '1m'\nparams = { mounts = ['/nowhere', '/'], topic = 'hosts.{{ host }}' }";
        let bus = TestBus::new().producer::<SystemProducer>("x", settings);
        let report = bus.run(async |bus| {
            bus.advance(Duration::from_secs(60)).await;
            let state = bus.next_published().await;
            let topic = format!("com.example.dev.hosts.{}", fedmsg::host_name());
            assert_eq!(state.topic().as_str(), topic);
            let error = state.msg().pointer("/disks/0/error").unwrap();
            assert!(error.as_str().unwrap().contains("No such file"));
            assert!(state.msg().pointer("/disks/0/total").is_none());
            assert!(state.msg().pointer("/disks/1/total").is_some());
        });
        let status = report.status.producer("x").unwrap();
        assert_eq!((status.ticks, status.figures["published"]), (1, 1));
    }
}
