//! A door before the calls of a consumer under test: it holds them up until the test lets them in.
//!
//! [`Witness`](super::witness::Witness) has one, so that a test can have messages gather behind a call.

use tokio::sync::watch;

/// A door that is open until the test says who may go in.
pub(crate) struct Door(watch::Sender<State>);

struct State {
    /// How many calls have come so far.
    come: u64,
    /// So many of them may go in.
    admitted: u64,
}

impl Default for Door {
    fn default() -> Self {
        let (come, admitted) = (0, u64::MAX);
        Self(watch::Sender::new(State { come, admitted }))
    }
}

impl Door {
    /// Lets in so many calls in all, counted from the first of the trial, and holds up those after them.
    pub(crate) fn admit(&self, calls: u64) {
        self.0.send_modify(|state| state.admitted = calls);
    }

    /// Lets in all, those that are held up as well.
    pub(crate) fn open(&self) {
        self.admit(u64::MAX);
    }

    /// Waits until so many calls have come. Cancel-safe.
    pub(crate) async fn until_come(&self, calls: u64) {
        let mut state = self.0.subscribe();
        // The sender is this one, which stays.
        let _ = state.wait_for(|state| state.come >= calls).await;
    }

    /// Waits until the call is let in.
    pub(super) async fn pass(&self) {
        let mut number = 0;
        self.0.send_modify(|state| {
            state.come += 1;
            number = state.come;
        });
        let mut state = self.0.subscribe();
        let _ = state.wait_for(|state| state.admitted >= number).await;
    }
}
