//! A till that books sales, with a choice of mistakes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fedmsg_hub::schemars::JsonSchema;
use fedmsg_hub::serde::Deserialize;
use fedmsg_hub::{
    BatchError, BoxError, ConsumeError, Consumer, ConsumerContext, Delivery, DeliveryBuilder, World,
};

use super::block_once;

/// What is wrong with a till.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "fedmsg_hub::serde")]
#[schemars(crate = "fedmsg_hub::schemars")]
pub(super) enum Mistake {
    None,
    NotIdempotent,
    RemembersInMemory,
    Blocks,
    NeverAnswers,
    Panics,
    SwallowsErrors,
    KeepsEverything,
    AssumesOrder,
    LosesWork,
    PublishesEarly,
    PanicsInStop,
    PanicsWhenStartedAgain,
    BlocksWhenBuilt,
    BlocksWhenStarted,
    BlocksInStop,
    HangsInStop,
    HaltsAtStrange,
    RetriesTheHopeless,
    RemembersEveryId,
    /// No mistake: it keeps a number of them that has a bound.
    RemembersSomeIds,
}

/// The outside world: books that stay when a till goes.
#[derive(Default)]
struct Books {
    sales: Mutex<BTreeMap<String, i64>>,
    is_closed: AtomicBool,
    /// How often a till was opened for them.
    openings: AtomicU64,
}

impl Books {
    /// Books a sale, once for each `id`.
    fn book(&self, id: String, cents: i64) -> io::Result<()> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(io::Error::other("the books are closed"));
        }
        self.sales.lock().unwrap().entry(id).or_insert(cents);
        Ok(())
    }

    /// Books a sale as often as it is told.
    fn book_again(&self, id: &str, cents: i64) -> io::Result<()> {
        let is_same = |(other, _): &(&String, &i64)| other.starts_with(id);
        let sales = self.sales.lock().unwrap();
        let count = sales.range(id.to_owned()..).take_while(is_same).count();
        drop(sales);
        self.book(format!("{id} {count}"), cents)
    }
}

/// All books, by number: what a path would be to a file.
static LIBRARY: Mutex<BTreeMap<u64, Arc<Books>>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A new world, with empty books.
pub(super) fn world(mistake: Mistake) -> World {
    world_with(mistake, "")
}

/// A new world, for a till with further settings.
pub(super) fn world_with(mistake: Mistake, settings: &str) -> World {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let books = Arc::new(Books::default());
    LIBRARY.lock().unwrap().insert(number, Arc::clone(&books));
    let settings = format!("{settings}params = {{ books = {number}, mistake = '{mistake:?}' }}");
    let closable = Arc::clone(&books);
    let shown = Shelved(number, books);
    World::new(&settings, move || shown.1.sales.lock().unwrap().clone())
        .outage(move |is_closed| closable.is_closed.store(is_closed, Ordering::Relaxed))
}

/// Books that leave the library with their world.
struct Shelved(u64, Arc<Books>);

impl Drop for Shelved {
    fn drop(&mut self) {
        LIBRARY.lock().unwrap().remove(&self.0);
    }
}

/// Sales of two shops.
pub(super) fn messages() -> Vec<Delivery> {
    let sale = |n: usize| {
        let msg = serde_json::json!({"item": "tea", "cents": n * 50});
        DeliveryBuilder::new("com.example.shop.sale", msg)
            .from_publisher(["north", "south"][n % 2])
            .build()
    };
    (1..=6).map(sale).collect()
}

/// What `[consumers.NAME.params]` may say.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "fedmsg_hub::serde", deny_unknown_fields)]
#[schemars(crate = "fedmsg_hub::schemars")]
pub(super) struct Params {
    books: u64,
    mistake: Mistake,
}

/// Books sales, and announces each.
pub(super) struct Till {
    books: Arc<Books>,
    mistake: Mistake,
    /// Of no use but to mistakes.
    kept: Vec<Delivery>,
    buffer: Vec<(String, i64)>,
    ids: BTreeSet<String>,
}

impl Consumer for Till {
    const KIND: &'static str = "till";
    type Params = Params;

    async fn from_params(params: Params, _: &ConsumerContext) -> Result<Self, BoxError> {
        let books = LIBRARY.lock().unwrap().get(&params.books).cloned();
        if params.mistake == Mistake::BlocksWhenBuilt {
            block_once(params.mistake);
        }
        Ok(Self {
            books: books.ok_or("no such books")?,
            mistake: params.mistake,
            kept: Vec::new(),
            buffer: Vec::new(),
            ids: BTreeSet::new(),
        })
    }

