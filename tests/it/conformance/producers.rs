//! The conformance suite finds each of many mistakes in a producer, and nothing where there is none.
//!
//! The producer is a [`Newsstand`], written against the public surface, as a plugin's author would.

use std::time::Duration;

use fedmsg_hub::{
    BoxError, NoParams, Producer, ProducerConformance, ProducerContext, Requirement, World,
};

use super::newsstand::{Mistake, Newsstand, world};
use crate::apart::run_apart;

fn conformance(mistake: Mistake) -> ProducerConformance {
    ProducerConformance::of::<Newsstand>(move || world(mistake))
}

#[track_caller]
fn check(mistake: Mistake, expected: Requirement) {
    // Other tests of this process take memory, too.
    check_that(conformance(mistake).flood(100).memory_by(|| 0), &[expected]);
}

#[track_caller]
fn check_that(conformance: ProducerConformance, expected: &[Requirement]) {
    let report = conformance.run();
    let found: Vec<_> = report.findings.iter().map(|it| it.requirement).collect();
    assert_eq!(found, expected, "{report}");
}

#[test]
fn a_good_producer_passes_and_everything_is_checked() {
    let conformance = conformance(Mistake::None).flood(100).memory_by(|| 0);
    conformance.check();
    let report = conformance.run();
    assert!(report.unchecked.is_empty(), "{report}");
    let shown = report.to_string();
    assert_eq!(shown, "producer \"newsstand\": nothing found\n");
}

#[test]
fn what_publishes_nothing_is_found() {
    check(Mistake::SaysNothing, Requirement::Publishes);
}

#[test]
fn what_publishes_under_topics_that_nobody_can_name_is_found() {
    check(Mistake::NamesTopicsBadly, Requirement::PublishesWellFormed);
}

#[test]
fn what_says_something_else_each_time_is_found() {
    check(Mistake::SaysWhenever, Requirement::IsRepeatable);
}

#[test]
fn what_blocks_its_thread_is_found() {
    check(Mistake::Blocks, Requirement::NeverBlocks);
}

#[test]
fn a_tick_that_never_returns_is_found_and_ends_the_trials() {
    let conformance = conformance(Mistake::NeverReturns);
    let conformance = conformance.patience(Duration::from_secs(2));
    check_that(conformance, &[Requirement::Ends]);
}

#[test]
fn what_panics_when_its_source_fails_is_found() {
    check(Mistake::PanicsInOutages, Requirement::NeverPanics);
}

#[test]
fn what_swallows_errors_is_found() {
    check(Mistake::SwallowsErrors, Requirement::ReportsErrors);
}

#[test]
fn what_passes_over_what_came_in_an_outage_is_found() {
    check(Mistake::SkipsInOutages, Requirement::SurvivesOutages);
}

#[test]
fn what_begins_again_after_a_restart_is_found() {
    check(Mistake::RemembersInMemory, Requirement::SurvivesRestarts);
}

#[test]
fn what_misses_what_came_while_it_was_away_is_found() {
    check(Mistake::BeginsAtTheEnd, Requirement::SurvivesRestarts);
}

#[test]
fn what_waits_between_publishing_and_knowing_it_is_found() {
    check(
        Mistake::NotesAfterTheWait,
        Requirement::SurvivesCancellation,
    );
}

#[test]
fn what_notes_as_published_what_is_not_yet_is_found() {
    check(Mistake::NotesTooEarly, Requirement::SurvivesCrashes);
}

#[test]
fn what_notes_many_messages_once_is_found_where_a_tick_is_cancelled_between_two() {
    check(Mistake::NotesAllAtTheEnd, Requirement::SurvivesCancellation);
}

#[test]
fn what_ignores_that_publishing_fails_is_found() {
    check(
        Mistake::IgnoresThatPublishingFails,
        Requirement::ReportsErrors,
    );
}

#[test]
fn what_panics_blocks_or_hangs_where_it_does_not_tick_is_found() {
    check(Mistake::PanicsInStop, Requirement::NeverPanics);
    check(Mistake::BlocksWhenBuilt, Requirement::NeverBlocks);
    let hangs = conformance(Mistake::HangsInStop).patience(Duration::from_secs(4));
    let report = hangs.flood(100).memory_by(|| 0).run();
    let [finding] = &*report.findings else {
        panic!("{report}");
    };
    assert_eq!(finding.requirement, Requirement::Ends);
    assert!(finding.seen.contains("`stop`"), "{report}");
}

#[test]
fn what_takes_memory_without_bound_is_found_in_a_process_of_its_own() {
    run_apart("conformance::producers::what_keeps_everything");
}

#[test]
#[ignore = "needs a process of its own, in which another test runs it"]
fn what_keeps_everything() {
    check_that(conformance(Mistake::None), &[]);
    let keeps = conformance(Mistake::KeepsEverything);
    check_that(keeps, &[Requirement::BoundsMemory]);
}

#[test]
fn what_is_excused_is_no_finding() {
    let conformance = conformance(Mistake::RemembersInMemory);
    let conformance = conformance.flood(100).memory_by(|| 0);
    let conformance = conformance.excuse(Requirement::SurvivesRestarts, "news are soon old");
    let report = conformance.run();
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!(report.excused.len(), 1, "{report}");
}

/// Says which moment it is.
struct Cuckoo;

impl Producer for Cuckoo {
    const KIND: &'static str = "cuckoo";
    type Params = NoParams;

    async fn from_params(_: NoParams, cx: &ProducerContext) -> Result<Self, BoxError> {
        cx.publisher().await?;
        Ok(Self)
    }

    async fn tick(&mut self, cx: &ProducerContext) -> Result<(), BoxError> {
        cx.publish("cuckoo", cx.now().as_second()).await?;
        Ok(())
    }
}

#[test]
fn a_producer_without_a_source_is_watched_and_what_cannot_be_compared_is_said() {
    let conformance = ProducerConformance::of::<Cuckoo>(|| World::for_producer(""));
    let report = conformance.flood(100).memory_by(|| 0).run();
    assert!(report.findings.is_empty(), "{report}");
    let unchecked: Vec<_> = report.unchecked.iter().map(|it| it.0).collect();
    let expected = [
        Requirement::SurvivesRestarts,
        Requirement::SurvivesCancellation,
        Requirement::SurvivesCrashes,
        Requirement::SurvivesOutages,
    ];
    assert_eq!(unchecked, expected, "{report}");
    assert!(!report.is_clean());
    let conformance = ProducerConformance::of::<Cuckoo>(|| World::for_producer(""));
    let conformance = conformance.excuse_all(expected, "the time is no news");
    conformance.flood(100).memory_by(|| 0).check();
}
