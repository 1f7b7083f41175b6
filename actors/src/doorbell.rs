//! Wakes the consumers of one thread together.
//!
//! Where there are more consumers than threads, a batch of the router is for many consumers of each. To wake
//! each from another thread changes threads each time, which costs several times what a message does. So
//! mailboxes are put on the list of their thread, and one task there, woken once, wakes their consumers.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::mailbox::Mailbox;

thread_local! {
    static HERE: OnceCell<Arc<Doorbell>> = const { OnceCell::new() };
}

/// The doorbell of one thread.
#[derive(Default)]
pub(crate) struct Doorbell {
    /// Whose consumers are to be woken.
    waiting: Mutex<Vec<Arc<Mailbox>>>,
    rung: Notify,
    /// How many consumers go by it.
    consumers: AtomicUsize,
}

/// Somebody whose mailbox has something new goes by a doorbell, until this is dropped.
pub(crate) struct Attending(Arc<Doorbell>);

/// Doorbells that have yet to ring: all of them when this is dropped.
#[derive(Default)]
pub(crate) struct Rings(Vec<Arc<Doorbell>>);

impl Doorbell {
    /// That of this thread, on whose event loop this is called. It works as long as that runs.
    pub(crate) fn here() -> Arc<Self> {
        HERE.with(|here| {
            let here = here.get_or_init(|| {
                let doorbell = Arc::<Self>::default();
                actix_rt::spawn(Arc::clone(&doorbell).answer());
                doorbell
            });
            Arc::clone(here)
        })
    }

    /// Whether there is anything to gain by it.
    pub(crate) fn is_shared(&self) -> bool {
        self.consumers.load(Ordering::Relaxed) > 1
    }

    /// One more consumer goes by it.
    pub(crate) fn attend(self: &Arc<Self>) -> Attending {
        self.consumers.fetch_add(1, Ordering::Relaxed);
        Attending(Arc::clone(self))
    }

    async fn answer(self: Arc<Self>) {
        loop {
            self.rung.notified().await;
            let waiting = std::mem::take(&mut *self.waiting());
            waiting.iter().for_each(|mailbox| mailbox.answer());
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Mailbox>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Attending {
    fn drop(&mut self) {
        self.0.consumers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Rings {
    /// Has the consumer of `mailbox` woken when these ring.
    pub(crate) fn add(&mut self, doorbell: &Arc<Doorbell>, mailbox: &Arc<Mailbox>) {
        let mut waiting = doorbell.waiting();
        waiting.push(Arc::clone(mailbox));
        // Whoever was first on the list sees to it that it rings.
        if waiting.len() == 1 {
            self.0.push(Arc::clone(doorbell));
        }
    }
}

impl Drop for Rings {
    fn drop(&mut self) {
        for doorbell in self.0.drain(..) {
            doorbell.rung.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use fedmsg::{Delivery, Envelope};
    use fedmsg_config::MailboxConfig;
    use tokio::task::{LocalSet, yield_now};

    use super::*;

    fn batch() -> Vec<Delivery> {
        let frames = (Bytes::from_static(b"t"), Bytes::from_static(b"{}"));
        let envelope = Envelope::from_frames(frames.0, frames.1).unwrap();
        vec![Delivery::new(envelope, "test".into())]
    }

    fn mailbox() -> Arc<Mailbox> {
        Mailbox::new(&MailboxConfig::default(), 1)
    }

    /// A consumer that takes everything; counts what it has taken.
    fn consume(mailbox: &Arc<Mailbox>) -> Arc<AtomicUsize> {
        let (mailbox, taken) = (Arc::clone(mailbox), Arc::<AtomicUsize>::default());
        let count = Arc::clone(&taken);
        actix_rt::spawn(async move {
            let doorbell = Doorbell::here();
            let _attending = doorbell.attend();
            mailbox.has_doorbell(doorbell);
            while let Some(mut lease) = mailbox.take().await {
                while lease.current().is_some() {
                    lease.finish();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        taken
    }

    async fn turns() {
        for _ in 0..10 {
            yield_now().await;
        }
    }

    /// Runs on a thread of its own, whose doorbell is new.
    fn on_a_thread<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(LocalSet::new().run_until(work))
        };
        std::thread::spawn(run).join().unwrap()
    }

    #[test]
    fn consumers_of_one_thread_wake_up_when_it_rings_and_all_at_once() {
        on_a_thread(async {
            let mailboxes = [mailbox(), mailbox()];
            let taken = mailboxes.each_ref().map(consume);
            turns().await;
            let mut rings = Rings::default();
            for mailbox in &mailboxes {
                assert!(mailbox.offer(batch(), &mut rings).is_empty());
            }
            assert_eq!(rings.0.len(), 1, "one ring for both");
            turns().await;
            let count = || taken.each_ref().map(|it| it.load(Ordering::Relaxed));
            assert_eq!(count(), [0, 0]);
            drop(rings);
            turns().await;
            assert_eq!(count(), [1, 1]);
        });
    }

    #[test]
    fn one_that_has_its_thread_for_itself_wakes_up_at_once() {
        on_a_thread(async {
            let mailbox = mailbox();
            let taken = consume(&mailbox);
            turns().await;
            let mut rings = Rings::default();
            mailbox.offer(batch(), &mut rings);
            turns().await;
            assert_eq!((taken.load(Ordering::Relaxed), rings.0.len()), (1, 0));
        });
    }

    #[test]
    fn what_waited_at_a_thread_that_has_ended_is_taken_by_whoever_comes_next() {
        let (ours, theirs) = (mailbox(), mailbox());
        let mailboxes = [Arc::clone(&ours), theirs];
        let rings = on_a_thread(async move {
            let _ = mailboxes.each_ref().map(consume);
            turns().await;
            let mut rings = Rings::default();
            mailboxes[0].offer(batch(), &mut rings);
            rings
        });
        drop(rings); // nobody answers
        on_a_thread(async move {
            let taken = consume(&ours);
            turns().await;
            assert_eq!(taken.load(Ordering::Relaxed), 1);
            ours.offer(batch(), &mut Rings::default());
            turns().await;
            assert_eq!(taken.load(Ordering::Relaxed), 2);
        });
    }
}
