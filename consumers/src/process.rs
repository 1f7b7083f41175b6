//! The consumer that hands messages to a program of any language, which runs all the time.
//!
//! Both speak JSON Lines over the program's standard input and output; `consumers/README.md` is the
//! protocol. [`Program`] is one run of it, [`Flight`] the messages that it has or shall have.

mod flight;
mod ledger;
mod line;
mod listener;
mod params;
mod program;
mod restarts;

use std::fmt;
use std::future::pending;
use std::io;
use std::path::absolute;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fedmsg_actors::{
    BatchError, BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, ProgramLog, RateLimit,
};
use fedmsg_config::{Config, ParamsError};
use rustix::fs::{Access, access};
use thiserror::Error;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{info, warn};

use self::flight::{Blame, Flight};
use self::ledger::{Ending, Ledger};
use self::line::{Answer, LAST, MORE};
use self::listener::{Counts, Listener, count};
pub use self::params::ProcessParams;
use self::program::{Program, Start};
use self::restarts::Restarts;

/// How long a program that does not read any more may go on, for it may be about to end.
const DEAF: Duration = Duration::from_secs(1);

/// How many times its limit a program may take to its next answer if it publishes meanwhile: it may do that for
/// ever, and nobody would see that it does nothing else.
const PATIENCE: u32 = 10;

/// Why a program takes no messages.
#[derive(Debug, Error)]
enum ProcessError {
    #[error("Program {program}: {reason}")]
    Failed { program: String, reason: String },
    #[error("Program {program}: it has no success, {reason}")]
    GivenUp { program: String, reason: String },
    #[error("{0}")]
    Answered(String),
}

/// Hands messages to a program that runs all the time, and lets it say what becomes of each of them.
///
/// | the program | what it had been given and not answered |
/// |---|---|
/// | answers `ack`, `retry` or `drop` | that message is consumed, tried again as `retry` says, or dropped |
/// | says `halt` | stays unhandled, as all that follows: the consumer halts |
/// | ends, writes what is no line of the protocol, or exceeds a limit | is given to a new run of it, in order |
///
/// A program is ended with all of its process group. If it had been given one message, that is to blame
/// and tried again as `retry` says. If there were several, it is started again after a pause, as
/// `restart` says, and they are given to it one by one, until they are answered; so a message that kills
/// it is found, and costs no other. What it has answered is not given again, unless the hub itself ends
/// meanwhile. A program that has never answered anything and fails more often than `restart.attempts`,
/// not over one and the same message, halts the consumer; so does one that cannot be started. One that ends while it has nothing to do is started again with the next message. Each of
/// several `workers` has a program of its own.
///
/// ```
/// use fedmsg_actors::TestBus;
/// use fedmsg_consumers::Process;
///
/// let settings = r#"params.argv = ["sh", "-c", '''
///     read -r hello; echo '{"type":"hello"}'
///     while read -r line; do
///         id=${line#*'"id":'}
///         echo "{\"type\":\"ack\",\"id\":${id%%,*}}"
///     done''']
/// "#;
/// let report = TestBus::new().consumer::<Process>("shell", settings).run(async |bus| {
///     bus.publish("org.example.dev.shop.sale", "a cup of tea").await;
///     bus.settle().await;
/// });
/// assert_eq!(report.status.consumer("shell").map(|shell| shell.consumed), Some(1));
/// ```
pub struct Process {
    name: String,
    start: Start,
    hello: Vec<u8>,
    params: Limits,
    limit: RateLimit,
    publishing: RateLimit,
    restarts: Restarts,
    flight: Flight,
    running: Option<Program>,
    counts: Arc<Counts>,
    /// One for all runs of the program.
    log: ProgramLog,
    context: ConsumerContext,
}

/// What of the parameters is needed all the time.
struct Limits {
    window: usize,
    window_bytes: usize,
    time_limit: Duration,
    start_limit: Duration,
    grace: Duration,
}

impl Consumer for Process {
    const KIND: &'static str = "process";
    const ABOUT: &'static str =
        "Hands messages to a program of any language that runs all the time";
    const BATCH: usize = 256;
    type Params = ProcessParams;

    async fn from_params(
        params: ProcessParams,
        context: &ConsumerContext,
    ) -> Result<Self, BoxError> {
        let path = absolute(params.argv.command().located()?)?;
        let config = context.config().consumers.get(context.name());
        let topics = config.and_then(|config| config.topics.as_ref());
        let topics = topics.map_or_else(
            || vec!["#".to_owned()],
            |topics| topics.iter().map(ToString::to_string).collect(),
        );
        let window = usize::from(params.window.get());
        let hello = line::hello(context.name(), &topics, window, &params.settings);
        let restart = config.map(|config| config.restart.clone());
        let counts = Arc::new(Counts::default());
        let log = ProgramLog::new();
        show(&counts, &log, context);
        let mut process = Self {
            name: params.argv.program().to_owned(),
            start: Start {
                path,
                arguments: params.argv.arguments().to_vec(),
                environment: params.env,
                passed: params.pass_env,
                folder: params.cwd,
            },
            hello,
            params: Limits {
                window,
                window_bytes: params.window_bytes.as_usize(),
                time_limit: params.time_limit,
                start_limit: params.start_limit,
                grace: params.grace,
            },
            limit: RateLimit::of(params.rate, params.burst),
            publishing: RateLimit::new(params.publish_rate, params.publish_rate.in_a_second()),
            restarts: Restarts::new(restart.unwrap_or_default()),
            flight: Flight::default(),
            running: None,
            counts,
            log,
            context: context.clone(),
        };
        let started = process.start().await;
        started.map_err(|reason| process.failed(reason))?;
        Ok(process)
    }

