//! The consumer that runs a program for each message.
//!
//! [`Command`] runs it, without a shell; how often a message is tried again, and how many programs run at
//! a time, are the settings `retry` and `workers` of every consumer.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use fedmsg_actors::{
    Argv, BoxError, Command, ConsumeError, Consumer, ConsumerContext, Delivery, Outcome,
    ProgramLog, Rate, RateLimit, message_variables,
};
use fedmsg_config::{Config, duration};
use fedmsg_message::{EncodeError, to_canonical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::debug;

/// The exit status of a program for which its input is wrong (EX_DATAERR of sysexits(3)).
const HOPELESS: i32 = 65;

/// What `[consumers.NAME.params]` may say for kind `exec`.
///
/// ```
/// let params: fedmsg_consumers::ExecParams = toml::from_str(
///     r#"argv = ["/usr/local/bin/deploy", "--site", "our wiki"]
///        input = "msg"
///        time_limit = "10m"
///        env = { STAGE = "prod" }"#,
/// )?;
/// assert_eq!(params.argv.arguments().len(), 2);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecParams {
    /// The program and its arguments: at least one. Each reaches the program as it is. Required.
    #[schemars(example = ["/usr/local/bin/deploy", "--site", "wiki"])]
    pub argv: Argv,
    /// What its standard input is: "json", the message as one line of JSON with sorted keys; "msg", the
    /// payload so; "raw", the bytes of the message as they came. Default "json".
    #[serde(default)]
    pub input: ExecInput,
    /// How long it may take: a time such as "10m", at most 10 years. Then it is ended, with all that it
    /// has started, and the attempt has failed. Default "5m".
    #[serde(default = "five_minutes", with = "duration")]
    #[schemars(schema_with = "duration::schema")]
    pub time_limit: Duration,
    /// Whether nothing is in its environment but `PATH`, `env`, and what is said of the message. Default
    /// false.
    #[serde(default)]
    pub clear_env: bool,
    /// Variables of its environment. By default none are added.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// How often each worker runs it at most: a rate such as "10/s", "600/m" or "5/h". By default there is no
    /// limit.
    #[serde(default)]
    #[schemars(example = "10/s")]
    pub rate: Option<Rate>,
    /// How many of those may come at once after a pause: 1 or more. Default 1.
    #[serde(default)]
    #[schemars(example = 10)]
    pub burst: Option<NonZeroU32>,
}

/// What a program gets of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExecInput {
    /// The message, as one line of canonical JSON; one that is no JSON is wrapped, as a hub does.
    #[default]
    Json,
    /// Its payload, so.
    Msg,
    /// The bytes that came.
    Raw,
}

// Arguments and variables may be secrets.
impl fmt::Debug for ExecParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecParams")
            .field("argv", &self.argv)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Why a program has not taken a message.
#[derive(Debug, Error)]
enum ExecError {
    #[error("Command {0}")]
    Failed(Outcome),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Runs a program for each message; it says by its exit status what becomes of the message.
///
/// | the program | the message |
/// |---|---|
/// | returns 0 | is consumed |
/// | returns 65 (EX_DATAERR): it will never make sense | is dropped |
/// | returns anything else, is ended, or cannot be run | is tried again, as `retry` says |
///
/// Variables tell the program of the message, see [`message_variables`]. What it writes goes to the log of
/// the hub, see [`ProgramLog`]. Once it has ended, what it has left running in its process group is killed,
/// and so is a program that still runs when the hub has used up its `stop_timeout`.
///
/// ```
/// use fedmsg_actors::TestBus;
/// use fedmsg_consumers::Exec;
///
/// let settings = r#"params.argv = ["grep", "-q", "tea"]
///                   retry.attempts = 1"#;
/// let report = TestBus::new().consumer::<Exec>("search", settings).run(async |bus| {
///     bus.publish("org.example.dev.shop.sale", "a cup of tea").await;
///     bus.settle().await;
/// });
/// assert!(report.is_clean());
/// ```
#[derive(Debug)]
pub struct Exec {
    command: Command,
    input: ExecInput,
    limit: RateLimit,
}

impl Consumer for Exec {
    const KIND: &'static str = "exec";
    const ABOUT: &'static str = "Runs a program for each message, without a shell";
    type Params = ExecParams;

    async fn from_params(params: ExecParams, context: &ConsumerContext) -> Result<Self, BoxError> {
        let log = ProgramLog::new();
        let mut command = params.argv.command().time_limit(params.time_limit);
        command = command.logged(log.clone()).ends_group();
        for (name, value) in params.env {
            command = command.env(name, value);
        }
        if params.clear_env {
            command = command.clear_env();
        }
        command.find()?; // at the start of the hub, not at the first message
        context.show_figures(move || log.figures().to_vec());
        Ok(Self {
            command,
            input: params.input,
            limit: RateLimit::of(params.rate, params.burst),
        })
    }

