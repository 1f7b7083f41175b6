//! `Errand`: work that may block, such as a look into a file system that does not answer.
//!
//! [`crate::FileProducer`] and [`crate::SystemProducer`] send for what files say; the thread that does it is
//! waited for by nobody else, the end of the hub included.

use std::io;
use std::thread;

use thiserror::Error;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::oneshot::{self, Receiver};

/// Why work that may block has no result.
#[derive(Debug, Error)]
pub(crate) enum ErrandError {
    #[error("what was begun the last time still waits for the system")]
    Busy,
    #[error("no thread: {0}")]
    NoThread(#[from] io::Error),
    #[error("it panicked; its text is in the log")]
    Panicked,
}

/// Runs one piece of work at a time on a thread of its own, so that work that hangs costs one thread.
pub(crate) struct Errand<T> {
    running: Option<Receiver<T>>,
}

impl<T: Send + 'static> Errand<T> {
    pub(crate) fn new() -> Self {
        Self { running: None }
    }

    /// Does `work`. When the future is dropped the work goes on, and until it has ended there is an error
    /// in place of more; what it had to say is lost.
    pub(crate) async fn run(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ErrandError> {
        if let Some(running) = &mut self.running
            && let Err(TryRecvError::Empty) = running.try_recv()
        {
            return Err(ErrandError::Busy);
        }
        let (sender, receiver) = oneshot::channel();
        thread::Builder::new()
            .name("producer errand".to_owned())
            .spawn(move || drop(sender.send(work())))?;
        let result = self.running.insert(receiver).await;
        self.running = None;
        result.map_err(|_| ErrandError::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn one_that_hangs_is_not_begun_again_until_it_has_ended() {
        let mut errand = Errand::new();
        assert_eq!(errand.run(|| 1).await.unwrap(), 1);
        let (go_on, held) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel();
        let hang = errand.run(move || {
            let _ = held.recv();
            let _ended: mpsc::Sender<()> = ended;
            2
        });
        assert!(timeout(Duration::from_millis(10), hang).await.is_err());
        assert!(matches!(errand.run(|| 3).await, Err(ErrandError::Busy)));
        drop(go_on);
        let _ = end.recv();
        loop {
            match errand.run(|| 4).await {
                Err(ErrandError::Busy) => thread::yield_now(),
                result => break assert_eq!(result.unwrap(), 4),
            }
        }
        let panics = errand.run(|| panic!("on purpose")).await;
        assert!(matches!(panics, Err(ErrandError::Panicked)));
        assert_eq!(errand.run(|| 5).await.unwrap(), 5);
    }
}
