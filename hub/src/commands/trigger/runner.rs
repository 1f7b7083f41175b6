//! `Runner`: takes messages from the bus and runs the command for each.
//!
//! [`super::follow`] starts it; a message goes from the subscriber through the [`Queue`] to a task of
//! its own, of which there are as many as may run at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fedmsg::json::Value;
use fedmsg::{Delivery, Subscriber};
use fedmsg_actors::{Command, Run, message_variables};
use fedmsg_message::to_canonical;
use futures::StreamExt;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::super::common::reached;
use super::super::filter::Filter;
use super::queue::Queue;
use crate::exit::Exit;
use crate::signals::{Questions, Signals};
use crate::telemetry::STATUS;

/// The form in which a command gets a message.
#[derive(Clone, Copy)]
pub(super) enum Input {
    /// As one line of canonical JSON, as the original gives it.
    Line,
    /// As the bytes that came.
    Raw,
}

/// Runs a command for each message.
pub(super) struct Runner {
    command: Arc<Command>,
    filter: Filter,
    queue: Queue,
    input: Input,
    concurrency: usize,
    stop_timeout: Duration,
    is_once: bool,
    running: JoinSet<(Delivery, Run)>,
    /// What runs, by its task: its message as the log names it, for a task that is aborted gives nothing back.
    messages: HashMap<Id, String>,
    succeeded: u64,
    failed: u64,
    skipped: u64,
    /// Until when it goes on once it has been told to stop.
    deadline: Option<Instant>,
}

/// What happened next.
enum Event {
    Message(Option<Delivery>),
    Quiet,
    Ended(Option<(Id, (Delivery, Run))>),
    Signal(&'static str),
    Question,
    Deadline,
}

impl Runner {
    pub(super) fn new(command: Command, filter: Filter, queue: Queue, input: Input) -> Self {
        Self {
            command: Arc::new(command),
            filter,
            queue,
            input,
            concurrency: 1,
            stop_timeout: Duration::ZERO,
            is_once: false,
            running: JoinSet::new(),
            messages: HashMap::new(),
            succeeded: 0,
            failed: 0,
            skipped: 0,
            deadline: None,
        }
    }

    /// How many commands may run at a time; one unless this is said.
    pub(super) fn concurrency(self, concurrency: usize) -> Self {
        Self {
            concurrency,
            ..self
        }
    }

    /// How long it goes on with what waits when it is told to stop.
    pub(super) fn stop_timeout(self, stop_timeout: Duration) -> Self {
        Self {
            stop_timeout,
            ..self
        }
    }

    /// Ends after the command for the first message.
    pub(super) fn once(self) -> Self {
        Self {
            is_once: true,
            ..self
        }
    }

    /// Goes on until a signal comes, and then with what waits.
    pub(super) async fn run(
        mut self,
        mut subscriber: Subscriber,
        mut signals: Signals,
        mut questions: Questions,
    ) -> Exit {
        loop {
            self.start_what_is_due();
            if self.is_done() {
                return self.end();
            }
            let event = tokio::select! {
                () = questions.next() => Event::Question,
                event = self.next(&mut subscriber, &mut signals) => event,
            };
            match event {
                Event::Message(Some(delivery)) => {
                    if self.filter.admits(delivery.topic().as_str()) {
                        self.queue.push(delivery, Instant::now());
                    }
                }
                // A subscriber without an address is not made in the first place.
                Event::Message(None) => self.stop(Duration::ZERO),
                Event::Quiet => self.queue.release(),
                Event::Ended(Some((task, (delivery, run)))) => {
                    self.messages.remove(&task);
                    self.note(&delivery, &run);
                }
                Event::Ended(None) => {}
                Event::Signal(signal) => {
                    let (queued, running) = (self.queue.len(), self.running.len());
                    info!(signal, queued, running, "stopping");
                    self.stop(self.stop_timeout);
                }
                Event::Question => self.log_status(),
                Event::Deadline => return self.give_up().await,
            }
        }
    }

    fn log_status(&self) {
        info!(
            target: STATUS,
            queued = self.queue.len(), running = self.running.len(), succeeded = self.succeeded,
            failed = self.failed, skipped = self.skipped, "status of the trigger"
        );
    }

