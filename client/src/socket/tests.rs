//! The sockets themselves: what the vendored libzmq was built with, shapes of messages, bad addresses.

use std::fs;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::mem::{self, ManuallyDrop};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::sub_socket::BATCH_MESSAGES;
use super::*;

fn context() -> SocketContext {
    SocketContext::new(1)
}

fn options() -> SocketOptions {
    SocketOptions::default()
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

/// A raw XPUB socket of the test's own, bound to a free port, to send what no publisher would.
fn raw_publisher(context: &SocketContext) -> (zmq::Socket, Endpoint) {
    let socket = context.0.socket(zmq::XPUB).unwrap();
    socket.set_linger(0).unwrap();
    socket.bind("tcp://127.0.0.1:0").unwrap();
    let address = socket.get_last_endpoint().unwrap().unwrap();
    (socket, endpoint(&address))
}

fn subscriber(context: &SocketContext, to: &Endpoint) -> SubSocket {
    SubSocket::connect(context, &options(), to, &[Bytes::new()]).unwrap()
}

/// A received message: copies of its frames.
#[derive(Debug)]
enum Received {
    Pair(Bytes, Bytes),
    Odd(Bytes, usize),
}

impl From<Frames<'_>> for Received {
    fn from(frames: Frames<'_>) -> Self {
        let copy = Bytes::copy_from_slice;
        match frames {
            Frames::Pair(topic, body) => Self::Pair(copy(topic), copy(body)),
            Frames::Odd(first, count) => Self::Odd(copy(first), count),
        }
    }
}

async fn receive(subscriber: &mut SubSocket, count: usize) -> Vec<Received> {
    let mut received = Vec::new();
    while received.len() < count {
        poll_fn(|context| subscriber.poll_drain(context, |frames| received.push(frames.into())))
            .await
            .unwrap();
    }
    received
}

/// Waits until a subscription has arrived: from then on nothing sent is lost.
async fn subscribed(publisher: &mut PubSocket) {
    while publisher.try_notice().unwrap().is_none() {
        poll_fn(|context| publisher.poll_ready(context))
            .await
            .unwrap();
    }
}

/// Has a raw subscriber that never reads.
async fn pair(context: &SocketContext) -> (PubSocket, SubSocket, Endpoint) {
    let address = endpoint("tcp://127.0.0.1:0");
    let (mut publisher, bound) = PubSocket::bind(context, &options(), &address).unwrap();
    let subscriber = subscriber(context, &bound);
    subscribed(&mut publisher).await;
    (publisher, subscriber, bound)
}

#[tokio::test]
async fn keep_alive_is_really_set_on_tcp_connections() {
    let context = context();
    let (_publisher, _subscriber, bound) = pair(&context).await;
    let port = format!(":{:04X}", bound.port().unwrap());
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
    // Columns: sl local_address rem_address st tx:rx tr:tm->when …; st 01 is ESTABLISHED, and a
    // timer of kind 02 is the keep-alive timer (proc(5), net/tcp_ipv4.c of Linux).
    let established: Vec<_> = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|row| row.len() > 5 && row[3] == "01")
        .filter(|row| row[1].ends_with(&port) || row[2].ends_with(&port))
        .collect();
    assert_eq!(
        established.len(),
        2,
        "both ends of the connection: {established:?}"
    );
    for row in established {
        assert!(
            row[5].starts_with("02:"),
            "no keep-alive timer on {}: libzmq was built without the flags of .cargo/config.toml",
            row[1]
        );
    }
}

#[tokio::test]
async fn sockets_are_closed_in_child_processes() {
    let context = context();
    let (_publisher, _subscriber, _) = pair(&context).await;
    let mut seen = 0;
    for entry in fs::read_dir("/proc/self/fd").unwrap() {
        let entry = entry.unwrap();
        let Ok(target) = fs::read_link(entry.path()) else {
            continue;
        };
        let target = target.to_string_lossy().into_owned();
        let kinds = ["socket:", "anon_inode:[eventfd]", "anon_inode:[eventpoll]"];
        if !kinds.iter().any(|kind| target.starts_with(kind)) {
            continue;
        }
        let info = format!("/proc/self/fdinfo/{}", entry.file_name().to_string_lossy());
        let Ok(info) = fs::read_to_string(info) else {
            continue;
        };
        let flags = info
            .lines()
            .find_map(|line| line.strip_prefix("flags:"))
            .unwrap();
        let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
        assert_ne!(
            flags & 0o2_000_000,
            0,
            "{target} has no O_CLOEXEC: a child would inherit it"
        );
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} sockets, eventfds and pollers seen");
}

#[tokio::test]
async fn two_frames_arrive_as_they_were_sent() {
    let context = context();
    let (mut publisher, mut subscriber, _) = pair(&context).await;
    let body = vec![b'x'; 100_000];
    publisher.send(b"t.1", b"{}").unwrap();
    publisher.send(b"t.2", &body).unwrap();
    let received = receive(&mut subscriber, 2).await;
    assert!(matches!(&received[0], Received::Pair(topic, text) if topic == "t.1" && text == "{}"));
    assert!(matches!(&received[1], Received::Pair(topic, text) if topic == "t.2" && text == &body));
}

