//! How a hub stops: in order, within its time, and with a word about everything it leaves behind.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fedmsg_hub::{
    BoxError, Config, ConsumeError, Consumer, ConsumerContext, ConsumerState, Delivery, Hub,
    HubStatus, Message, NoParams, TestBus, TestReport, Topic,
};
use rustix::process::{Signal, getpid, kill_process};

use super::{Probe, Scripted, ScriptedProducer, live};
use crate::apart::run_apart;
use crate::sandbox::PATIENCE;

const TOPIC: &str = "com.example.test.work";

#[test]
fn a_stop_ends_ticks_and_intake_then_drains_the_mailboxes_then_ends_producers_then_the_publisher() {
    let probe = Probe::new();
    let toml = format!(
        "stop_timeout = '30s'
         [consumers.clerk]\nkind = 'scripted'\n{}
         [producers.bell]\nkind = 'scripted-producer'\n{}",
        probe.settings(""),
        probe.settings("every = '5ms'")
    );
    let report = live(&toml, async |hub, publisher| {
        let topic: Topic = "com.example.dev.test.work".parse().unwrap();
        let send = async |text: &str| {
            let message = Message::new("work", text).with_modname("test");
            publisher.publish(message).await.unwrap();
        };
        publisher
            .wait_for_subscriber(&topic, Duration::from_secs(30))
            .await;
        send("1 wait").await;
        probe.saw("clerk", "1 wait").await;
        for n in 2..=100 {
            send(&n.to_string()).await;
        }
        hub.until(|status| status.sources[0].routed == 100).await;
        let unsubscribed = async {
            // Nobody listens any more, and the consumer has not even done its first message.
            while publisher.audience(&topic) == fedmsg::Audience::Somebody {
                tokio::task::yield_now().await;
            }
            assert_eq!(probe.of("clerk"), ["build ok", "1 wait"]);
            let ticks = probe.of("bell").len();
            probe.open();
            ticks
        };
        let (report, ticks) = tokio::join!(hub.stop(), unsubscribed);
        // What it said then, the hub itself would not hear.
        assert_eq!(
            probe.of("bell").len(),
            ticks + 1,
            "no tick, but its goodbye"
        );
        report
    });
    let clerk = report.status.consumer("clerk").unwrap();
    assert_eq!(
        (clerk.consumed, &clerk.state),
        (100, &ConsumerState::Stopped)
    );
    assert!(report.is_clean());
    // Both could still publish when they said goodbye: `stop`, not `stop, unheard`.
    let events = probe.all();
    let position = |event: &str| events.iter().position(|it| it == event).unwrap();
    assert!(position("clerk: 100") < position("clerk: stop"));
    assert!(position("clerk: stop") < position("bell: stop"));
    assert_eq!(
        position("bell: stop"),
        events.len() - 1,
        "no tick after it: {events:?}"
    );
}

/// So many messages were sent to a hub with a consumer that never ends the third of them.
const SENT: u64 = 100;

/// Stops a hub with a healthy consumer, and one that never ends its third message.
fn stop_with(stuck: &str, mailbox: &str, probe: &Probe) -> TestReport {
    TestBus::new()
        .settings("stop_timeout = '2s'") // for the healthy one
        .consumer::<Scripted>("stuck", &probe.settings(mailbox))
        .consumer::<Scripted>("healthy", &probe.settings("topics = 'com.example.test.#'"))
        .run(async |bus| {
            bus.publish("com.example.stuck", "1").await;
            bus.publish("com.example.stuck", "2").await;
            bus.publish("com.example.stuck", format!("3 {stuck}")).await;
            probe.saw("stuck", &format!("3 {stuck}")).await;
            for n in 4..=SENT {
                bus.publish(TOPIC, n.to_string()).await;
            }
        })
}

#[track_caller]
fn check_stuck(report: &TestReport, probe: &Probe) {
    assert_eq!(report.unfinished, ["stuck"]);
    let stuck = report.status.consumer("stuck").unwrap();
    assert_eq!(
        stuck.state.to_string(),
        "given up: it did not finish before the hub stopped"
    );
    let left = SENT - 2;
    assert_eq!((stuck.consumed, stuck.undelivered), (2, left));
    let healthy = report.status.consumer("healthy").unwrap();
    assert_eq!(
        (healthy.consumed, &healthy.state),
        (SENT - 3, &ConsumerState::Stopped)
    );
    assert_eq!(probe.of("healthy").last().unwrap(), "stop");
    assert!(!report.is_clean());
}

#[test]
fn a_consumer_that_waits_for_ever_is_cut_off_and_named_and_the_others_drain() {
    let probe = Probe::new();
    check_stuck(&stop_with("hang", "", &probe), &probe);
}

#[test]
fn a_consumer_that_blocks_its_thread_is_cut_off_and_named_and_the_others_drain() {
    let probe = Probe::new();
    check_stuck(&stop_with("block", "", &probe), &probe);
}

#[test]
fn a_stuck_consumer_with_a_full_mailbox_does_not_take_the_time_of_the_others() {
    for stuck in ["hang", "block"] {
        let probe = Probe::new();
        check_stuck(&stop_with(stuck, "mailbox.messages = 2", &probe), &probe);
    }
}