    /// What happens next. Cancel-safe.
    async fn next(&mut self, subscriber: &mut Subscriber, signals: &mut Signals) -> Event {
        let is_stopping = self.deadline.is_some();
        let has_begun = !self.running.is_empty() || self.queue.len() > 0;
        let takes_more = !is_stopping && self.queue.has_room() && !(self.is_once && has_begun);
        tokio::select! {
            signal = signals.next(), if !is_stopping => Event::Signal(signal),
            ended = self.running.join_next_with_id(), if !self.running.is_empty() => {
                // A task is aborted only with all the others, and none panics.
                Event::Ended(ended.and_then(Result::ok))
            }
            () = reached(self.queue.release_at()) => Event::Quiet,
            () = reached(self.deadline) => Event::Deadline,
            message = subscriber.next(), if takes_more => Event::Message(message),
        }
    }

    fn start_what_is_due(&mut self) {
        while self.running.len() < self.concurrency
            && let Some(delivery) = self.queue.pop()
        {
            let Some(input) = self.input_of(&delivery) else {
                continue;
            };
            let command = Arc::clone(&self.command);
            let message = named(&delivery);
            let task = self.running.spawn(async move {
                let variables = message_variables(delivery.envelope());
                let run = command.run(&input, &variables).await;
                (delivery, run)
            });
            self.messages.insert(task.id(), message);
        }
    }

    /// What the command gets; nothing for what is no message. A parsed body takes many times its size,
    /// so it is not kept.
    fn input_of(&mut self, delivery: &Delivery) -> Option<Vec<u8>> {
        let envelope = delivery.envelope().unparsed();
        let line = |body: &Value| {
            let mut line = to_canonical(body).ok()?;
            line.push(b'\n');
            Some(line)
        };
        match (envelope.strict(), self.input) {
            (Ok(_), Input::Raw) => Some(envelope.bytes().to_vec()),
            (Ok(body), Input::Line) => line(body),
            (Err(error), _) => {
                if self.skipped == 0 {
                    let topic = delivery.topic();
                    warn!(%topic, %error, "malformed message skipped; further ones are only counted");
                }
                self.skipped += 1;
                None
            }
        }
    }

    fn note(&mut self, delivery: &Delivery, run: &Run) {
        let (topic, attempts, took) = (delivery.topic(), run.attempts, run.took);
        let envelope = delivery.envelope().unparsed();
        let msg_id = envelope.msg_id();
        if run.is_success() {
            self.succeeded += 1;
        } else {
            self.failed += 1;
        }
        match &run.result {
            Ok(outcome) if run.is_success() => {
                info!(%topic, msg_id, attempts, ?took, "Command {outcome}");
            }
            Ok(outcome) => warn!(%topic, msg_id, attempts, ?took, "Command {outcome}"),
            Err(error) => error!(%topic, msg_id, attempts, %error, "Command not run"),
        }
    }

    /// Takes no more messages, and goes on with what waits for at most this long.
    fn stop(&mut self, patience: Duration) {
        self.queue.release();
        self.deadline = Instant::now().checked_add(patience);
    }

    fn is_done(&self) -> bool {
        let is_over = self.deadline.is_some() || self.is_once && self.succeeded + self.failed > 0;
        let is_idle = self.running.is_empty() && self.queue.is_idle();
        is_over && is_idle
    }

    /// Ends what runs, and names what is not handled.
    async fn give_up(mut self) -> Exit {
        let running = self.running.len();
        self.running.shutdown().await;
        let mut ended: Vec<String> = self.messages.values().cloned().collect();
        ended.sort();
        for message in ended {
            error!(
                killed_for = message,
                "Command killed: it has not ended within `stop_timeout`"
            );
        }
        let (first, last) = (self.queue.iter().next(), self.queue.iter().next_back());
        error!(
            running,
            queued = self.queue.len(),
            first_queued = first.map(named),
            last_queued = last.map(named),
            "not handled within `stop_timeout`"
        );
        self.end();
        Exit::Software
    }

    fn end(&self) -> Exit {
        let (succeeded, failed, skipped) = (self.succeeded, self.failed, self.skipped);
        info!(succeeded, failed, skipped, "done");
        if failed > 0 { Exit::Software } else { Exit::Ok }
    }
}

/// A message as the log names it.
fn named(delivery: &Delivery) -> String {
    let envelope = delivery.envelope().unparsed();
    let msg_id = envelope.msg_id().unwrap_or("without msg_id");
    format!("{} {msg_id}", delivery.topic())
}
