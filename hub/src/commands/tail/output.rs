//! The thread that shows messages, so that whoever does not read them holds up nothing else.
//!
//! Used by [`super::follow`].

use std::io;
use std::thread;
use std::time::Duration;

use fedmsg::{Delivery, Subscriber};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::signals::Signals;

/// How long the last messages may take once a signal has come.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The stack of the thread, in bytes: expressions of jq go down as deep as a message nests, 512 levels.
/// No more memory is taken than is used.
const STACK: usize = 64 << 20;

/// Batches on their way to the thread that shows them. It has at most one in work and one that waits.
pub(super) struct Output<T> {
    /// Absent once nothing more will come.
    batches: Option<mpsc::Sender<Vec<Delivery>>>,
    end: oneshot::Receiver<T>,
}

impl<T: Send + 'static> Output<T> {
    /// Starts the thread, in which `show` takes one batch after the other until there are no more.
    pub(super) fn start(
        show: impl FnOnce(mpsc::Receiver<Vec<Delivery>>) -> T + Send + 'static,
    ) -> io::Result<Self> {
        let (batches, waiting) = mpsc::channel(1);
        let (ended, end) = oneshot::channel();
        thread::Builder::new()
            .name("output".to_owned())
            .stack_size(STACK)
            .spawn(move || ended.send(show(waiting)))?;
        let batches = Some(batches);
        Ok(Self { batches, end })
    }

    /// Hands over what comes until the thread takes no more. A batch is taken from the bus only when
    /// there is room for it, so that none is lost when this is cancelled.
    pub(super) async fn feed(&self, mut subscriber: Subscriber) {
        let Some(batches) = &self.batches else {
            return;
        };
        while let Ok(room) = batches.reserve().await {
            let batch = tokio::select! {
                () = batches.closed() => return,
                batch = subscriber.next_batch() => batch,
            };
            let Some(batch) = batch else {
                return;
            };
            room.send(batch);
            tokio::task::yield_now().await;
        }
    }

    /// Waits until everything has been shown; if a signal comes meanwhile as [`Output::finish_soon`].
    pub(super) async fn finish(&mut self, signals: &mut Signals) -> Option<T> {
        self.batches = None;
        tokio::select! {
            shown = &mut self.end => shown.ok(),
            _ = signals.next() => self.finish_soon().await,
        }
    }

    /// Waits until everything has been shown; `None` if that takes too long.
    pub(super) async fn finish_soon(&mut self) -> Option<T> {
        self.batches = None;
        timeout(LAST_WORDS, &mut self.end).await.ok()?.ok()
    }
}
