//! `Flight`: the messages of a batch, and how far each of them has come.
//!
//! [`super::Process`] keeps one across batches: what the program has answered ahead of an earlier message
//! stays answered when the host offers the rest of the batch again.

use std::collections::VecDeque;

use fedmsg_actors::Delivery;

use super::line::Answer;

/// A message that is not dealt with.
struct Entry {
    delivery: Delivery,
    state: State,
    /// A program has died that had this one alone.
    was_blamed: bool,
}

impl Entry {
    fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            state: State::Waiting,
            was_blamed: false,
        }
    }
}

/// Over what a program has died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// Nobody knows: it had several messages, or none.
    Unknown,
    /// The first message, which it had alone.
    Message,
    /// The same, and another run has died over that message before.
    MessageAgain,
}

enum State {
    /// The program does not have it.
    Waiting,
    /// The program has it, under this identifier; its line has so many bytes.
    Given { id: u64, bytes: usize },
    /// The program has answered.
    Answered(Answer),
}

/// The messages that are not dealt with, in order.
#[derive(Default)]
pub(super) struct Flight {
    entries: VecDeque<Entry>,
    given: usize,
    given_bytes: usize,
    /// So many at the front go to the program one at a time, because it died with all of them.
    careful: usize,
}

impl Flight {
    /// Takes the messages that the host offers: those that it has offered before, from the first that was
    /// not dealt with, and others behind.
    pub(super) fn offer(&mut self, batch: Vec<Delivery>) {
        let mut known = std::mem::take(&mut self.entries);
        for delivery in batch {
            let place = known.iter().position(|it| same(&it.delivery, &delivery));
            let entry = place.and_then(|place| {
                known.drain(..place);
                known.pop_front()
            });
            self.entries
                .push_back(entry.unwrap_or_else(|| Entry::new(delivery)));
        }
        self.count();
    }

    /// Whether all are dealt with.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the first has been answered.
    pub(super) fn has_answer(&self) -> bool {
        let first = self.entries.front();
        first.is_some_and(|first| matches!(first.state, State::Answered(_)))
    }

    /// How many the program has, and how many bytes.
    pub(super) fn given(&self) -> (usize, usize) {
        (self.given, self.given_bytes)
    }

    /// Whether messages go one at a time.
    pub(super) fn is_careful(&self) -> bool {
        self.careful > 0
    }

    /// The first that the program does not have.
    pub(super) fn next(&self) -> Option<&Delivery> {
        let mut entries = self.entries.iter();
        let next = entries.find(|entry| matches!(entry.state, State::Waiting));
        next.map(|entry| &entry.delivery)
    }

    /// Notes that the program is given that.
    pub(super) fn give(&mut self, id: u64, bytes: usize) {
        self.set_next(State::Given { id, bytes });
    }

    /// Notes an answer in the place of the program, for that.
    pub(super) fn refuse(&mut self, reason: String) {
        self.set_next(State::Answered(Answer::Drop { reason }));
    }

    fn set_next(&mut self, state: State) {
        let mut entries = self.entries.iter_mut();
        if let Some(entry) = entries.find(|entry| matches!(entry.state, State::Waiting)) {
            entry.state = state;
        }
        self.count();
    }

    /// Notes what the program answers.
    pub(super) fn answer(&mut self, answers: Vec<(u64, Answer)>) {
        for (answered, answer) in answers {
            // Mostly it is one of the first.
            let entry = self
                .entries
                .iter_mut()
                .find(|entry| matches!(entry.state, State::Given { id, .. } if id == answered));
            if let Some(entry) = entry {
                entry.state = State::Answered(answer);
            }
        }
        self.count();
    }

    /// Takes the answer to the first message. One that is to be tried again is then waiting, any other is
    /// dealt with.
    pub(super) fn settle(&mut self) -> Option<Answer> {
        let entry = self.entries.front_mut()?;
        match std::mem::replace(&mut entry.state, State::Waiting) {
            State::Answered(answer @ Answer::Retry { .. }) => Some(answer),
            State::Answered(answer) => {
                self.entries.pop_front();
                self.careful = self.careful.saturating_sub(1);
                Some(answer)
            }
            other => {
                entry.state = other;
                None
            }
        }
    }

