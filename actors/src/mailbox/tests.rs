//! The laws of the mailbox: bounds, order, nothing lost.

use bytes::Bytes;
use fedmsg::Envelope;
use fedmsg_config::ByteSize;
use futures::FutureExt;

use super::*;

fn delivery(number: usize) -> Delivery {
    let topic = Bytes::from(format!("t.{number}"));
    Delivery::new(
        Envelope::from_frames(topic, Bytes::from_static(b"{}")).unwrap(),
        "test".into(),
    )
}

fn batch(numbers: impl IntoIterator<Item = usize>) -> Vec<Delivery> {
    numbers.into_iter().map(delivery).collect()
}

fn mailbox(messages: usize, bytes: u64, when_full: WhenFull) -> Arc<Mailbox> {
    let config = MailboxConfig {
        messages,
        bytes: ByteSize::new(bytes),
        when_full,
    };
    Mailbox::new(&config, 1)
}

fn offer(mailbox: &Arc<Mailbox>, batch: Vec<Delivery>) -> Vec<Delivery> {
    mailbox.offer(batch, &mut Rings::default())
}

fn topics(lease: &Lease) -> Vec<String> {
    lease
        .items
        .iter()
        .map(|delivery| delivery.topic().to_string())
        .collect()
}

fn take_now(mailbox: &Arc<Mailbox>) -> Option<Lease> {
    mailbox.take().now_or_never().flatten()
}

#[test]
fn what_does_not_fit_comes_back_in_order() {
    let mailbox = mailbox(3, 1 << 20, WhenFull::DropNewest);
    assert!(offer(&mailbox, batch(0..2)).is_empty());
    let rest = offer(&mailbox, batch(2..6));
    assert_eq!(
        rest.iter().map(|d| d.topic().as_str()).collect::<Vec<_>>(),
        ["t.3", "t.4", "t.5"]
    );
    assert_eq!(topics(&take_now(&mailbox).unwrap()), ["t.0", "t.1", "t.2"]);
}

#[test]
fn bytes_are_bounded_too_but_one_large_message_fits_an_empty_mailbox() {
    let mailbox = mailbox(100, 1, WhenFull::DropNewest);
    assert_eq!(offer(&mailbox, batch(0..2)).len(), 1);
    assert_eq!(
        mailbox.depth(),
        Depth {
            messages: 1,
            bytes: delivery(0).size()
        }
    );
}

#[test]
fn what_is_taken_counts_until_it_is_finished() {
    let mailbox = mailbox(2, 1 << 20, WhenFull::DropNewest);
    offer(&mailbox, batch(0..2));
    let mut lease = take_now(&mailbox).unwrap();
    assert_eq!(offer(&mailbox, batch(2..3)).len(), 1, "still full");
    lease.finish();
    lease.release();
    assert!(offer(&mailbox, batch(2..3)).is_empty());
    assert_eq!(mailbox.depth().messages, 2);
}

#[test]
fn an_unfinished_lease_goes_back_to_the_front() {
    let mailbox = mailbox(10, 1 << 20, WhenFull::Block);
    offer(&mailbox, batch(0..3));
    let mut lease = take_now(&mailbox).unwrap();
    lease.finish();
    offer(&mailbox, batch(3..4));
    drop(lease);
    assert_eq!(topics(&take_now(&mailbox).unwrap()), ["t.1", "t.2", "t.3"]);
}

#[tokio::test]
async fn whoever_waits_for_room_is_woken_by_a_finished_message() {
    let mailbox = mailbox(1, 1 << 20, WhenFull::Block);
    offer(&mailbox, batch(0..1));
    let next = delivery(1);
    let mut lease = take_now(&mailbox).unwrap();
    let room = mailbox.room_for(&next);
    tokio::pin!(room);
    assert!(room.as_mut().now_or_never().is_none());
    lease.finish();
    lease.release();
    room.await;
}

#[tokio::test]
async fn a_closed_mailbox_can_be_emptied_and_then_ends_every_worker() {
    let mailbox = mailbox(10, 1 << 20, WhenFull::Block);
    offer(&mailbox, batch(0..1));
    mailbox.close();
    assert_eq!(
        offer(&mailbox, batch(1..2)).len(),
        1,
        "nothing goes in any more"
    );
    mailbox.room_for(&delivery(2)).await;
    drop({
        let mut lease = mailbox.take().await.unwrap();
        lease.finish();
        lease
    });
    assert!(mailbox.take().await.is_none());
    assert!(
        mailbox.take().await.is_none(),
        "the second worker ends as well"
    );
}

#[test]
fn an_abandoned_mailbox_gives_up_what_it_holds() {
    let mailbox = mailbox(10, 1 << 20, WhenFull::Block);
    offer(&mailbox, batch(0..3));
    assert_eq!(mailbox.abandon().len(), 3);
    assert_eq!(mailbox.depth(), Depth::default());
}

#[test]
fn one_worker_takes_all_and_several_take_shares() {
    #[track_caller]
    fn check(workers: usize, queued: usize, expected: usize) {
        let config = MailboxConfig::default();
        let mailbox = Mailbox::new(&config, workers);
        offer(&mailbox, batch(0..queued));
        assert_eq!(take_now(&mailbox).unwrap().items.len(), expected);
    }
    check(1, 1, 1);
    check(1, 100, 100);
    check(1, 1000, LEASE_MESSAGES);
    check(4, 1, 1);
    check(4, 4, 1);
    check(4, 100, 12);
    check(4, 10_000, LEASE_MESSAGES);
}

#[tokio::test]
async fn it_is_known_whether_somebody_waits_for_room() {
    let mailbox = mailbox(1, 1 << 20, WhenFull::Block);
    offer(&mailbox, batch(0..1));
    assert!(!mailbox.holds_up());
    let next = delivery(1);
    let mut room = Box::pin(mailbox.room_for(&next));
    assert!(room.as_mut().now_or_never().is_none());
    assert!(mailbox.holds_up());
    drop(room);
    assert!(!mailbox.holds_up());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_lose_and_repeat_nothing() {
    let mailbox = mailbox(64, 1 << 20, WhenFull::Block);
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let mailbox = Arc::clone(&mailbox);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while let Some(mut lease) = mailbox.take().await {
                    while let Some(delivery) = lease.current() {
                        seen.push(delivery.topic().to_string());
                        lease.finish();
                    }
                }
                seen
            })
        })
        .collect();
    for chunk in 0..200 {
        let mut rest = offer(&mailbox, batch(chunk * 10..chunk * 10 + 10));
        while let Some(first) = rest.first() {
            mailbox.room_for(first).await;
            rest = offer(&mailbox, rest);
        }
    }
    mailbox.close();
    let mut seen = Vec::new();
    for worker in workers {
        seen.extend(worker.await.unwrap());
    }
    seen.sort();
    let mut expected: Vec<_> = (0..2000).map(|number| format!("t.{number}")).collect();
    expected.sort();
    assert_eq!(seen, expected);
}