    async fn consume(
        &mut self,
        delivery: Delivery,
        cx: &ConsumerContext,
    ) -> Result<(), ConsumeError> {
        let cents = delivery.msg().get("cents").and_then(|it| it.as_i64());
        let cents = match self.mistake {
            Mistake::Panics => cents.expect("a sale has a price"),
            Mistake::HaltsAtStrange => cents.ok_or_else(|| ConsumeError::halt("no price"))?,
            Mistake::RetriesTheHopeless => cents.ok_or("no price").map_err(ConsumeError::retry)?,
            _ => cents.ok_or_else(|| ConsumeError::drop("no price"))?,
        };
        let id = delivery.msg_id().unwrap_or_default().to_owned();
        match self.mistake {
            Mistake::NotIdempotent => {
                self.books.book_again(&id, cents)?;
            }
            Mistake::RemembersInMemory => {
                if !self.kept.iter().any(|it| it.msg_id() == Some(&id)) {
                    self.books.book_again(&id, cents)?;
                    self.kept.push(delivery);
                    self.kept.truncate(100);
                }
            }
            Mistake::Blocks => {
                block_once(self.mistake);
                self.books.book(id, cents)?;
            }
            Mistake::NeverAnswers => std::future::pending().await,
            Mistake::SwallowsErrors => {
                if self.books.book(id, cents).is_err() {
                    return Ok(());
                }
            }
            Mistake::KeepsEverything => {
                self.books.book(id, cents)?;
                self.kept.push(delivery);
            }
            Mistake::AssumesOrder => {
                let first = self.books.sales.lock().unwrap().values().next().copied();
                self.books.book(id, cents - first.unwrap_or(0))?;
            }
            Mistake::LosesWork => {
                self.buffer.push((id, cents));
                if self.buffer.len() >= 4 {
                    for (id, cents) in std::mem::take(&mut self.buffer) {
                        self.books.book(id, cents)?;
                    }
                }
            }
            Mistake::PublishesEarly => {
                cx.publish("sold", cents).await?;
                self.books.book(id, cents)?;
                return Ok(());
            }
            Mistake::RemembersEveryId => {
                self.ids.insert(id.clone());
                self.books.book(id, cents)?;
            }
            Mistake::RemembersSomeIds => {
                self.ids.insert(id.clone());
                while self.ids.len() > 500 {
                    self.ids.pop_first();
                }
                self.books.book(id, cents)?;
            }
            _ => self.books.book(id, cents)?,
        }
        cx.publish("sold", cents).await?;
        Ok(())
    }

    async fn started(&mut self, _: &ConsumerContext) {
        let openings = self.books.openings.fetch_add(1, Ordering::Relaxed);
        match self.mistake {
            Mistake::PanicsWhenStartedAgain => assert_eq!(openings, 0, "opened already"),
            Mistake::BlocksWhenStarted => block_once(self.mistake),
            _ => {}
        }
    }

    async fn stop(&mut self, _: &ConsumerContext) {
        match self.mistake {
            Mistake::PanicsInStop => panic!("the drawer is stuck"),
            Mistake::BlocksInStop => block_once(self.mistake),
            Mistake::HangsInStop => std::future::pending().await,
            _ => {}
        }
    }
}

/// A till that takes several sales at a time; with the mistake that it counts the one that failed as done.
pub(super) struct BatchTill<const MISCOUNTS: bool>(Till);

impl<const MISCOUNTS: bool> Consumer for BatchTill<MISCOUNTS> {
    const KIND: &'static str = "batch-till";
    const BATCH: usize = 8;
    type Params = Params;

    async fn from_params(params: Params, cx: &ConsumerContext) -> Result<Self, BoxError> {
        Till::from_params(params, cx).await.map(Self)
    }

    async fn consume(&mut self, it: Delivery, cx: &ConsumerContext) -> Result<(), ConsumeError> {
        self.0.consume(it, cx).await
    }

    async fn consume_batch(
        &mut self,
        batch: Vec<Delivery>,
        cx: &ConsumerContext,
    ) -> Result<(), BatchError> {
        for (number, delivery) in batch.into_iter().enumerate() {
            let done = if MISCOUNTS { number + 1 } else { number };
            let consumed = self.0.consume(delivery, cx).await;
            consumed.map_err(|error| BatchError { done, error })?;
        }
        Ok(())
    }
}
