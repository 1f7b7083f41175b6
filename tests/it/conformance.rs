//! The conformance suite finds each of many mistakes in a consumer, and nothing where there is none.
//!
//! The consumer is a [`Till`], written against the public surface, as a plugin's author would.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod newsstand;
mod producers;
mod till;

use std::any::type_name;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;
use std::{fmt, thread};

use fedmsg_hub::{
    BoxError, Conformance, ConsumeError, Consumer, ConsumerContext, Delivery, DeliveryBuilder,
    NoParams, Requirement, TestCa, Verdict, World,
};

use self::till::{BatchTill, Mistake, Till, messages, world};
use crate::apart::run_apart;

/// Keeps its thread where a plugin must not, for each of these mistakes once: that is enough to be found, and takes
/// time.
#[expect(clippy::disallowed_methods, reason = "this is the mistake")]
fn block_once<M: fmt::Debug>(mistake: M) {
    static MADE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mistake = format!("{mistake:?} of {}", type_name::<M>());
    if MADE.lock().unwrap().insert(mistake) {
        thread::sleep(Duration::from_millis(200));
    }
}

fn conformance(mistake: Mistake) -> Conformance {
    Conformance::of::<Till>(move || world(mistake)).messages(messages())
}

#[track_caller]
fn check(mistake: Mistake, expected: &[Requirement]) {
    // Other tests of this process take memory, too.
    check_that(conformance(mistake).flood(100).memory_by(|| 0), expected);
}

#[track_caller]
fn check_that(conformance: Conformance, expected: &[Requirement]) {
    let report = conformance.run();
    let found: Vec<_> = report.findings.iter().map(|it| it.requirement).collect();
    assert_eq!(found, expected, "{report}");
}

#[test]
fn a_good_consumer_passes_and_everything_is_checked() {
    let conformance = conformance(Mistake::None).flood(100).memory_by(|| 0);
    conformance.check();
    let report = conformance.run();
    assert!(report.unchecked.is_empty(), "{report}");
}

#[test]
fn what_is_not_idempotent_is_found() {
    check(Mistake::NotIdempotent, &[Requirement::IsIdempotent]);
}

#[test]
fn what_remembers_only_in_memory_what_it_has_done_is_found() {
    check(Mistake::RemembersInMemory, &[Requirement::IsIdempotent]);
}

#[test]
fn what_blocks_its_thread_is_found() {
    check(Mistake::Blocks, &[Requirement::NeverBlocks]);
}

#[test]
fn what_never_answers_is_found_and_ends_the_trials() {
    let conformance = conformance(Mistake::NeverAnswers);
    let conformance = conformance.patience(Duration::from_secs(2));
    check_that(conformance, &[Requirement::Ends]);
}

#[test]
fn what_panics_is_found() {
    check(Mistake::Panics, &[Requirement::NeverPanics]);
}

#[test]
fn what_swallows_errors_is_found() {
    check(Mistake::SwallowsErrors, &[Requirement::ReportsErrors]);
}

#[test]
fn what_assumes_an_order_across_publishers_is_found() {
    let rule = Requirement::NeedsNoOrderAcrossPublishers;
    check(Mistake::AssumesOrder, &[rule]);
}

#[test]
fn what_loses_work_on_stop_is_found() {
    check(Mistake::LosesWork, &[Requirement::KeepsWorkOnStop]);
}

#[test]
fn what_publishes_before_it_commits_is_found() {
    check(
        Mistake::PublishesEarly,
        &[Requirement::PublishesAfterCommit],
    );
}

#[test]
fn what_panics_in_other_calls_is_found() {
    check(Mistake::PanicsInStop, &[Requirement::NeverPanics]);
    check(Mistake::PanicsWhenStartedAgain, &[Requirement::NeverPanics]);
}

