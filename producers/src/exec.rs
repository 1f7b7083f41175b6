//! The producer that runs a program at its moments, and publishes what that writes.
//!
//! [`Command`] runs it, without a shell; the `time_limit` of every producer ends it, and all it has started.

use std::collections::BTreeMap;
use std::fmt;

use fedmsg::json::{JsonError, Object, Value};
use fedmsg_actors::{Argv, BoxError, Command, Outcome, Producer, ProducerContext, ProgramLog};
use fedmsg_config::{ByteSize, Config};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::announcer::Announcer;
use crate::bounded;
use crate::errand::Errand;
use crate::topic_template::TopicTemplate;

/// A line of JSON that has more bytes takes a while.
const LARGE: usize = 64 * 1024;

/// What `[producers.NAME.params]` may say for kind `exec`.
///
/// ```
/// let params: fedmsg_producers::ExecProducerParams = toml::from_str(
///     r#"argv = ["df", "--output=pcent,target"]
///        output = "lines"
///        topic = "disks.{{ host }}""#,
/// )?;
/// assert_eq!(params.argv.program(), "df");
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecProducerParams {
    /// The program and its arguments: at least one. Each reaches the program as it is. Required.
    #[schemars(example = ["df", "--output=pcent,target"])]
    pub argv: Argv,
    /// What is made of its standard output: "text", all of it as `{"output": …}`; "lines", a message
    /// `{"line": …}` for each line; "json", the JSON that it is; "json-lines", the JSON of each line. An
    /// empty output makes no message. Default "text".
    #[serde(default)]
    pub output: Output,
    /// The topic after `<topic_prefix>.<environment>.`: a template of at least two words. Default
    /// "{{ name }}.output".
    #[serde(default)]
    pub topic: Option<TopicTemplate>,
    /// The most that it may write, from "1 KiB" to "64 MiB". One that writes more is ended, which is a
    /// failure. Default "1 MiB".
    #[serde(default = "one_mib", deserialize_with = "bounded::size")]
    pub max_output: ByteSize,
    /// Whether nothing is in its environment but `PATH` and `env`. Default false.
    #[serde(default)]
    pub clear_env: bool,
    /// Variables of its environment. By default none are added.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// What is made of the output of a program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// One message with all of it, as text.
    #[default]
    Text,
    /// A message for each line, as text.
    Lines,
    /// One message, which it is the JSON of.
    Json,
    /// A message for each line, which is the JSON of it; empty lines are none.
    JsonLines,
}

// Arguments and variables may be secrets.
impl fmt::Debug for ExecProducerParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecProducerParams")
            .field("argv", &self.argv)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Why a program has said nothing.
#[derive(Debug, Error)]
enum ExecError {
    #[error("the program {0}")]
    Failed(Outcome),
    #[error("the program has not written JSON: {0}")]
    NotJson(#[from] JsonError),
}

/// Runs a program, and publishes what it has written once it has returned 0. One that returns anything
/// else, is ended, or cannot be run has failed, and nothing of what it wrote is published.
///
/// What is not UTF-8 becomes U+FFFD in "text" and "lines". Its standard error goes to the log of
/// the hub, see [`ProgramLog`]. Once it has ended, what it has left running in its process group is killed.
///
/// ```
/// use std::time::Duration;
/// use fedmsg_actors::TestBus;
/// use fedmsg_producers::ExecProducer;
///
/// let settings = "every = '1h'\nparams = { argv = ['echo', '[1]'], output = 'json' }";
/// TestBus::new().producer::<ExecProducer>("list", settings).run(async |bus| {
///     bus.advance(Duration::from_secs(3600)).await;
///     let output = bus.next_published().await;
///     assert_eq!(output.topic().as_str(), "com.example.dev.list.output");
///     assert_eq!(output.msg().pointer("/0").and_then(|it| it.as_i64()), Some(1));
/// });
/// ```
pub struct ExecProducer {
    command: Command,
    output: Output,
    max_output: ByteSize,
    announcer: Announcer,
    /// Large JSON takes a while.
    parsing: Errand<Result<Value, JsonError>>,
}

impl Producer for ExecProducer {
    const KIND: &'static str = "exec";
    const ABOUT: &'static str = "Runs a program and publishes what it writes";
    type Params = ExecProducerParams;

    async fn from_params(
        params: ExecProducerParams,
        context: &ProducerContext,
    ) -> Result<Self, BoxError> {
        let log = ProgramLog::new();
        let mut command = params.argv.command().logged(log.clone()).ends_group();
        for (name, value) in params.env {
            command = command.env(name, value);
        }
        if params.clear_env {
            command = command.clear_env();
        }
        command.find()?; // at the start of the hub, not at the first tick
        let announcer = Announcer::open(params.topic, "output", context).await?;
        announcer.show_with(context, move || log.figures().to_vec());
        Ok(Self {
            command,
            output: params.output,
            max_output: params.max_output,
            announcer,
            parsing: Errand::new(),
        })
    }

    fn preflight(params: &ExecProducerParams, _: &Config) -> Result<(), BoxError> {
        params.argv.check()?;
        Ok(())
    }

    async fn tick(&mut self, context: &ProducerContext) -> Result<(), BoxError> {
        let run = self.command.output(&[], &[], self.max_output);
        let (outcome, output) = run.await?;
        if outcome != Outcome::Success {
            return Err(ExecError::Failed(outcome).into());
        }
        if output.is_empty() {
            return Ok(());
        }
        match self.output {
            Output::Text => {
                let msg = object("output", &String::from_utf8_lossy(&output));
                self.announcer.announce(msg, context).await?;
            }
            Output::Json => {
                let parsed = self.parsing.run(move || Value::parse(&output)).await?;
                let msg = parsed.map_err(ExecError::NotJson)?;
                self.announcer.announce(msg, context).await?;
            }
            Output::Lines | Output::JsonLines => self.lines(&output, context).await?,
        }
        Ok(())
    }
}

impl ExecProducer {
    /// Publishes each line; those that are no JSON, where that is asked for, are passed over.
    async fn lines(&mut self, output: &[u8], context: &ProducerContext) -> Result<(), BoxError> {
        let lines = output.strip_suffix(b"\n").unwrap_or(output);
        for line in lines.split(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let msg = match self.output {
                Output::JsonLines if line.trim_ascii().is_empty() => continue,
                Output::JsonLines if line.len() > LARGE => {
                    let line = line.to_vec();
                    self.parsing.run(move || Value::parse(&line)).await?
                }
                Output::JsonLines => Value::parse(line),
                _ => Ok(object("line", &String::from_utf8_lossy(line))),
            };
            match msg {
                Ok(msg) => self.announcer.announce_one(msg, context).await?,
                Err(error) => self.announcer.pass_over(ExecError::NotJson(error)),
            }
        }
        Ok(self.announcer.finish()?)
    }
}

fn object(key: &str, text: &str) -> Value {
    let mut msg = Object::new();
    msg.insert(key, text);
    Value::Object(msg)
}

fn one_mib() -> ByteSize {
    ByteSize::mib(1)
}

#[cfg(test)]
mod tests;