    fn preflight(params: &ProcessParams, _: &Config) -> Result<(), BoxError> {
        params.argv.check()?;
        if let Some(folder) = &params.cwd {
            // Chosen when the program is started, which the system would then say of the program.
            access(folder.join("."), Access::EXEC_OK).map_err(|error| {
                let error = io::Error::from(error);
                let reason = format!("cannot work in {}: {error}", folder.display());
                ParamsError::invalid("cwd", reason)
            })?;
        }
        Ok(())
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        _: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let taken = self.take(vec![delivery]).await;
        taken.map_err(|failed| failed.error)
    }

    async fn consume_batch(
        &mut self,
        batch: Vec<Delivery>,
        _: &ConsumerContext,
    ) -> Result<(), BatchError> {
        self.take(batch).await
    }

    async fn stop(&mut self, _: &ConsumerContext) {
        if let Some(program) = self.running.take() {
            program.stop(self.params.grace).await;
        }
    }
}

impl Process {
    /// Has the program answer a batch.
    async fn take(&mut self, batch: Vec<Delivery>) -> Result<(), BatchError> {
        self.flight.offer(batch);
        let mut done = 0;
        let mut answered = Instant::now();
        let mut published = None;
        loop {
            let Some(program) = &self.running else {
                if let Err(reason) = self.start().await {
                    let pause = self.restarts.next_pause();
                    self.restart(pause, reason)
                        .await
                        .map_err(|error| BatchError { done, error })?;
                }
                continue;
            };
            let news = program.ledger.news();
            if !news.answers.is_empty() {
                answered = Instant::now();
                self.restarts.succeeded();
                self.flight.answer(news.answers);
            }
            self.settle(&mut done)
                .map_err(|error| BatchError { done, error })?;
            match news.ending {
                Some(Ending::Halted(reason)) => {
                    let error = ConsumeError::halt(ProcessError::Answered(reason));
                    return Err(BatchError { done, error });
                }
                Some(Ending::Failed(reason)) => {
                    self.bury(reason)
                        .await
                        .map_err(|error| BatchError { done, error })?;
                    continue;
                }
                None if self.flight.is_empty() => return Ok(()),
                None => {}
            }
            if self.flight.given().0 == 0 {
                answered = Instant::now();
            }
            published = published.max(news.published);
            let wait = self.give();
            if !self.flight.has_answer() {
                self.wait(answered, published, wait).await;
            }
        }
    }

    /// Takes the answers to the first messages, until one has none or is not consumed.
    fn settle(&mut self, done: &mut usize) -> Result<(), ConsumeError> {
        loop {
            match self.flight.settle() {
                None => return Ok(()),
                Some(Answer::Ack) => *done += 1,
                Some(Answer::Drop { reason }) => {
                    return Err(ConsumeError::drop(ProcessError::Answered(reason)));
                }
                Some(Answer::Retry { reason, after }) => {
                    let reason = ProcessError::Answered(reason);
                    return Err(match after {
                        Some(pause) => ConsumeError::retry_after(pause, reason),
                        None => ConsumeError::retry(reason),
                    });
                }
            }
        }
    }

    /// Puts lines of messages in front of the program, as many as it may have. Returns how long the next
    /// has to wait, if that is a matter of time.
    fn give(&mut self) -> Option<Duration> {
        let program = self.running.as_mut()?;
        let window = match (self.flight.is_careful(), program.ledger.ready().flatten()) {
            (true, _) => 1,
            (false, asked) => asked.unwrap_or(usize::MAX).min(self.params.window),
        };
        let mut behind = false;
        let mut wait = None;
        while let Some(delivery) = self.flight.next() {
            let (given, bytes) = self.flight.given();
            let is_full = bytes.saturating_add(delivery.size()) > self.params.window_bytes;
            if given >= window || (given > 0 && is_full) {
                break;
            }
            if let Err(later) = self.limit.check() {
                wait = Some(later);
                break;
            }
            let line = match line::message(program.ledger.next(), delivery) {
                Ok(line) => line,
                Err(error) => {
                    self.flight.refuse(error.to_string());
                    continue;
                }
            };
            let id = program.ledger.give();
            let out = program.out();
            if behind {
                out.extend_from_slice(MORE);
            }
            out.extend_from_slice(line.as_bytes());
            behind = true;
            self.flight.give(id, line.len());
        }
        if behind {
            program.out().extend_from_slice(LAST);
        }
        wait
    }

