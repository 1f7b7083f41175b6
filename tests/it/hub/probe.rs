//! Plugins that do as they are told, and the probe through which a test tells and watches them.
//!
//! A message to [`Scripted`] is a text such as `7 panic retry`: its name, then what to do at the
//! first attempt, the second and so on; after the last word it is consumed, and `retry…` (with an
//! ellipsis) means "from now on". A [`ScriptedProducer`] has such a text in its parameters, one word
//! for each tick. What happened is noted in the probe, with the name of the instance.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use fedmsg_hub::{
    BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, Producer, ProducerContext,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::sandbox::PATIENCE;

/// The probes of this process by their key, which the parameters of a plugin name.
static PROBES: Mutex<BTreeMap<u64, Weak<Shared>>> = Mutex::new(BTreeMap::new());

/// What a test shares with the plugins of its hub.
pub(super) struct Probe {
    key: u64,
    shared: Arc<Shared>,
}

struct Shared {
    log: Mutex<Log>,
    changed: Notify,
    /// Whether those who wait may go on.
    open: watch::Sender<bool>,
    /// The same for those who block their thread.
    blocked: (Mutex<bool>, Condvar),
}

#[derive(Default)]
struct Log {
    events: Vec<Event>,
    /// How often each message was tried, by instance and name.
    attempts: BTreeMap<(String, String), usize>,
    /// What the next builds are to do; the ones after them succeed.
    builds: VecDeque<&'static str>,
    working: usize,
    most_working: usize,
}

struct Event {
    who: String,
    what: String,
    when: Instant,
}

impl Probe {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared {
            log: Mutex::default(),
            changed: Notify::new(),
            open: watch::Sender::new(false),
            blocked: (Mutex::new(true), Condvar::new()),
        });
        let mut probes = lock(&PROBES);
        let key = probes.last_key_value().map_or(0, |(last, _)| last + 1);
        probes.insert(key, Arc::downgrade(&shared));
        Self { key, shared }
    }

    /// The inside of the table of an instance that this probe watches.
    pub(super) fn settings(&self, settings: &str) -> String {
        format!("params.probe = {}\n{settings}", self.key)
    }

    /// What has happened to the instance `who`, in order.
    pub(super) fn of(&self, who: &str) -> Vec<String> {
        let log = lock(&self.shared.log);
        let mine = log.events.iter().filter(|event| event.who == who);
        mine.map(|event| event.what.clone()).collect()
    }

    /// Everything that has happened, as `instance: event`, in order.
    pub(super) fn all(&self) -> Vec<String> {
        let log = lock(&self.shared.log);
        let line = |event: &Event| format!("{}: {}", event.who, event.what);
        log.events.iter().map(line).collect()
    }

    /// How much time passed between each two events of `who` that begin with `what`.
    pub(super) fn pauses(&self, who: &str, what: &str) -> Vec<Duration> {
        let log = lock(&self.shared.log);
        let mine = log.events.iter().filter(|event| event.who == who);
        let times: Vec<_> = mine
            .filter(|event| event.what.starts_with(what))
            .map(|event| event.when)
            .collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The most messages (or ticks) that were worked on at the same moment.
    pub(super) fn most_working(&self) -> usize {
        lock(&self.shared.log).most_working
    }

    /// Waits until `who` has noted `what`.
    pub(super) async fn saw(&self, who: &str, what: &str) {
        self.until(&format!("{who}: {what}"), |probe| {
            probe.of(who).iter().any(|event| event == what)
        })
        .await;
    }

    /// Waits until `done`.
    pub(super) async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let wait = async {
            loop {
                let changed = self.shared.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if done(self) {
                    return;
                }
                changed.await;
            }
        };
        if timeout(PATIENCE, wait).await.is_err() {
            panic!("not within {PATIENCE:?}: {what}; {:#?}", self.all());
        }
    }

    /// Lets the next builds of any instance `fail` or `panic`, in that order; `ok` in between.
    pub(super) fn next_builds(&self, outcomes: &[&'static str]) {
        lock(&self.shared.log).builds.extend(outcomes);
    }

    /// Lets those who wait go on, and those who block their thread.
    pub(super) fn open(&self) {
        self.shared.open.send_replace(true);
        *lock(&self.shared.blocked.0) = false;
        self.shared.blocked.1.notify_all();
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        lock(&PROBES).remove(&self.key);
        self.open(); // no thread stays blocked for ever
    }
}

impl Shared {
    fn find(key: u64) -> Result<Arc<Self>, BoxError> {
        let probe = lock(&PROBES).get(&key).and_then(Weak::upgrade);
        Ok(probe.ok_or("no such probe")?)
    }

    fn note(&self, who: &str, what: impl Into<String>) {
        let (who, what, when) = (who.to_owned(), what.into(), Instant::now());
        lock(&self.log).events.push(Event { who, what, when });
        self.changed.notify_waiters();
    }

