//! The rounds: everything is measured once in each, one after the other, the raw one first.
//!
//! So whatever else the machine does hits all that is compared. `main` runs it, [`crate::report`]
//! prints what comes out.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::case::{Chosen, Group, Scale, Subject};
use crate::measure::{INTERVAL, Sample, Setting};
use crate::placement::{Placement, cores};
use crate::spin;

/// How often, and how long each time, something is measured.
pub(crate) struct Rounds {
    count: usize,
    length: Duration,
}

/// What all rounds together have shown.
pub(crate) struct Results {
    pub(crate) rounds: usize,
    /// The spin control before each round and after the last.
    pub(crate) controls: Vec<f64>,
    /// In the order of their measurement: the unit before what is compared with it.
    pub(crate) series: Vec<Series>,
}

/// The samples of one subject under one setting.
pub(crate) struct Series {
    pub(crate) group: &'static Group,
    pub(crate) subject: &'static Subject,
    pub(crate) setting: Setting,
    /// One of each round.
    pub(crate) samples: Vec<Sample>,
}

impl Rounds {
    /// So many rounds of measurements that take about `length` each.
    pub(crate) fn new(count: usize, length: Duration) -> Self {
        Self { count, length }
    }

    /// Measures everything.
    pub(crate) fn run(&self, chosen: &[Chosen]) -> Result<Results> {
        let mut series = self.series(chosen)?;
        let mut controls = Vec::new();
        for round in 1..=self.count {
            let control = spin::control();
            note(&format!(
                "round {round} of {}, spin control x{control:.2}",
                self.count
            ));
            controls.push(control);
            for series in &mut series {
                let sample = series.measure()?;
                series.samples.push(sample);
            }
        }
        controls.push(spin::control());
        Ok(Results {
            rounds: self.count,
            controls,
            series,
        })
    }

    /// What is to be measured, with so many messages each that it takes as long as it should.
    fn series(&self, chosen: &[Chosen]) -> Result<Vec<Series>> {
        note("finding out how many messages each measurement needs");
        let mut all = Vec::new();
        for Chosen { group, subjects } in chosen {
            for placement in group.placements {
                if *placement == Placement::Pinned && cores().len() < 2 {
                    note(&format!(
                        "{}: nothing is pinned, there is one core",
                        group.name
                    ));
                    continue;
                }
                for bytes in group.sizes {
                    for subject in subjects {
                        let mut series = Series {
                            group,
                            subject,
                            setting: Setting {
                                placement: *placement,
                                bytes: *bytes,
                                messages: 1,
                            },
                            samples: Vec::new(),
                        };
                        series.setting.messages = self.messages(&mut series)?;
                        all.push(series);
                    }
                }
            }
        }
        Ok(all)
    }

    fn messages(&self, series: &mut Series) -> Result<u64> {
        match series.group.scale {
            Scale::Throughput => {
                series.setting.messages = series.group.trial;
                let guess = series.measure()?.main * self.length.as_secs_f64();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it is a positive number of messages that fits in memory"
                )]
                let messages = guess as u64;
                Ok(messages.max(series.group.trial))
            }
            // A percentile wants more than a mean.
            Scale::Latency => Ok(2 * u64::try_from(self.length.as_micros())? / INTERVAL),
            Scale::Start => Ok(1),
        }
    }
}

impl Series {
    fn measure(&self) -> Result<Sample> {
        (self.subject.measure)(&self.setting).with_context(|| {
            let (group, subject) = (self.group.name, self.subject.name);
            format!("{group}/{subject}, {:?}", self.setting)
        })
    }

    /// Whether both do the same work under the same setting.
    pub(crate) fn is_comparable_with(&self, other: &Self) -> bool {
        self.group.name == other.group.name
            && self.setting.placement == other.setting.placement
            && self.setting.bytes == other.setting.bytes
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the run takes minutes, and standard output is for figures"
)]
fn note(text: &str) {
    eprintln!("bench: {text}");
}