#[test]
fn what_blocks_its_thread_in_other_calls_is_found() {
    check(Mistake::BlocksWhenBuilt, &[Requirement::NeverBlocks]);
    check(Mistake::BlocksWhenStarted, &[Requirement::NeverBlocks]);
    check(Mistake::BlocksInStop, &[Requirement::NeverBlocks]);
}

#[test]
fn what_hangs_in_its_stop_is_found_and_said_to_hang() {
    let hangs = conformance(Mistake::HangsInStop).patience(Duration::from_secs(4));
    let report = hangs.run();
    let [finding] = &*report.findings else {
        panic!("{report}");
    };
    assert_eq!(finding.requirement, Requirement::Ends);
    assert!(finding.seen.contains("`stop`"), "{report}");
    let mut reasons = report.unchecked.iter().map(|it| &*it.1);
    assert!(reasons.all(|it| it == "the consumer hangs"), "{report}");
}

#[test]
fn what_anybody_can_stop_with_a_message_is_found() {
    check(Mistake::HaltsAtStrange, &[Requirement::KeepsRunning]);
}

#[test]
fn what_tries_hopeless_messages_again_is_found() {
    check(
        Mistake::RetriesTheHopeless,
        &[Requirement::DropsTheHopeless],
    );
}

#[test]
fn what_counts_the_message_of_a_batch_that_failed_as_done_is_found() {
    let found = |conformance: Conformance, expected: &[Requirement]| {
        let conformance = conformance.messages(messages());
        check_that(conformance.flood(100).memory_by(|| 0), expected);
    };
    let world = || world(Mistake::None);
    found(
        Conformance::of::<BatchTill<true>>(world),
        &[Requirement::ReportsErrors],
    );
    found(Conformance::of::<BatchTill<false>>(world), &[]);
}

#[test]
fn what_a_full_mailbox_refuses_is_not_the_consumers_fault() {
    let world = || {
        let settings = "mailbox = { messages = 1, when_full = 'drop-newest' }\nworkers = 4\n";
        till::world_with(Mistake::None, settings)
    };
    let conformance = Conformance::of::<Till>(world).messages(messages());
    conformance.flood(100).memory_by(|| 0).check();
}

/// What one flood has freed, the next takes without more memory: each has a process of its own.
#[test]
fn what_takes_memory_without_bound_is_found_in_a_process_of_its_own() {
    for test in [
        "what_keeps_everything",
        "what_keeps_identifiers",
        "what_keeps_a_bound",
    ] {
        run_apart(&format!("conformance::{test}"));
    }
}

/// Half of the messages that are usual, and of the bytes. What the books keep of them is more.
fn flooded(mistake: Mistake) -> Conformance {
    conformance(mistake).flood(5000).memory_bound(2 << 20)
}

#[test]
#[ignore = "needs a process of its own, in which another test runs it"]
fn what_keeps_everything() {
    let keeps = flooded(Mistake::KeepsEverything);
    check_that(keeps, &[Requirement::BoundsMemory]);
}

#[test]
#[ignore = "needs a process of its own, in which another test runs it"]
fn what_keeps_identifiers() {
    let keeps = flooded(Mistake::RemembersEveryId);
    check_that(keeps, &[Requirement::BoundsMemory]);
}

#[test]
#[ignore = "needs a process of its own, in which another test runs it"]
fn what_keeps_a_bound() {
    check_that(flooded(Mistake::RemembersSomeIds), &[]);
}

#[test]
fn what_cannot_be_checked_is_said_and_what_is_excused_is_no_finding() {
    let of_one_shop = messages().into_iter().step_by(2);
    let conformance = Conformance::of::<Till>(|| world(Mistake::NotIdempotent));
    let conformance = conformance.messages(of_one_shop).flood(100).memory_by(|| 0);
    let conformance = conformance.excuse(Requirement::IsIdempotent, "the books are for fun");
    let report = conformance.run();
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!(report.excused.len(), 1, "{report}");
    let unchecked: Vec<_> = report.unchecked.iter().map(|it| it.0).collect();
    assert_eq!(
        unchecked,
        [Requirement::NeedsNoOrderAcrossPublishers],
        "{report}"
    );
    assert!(!report.is_clean(), "{report}");
    let shown = report.to_string();
    let excuse = ".excuse(Requirement::NeedsNoOrderAcrossPublishers";
    assert!(shown.contains(excuse), "{shown}");
}

