//! `Syncing`: what has been written is put on the disk some time later, once for many writes.
//!
//! [`super::File`] says after each write how its file is synchronised.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;
use tracing::warn;

/// How a file is synchronised, on a thread for work that blocks.
type Sync = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// The one synchronisation that is to come, and those under way.
#[derive(Default)]
pub(super) struct Syncing {
    pending: Arc<Mutex<Option<Sync>>>,
    tasks: JoinSet<()>,
}

impl Syncing {
    /// Has `sync` called so long after the first of the writes that nobody has synchronised yet. It takes the
    /// place of what an earlier write has asked for: that was of the same file, or of one that has been
    /// synchronised when it was closed.
    pub(super) fn later(
        &mut self,
        time: Duration,
        sync: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) {
        while self.tasks.try_join_next().is_some() {}
        if swap(&self.pending, Some(Box::new(sync))).is_some() {
            return;
        }
        let pending = Arc::clone(&self.pending);
        self.tasks.spawn(async move {
            sleep(time).await;
            // Taken before it begins: what is written meanwhile may come too late for it, and needs another.
            let Some(sync) = swap(&pending, None) else {
                return;
            };
            if let Ok(Err(error)) = spawn_blocking(sync).await {
                warn!(%error, "what was written is not sure to be on the disk");
            }
        });
    }
}

fn swap(pending: &Mutex<Option<Sync>>, next: Option<Sync>) -> Option<Sync> {
    let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut *pending, next)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn the_file_of_the_last_write_is_synchronised_once() {
        let (sender, mut synced) = unbounded_channel();
        let mut syncing = Syncing::default();
        for file in ["rotated", "new", "new again"] {
            let sender = sender.clone();
            syncing.later(SOON, move || {
                let _ = sender.send(file);
                Ok(())
            });
        }
        drop(sender);
        assert_eq!(synced.recv().await, Some("new again"));
        assert_eq!(synced.recv().await, None);
    }

    #[tokio::test]
    async fn what_is_written_during_a_synchronisation_gets_one_too() {
        let (sender, mut synced) = unbounded_channel();
        let (go, gone) = channel::<()>();
        let mut syncing = Syncing::default();
        let first = sender.clone();
        syncing.later(SOON, move || {
            let _ = first.send("begun");
            let _ = gone.recv();
            let _ = first.send("done");
            Ok(())
        });
        assert_eq!(synced.recv().await, Some("begun"));
        syncing.later(SOON, move || {
            let _ = sender.send("second");
            Ok(())
        });
        assert_eq!(synced.recv().await, Some("second"));
        drop(go);
        assert_eq!(synced.recv().await, Some("done"));
        assert_eq!(synced.recv().await, None);
    }
}
