//! A sign of life that cannot lie: it ends when the one who holds it ends, however that happens.
//!
//! Each actor of a hub holds a [`Alive`]; the supervisor watches the matching [`Ending`].

use tokio::sync::watch;

/// Held by the future of an actor; dropped with it, even when its thread dies.
pub(crate) struct Alive(#[expect(dead_code, reason = "held for its drop only")] watch::Sender<()>);

/// The other half: resolves when the [`Alive`] is gone.
#[derive(Clone)]
pub(crate) struct Ending(watch::Receiver<()>);

/// Makes a pair.
pub(crate) fn alive() -> (Alive, Ending) {
    let (sender, receiver) = watch::channel(());
    (Alive(sender), Ending(receiver))
}

impl Ending {
    /// Waits for the end.
    pub(crate) async fn wait(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}
