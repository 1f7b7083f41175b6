//! A subscriber of our library that always reads, with calls that block.

use std::cell::Cell;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use fedmsg::{Bus, Config, Delivery, TopicFilter};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::{PATIENCE, Settings};

/// A subscriber to everything on the endpoints of its configuration, read by a thread of its own.
pub(crate) struct Listener {
    deliveries: Receiver<Delivery>,
    taken: Cell<u64>,
    #[expect(dead_code, reason = "held for its drop, which ends the thread")]
    alive: oneshot::Sender<()>,
}

impl Listener {
    /// Listens to every endpoint of `settings`.
    pub(crate) fn open(settings: &Settings) -> Self {
        let config = Config::from_toml(&settings.to_string()).expect("a configuration");
        let (alive, mut dropped) = oneshot::channel();
        let (sender, deliveries) = mpsc::channel();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("an event loop").block_on(async {
                let everything = [] as [TopicFilter; 0];
                let mut subscriber = Bus::open(config).subscribe(everything).expect("endpoints");
                loop {
                    let batch = tokio::select! {
                        _ = &mut dropped => break,
                        batch = subscriber.next_batch() => batch.expect("endpoints"),
                    };
                    for delivery in batch {
                        let _ = sender.send(delivery);
                    }
                }
            });
        });
        let taken = Cell::new(0);
        Self {
            deliveries,
            taken,
            alive,
        }
    }

    /// Listens to what is published on `port`.
    pub(crate) fn on(port: u16) -> Self {
        Self::open(&Settings::new().endpoint("svc.host", port))
    }

    /// Returns the next message, or `None` if it does not come `within` that time.
    pub(crate) fn next_within(&self, within: Duration) -> Option<Delivery> {
        let next = self.deliveries.recv_timeout(within).ok();
        self.taken.set(self.taken.get() + u64::from(next.is_some()));
        next
    }

    /// Returns how many messages have been taken from it so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// Returns the next message whose topic contains `text`; those before it are passed over.
    pub(crate) fn next_about(&self, text: &str) -> Delivery {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.next_within(left) {
                Some(delivery) if delivery.topic().as_str().contains(text) => return delivery,
                Some(_) => {}
                None => panic!("no message about {text:?}"),
            }
        }
    }

    /// Returns the next `count` messages whose topics contain `text`.
    pub(crate) fn take_about(&self, text: &str, count: usize) -> Vec<Delivery> {
        (0..count).map(|_| self.next_about(text)).collect()
    }
}
