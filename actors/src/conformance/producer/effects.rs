//! Trials whose messages are compared with those of a gentle one: stops, cuts, outages.
//!
//! The suite runs them.

use std::collections::BTreeSet;

use super::suite::{Deviation, Suite};
use super::trial::Ticking;
use crate::conformance::finding::Requirement;
use crate::conformance::findings::difference;
use crate::conformance::trial::Stalled;
use crate::conformance::world::World;
use crate::test_bus::tick_witness::{Cut, TickEnd};

/// So many ticks a producer without a source is watched for, and any in an outage.
const TICKS: usize = 3;

impl Suite<'_> {
    /// The reference: one piece of news after the other, nothing goes wrong. Returns what was published.
    pub(super) fn one_by_one(&mut self) -> Option<Vec<String>> {
        let suite = self.conformance;
        let world = (suite.world)();
        let mut mute = None;
        let trial = suite.try_out(&world, async |ticking| {
            let Some(source) = &world.source else {
                return watch(ticking).await;
            };
            ticking.settle().await?;
            for piece in 1..=suite.pieces {
                let before = ticking.published().await;
                source(piece);
                let is_quiet = ticking.settle().await?;
                if ticking.published().await == before {
                    mute.get_or_insert(format!("of piece {piece} it published nothing"));
                }
                if !is_quiet {
                    let reason = "it publishes at every tick, news or not";
                    mute.get_or_insert(reason.to_owned());
                    break;
                }
            }
            Ok(())
        });
        let done = self.gently(&world);
        if !self.look_at(&trial, &done) {
            return None;
        }
        let failure = trial
            .failure
            .map(|reason| format!("a tick failed: {reason}"));
        let silence = || {
            trial
                .published
                .is_empty()
                .then(|| "it published nothing".to_owned())
        };
        if let Some(seen) = failure.or(mute).or_else(silence) {
            let rule = Requirement::Publishes;
            self.findings.found(rule, &done, seen);
            return None;
        }
        Some(trial.published)
    }

    fn gently(&self, world: &World) -> String {
        match world.source {
            None => format!("let it tick {TICKS} times"),
            Some(_) => {
                let count = self.conformance.pieces;
                format!("let {count} pieces of news come, one by one, with ticks after each")
            }
        }
    }

    /// The same again, in a world like the first. Returns whether the same is published.
    pub(super) fn again(&mut self, first: &[String]) -> bool {
        let suite = self.conformance;
        let world = (suite.world)();
        let trial = suite.try_out(&world, async |ticking| {
            let Some(source) = &world.source else {
                return watch(ticking).await;
            };
            ticking.settle().await?;
            one_by_one(ticking, source, 1..=suite.pieces).await
        });
        let done = format!(
            "{}; and all of it again, in another world",
            self.gently(&world)
        );
        if !self.look_at(&trial, &done) {
            return false;
        }
        let is_same = trial.published == first;
        if !is_same {
            let seen = difference(&format!("{first:?}"), &format!("{:?}", trial.published));
            let rule = Requirement::IsRepeatable;
            self.findings.found(rule, &done, seen);
        }
        is_same
    }

    /// Stops the hub between any two pieces of news, lets one come meanwhile, and starts another.
    pub(super) fn restarts(&mut self, first: &[String]) {
        let suite = self.conformance;
        for at in 1..suite.pieces {
            let world = (suite.world)();
            let Some(source) = &world.source else { return };
            let done = format!(
                "let {at} pieces of news come, one by one, stopped the hub in order, let one more come, started \
                 another hub in the same world, and let the others come"
            );
            let before = suite.try_out(&world, async |ticking| {
                ticking.settle().await?;
                one_by_one(ticking, source, 1..=at).await
            });
            if !self.look_at(&before, &done) {
                return;
            }
            source(at + 1);
            let after = suite.try_out(&world, async |ticking| {
                ticking.settle().await?;
                one_by_one(ticking, source, at + 2..=suite.pieces).await
            });
            if !self.look_at(&after, &done) {
                return;
            }
            let all = [before.published, after.published].concat();
            let deviation = Deviation::of(first, &all);
            if !deviation.is_none() {
                let rule = Requirement::SurvivesRestarts;
                self.findings.found(rule, &done, deviation.seen());
                return;
            }
        }
    }

    /// Cuts the tick that has all news before it, where it waits: at its first and its last waits, and between.
    /// Returns what is published where it is not cut.
    pub(super) fn cuts(&mut self) -> Option<Vec<String>> {
        let Cutting {
            published: expected,
            waits,
        } = self.cut(None)?;
        let before_the_end = (1..=2).map(|it| waits.saturating_sub(it));
        let places: BTreeSet<usize> = [0, 1, waits / 2]
            .into_iter()
            .chain(before_the_end)
            .collect();
        let cancels = places.iter().copied().map(Cut::Cancel);
        let crashes = [Cut::CrashWhenDone].into_iter();
        let crashes = crashes.chain(places.iter().copied().map(Cut::Crash));
        let rule = Requirement::SurvivesCancellation;
        self.cut_each(cancels, &expected, rule, |deviation| deviation);
        let rule = Requirement::SurvivesCrashes;
        if self.findings.has(Requirement::SurvivesRestarts) {
            let reason = "what a stop in order costs, a crash would cost, too";
            self.findings.leave(&[rule], reason);
        } else {
            // What it has published and not noted comes again.
            self.cut_each(crashes, &expected, rule, Deviation::losses);
        }
        Some(expected)
    }

    fn cut_each(
        &mut self,
        cuts: impl Iterator<Item = Cut>,
        expected: &[String],
        rule: Requirement,
        what_counts: impl Fn(Deviation) -> Deviation,
    ) {
        for cut in cuts {
            let Some(Cutting { published, .. }) = self.cut(Some(cut)) else {
                return;
            };
            let deviation = what_counts(Deviation::of(expected, &published));
            if !deviation.is_none() {
                let done = self.cutting(Some(cut));
                self.findings.found(rule, &done, deviation.seen());
                return;
            }
        }
    }

    fn cutting(&self, cut: Option<Cut>) -> String {
        let all = format!(
            "let {} pieces of news come at once",
            self.conformance.pieces
        );
        match cut {
            None => all,
            Some(Cut::Cancel(wait)) => {
                let wait = wait + 1;
                format!("{all}, cancelled the tick at its wait number {wait}, and let it tick on")
            }
            Some(Cut::Crash(wait)) => {
                let wait = wait + 1;
                format!("{all}, let it crash at wait number {wait} of the tick, and built it anew")
            }
            Some(Cut::CrashWhenDone) => {
                format!("{all}, let it crash when the tick was done, and built it anew")
            }
        }
    }

    /// Tells all news at once, and cuts the tick that takes them, if it gets so far.
    fn cut(&mut self, cut: Option<Cut>) -> Option<Cutting> {
        let suite = self.conformance;
        let world = (suite.world)();
        let source = world.source.as_ref()?;
        let mut waits = 0;
        let trial = suite.try_out(&world, async |ticking| {
            ticking.settle().await?;
            (1..=suite.pieces).for_each(source);
            if let Some(cut) = cut {
                ticking.witness.cut(cut);
            }
            ticking.tick().await?;
            waits = ticking.witness.waits();
            ticking.witness.cut_no_more();
            ticking.settle().await.map(drop)
        });
        let done = self.cutting(cut);
        self.look_at(&trial, &done).then_some(Cutting {
            published: trial.published,
            waits,
        })
    }

    /// Lets nothing be published when there are news, at one tick. `at_once` is what is published of them otherwise.
    pub(super) fn deaf_bus(&mut self, at_once: Option<&[String]>) {
        let suite = self.conformance;
        let world = (suite.world)();
        let (mut end, mut refused) = (TickEnd::Done, 0);
        let trial = suite.try_out(&world, async |ticking| {
            if let Some(source) = &world.source {
                ticking.settle().await?;
                (1..=suite.pieces).for_each(source);
            }
            let gate = &ticking.witness.gate;
            gate.shut();
            let ended = ticking.tick().await;
            gate.open();
            (end, refused) = (ended?, gate.refused());
            match &world.source {
                Some(_) => ticking.settle().await.map(drop),
                None => watch(ticking).await,
            }
        });
        let done = "let all publishing fail at a tick with news, and succeed at those after it";
        if !self.look_at(&trial, done) {
            return;
        }
        if refused == 0 && world.source.is_none() && world.outage.is_none() {
            let reason =
                "it does not publish by its context, so that nothing could be made to fail";
            return self.findings.leave(&[Requirement::ReportsErrors], reason);
        }
        let deviation = match (at_once, &world.source) {
            (Some(at_once), _) => Deviation::of(at_once, &trial.published),
            (None, None) => Deviation::default(),
            (None, Some(_)) => return, // nothing to compare with
        };
        let is_silent = refused > 0 && end == TickEnd::Done;
        if is_silent && (world.source.is_none() || !deviation.is_none()) {
            let lost = deviation.seen();
            let seen = format!("it said Ok at the tick at which {refused} messages failed\n{lost}");
            self.findings.found(Requirement::ReportsErrors, done, seen);
        } else if !deviation.is_none() {
            let rule = Requirement::SurvivesOutages;
            self.findings.found(rule, done, deviation.seen());
        }
    }

    /// Lets the outside world fail when there are news, and heals it after some ticks.
    pub(super) fn outage(&mut self, first: Option<&[String]>) {
        let suite = self.conformance;
        let world = (suite.world)();
        let Some(switch) = &world.outage else {
            let rules = [Requirement::ReportsErrors, Requirement::SurvivesOutages];
            // What looks at nothing outside has nothing to fail but the bus.
            let rules = if world.source.is_some() {
                &rules[..]
            } else {
                &[]
            };
            let reason = "its world has no switch for outages: World::outage";
            return self.findings.leave(rules, reason);
        };
        let half = suite.pieces / 2;
        let mut is_silent = true;
        let trial = suite.try_out(&world, async |ticking| {
            if let Some(source) = &world.source {
                ticking.settle().await?;
                one_by_one(ticking, source, 1..=half).await?;
                source(half + 1);
            }
            switch(true);
            let before = ticking.published().await;
            for _ in 0..TICKS {
                let end = ticking.tick().await;
                is_silent &= matches!(end, Ok(TickEnd::Done));
                if end.is_err() {
                    switch(false);
                    return Err(Stalled);
                }
            }
            is_silent &= ticking.published().await == before;
            switch(false);
            match &world.source {
                None => watch(ticking).await,
                Some(source) => {
                    ticking.settle().await?;
                    one_by_one(ticking, source, half + 2..=suite.pieces).await
                }
            }
        });
        switch(false);
        let done = format!(
            "let the outside world fail when there were news, and healed it {TICKS} ticks later"
        );
        if !self.look_at(&trial, &done) {
            return;
        }
        if is_silent {
            let seen = "in the outage it said Ok at every tick, and published nothing";
            let rule = Requirement::ReportsErrors;
            return self.findings.found(rule, &done, seen);
        }
        if let Some(first) = first {
            let deviation = Deviation::of(first, &trial.published);
            if !deviation.is_none() {
                let rule = Requirement::SurvivesOutages;
                self.findings.found(rule, &done, deviation.seen());
            }
        }
    }
}

/// What has come of a tick that was cut, or not, and of those after it.
struct Cutting {
    published: Vec<String>,
    /// How often the tick waited.
    waits: usize,
}

/// Lets a producer without a source tick.
async fn watch(ticking: &Ticking<'_>) -> Result<(), Stalled> {
    for _ in 0..TICKS {
        ticking.tick().await?;
    }
    Ok(())
}

/// Lets news come one by one.
async fn one_by_one(
    ticking: &Ticking<'_>,
    source: &dyn Fn(u64),
    pieces: impl Iterator<Item = u64>,
) -> Result<(), Stalled> {
    for piece in pieces {
        source(piece);
        ticking.settle().await?;
    }
    Ok(())
}
