//! `ProcessParams`: the settings of a consumer of kind `process`.
//!
//! Read by [`super::Process`] when it is built.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU8, NonZeroU32};
use std::path::PathBuf;
use std::time::Duration;

use fedmsg_actors::{Argv, Rate};
use fedmsg_config::{ByteSize, duration};
use schemars::JsonSchema;
use serde::Deserialize;

/// What `[consumers.NAME.params]` may say for kind `process`.
///
/// ```
/// let params: fedmsg_consumers::ProcessParams = toml::from_str(
///     r#"argv = ["/usr/local/bin/deploy.py", "--site", "our wiki"]
///        settings = { branch = "main" }
///        env = { STAGE = "prod" }
///        window = 16"#,
/// )?;
/// assert_eq!((params.argv.arguments().len(), params.window.get()), (2, 16));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessParams {
    /// The program and its arguments: at least one. Each reaches the program as it is. Required.
    #[schemars(example = ["/usr/local/bin/greeter.py"])]
    pub argv: Argv,
    /// What the program is told as `params` when it starts. By default nothing.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Variables of its environment. By default none are added.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of variables that it gets as the hub has them; all others it does not see. Default
    /// `["PATH"]`.
    #[serde(default = "path")]
    pub pass_env: Vec<String>,
    /// Its working directory. By default that of the hub.
    #[serde(default)]
    #[schemars(example = "/var/lib/greeter")]
    pub cwd: Option<PathBuf>,
    /// The most messages that it has been given and not answered: 1 to 255. With 1 it sees them strictly
    /// in order. Default 64.
    #[serde(default = "window")]
    pub window: NonZeroU8,
    /// The most bytes of those; a message that is larger is given alone. Default "1MiB".
    #[serde(default = "window_bytes")]
    pub window_bytes: ByteSize,
    /// How long it may take to the next answer, or message of its own, while it has messages: a time such as
    /// "10s", at most 10 years. Then it is killed, with all that it has started; and so it is after ten times that
    /// without an answer, whatever it publishes. Default "1m".
    #[serde(default = "minute", with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub time_limit: Duration,
    /// How long it may take to its `hello`: a time such as "10s", at most 10 years. Default "10s".
    #[serde(default = "ten_seconds", with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub start_limit: Duration,
    /// How long it has to end when the hub stops, before it gets SIGTERM and 2 seconds later SIGKILL: a
    /// time such as "5s", at most 10 years. Default "5s".
    #[serde(default = "five_seconds", with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub grace: Duration,
    /// The most messages that it is given: a rate such as "10/s", "600/m" or "5/h". By default there is no
    /// limit.
    #[serde(default)]
    #[schemars(example = "10/s")]
    pub rate: Option<Rate>,
    /// How many of those may come at once after a pause: 1 or more. Default 1.
    #[serde(default)]
    #[schemars(example = 10)]
    pub burst: Option<NonZeroU32>,
    /// The most messages that it may publish, those of a second at once; what is more waits: a rate such as
    /// "10/s". Default "1000/s".
    #[serde(default = "publish_rate")]
    pub publish_rate: Rate,
}

// Arguments, settings and variables may be secrets.
impl fmt::Debug for ProcessParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessParams")
            .field("argv", &self.argv)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn path() -> Vec<String> {
    vec!["PATH".to_owned()]
}

fn window() -> NonZeroU8 {
    NonZeroU8::MIN.saturating_add(63)
}

fn window_bytes() -> ByteSize {
    ByteSize::mib(1)
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

fn publish_rate() -> Rate {
    Rate::per_second(NonZeroU32::MIN.saturating_add(999))
}