/// Does nothing that anybody could see.
struct Listener;

impl Consumer for Listener {
    const KIND: &'static str = "listener";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(&mut self, _: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
        Ok(())
    }
}

#[test]
fn a_consumer_without_an_effect_is_told_how_to_excuse_it() {
    let listener = || {
        let of = Conformance::of::<Listener>(|| World::new("", || ()));
        of.messages(messages()).flood(100).memory_by(|| 0)
    };
    let report = listener().run();
    let [finding] = &*report.findings else {
        panic!("{report}");
    };
    assert_eq!(finding.requirement, Requirement::KeepsWorkOnStop);
    assert!(finding.seen.contains("Conformance::excuse"), "{report}");
    listener()
        .excuse(Requirement::KeepsWorkOnStop, "it only listens")
        .check();
}

/// Passes on what it hears.
struct Echo;

impl Consumer for Echo {
    const KIND: &'static str = "echo";
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(&mut self, it: Delivery, cx: &ConsumerContext) -> Result<(), ConsumeError> {
        cx.publish("echo", it.msg().clone()).await?;
        Ok(())
    }
}

#[test]
fn what_only_publishes_is_judged_by_what_it_publishes() {
    let conformance = Conformance::of::<Echo>(|| World::new("", || ()));
    let conformance = conformance.messages(messages()).flood(100).memory_by(|| 0);
    let report = conformance.run();
    let found: Vec<_> = report.findings.iter().map(|it| it.requirement).collect();
    assert_eq!(found, [Requirement::IsIdempotent], "{report}");
    assert!(report.unchecked.is_empty(), "{report}");
    let reason = "who hears an echo twice has not been harmed";
    conformance
        .excuse(Requirement::IsIdempotent, reason)
        .check();
}

/// Books what is signed by somebody who is trusted.
struct Notary;

static SIGNERS: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

impl Consumer for Notary {
    const KIND: &'static str = "notary";
    const VALIDATE_SIGNATURES: Option<bool> = Some(true);
    type Params = NoParams;

    async fn from_params(_: NoParams, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self)
    }

    async fn consume(&mut self, it: Delivery, _: &ConsumerContext) -> Result<(), ConsumeError> {
        let Verdict::Accepted { signer, .. } = it.verdict() else {
            return Err(ConsumeError::halt("not validated"));
        };
        let id = it.msg_id().unwrap_or_default().to_owned();
        let mut signers = SIGNERS.lock().expect("no panic");
        signers.insert(id, signer.to_string());
        Ok(())
    }
}

#[test]
fn a_consumer_that_validates_is_given_signed_messages() {
    let ca = TestCa::new();
    let signer = ca.signer("shop");
    let sale = |n: usize| {
        let sale = DeliveryBuilder::new("com.example.shop.sale", n);
        sale.from_publisher(["north", "south"][n % 2])
    };
    let world = || {
        SIGNERS.lock().expect("no panic").clear();
        World::new("", || SIGNERS.lock().expect("no panic").clone())
    };
    let notary = || Conformance::of::<Notary>(world).flood(100).memory_by(|| 0);
    let signed = (0..4).map(|n| sale(n).build_signed(&signer));
    let report = notary().hub_settings(&ca.settings()).messages(signed).run();
    assert!(report.findings.is_empty(), "{report}");

    let unsigned = notary()
        .hub_settings(&ca.settings())
        .messages((0..4).map(sale))
        .run();
    let found: Vec<_> = unsigned.findings.iter().map(|it| it.requirement).collect();
    assert_eq!(found, [Requirement::Handles], "{unsigned}");
}
