//! Tests of the queues without any connection.

use super::*;

fn topic(text: &str) -> Topic {
    text.parse().unwrap()
}

/// The message as it is on the wire.
fn encoded(topic: &str, body: &str) -> Vec<u8> {
    let mut out = BytesMut::new();
    zmtp::data(&mut out, topic.as_bytes(), body.as_bytes());
    out.to_vec()
}

/// What has been sent when all of `pieces` have.
fn all_of(pieces: &VecDeque<Piece>) -> Sent {
    Sent {
        messages: pieces.iter().map(|piece| piece.messages).sum(),
        bytes: pieces.iter().map(|piece| piece.bytes.len() as u64).sum(),
    }
}

/// So many messages, as if they had no bytes.
fn sent(messages: u64) -> Sent {
    Sent { messages, bytes: 0 }
}

/// A subscriber of `prefixes`, and everything that it has taken.
struct Reader {
    id: u64,
    bytes: Vec<u8>,
    messages: u64,
}

impl Reader {
    fn join(queues: &mut Queues, prefixes: &[&str]) -> Self {
        let (id, _) = queues.join("a test");
        for prefix in prefixes {
            queues.subscriptions(id).unwrap().add(prefix.as_bytes());
        }
        let bytes = Vec::new();
        Self {
            id,
            bytes,
            messages: 0,
        }
    }

    /// Takes everything, and says that it is sent.
    fn read(&mut self, queues: &mut Queues) -> &mut Self {
        let mut pieces = VecDeque::new();
        let mut done = Sent::default();
        loop {
            queues.take(self.id, done, &mut pieces).unwrap();
            if pieces.is_empty() {
                return self;
            }
            done = all_of(&pieces);
            self.messages += done.messages;
            for piece in pieces.drain(..) {
                self.bytes.extend(&piece.bytes);
            }
        }
    }
}

#[test]
fn everybody_gets_what_was_subscribed_to_in_order() {
    let mut queues = Queues::new(0);
    let mut all = Reader::join(&mut queues, &[""]);
    let mut odd = Reader::join(&mut queues, &["odd"]);
    let mut both = Reader::join(&mut queues, &["odd", "even", "even.x"]);
    let mut nothing = Reader::join(&mut queues, &["other"]);
    let (mut every, mut odds) = (Vec::new(), Vec::new());
    // Bodies of all lengths, over many runs; the odd ones are the larger part now and then.
    for number in 0..3_000 {
        let name = if number % 3 == 1 { "odd" } else { "even" };
        let body = "x".repeat(number % 400);
        assert_eq!(
            queues.push(&topic(name), body.as_bytes()).audience,
            Audience::Somebody
        );
        every.extend(encoded(name, &body));
        if name == "odd" {
            odds.extend(encoded(name, &body));
        }
        if number % 701 == 0 {
            all.read(&mut queues);
            odd.read(&mut queues);
        }
    }
    assert!(all.read(&mut queues).bytes == every);
    assert!(odd.read(&mut queues).bytes == odds);
    assert!(both.read(&mut queues).bytes == every);
    assert_eq!(nothing.read(&mut queues).messages, 0);
    assert_eq!((all.messages, odd.messages), (3_000, 1_000));
    let counts = queues.counts();
    assert_eq!(
        (counts.messages, counts.unheard, counts.missed),
        (3_000, 0, 0)
    );
}

#[test]
fn a_full_queue_costs_its_own_subscriber_exactly_what_is_counted() {
    let mut queues = Queues::new(10);
    let mut slow = Reader::join(&mut queues, &[""]);
    let mut fast = Reader::join(&mut queues, &[""]);
    let mut told = Vec::new();
    for number in 0..100_u64 {
        let pushed = queues.push(&topic("t"), number.to_string().as_bytes());
        told.extend(pushed.missed_by.map(|_| number));
        fast.read(&mut queues);
    }
    assert_eq!(fast.messages, 100);
    assert_eq!(slow.read(&mut queues).messages, 10);
    assert_eq!(told, [10], "the first one that is missed is named");
    assert_eq!(queues.counts().missed, 90);
    let status = queues.status();
    let missed: Vec<_> = status.iter().map(|one| (one.sent, one.missed)).collect();
    assert_eq!(missed, [(10, 90), (100, 0)]);
    // It has caught up: from here on it gets everything, until it falls behind again.
    queues.push(&topic("t"), b"x");
    assert_eq!(slow.read(&mut queues).messages, 11);
}