#[tokio::test]
async fn any_other_number_of_frames_is_told_apart() {
    let context = context();
    let (publisher, address) = raw_publisher(&context);
    let mut subscriber = subscriber(&context, &address);
    publisher.recv_bytes(0).unwrap(); // the subscription
    // Sent together, so that both the first message and the drained ones take every shape.
    for _ in 0..2 {
        for frames in [
            vec!["one"],
            vec!["a", "b"],
            vec!["a", "b", "c"],
            vec!["", "", "", ""],
        ] {
            publisher.send_multipart(frames, 0).unwrap();
        }
    }
    let received = receive(&mut subscriber, 8).await;
    for half in received.chunks(4) {
        assert!(matches!(&half[0], Received::Odd(first, 1) if first == "one"));
        assert!(matches!(&half[1], Received::Pair(..)));
        assert!(matches!(&half[2], Received::Odd(first, 3) if first == "a"));
        assert!(matches!(&half[3], Received::Odd(first, 4) if first.is_empty()));
    }
}

#[tokio::test]
async fn a_flood_is_taken_in_bounded_batches() {
    let context = context();
    let (mut publisher, mut subscriber, _) = pair(&context).await;
    for _ in 0..1000 {
        publisher.send(b"t", b"{}").unwrap();
    }
    let mut total = 0;
    while total < 1000 {
        let taken = poll_fn(|context| subscriber.poll_drain(context, |_| {}))
            .await
            .unwrap();
        assert!((1..=BATCH_MESSAGES).contains(&taken));
        total += taken;
    }
    assert_eq!(total, 1000);
}

#[tokio::test]
async fn a_slow_subscriber_is_noticed_and_the_others_get_everything() {
    let context = context();
    let mut few = options();
    (few.high_water_mark, few.receive_high_water_mark) = (10, 10);
    let address = endpoint("inproc://slow");
    let (mut publisher, bound) = PubSocket::bind(&context, &few, &address).unwrap();
    let _slow = SubSocket::connect(&context, &few, &bound, &[Bytes::from_static(b"s")]).unwrap();
    subscribed(&mut publisher).await;
    let mut fast =
        SubSocket::connect(&context, &few, &bound, &[Bytes::from_static(b"sf")]).unwrap();
    subscribed(&mut publisher).await;
    let mut overflowed = 0;
    for _ in 0..100 {
        if publisher.send(b"sf", b"{}").unwrap() == Sent::Overflowed {
            overflowed += 1;
        }
        receive(&mut fast, 1).await;
    }
    assert!(overflowed >= 1, "the slow one's queue holds 20 of 100");
}

#[tokio::test]
async fn a_frame_beyond_the_limit_costs_its_connection() {
    let context = context();
    let (publisher, address) = raw_publisher(&context);
    let mut subscriber = subscriber(&context, &address);
    publisher.recv_bytes(0).unwrap();
    let huge = vec![0_u8; 100 << 20];
    publisher.send_multipart([&b"t"[..], &huge], 0).unwrap();
    let up = poll_fn(|context| subscriber.poll_peer(context)).await;
    let down = poll_fn(|context| subscriber.poll_peer(context)).await;
    assert_eq!((up, down), (PeerEvent::Up, PeerEvent::Down));
}

/// A socket that keeps a port for the test, on which nobody listens.
fn reserved_port() -> (TcpSocket, Endpoint) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap(); // as libzmq does, which can bind it then
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = Endpoint::tcp(socket.local_addr().unwrap());
    (socket, address)
}

#[tokio::test]
async fn a_subscriber_that_was_dropped_is_gone_and_stalls_nobody() {
    let mut patient = options();
    (patient.linger_ms, patient.reconnect_ivl_ms) = (60_000, 1);
    let context = context();
    mem::forget(context.clone()); // the end of a stalled context would be waited for, for ever
    let (mut publisher, mut subscriber, _) = pair(&context).await;
    let (_reserved, nobody) = reserved_port();
    // By this it is told from others, which may still look for a publisher that had this port before.
    let topic = Bytes::from_static(b"the dropped one");
    let mut dropped = SubSocket::connect(&context, &patient, &nobody, &[topic]).unwrap();
    assert!(receive(&mut dropped, 1).now_or_never().is_none());
    drop(dropped);
    let elsewhere = SocketContext::new(1);
    let (mut late, _) = PubSocket::bind(&elsewhere, &options(), &nobody).unwrap();
    let subscribed = async {
        loop {
            match late.try_notice().unwrap() {
                Some(notice) if notice.ends_with(b"the dropped one") => return,
                Some(_) => {}
                None => poll_fn(|context| late.poll_ready(context)).await.unwrap(),
            }
        }
    };
    let subscribed = timeout(Duration::from_millis(300), subscribed).await;
    assert!(subscribed.is_err(), "the dropped one has subscribed");

    publisher.send(b"t", b"{}").unwrap();
    let received = timeout(Duration::from_secs(60), receive(&mut subscriber, 1)).await;
    assert!(received.is_ok(), "the others are stalled");
}