    fn build(&self, who: &str) -> Result<(), BoxError> {
        let outcome = lock(&self.log).builds.pop_front().unwrap_or("ok");
        self.note(who, format!("build {outcome}"));
        match outcome {
            "fail" => Err("the factory is closed".into()),
            "panic" => panic!("the factory burns"),
            _ => Ok(()),
        }
    }

    /// The word for this attempt at the message (or tick) `name`.
    fn word<'a>(&self, who: &str, name: &str, words: &[&'a str]) -> Option<&'a str> {
        let mut log = lock(&self.log);
        let attempts = log.attempts.entry((who.to_owned(), name.to_owned()));
        let attempt = attempts.or_default();
        let word = words.get(*attempt).or(words.last());
        let is_past = *attempt >= words.len();
        *attempt += 1;
        let for_ever = word.and_then(|word| word.strip_suffix('…'));
        for_ever.or(word.filter(|_| !is_past).copied())
    }

    async fn wait(&self) {
        // The sender is ours.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }

    fn block_thread(&self) {
        let (blocked, changed) = &self.blocked;
        let mut guard = lock(blocked);
        while *guard {
            guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn working(self: &Arc<Self>) -> Working {
        let mut log = lock(&self.log);
        log.working += 1;
        log.most_working = log.most_working.max(log.working);
        Working(Arc::clone(self))
    }
}

/// Somebody works; no longer when dropped.
struct Working(Arc<Shared>);

impl Drop for Working {
    fn drop(&mut self) {
        lock(&self.0.log).working -= 1;
    }
}

/// What the plugins of a probe are told in `params`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    probe: u64,
    /// For a producer: what to do at each tick.
    #[serde(default)]
    script: String,
    /// A word that is noted with every message consumed.
    #[serde(default)]
    mark: String,
}

/// A consumer that does what its messages say.
pub(super) struct Scripted {
    shared: Arc<Shared>,
    mark: String,
    breaks_when_dropped: bool,
}

impl Consumer for Scripted {
    const KIND: &'static str = "scripted";
    type Params = Params;

    async fn from_params(params: Params, cx: &ConsumerContext) -> Result<Self, BoxError> {
        let shared = Shared::find(params.probe)?;
        shared.build(cx.name())?;
        Ok(Self {
            shared,
            mark: params.mark,
            breaks_when_dropped: false,
        })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        cx: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let text = delivery.msg().as_str().unwrap_or("?");
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let words: Vec<_> = words.collect();
        let word = self.shared.word(cx.name(), name, &words);
        let _working = self.shared.working();
        if let Some(word) = word {
            self.shared.note(cx.name(), format!("{name} {word}"));
        }
        match word {
            Some("panic") => panic!("{name} is too hot"),
            Some("burst") => {
                self.breaks_when_dropped = true;
                panic!("{name} is far too hot");
            }
            Some("retry") => return Err(ConsumeError::retry("not now")),
            Some("drop") => return Err(ConsumeError::drop("not ever")),
            Some("halt") => return Err(ConsumeError::halt("out of paper")),
            Some("hang") => std::future::pending().await,
            Some("wait") => self.shared.wait().await,
            Some("block") => self.shared.block_thread(),
            Some("publish") => drop(cx.publish("echo", name).await?),
            Some(other) => panic!("no such word: {other}"),
            None => {}
        }
        self.shared.note(cx.name(), format!("{name}{}", self.mark));
        Ok(())
    }

    async fn stop(&mut self, cx: &ConsumerContext) {
        let heard = cx.publish("goodbye", "consumer").await.is_ok();
        let what = if heard { "stop" } else { "stop, unheard" };
        self.shared.note(cx.name(), what);
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if self.breaks_when_dropped && !std::thread::panicking() {
            panic!("too hot to put down");
        }
    }
}

/// A producer that does what its parameters say.
pub(super) struct ScriptedProducer {
    shared: Arc<Shared>,
    script: String,
}

impl Producer for ScriptedProducer {
    const KIND: &'static str = "scripted-producer";
    type Params = Params;

    async fn from_params(params: Params, cx: &ProducerContext) -> Result<Self, BoxError> {
        let shared = Shared::find(params.probe)?;
        shared.build(cx.name())?;
        Ok(Self {
            shared,
            script: params.script,
        })
    }

    async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
        let words: Vec<_> = self.script.split_whitespace().collect();
        let word = self.shared.word(cx.name(), "tick", &words).unwrap_or("ok");
        let _working = self.shared.working();
        self.shared.note(cx.name(), format!("tick {word}"));
        match word {
            "panic" => panic!("the bell is broken"),
            "fail" => return Err("the bell is silent".into()),
            "hang" => std::future::pending().await,
            "wait" => self.shared.wait().await,
            "publish" => drop(cx.publish("bell", "ding").await?),
            _ => {}
        }
        self.shared.note(cx.name(), "ticked");
        Ok(())
    }

    async fn stop(&mut self, cx: &ProducerContext) {
        let heard = cx.publish("goodbye", "producer").await.is_ok();
        let what = if heard { "stop" } else { "stop, unheard" };
        self.shared.note(cx.name(), what);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