    fn preflight(params: &ExecParams, _: &Config) -> Result<(), BoxError> {
        params.argv.check()?;
        Ok(())
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let input = self.input.of(&delivery).map_err(ConsumeError::drop)?;
        let variables = message_variables(delivery.envelope());
        self.limit.ready().await;
        match self.command.attempt(&input, &variables).await? {
            Outcome::Success => {
                debug!(topic = %delivery.topic(), "Command succeeded");
                Ok(())
            }
            failed @ Outcome::Failed { code: HOPELESS } => {
                Err(ConsumeError::drop(ExecError::Failed(failed)))
            }
            failed => Err(ConsumeError::retry(ExecError::Failed(failed))),
        }
    }
}

impl ExecInput {
    fn of(self, delivery: &Delivery) -> Result<Vec<u8>, ExecError> {
        let value = match self {
            Self::Json => delivery.envelope().body(),
            Self::Msg => delivery.msg(),
            Self::Raw => return Ok(delivery.envelope().bytes().to_vec()),
        };
        let mut line = to_canonical(value)?;
        line.push(b'\n');
        Ok(line)
    }
}

fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use fedmsg_actors::{ConsumerStatus, TestBus};
    use tempfile::TempDir;

    use super::*;

    /// What a script leaves in `$OUT` after one message, how often it was tried, and how many were
    /// dropped.
    fn run(script: &str, params: &str) -> (String, u64, u64) {
        let (written, tries, status) = run_with(script, params);
        (written, tries, status.dropped)
    }

    fn run_with(script: &str, params: &str) -> (String, u64, ConsumerStatus) {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("out");
        let settings = format!(
            "params.argv = ['sh', '-c', '''echo >>\"$OUT.tries\"; {script}''']\n\
             params.env.OUT = {out:?}\n{params}\n\
             retry = {{ attempts = 3, first_delay = '1ms' }}"
        );
        let report = TestBus::new()
            .consumer::<Exec>("x", &settings)
            .run(async |bus| {
                bus.publish("org.example.dev.shop.sale", "tea").await;
                bus.settle().await;
            });
        let status = report.status.consumer("x").unwrap().clone();
        let tries = fs::read_to_string(folder.path().join("out.tries")).unwrap_or_default();
        let written = fs::read_to_string(out).unwrap_or_default();
        (written, tries.lines().count() as u64, status)
    }

    #[test]
    fn the_message_is_standard_input_and_said_in_variables() {
        let print = "{ cat; echo $FEDMSG_TOPIC; } >\"$OUT\"";
        let topic = "org.example.dev.shop.sale";
        let (written, tries, dropped) = run(print, "params.input = 'msg'");
        assert_eq!(written, format!("\"tea\"\n{topic}\n"));
        assert_eq!((tries, dropped), (1, 0));
        let (written, ..) = run(print, "params.input = 'json'");
        assert!(written.contains(r#""msg":"tea","msg_id""#), "{written}");
        assert!(written.ends_with(&format!("}}\n{topic}\n")), "{written}");
        let (written, ..) = run(print, "params.input = 'raw'\nparams.clear_env = true");
        assert!(written.ends_with(&format!("}}{topic}\n")), "{written}");
    }

    #[test]
    fn what_the_program_returns_decides_what_becomes_of_the_message() {
        #[track_caller]
        fn check(script: &str, params: &str, expected: (u64, u64)) {
            let (_, tries, dropped) = run(script, params);
            assert_eq!((tries, dropped), expected, "{script}");
        }
        check("exit 0", "", (1, 0));
        check("exit 65", "", (1, 1));
        check("exit 1", "", (3, 1));
        check("kill -9 $$", "", (3, 1));
        check("test $(wc -l <\"$OUT.tries\") -ge 2", "", (2, 0));
        check("exec sleep 1000", "params.time_limit = '1s'", (3, 1));
    }

    #[test]
    fn what_it_writes_is_logged_and_a_flood_of_it_counted() {
        let script = "echo out; echo err >&2; printf rest >&2";
        let (_, _, status) = run_with(script, "");
        assert_eq!(status.figures["lines_logged"], 3);
        let script = "yes | head -n 20000 >&2; yes | head -n 20000";
        let (_, _, status) = run_with(script, "");
        let (logged, not) = (
            status.figures["lines_logged"],
            status.figures["lines_not_logged"],
        );
        assert_eq!(logged + not, 40_000);
        assert!(not > 30_000, "{logged}");
    }

    #[test]
    fn what_it_has_left_in_the_background_ends_with_it() {
        for end in ["exit 0", "exit 65"] {
            let script = format!("sleep 1000 & echo $! >\"$OUT\"; {end}");
            let (background, ..) = run(&script, "");
            let stat = format!("/proc/{}/stat", background.trim());
            // It has been killed, but perhaps not had a core for its end.
            let deadline = Instant::now() + Duration::from_secs(60);
            loop {
                let state = fs::read_to_string(&stat).unwrap_or_default();
                if state.is_empty() || state.contains(") Z") {
                    break;
                }
                assert!(Instant::now() < deadline, "{end}: {state}");
                std::thread::park_timeout(Duration::from_millis(5));
            }
        }
    }

    #[test]
    fn attempts_come_as_slowly_as_is_asked_for() {
        let start = Instant::now();
        let (_, tries, _) = run("exit 1", "params.rate = '10/s'");
        assert_eq!(tries, 3);
        assert!(start.elapsed() >= Duration::from_millis(200));
    }

    #[test]
    fn debugging_shows_no_secrets() {
        let params: ExecParams =
            toml::from_str("argv = ['curl', 'hunter2']\nenv = { TOKEN = 'hunter2' }").unwrap();
        let shown = format!("{params:?}");
        assert!(shown.contains("curl") && shown.contains("TOKEN"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