#[test]
fn many_stuck_consumers_take_no_longer_than_one() {
    const MANY: usize = 30; // each would take half a second
    for mailbox in ["", "mailbox.messages = 1"] {
        let probe = Probe::new();
        let mut hub = TestBus::new().settings("stop_timeout = '200ms'");
        let names: Vec<_> = (0..MANY).map(|n| format!("stuck{n:02}")).collect();
        for name in &names {
            hub = hub.consumer::<Scripted>(name, &probe.settings(mailbox));
        }
        let mut told = Instant::now();
        let report = hub.run(async |bus| {
            bus.publish(TOPIC, "1 block").await;
            for name in &names {
                probe.saw(name, "1 block").await;
            }
            bus.publish(TOPIC, "2").await;
            bus.publish(TOPIC, "3").await;
            told = Instant::now();
        });
        let took = told.elapsed();
        let unfinished: BTreeSet<_> = report.unfinished.iter().collect();
        assert_eq!(unfinished, names.iter().collect());
        assert_eq!(report.status.lost(), 3 * MANY as u64);
        assert!(took < Duration::from_secs(MANY as u64 / 3), "{took:?}");
    }
}

#[test]
fn what_the_intake_still_holds_at_the_end_is_counted_as_lost() {
    let probe = Probe::new();
    // The CA never comes: whoever asks for it is connected and gets no answer.
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let cache = tempfile::tempdir().expect("a temporary directory");
    let address = server.local_addr().expect("it is bound");
    let settings = format!(
        "stop_timeout = '200ms'
         validate_signatures = true
         ca_cert_location = 'https://{address}/ca.crt'
         ca_cert_cache = {:?}",
        cache.path().join("ca.crt")
    );
    let stop = || {
        TestBus::new()
            .settings(&settings)
            .consumer::<Scripted>("careful", &probe.settings(""))
            .run(async |bus| {
                bus.publish(TOPIC, "1").await;
                let deadline = Instant::now() + PATIENCE;
                while bus.status().await.sources[0].received.messages < 1 {
                    assert!(Instant::now() < deadline, "nothing arrives");
                    tokio::task::yield_now().await;
                }
                assert_eq!(bus.status().await.lost(), 0, "not yet");
            })
    };
    // Messages wait for the CA for two seconds only; a machine that is busy may need another try.
    let reports = std::iter::repeat_with(stop).take(30);
    let mut held = reports.skip_while(|report| report.status.sources[0].routed > 0);
    let report = held.next().expect("a stop within two seconds of the start");
    let source = &report.status.sources[0];
    assert_eq!((source.routed, source.cut_off), (0, 1));
    assert_eq!(report.status.lost(), 1);
    assert!(!report.is_clean());
}

#[test]
fn a_tick_that_does_not_end_is_cut_off_and_named() {
    let probe = Probe::new();
    let settings = probe.settings("every = '1h'\nnow = true\nparams.script = 'hang'");
    let report = TestBus::new()
        .settings("stop_timeout = '200ms'")
        .producer::<ScriptedProducer>("endless", &settings)
        .producer::<ScriptedProducer>("other", &probe.settings("every = '1h'"))
        .run(async |_| probe.saw("endless", "tick hang").await);
    assert_eq!(report.unfinished, ["endless"]);
    assert_eq!(probe.of("other"), ["build ok", "stop"]);
}

#[test]
fn a_hub_whose_consumers_have_all_stopped_ends_by_itself_and_says_why() {
    let probe = Probe::new();
    let toml = format!(
        "[consumers.printer]\nkind = 'scripted'\n{}",
        probe.settings("topics = 'com.example.dev.test'")
    );
    let report = live(&toml, async |hub, publisher| {
        let topic = "com.example.dev.test.work".parse().unwrap();
        publisher
            .wait_for_subscriber(&topic, Duration::from_secs(30))
            .await;
        let message = Message::new("work", "1 halt").with_modname("test");
        publisher.publish(message).await.unwrap();
        let status = hub.until_idle().await;
        assert!(status.consumers.iter().all(|consumer| consumer.is_over()));
        hub.stop().await
    });
    assert_eq!(report.status.lost(), 1);
}

#[test]
fn a_hub_with_a_producer_left_goes_on_without_consumers() {
    let probe = Probe::new();
    TestBus::new()
        .consumer::<Scripted>("printer", &probe.settings(""))
        .producer::<ScriptedProducer>("bell", &probe.settings("every = '1h'"))
        .run(async |bus| {
            bus.publish(TOPIC, "1 halt").await;
            let over = |status: &HubStatus| status.consumers[0].is_over();
            assert!(!bus.until(over).await.is_idle());
            bus.advance(Duration::from_secs(3600)).await;
            probe.saw("bell", "ticked").await;
        });
}

/// A consumer that never starts, and has the hub told to stop meanwhile.
struct Slow;

impl Consumer for Slow {
    const KIND: &'static str = "slow";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        // The hub listens to signals by now, so this does not end the process.
        kill_process(getpid(), Signal::TERM)?;
        std::future::pending().await
    }

    async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[test]
fn a_hub_can_be_stopped_while_it_starts() {
    run_apart("hub::stopping::what_is_stopped_while_it_starts");
}

#[test]
#[ignore = "needs a process of its own, in which another test runs it: the signal is for every hub in it"]
fn what_is_stopped_while_it_starts() {
    let config = Config::from_toml("consumers.slow.kind = 'slow'").unwrap();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        let report = Hub::builder(config).consumer::<Slow>().run();
        ended.send(report).expect("the test waits");
    });
    let report = end.recv_timeout(PATIENCE).expect("it ends");
    assert!(report.unwrap().is_clean());
}
