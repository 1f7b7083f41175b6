//! `Ledger`: which messages a program has, and what it has answered.
//!
//! [`super::Process`] notes what it sends and takes the answers; [`super::listener`] brings them. It is
//! bounded by the window: an answer to a message that the program does not have is an error.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::line::{Answer, Ids};

/// Why an answer is none.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum LedgerError {
    #[error("it answers message {0}, which it has not been given")]
    NotGiven(u64),
    #[error("it answers message {0} twice")]
    Twice(u64),
}

/// How it is with a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has ended, or has to: why, in words that follow its name.
    Failed(String),
    /// It wants to be given no more messages, ever.
    Halted(String),
}

/// What a program has, between the one who writes to it and the one who listens to it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// It has said hello, with this window.
    ready: Option<Option<usize>>,
    /// The identifier of the first in `open`; those before it are answered.
    first: u64,
    /// Whether each message that was given is still unanswered.
    open: VecDeque<bool>,
    answers: Vec<(u64, Answer)>,
    publishing: Publishing,
    ending: Option<Ending>,
}

/// How far it is with what a program publishes.
#[derive(Debug, Default, Clone, Copy)]
enum Publishing {
    /// It has published nothing.
    #[default]
    Nothing,
    /// A message waits for its turn, and what the program says behind it waits, too.
    Waiting,
    /// The last message was published then.
    Done(Instant),
}

impl Publishing {
    fn last(self) -> Option<Instant> {
        match self {
            Self::Nothing => None,
            Self::Waiting => Some(Instant::now()),
            Self::Done(at) => Some(at),
        }
    }
}

/// What has happened since somebody last looked.
#[derive(Debug)]
pub(super) struct News {
    /// The answers, in their order.
    pub(super) answers: Vec<(u64, Answer)>,
    /// As [`Ledger::last_published`].
    pub(super) published: Option<Instant>,
    /// How the program ended. All that it said before that is in `answers`, or was before.
    pub(super) ending: Option<Ending>,
}

impl Ledger {
    /// Returns the identifier for the next message that the program is given: 1, 2, and so on.
    pub(super) fn next(&self) -> u64 {
        let state = self.state();
        state.first + state.open.len() as u64 + 1
    }

    /// Notes that the program is given the next message, and returns its identifier.
    pub(super) fn give(&self) -> u64 {
        let mut state = self.state();
        state.open.push_back(true);
        state.first + state.open.len() as u64
    }

    /// Notes an answer.
    pub(super) fn answer(&self, ids: Ids, answer: &Answer) -> Result<(), LedgerError> {
        let mut state = self.state();
        let (Ids::One(id) | Ids::UpTo(id)) = ids;
        let given = state.first + state.open.len() as u64;
        if id == 0 || id > given {
            return Err(LedgerError::NotGiven(id));
        }
        if let Ids::One(_) = ids {
            let place = id.checked_sub(state.first + 1);
            let place = place.and_then(|place| usize::try_from(place).ok());
            match place.and_then(|place| state.open.get_mut(place)) {
                Some(open) if *open => *open = false,
                _ => return Err(LedgerError::Twice(id)),
            }
            state.answers.push((id, answer.clone()));
        } else {
            while state.first < id {
                state.first += 1;
                if state.open.pop_front() == Some(true) {
                    let id = state.first;
                    state.answers.push((id, answer.clone()));
                }
            }
        }
        while state.open.front() == Some(&false) {
            state.open.pop_front();
            state.first += 1;
        }
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Notes that the program publishes something, which may have to wait.
    pub(super) fn begin_to_publish(&self) {
        self.state().publishing = Publishing::Waiting;
    }

    /// Notes that it is published.
    pub(super) fn published(&self) {
        self.state().publishing = Publishing::Done(Instant::now());
    }

    /// Says when something was published last: now, while it waits for its turn.
    pub(super) fn last_published(&self) -> Option<Instant> {
        self.state().publishing.last()
    }

    /// Notes that the program has said hello; false if it had before.
    pub(super) fn greet(&self, window: Option<usize>) -> bool {
        let is_first = self.state().ready.replace(window).is_none();
        self.changed.notify_one();
        is_first
    }

    /// Says whether it has said hello, and the window that it wants.
    pub(super) fn ready(&self) -> Option<Option<usize>> {
        self.state().ready
    }

    /// Notes that the program has ended or has to, and why. What is noted first counts.
    pub(super) fn end(&self, ending: Ending) {
        self.state().ending.get_or_insert(ending);
        self.changed.notify_one();
    }

    /// Says why it has ended, or has to.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.state().ending.clone()
    }

    /// Takes what has happened.
    pub(super) fn news(&self) -> News {
        let mut state = self.state();
        News {
            answers: std::mem::take(&mut state.answers),
            published: state.publishing.last(),
            ending: state.ending.clone(),
        }
    }

    /// Returns once something has happened since this last returned. Nothing is lost if it is given up.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_answered_once_and_only_if_it_was_given() {
        let ledger = Ledger::default();
        let ack = |ids| ledger.answer(ids, &Answer::Ack);
        assert_eq!((1..=6).map(|_| ledger.give()).max(), Some(6));
        assert_eq!(ack(Ids::One(7)), Err(LedgerError::NotGiven(7)));
        assert_eq!(ack(Ids::One(0)), Err(LedgerError::NotGiven(0)));
        assert_eq!(
            ack(Ids::UpTo(u64::MAX)),
            Err(LedgerError::NotGiven(u64::MAX))
        );
        assert_eq!(ack(Ids::One(3)), Ok(()));
        assert_eq!(ack(Ids::One(3)), Err(LedgerError::Twice(3)));
        assert_eq!(ack(Ids::UpTo(4)), Ok(()));
        assert_eq!(ack(Ids::One(1)), Err(LedgerError::Twice(1)));
        assert_eq!(
            ack(Ids::UpTo(2)),
            Ok(()),
            "nothing is left to answer up to there"
        );
        let answered: Vec<_> = ledger.news().answers.iter().map(|(id, _)| *id).collect();
        assert_eq!(answered, [3, 1, 2, 4]);
        assert_eq!(ack(Ids::One(6)), Ok(()));
        assert_eq!(ack(Ids::One(5)), Ok(()));
        assert_eq!(ledger.give(), 7);
        assert_eq!(ack(Ids::One(6)), Err(LedgerError::Twice(6)));
        assert_eq!(
            ledger.state().open.len(),
            1,
            "what is answered takes no room"
        );
    }

    #[test]
    fn the_first_reason_for_an_end_counts() {
        let ledger = Ledger::default();
        ledger.end(Ending::Halted("a".to_owned()));
        ledger.end(Ending::Failed("b".to_owned()));
        assert_eq!(ledger.ending(), Some(Ending::Halted("a".to_owned())));
    }
}