    /// Waits for something to happen, and writes meanwhile. The program has `answered` last, or got its first
    /// message, and `published` last then.
    async fn wait(
        &mut self,
        answered: Instant,
        published: Option<Instant>,
        wait: Option<Duration>,
    ) {
        let Some(program) = &mut self.running else {
            return;
        };
        let ledger = Arc::clone(&program.ledger);
        let limit = self.params.time_limit;
        let progress = published.map_or(answered, |published| published.max(answered));
        let longest = limit.saturating_mul(PATIENCE);
        let last = answered + longest;
        let overdue = (self.flight.given().0 > 0).then(|| last.min(progress + limit));
        let deaf = program.deaf_since.map(|since| since + DEAF);
        let is_unwritten = program.has_unwritten();
        tokio::select! {
            biased;
            () = ledger.changed() => {}
            () = program.write(), if is_unwritten => {}
            () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            () = until(deaf) => {
                program.kill("it has closed its standard input".to_owned());
            }
            () = until(overdue) => {
                let reason = if Instant::now() >= last {
                    format!("it has published for {longest:?} and answered nothing, and was ended")
                } else if ledger.last_published().is_some_and(|at| at > progress) {
                    // We may be to blame: answers behind what it publishes are not read before that.
                    return;
                } else {
                    format!("it has answered nothing for {limit:?}, and was ended")
                };
                program.kill(reason);
            }
        }
    }

    /// Lets go of a program that has ended or has to. The message that it had is tried again, unless the
    /// program has no success with any; if it had several, or none, another run is started.
    async fn bury(&mut self, reason: String) -> Result<(), ConsumeError> {
        count(&self.counts.failures);
        self.running = None;
        let blame = self.flight.take_back();
        match blame {
            Blame::Unknown => {
                let pause = self.restarts.pause_after_death();
                self.restart(pause, reason).await
            }
            Blame::Message | Blame::MessageAgain => {
                let is_over = self.restarts.is_over(blame == Blame::Message);
                Err(match is_over {
                    true => ConsumeError::halt(self.given_up(reason)),
                    false => ConsumeError::retry(self.failed(reason)),
                })
            }
        }
    }

    /// Starts the program after a pause, again and again, as often as is allowed.
    async fn restart(
        &mut self,
        mut pause: Option<Duration>,
        mut reason: String,
    ) -> Result<(), ConsumeError> {
        loop {
            let Some(restart_in) = pause else {
                return Err(ConsumeError::halt(self.given_up(reason)));
            };
            warn!(
                program = self.name,
                reason,
                ?restart_in,
                "program is started again"
            );
            sleep(restart_in).await;
            match self.start().await {
                Ok(()) => return Ok(()),
                Err(error) => reason = error,
            }
            pause = self.restarts.next_pause();
        }
    }

    /// Starts the program and waits for its hello.
    async fn start(&mut self) -> Result<(), String> {
        count(&self.counts.starts);
        let ledger = Arc::<Ledger>::default();
        let listener = Listener::new(
            Arc::clone(&ledger),
            Arc::clone(&self.counts),
            self.context.clone(),
            self.publishing.clone(),
            self.log.clone(),
        );
        let started = Program::start(&self.start, &ledger, listener);
        let mut program = started.map_err(|error| format!("it does not start: {error}"))?;
        program.out().extend_from_slice(&self.hello);
        let limit = self.params.start_limit;
        let greeted = timeout(limit, async {
            loop {
                match (ledger.ready(), ledger.ending()) {
                    (Some(_), _) => return Ok(()),
                    (None, Some(Ending::Failed(reason) | Ending::Halted(reason))) => {
                        return Err(reason);
                    }
                    (None, None) => {}
                }
                let is_unwritten = program.has_unwritten();
                tokio::select! {
                    () = ledger.changed() => {}
                    () = program.write(), if is_unwritten => {}
                }
            }
        });
        match greeted.await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => return Err(reason),
            Err(_) => return Err(format!("it has not said hello within {limit:?}")),
        }
        info!(program = self.name, "program started");
        self.running = Some(program);
        Ok(())
    }

    fn failed(&self, reason: String) -> ProcessError {
        let program = self.name.clone();
        ProcessError::Failed { program, reason }
    }

    fn given_up(&self, reason: String) -> ProcessError {
        let program = self.name.clone();
        ProcessError::GivenUp { program, reason }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("program", &self.name)
            .finish_non_exhaustive()
    }
}

/// Shows what is counted in the status of the hub.
fn show(counts: &Arc<Counts>, log: &ProgramLog, context: &ConsumerContext) {
    let (counts, log) = (Arc::clone(counts), log.clone());
    context.show_figures(move || {
        let counted = [
            ("starts", &counts.starts),
            ("failures", &counts.failures),
            ("published", &counts.published),
        ]
        .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)));
        counted.into_iter().chain(log.figures()).collect()
    });
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
