//! A newsstand that publishes what comes in, with a choice of mistakes.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fedmsg_hub::schemars::JsonSchema;
use fedmsg_hub::serde::Deserialize;
use fedmsg_hub::{BoxError, Producer, ProducerContext, World};
use tokio::task::yield_now;

use super::block_once;

/// What is wrong with a newsstand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "fedmsg_hub::serde")]
#[schemars(crate = "fedmsg_hub::schemars")]
pub(super) enum Mistake {
    None,
    SaysNothing,
    NamesTopicsBadly,
    SaysWhenever,
    Blocks,
    NeverReturns,
    PanicsInOutages,
    SwallowsErrors,
    SkipsInOutages,
    RemembersInMemory,
    BeginsAtTheEnd,
    NotesAfterTheWait,
    NotesTooEarly,
    NotesAllAtTheEnd,
    IgnoresThatPublishingFails,
    PanicsInStop,
    BlocksWhenBuilt,
    HangsInStop,
    KeepsEverything,
}

/// The outside world: what has come in, and how far it was published, which stays when a newsstand goes.
#[derive(Default)]
struct Wire {
    news: Mutex<Vec<u64>>,
    noted: AtomicUsize,
    is_cut: AtomicBool,
}

impl Wire {
    async fn read_from(&self, place: usize) -> io::Result<Vec<u64>> {
        yield_now().await;
        self.check()?;
        Ok(self
            .news
            .lock()
            .unwrap()
            .get(place..)
            .unwrap_or_default()
            .to_vec())
    }

    /// Notes how far news were published. It is written, and then it takes a while to be sure.
    async fn note(&self, place: usize) -> io::Result<()> {
        self.check()?;
        self.noted.store(place, Ordering::Relaxed);
        yield_now().await;
        Ok(())
    }

    fn check(&self) -> io::Result<()> {
        match self.is_cut.load(Ordering::Relaxed) {
            true => Err(io::Error::other("the wire is cut")),
            false => Ok(()),
        }
    }
}

/// All wires, by number: what a path would be to a file.
static WIRES: Mutex<BTreeMap<u64, Arc<Wire>>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A new world, with nothing on the wire.
pub(super) fn world(mistake: Mistake) -> World {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let wire = Arc::new(Wire::default());
    WIRES.lock().unwrap().insert(number, Arc::clone(&wire));
    let settings = format!("params = {{ wire = {number}, mistake = '{mistake:?}' }}");
    let (held, cut) = (Held(number), Arc::clone(&wire));
    World::for_producer(&settings)
        .source(move |n| {
            let _ = &held;
            wire.news.lock().unwrap().push(n);
        })
        .outage(move |is_cut| cut.is_cut.store(is_cut, Ordering::Relaxed))
}

/// A wire that goes with its world.
struct Held(u64);

impl Drop for Held {
    fn drop(&mut self) {
        WIRES.lock().unwrap().remove(&self.0);
    }
}

/// What `[producers.NAME.params]` may say.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "fedmsg_hub::serde", deny_unknown_fields)]
#[schemars(crate = "fedmsg_hub::schemars")]
pub(super) struct Params {
    wire: u64,
    mistake: Mistake,
}

/// Publishes news, each once.
pub(super) struct Newsstand {
    wire: Arc<Wire>,
    mistake: Mistake,
    /// So many were published.
    published: usize,
    /// So many were noted as such.
    noted: usize,
    /// Of no use but to mistakes.
    kept: Vec<[u8; 4096]>,
}

impl Producer for Newsstand {
    const KIND: &'static str = "newsstand";
    type Params = Params;

    async fn from_params(params: Params, cx: &ProducerContext) -> Result<Self, BoxError> {
        cx.publisher().await?;
        let wire = WIRES.lock().unwrap().get(&params.wire).cloned();
        let wire = wire.ok_or("no such wire")?;
        if params.mistake == Mistake::BlocksWhenBuilt {
            block_once(params.mistake);
        }
        let published = match params.mistake {
            Mistake::RemembersInMemory => 0,
            Mistake::BeginsAtTheEnd => wire.news.lock().unwrap().len(),
            _ => wire.noted.load(Ordering::Relaxed),
        };
        Ok(Self {
            wire,
            mistake: params.mistake,
            published,
            noted: published,
            kept: Vec::new(),
        })
    }

    async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
        let news = match (self.wire.read_from(self.published).await, self.mistake) {
            (Err(_), Mistake::SwallowsErrors) => return Ok(()),
            (Err(_), Mistake::PanicsInOutages) => panic!("there is always a wire"),
            (Err(error), Mistake::SkipsInOutages) => {
                self.published = self.wire.news.lock().unwrap().len();
                return Err(error.into());
            }
            (news, _) => news?,
        };
        let count = news.len();
        match self.mistake {
            Mistake::SaysNothing => return Ok(()),
            Mistake::NeverReturns => std::future::pending().await,
            Mistake::Blocks => block_once(self.mistake),
            Mistake::NotesTooEarly => self.wire.note(self.published + count).await?,
            _ => {}
        }
        for piece in news {
            match self.mistake {
                Mistake::NamesTopicsBadly => cx.publish(&format!("news {piece}"), piece).await?,
                Mistake::SaysWhenever => {
                    cx.publish("news", NEXT.fetch_add(1, Ordering::Relaxed))
                        .await?
                }
                Mistake::KeepsEverything => {
                    self.kept.push([1; 4096]);
                    cx.publish("news", piece).await?
                }
                Mistake::IgnoresThatPublishingFails => {
                    let _ = cx.publish("news", piece).await;
                    self.published += 1;
                    continue;
                }
                _ => cx.publish("news", piece).await?,
            };
            // Nothing comes between a message and this.
            if !matches!(
                self.mistake,
                Mistake::NotesAfterTheWait | Mistake::NotesAllAtTheEnd
            ) {
                self.published += 1;
            }
        }
        if self.mistake == Mistake::NotesAllAtTheEnd {
            self.published += count;
            self.wire.noted.store(self.published, Ordering::Relaxed);
        } else if self.mistake == Mistake::NotesAfterTheWait {
            self.wire.note(self.published + count).await?;
            self.published += count;
        } else if self.noted != self.published {
            self.wire.note(self.published).await?;
            self.noted = self.published;
        }
        Ok(())
    }

    async fn stop(&mut self, _: &ProducerContext) {
        match self.mistake {
            Mistake::PanicsInStop => panic!("the shutter is stuck"),
            Mistake::HangsInStop => std::future::pending().await,
            _ => {}
        }
    }
}
