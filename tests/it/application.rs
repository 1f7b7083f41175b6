//! Programs that publish with the small library, and end.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

use std::ops::Range;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use fedmsg::Message;
use fedmsg::json::Value;
use tokio::runtime::Builder;

use crate::peers::{Process, free_tcp_port};
use crate::raw::RawSocket;
use crate::sandbox::{PATIENCE, Sandbox, Settings, in_shell};

/// How many messages are published in each of two runtimes, and of which size. Those of the second are more
/// than there is room for on the way.
const PARTS: [(Range<usize>, usize); 2] = [(0..10, 1), (10..310, 200_000)];

#[test]
fn what_a_program_has_published_is_out_when_its_runtime_has_ended() {
    let inbound = free_tcp_port();
    let settings = Settings::new().relay(inbound, free_tcp_port());
    let settings = settings.with("active = true\nzmq_linger = '1m'\nhigh_water_mark = 0");
    let sandbox = Sandbox::with(&settings);
    let relay = RawSocket::subscriber_on(inbound);
    let program = env::current_exe().expect("this program");
    let test = "application::publishes_in_two_runtimes_and_exits";
    let script = format!("exec '{}' --ignored --exact {test}", program.display());
    let program = Process::start(in_shell(&script, &sandbox.command(&["fedmsg"])));
    let receive = |numbers: Range<usize>| {
        for n in numbers {
            let frames = relay.receive();
            let topic = String::from_utf8_lossy(&frames[0]);
            assert_eq!(topic, format!("org.fedoraproject.dev.shop.sale.{n}"));
        }
    };
    let [(_, _), (second, _)] = PARTS;
    receive(0..second.start + 1);
    // Nothing more is read before the last call has returned.
    let deadline = Instant::now() + PATIENCE;
    while !sandbox.path().join("published").exists() {
        assert!(Instant::now() < deadline, "it does not publish");
        thread::park_timeout(Duration::from_millis(5));
    }
    receive(second.start + 1..second.end);
    program.finish().expect_success();
}

#[test]
#[ignore = "needs a process of its own, in which another test runs it"]
fn publishes_in_two_runtimes_and_exits() {
    for (numbers, size) in PARTS {
        let is_last = numbers.end == PARTS[1].0.end;
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("an event loop").block_on(async {
            for n in numbers {
                let sale = Message::new(format!("sale.{n}"), Value::from("x".repeat(size)));
                let published = fedmsg::publish(sale.with_modname("shop")).await;
                published.expect("a relay that listens");
            }
            if is_last {
                fs::write("published", "").expect("a file");
            }
        });
    }
    std::process::exit(0); // as `main` does in the end
}