#[tokio::test]
async fn subscribers_that_are_dropped_while_publishers_connect_stall_nobody() {
    let context = context();
    mem::forget(context.clone());
    let (mut publisher, mut subscriber, _) = pair(&context).await;
    let elsewhere = SocketContext::new(1);
    let folder = tempfile::tempdir().unwrap();
    for round in 0..200 {
        let address = endpoint(&format!("ipc://{}/{round}", folder.path().display()));
        let (mut dropped, bound) =
            SubSocket::bind(&context, &options(), &address, &[Bytes::new()]).unwrap();
        let to = vec![bound; 4];
        let connecting = PubSocket::connect(&elsewhere, &options(), &to).unwrap();
        if round % 2 == 0 {
            let first = poll_fn(|context| dropped.poll_peer(context));
            let first = timeout(Duration::from_secs(60), first).await;
            assert!(first.is_ok(), "stalled in round {round}");
        }
        drop(dropped);
        drop(connecting);
        publisher.send(b"t", b"{}").unwrap();
        let received = timeout(Duration::from_secs(60), receive(&mut subscriber, 1)).await;
        assert!(received.is_ok(), "stalled in round {round}");
    }
}

#[tokio::test]
async fn a_subscriber_whose_events_nobody_reads_stalls_nobody() {
    let context = context();
    mem::forget(context.clone());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let address = endpoint(&format!("ipc://{}", path.display()));
    let (subscriber, bound) =
        SubSocket::bind(&context, &options(), &address, &[Bytes::new()]).unwrap();
    let mut subscriber = ManuallyDrop::new(subscriber); // it would wait for a stalled context, too
    // Each makes at least one event; by default two sockets of libzmq hold 2000 between them.
    for _ in 0..2500 {
        let mut stranger = UnixStream::connect(&path).unwrap();
        let patience = Some(Duration::from_secs(60));
        stranger.set_read_timeout(patience).unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert!(stranger.read(&mut [0]).is_ok(), "stalled");
    }
    let to = std::slice::from_ref(&bound);
    let mut publisher = PubSocket::connect(&context, &options(), to).unwrap();
    let both = async {
        let mut up = false;
        while !up {
            up = poll_fn(|context| subscriber.poll_peer(context)).await == PeerEvent::Up;
        }
        assert!(receive(&mut subscriber, 1).now_or_never().is_none()); // it sends its subscription
        subscribed(&mut publisher).await;
    };
    timeout(Duration::from_secs(60), both)
        .await
        .expect("not stalled");
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let context = context();
    let address = endpoint("tcp://127.0.0.1:0");
    let (_first, bound) = PubSocket::bind(&context, &options(), &address).unwrap();
    let error = PubSocket::bind(&context, &options(), &bound).err().unwrap();
    assert!(matches!(error, SocketError::InUse(taken) if taken == bound.as_str()));
    let error = SubSocket::bind(&context, &options(), &bound, &[])
        .err()
        .unwrap();
    assert!(matches!(error, SocketError::InUse(_)));
}

#[tokio::test]
async fn an_ipc_path_of_a_living_process_is_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let address = endpoint(&format!("ipc://{}/bus", folder.path().display()));
    let context = context();
    let (publisher, _) = PubSocket::bind(&context, &options(), &address).unwrap();
    let error = PubSocket::bind(&context, &options(), &address)
        .err()
        .unwrap();
    assert!(matches!(error, SocketError::InUse(_)));
    drop((publisher, context));
    // What a dead process has left behind is in nobody's way.
    PubSocket::bind(&self::context(), &options(), &address).unwrap();
}

#[tokio::test]
async fn an_address_of_another_host_cannot_be_bound() {
    let address = endpoint("tcp://192.0.2.1:0"); // TEST-NET-1 (RFC 5737)
    let error = PubSocket::bind(&context(), &options(), &address)
        .err()
        .unwrap();
    assert!(matches!(error, SocketError::Address { .. }), "{error}");
}

#[tokio::test]
async fn ipv6_works() {
    let context = context();
    let (mut publisher, bound) =
        PubSocket::bind(&context, &options(), &endpoint("tcp://[::1]:0")).unwrap();
    let mut subscriber = subscriber(&context, &bound);
    subscribed(&mut publisher).await;
    publisher.send(b"t", b"{}").unwrap();
    assert_eq!(receive(&mut subscriber, 1).await.len(), 1);
}

#[tokio::test]
async fn nothing_there_is_no_message() {
    let context = context();
    let (_publisher, mut subscriber, _) = pair(&context).await;
    let drained = poll_fn(|context| subscriber.poll_drain(context, |_| {}));
    assert!(drained.now_or_never().is_none());
}
