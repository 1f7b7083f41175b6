//! The messages that wait for their command, within bounds.
//!
//! [`super::runner`] fills it while there is room, and takes out what is due.

use std::collections::VecDeque;
use std::time::Duration;

use fedmsg::Delivery;
use tokio::time::Instant;

/// How many messages wait, at most; as before a consumer of a hub.
const MESSAGES: usize = 10_000;

/// How many bytes of messages wait, at most, before no more are taken.
const BYTES: usize = 64 * 1024 * 1024;

/// Messages in the order of arrival: first those that are due, then those that are held until it has
/// been quiet for some time.
pub(super) struct Queue {
    due: VecDeque<Delivery>,
    held: VecDeque<Delivery>,
    bytes: usize,
    quiet: Duration,
    most_held: usize,
    /// When those that are held are due.
    release_at: Option<Instant>,
}

impl Queue {
    /// Messages are held until none has come for `quiet`, or there are more than `most_held` of them;
    /// 0 sets no such limit.
    pub(super) fn new(quiet: Duration, most_held: usize) -> Self {
        Self {
            due: VecDeque::new(),
            held: VecDeque::new(),
            bytes: 0,
            quiet,
            most_held,
            release_at: None,
        }
    }

    /// Whether another message may be taken.
    pub(super) fn has_room(&self) -> bool {
        self.len() < MESSAGES && self.bytes < BYTES
    }

    /// Adds a message that has come now.
    pub(super) fn push(&mut self, delivery: Delivery, now: Instant) {
        self.bytes += delivery.size();
        self.held.push_back(delivery);
        // A time that no clock will reach is as good as none.
        self.release_at = now.checked_add(self.quiet);
        let is_crowded = self.most_held > 0 && self.held.len() > self.most_held;
        // With no room left it cannot be known whether it is quiet.
        if self.quiet.is_zero() || is_crowded || !self.has_room() {
            self.release();
        }
    }

    /// When there is something to release; `None` while nothing is held.
    pub(super) fn release_at(&self) -> Option<Instant> {
        self.release_at
    }

    /// Makes all that are held due.
    pub(super) fn release(&mut self) {
        self.due.append(&mut self.held);
        self.release_at = None;
    }

    /// Takes out the first one that is due.
    pub(super) fn pop(&mut self) -> Option<Delivery> {
        let delivery = self.due.pop_front()?;
        self.bytes = self.bytes.saturating_sub(delivery.size());
        Some(delivery)
    }

    /// How many messages are in it.
    pub(super) fn len(&self) -> usize {
        self.due.len() + self.held.len()
    }

    /// Whether none is due.
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_empty()
    }

    /// All that are in it.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.due.iter().chain(&self.held)
    }
}

#[cfg(test)]
mod tests {
    use fedmsg::Envelope;

    use super::*;

    fn message(n: usize, size: usize) -> Delivery {
        let topic = format!("t{n}");
        let body = "x".repeat(size).into_bytes();
        let envelope = Envelope::from_frames(topic.into(), body.into()).unwrap();
        Delivery::new(envelope, "svc.host".into())
    }

    fn topics(queue: &mut Queue) -> String {
        let due = std::iter::from_fn(|| queue.pop());
        let topics: Vec<_> = due.map(|it| it.topic().to_string()).collect();
        topics.join(" ")
    }

    #[test]
    fn without_a_wait_messages_are_due_at_once_and_in_order() {
        let mut queue = Queue::new(Duration::ZERO, 0);
        let now = Instant::now();
        (1..=3).for_each(|n| queue.push(message(n, 9), now));
        assert_eq!((queue.len(), queue.release_at()), (3, None));
        assert_eq!(topics(&mut queue), "t1 t2 t3");
        assert!(queue.is_idle() && queue.len() == 0 && queue.bytes == 0);
    }

    #[test]
    fn each_message_starts_the_wait_anew() {
        let mut queue = Queue::new(Duration::from_secs(5), 0);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        queue.push(message(1, 9), at(0));
        queue.push(message(2, 9), at(4));
        assert_eq!(queue.release_at(), Some(at(9)));
        assert!(queue.is_idle() && queue.pop().is_none());
        queue.release();
        queue.push(message(3, 9), at(10));
        assert_eq!(topics(&mut queue), "t1 t2");
        assert_eq!((queue.len(), queue.release_at()), (1, Some(at(15))));
        assert_eq!(queue.iter().count(), 1);
    }

    #[test]
    fn too_many_are_not_held() {
        let mut queue = Queue::new(Duration::from_secs(5), 2);
        let now = Instant::now();
        (1..=2).for_each(|n| queue.push(message(n, 9), now));
        assert!(queue.is_idle());
        queue.push(message(3, 9), now);
        assert_eq!(topics(&mut queue), "t1 t2 t3");
        assert_eq!(queue.release_at(), None);
    }

    #[test]
    fn a_full_queue_takes_no_more_and_waits_for_nothing() {
        let mut queue = Queue::new(Duration::MAX, 0);
        let now = Instant::now();
        (0..MESSAGES).for_each(|n| {
            assert!(queue.has_room());
            queue.push(message(n, 9), now);
        });
        assert!(!queue.has_room() && !queue.is_idle());
        queue.pop();
        assert!(queue.has_room());

        let mut queue = Queue::new(Duration::MAX, 0);
        (0..4).for_each(|n| queue.push(message(n, BYTES / 4 - 9), now));
        assert!(queue.has_room() && queue.is_idle());
        queue.push(message(4, 9 << 20), now);
        assert!(!queue.has_room() && !queue.is_idle());
    }
}