    /// Notes that the program is no more. If it had the first message and no other, that is to blame. Of
    /// several, none is: each of them will be given alone.
    pub(super) fn take_back(&mut self) -> Blame {
        let is_given = |entry: &Entry| matches!(entry.state, State::Given { .. });
        let is_alone = self.given == 1;
        let first = self.entries.front_mut();
        let blame = match first.filter(|first| is_alone && is_given(first)) {
            None => Blame::Unknown,
            Some(first) => match std::mem::replace(&mut first.was_blamed, true) {
                false => Blame::Message,
                true => Blame::MessageAgain,
            },
        };
        let last = self.entries.iter().rposition(is_given);
        if blame == Blame::Unknown
            && let Some(last) = last
        {
            self.careful = self.careful.max(last + 1);
        }
        for entry in self.entries.iter_mut().filter(|entry| is_given(entry)) {
            entry.state = State::Waiting;
        }
        self.count();
        blame
    }

    fn count(&mut self) {
        let given = self.entries.iter().filter_map(|entry| match entry.state {
            State::Given { bytes, .. } => Some(bytes),
            _ => None,
        });
        (self.given, self.given_bytes) = given.fold((0, 0), |(n, sum), it| (n + 1, sum + it));
    }
}

/// Whether these are one message, not only alike: copies of a delivery share its bytes, which stay where
/// they are while one of them is there.
fn same(a: &Delivery, b: &Delivery) -> bool {
    let (a, b) = (a.envelope().bytes(), b.envelope().bytes());
    std::ptr::eq(a.as_ptr(), b.as_ptr()) && a.len() == b.len()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use fedmsg::Envelope;

    use super::*;

    fn deliveries(count: usize) -> Vec<Delivery> {
        let delivery = |n: usize| {
            let body = Bytes::from(format!("{{\"topic\":\"a.b\",\"msg\":{n}}}"));
            let envelope = Envelope::from_frames(Bytes::from_static(b"a.b"), body).unwrap();
            Delivery::new(envelope, "test".into())
        };
        (0..count).map(delivery).collect()
    }

    fn retry() -> Answer {
        let (reason, after) = (String::new(), None);
        Answer::Retry { reason, after }
    }

    #[test]
    fn what_is_answered_ahead_stays_answered_when_the_rest_is_offered_again() {
        let batch = deliveries(4);
        let mut flight = Flight::default();
        flight.offer(batch.clone());
        for id in 1..=4 {
            flight.give(id, 10);
        }
        assert_eq!(flight.given(), (4, 40));
        flight.answer(vec![(3, Answer::Ack), (1, Answer::Ack), (2, retry())]);
        assert_eq!(flight.settle(), Some(Answer::Ack));
        assert_eq!(flight.settle(), Some(retry()));
        assert_eq!(flight.settle(), None);
        flight.offer(batch[1..].to_vec());
        assert_eq!(flight.next().unwrap().msg().as_i64(), Some(1));
        flight.give(5, 10);
        assert!(flight.next().is_none());
        flight.answer(vec![(5, Answer::Ack), (4, Answer::Ack), (9, Answer::Ack)]);
        let settled = std::iter::from_fn(|| flight.settle()).count();
        assert_eq!(settled, 3);
        assert!(flight.is_empty());
    }

    #[test]
    fn a_message_alone_is_to_blame_and_of_several_each_is_given_alone() {
        let batch = deliveries(3);
        let mut flight = Flight::default();
        flight.offer(batch.clone());
        flight.give(1, 1);
        assert_eq!(flight.take_back(), Blame::Message);
        flight.offer(batch.clone());
        flight.give(1, 1);
        assert_eq!(flight.take_back(), Blame::MessageAgain);
        assert!(!flight.is_careful());
        for id in 2..=4 {
            flight.give(id, 1);
        }
        flight.answer(vec![(3, Answer::Ack)]);
        assert_eq!(flight.take_back(), Blame::Unknown);
        assert!(flight.is_careful());
        for id in [5, 6] {
            flight.give(id, 1);
            flight.answer(vec![(id, Answer::Ack)]);
        }
        for _ in 0..3 {
            assert!(flight.is_careful());
            assert_eq!(flight.settle(), Some(Answer::Ack));
        }
        assert!(!flight.is_careful());
    }

    #[test]
    fn messages_that_are_alike_are_not_the_same() {
        let [a, b] = [deliveries(1), deliveries(1)].concat().try_into().unwrap();
        assert!(same(&a, &a.clone()) && !same(&a, &b));
    }
}