#[test]
fn who_catches_up_is_told_what_it_has_missed() {
    let mut queues = Queues::new(4);
    let (id, _) = queues.join("a test");
    queues.subscriptions(id).unwrap().add(b"");
    for _ in 0..7 {
        queues.push(&topic("t"), b"{}");
    }
    let mut pieces = VecDeque::new();
    assert_eq!(
        queues.take(id, sent(0), &mut pieces).unwrap().caught_up,
        None
    );
    assert_eq!(
        queues.take(id, sent(1), &mut pieces).unwrap().caught_up,
        None
    );
    assert_eq!(
        queues.take(id, sent(1), &mut pieces).unwrap().caught_up,
        Some(3)
    );
    assert_eq!(
        queues.take(id, sent(2), &mut pieces).unwrap().caught_up,
        None
    );
}

#[test]
fn what_is_not_sent_when_a_subscriber_leaves_is_counted() {
    let mut queues = Queues::new(0);
    let reader = Reader::join(&mut queues, &[""]);
    for _ in 0..5 {
        queues.push(&topic("t"), b"{}");
    }
    let mut pieces = VecDeque::new();
    queues.take(reader.id, sent(0), &mut pieces);
    let left = queues.leave(reader.id, sent(2)).unwrap();
    assert_eq!((left.sent, left.queued), (2, 3));
    assert_eq!(queues.counts().cut_off, 3);
    assert_eq!(queues.leave(reader.id, sent(0)), None);
    assert_eq!(queues.push(&topic("t"), b"{}").audience, Audience::Nobody);
    assert_eq!(queues.counts().unheard, 1);
}

#[test]
fn a_queue_keeps_no_more_memory_than_its_messages_need() {
    let mut queues = Queues::new(0);
    let rare = Reader::join(&mut queues, &["rare"]);
    let mut all = Reader::join(&mut queues, &[""]);
    for number in 0..10_000 {
        let name = if number % 100 == 0 { "rare" } else { "often" };
        queues.push(&topic(name), &[b'x'; 500]);
        all.read(&mut queues); // as a connection on another thread would
    }
    let subscriber = queues.subscriber(rare.id).unwrap();
    assert_eq!(subscriber.queued, 100);
    let bytes: usize = subscriber
        .pieces
        .iter()
        .map(|piece| piece.bytes.len())
        .sum();
    assert_eq!(bytes, 100 * encoded("rare", &"x".repeat(500)).len());
    // A piece that is all of what it keeps alive can be written to again.
    let owned = subscriber
        .pieces
        .drain(..)
        .map(|piece| piece.bytes.try_into_mut());
    let owned: Vec<_> = owned.collect::<Result<_, _>>().unwrap();
    assert!(owned.iter().all(|bytes| bytes.capacity() < 2 * bytes.len()));
}

#[test]
fn a_closed_queue_is_over_when_it_is_empty() {
    let mut queues = Queues::new(0);
    let reader = Reader::join(&mut queues, &[""]);
    queues.push(&topic("t"), b"{}");
    queues.close();
    let mut pieces = VecDeque::new();
    assert!(
        !queues
            .take(reader.id, sent(0), &mut pieces)
            .unwrap()
            .is_over
    );
    assert!(
        queues
            .take(reader.id, sent(1), &mut pieces)
            .unwrap()
            .is_over
    );
}

#[test]
fn a_queue_is_bounded_in_bytes_too() {
    let mut queues = Queues::new(1_000_000);
    queues.byte_limit = 10_000;
    let mut slow = Reader::join(&mut queues, &[""]);
    for _ in 0..100 {
        queues.push(&topic("t"), &[b'x'; 1_000]);
    }
    let kept = 100 - queues.counts().missed;
    assert!((9..=10).contains(&kept), "{kept}");
    assert_eq!(slow.read(&mut queues).messages, kept);
    assert_eq!(queues.subscriber(slow.id).unwrap().queued_bytes, 0);
    queues.push(&topic("t"), &[b'x'; 20_000]); // one may be larger
    assert_eq!(slow.read(&mut queues).messages, kept + 1);
}
