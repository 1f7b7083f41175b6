//! What is measured: groups of subjects that do the same work, the raw one first.
//!
//! `main` chooses from [`GROUPS`], [`crate::rounds`] runs them, [`crate::report`] prints them.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::measure::crowd::{self, Audience};
use crate::measure::signatures::{self, Verifier};
use crate::measure::{self, Receiver, Sample, Sender, Setting, Starter};
use crate::original;
use crate::placement::Placement::{self, Pinned, Unpinned};
use crate::role::{Batches, Operation, Reaction, Timer};

/// Subjects that do the same work.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// What they do, for the head of a table.
    pub(crate) title: &'static str,
    pub(crate) scale: Scale,
    /// Messages from which the first guess at the speed comes.
    pub(crate) trial: u64,
    pub(crate) placements: &'static [Placement],
    /// Bytes of a body.
    pub(crate) sizes: &'static [usize],
    /// The first is the unit of all.
    pub(crate) subjects: &'static [Subject],
}

/// What does the work.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// What its ratio, or another of its figures, should be.
    pub(crate) goal: &'static str,
    pub(crate) measure: fn(&Setting) -> Result<Sample>,
}

/// What the two numbers of a [`Sample`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Messages a second; microseconds of CPU time for each.
    Throughput,
    /// The median and the 99th percentile of the microseconds that a message takes.
    Latency,
    /// Milliseconds until it is ready; MB (10^6 bytes) of memory that it occupies then.
    Start,
}

/// Some of the subjects of a group, the unit always among them.
pub(crate) struct Chosen {
    pub(crate) group: &'static Group,
    pub(crate) subjects: Vec<&'static Subject>,
}

const BODIES: &[usize] = &[200, 1024];

static GROUPS: [Group; 10] = [
    Group {
        name: "receive",
        title: "receive, from one raw publisher that loses nothing",
        scale: Scale::Throughput,
        trial: 100_000,
        placements: &[Pinned, Unpinned],
        sizes: BODIES,
        subjects: &[
            Subject {
                name: "raw",
                goal: "",
                measure: |setting| measure::receive(setting, Receiver::Raw(Batches::Usual)),
            },
            Subject {
                name: "raw-64k",
                goal: "",
                measure: |setting| measure::receive(setting, Receiver::Raw(Batches::Large)),
            },
            Subject {
                name: "hub",
                goal: ">= 1.0, must be >= 0.8",
                measure: |setting| measure::receive(setting, Receiver::Hub(Reaction::Noop)),
            },
            Subject {
                name: "hub-parse",
                goal: "",
                measure: |setting| measure::receive(setting, Receiver::Hub(Reaction::Parse)),
            },
            Subject {
                name: "tail-json",
                goal: "",
                measure: |setting| measure::receive(setting, Receiver::Tail(&["--json"])),
            },
            Subject {
                name: "tail",
                goal: "",
                measure: |setting| measure::receive(setting, Receiver::Tail(&[])),
            },
        ],
    },
    Group {
        name: "crowd",
        title: "receive in a hub with consumers of ten patterns each, each message for another of them",
        scale: Scale::Throughput,
        trial: 20_000,
        placements: &[Pinned, Unpinned],
        sizes: &[200],
        subjects: &[
            Subject {
                name: "10",
                goal: "",
                measure: |setting| crowd::consumers(setting, 10, Audience::Each),
            },
            Subject {
                name: "1000",
                goal: "> 0.5",
                measure: |setting| crowd::consumers(setting, 1000, Audience::Each),
            },
        ],
    },
    Group {
        name: "crowd-one",
        title: "receive in a hub with consumers of ten patterns each, all messages for one of them",
        scale: Scale::Throughput,
        trial: 20_000,
        placements: &[Pinned, Unpinned],
        sizes: &[200],
        subjects: &[
            Subject {
                name: "10",
                goal: "",
                measure: |setting| crowd::consumers(setting, 10, Audience::One),
            },
            Subject {
                name: "1000",
                goal: "> 0.5",
                measure: |setting| crowd::consumers(setting, 1000, Audience::One),
            },
        ],
    },
    Group {
        name: "relay",
        title: "relay, between a raw publisher and a raw subscriber",
        scale: Scale::Throughput,
        trial: 100_000,
        placements: &[Pinned, Unpinned],
        sizes: BODIES,
        subjects: &[
            Subject {
                name: "zmq_proxy",
                goal: "",
                measure: |setting| measure::proxy(setting, Batches::Usual),
            },
            Subject {
                name: "zmq_proxy-64k",
                goal: "",
                measure: |setting| measure::proxy(setting, Batches::Large),
            },
            Subject {
                name: "fedmsg-relay",
                goal: ">= 0.9, must be >= 0.6",
                measure: measure::relay,
            },
            Subject {
                name: "fedmsg-gateway",
                goal: ">= 0.9, must be >= 0.6",
                measure: measure::gateway,
            },
        ],
    },
    Group {
        name: "publish",
        title: "publish, to a raw subscriber",
        scale: Scale::Throughput,
        trial: 100_000,
        placements: &[Pinned, Unpinned],
        sizes: BODIES,
        subjects: &[
            Subject {
                name: "zmq_send",
                goal: "",
                measure: |setting| measure::publish(setting, Sender::Raw(Batches::Usual)),
            },
            Subject {
                name: "zmq_send-64k",
                goal: "",
                measure: |setting| measure::publish(setting, Sender::Raw(Batches::Large)),
            },
            Subject {
                name: "publisher",
                goal: "",
                measure: |setting| measure::publish(setting, Sender::Publisher),
            },
        ],
    },
    Group {
        name: "sign",
        title: "sign with a key of 2048 bits, and publish to a raw subscriber",
        scale: Scale::Throughput,
        trial: 1_000,
        placements: &[Pinned],
        sizes: &[1024],
        subjects: &[
            Subject {
                name: "raw-rsa",
                goal: "",
                measure: |setting| signatures::raw(setting, Operation::Sign),
            },
            Subject {
                name: "openssl-speed",
                goal: "",
                measure: signatures::openssl_speed,
            },
            Subject {
                name: "publisher",
                goal: ">= 0.9",
                measure: |setting| measure::publish(setting, Sender::Signer),
            },
        ],
    },
    Group {
        name: "validate",
        title: "validate what was signed with a key of 2048 bits, from a raw publisher",
        scale: Scale::Throughput,
        trial: 2_000,
        placements: &[Pinned, Unpinned],
        sizes: &[1024],
        subjects: &[
            Subject {
                name: "raw-rsa",
                goal: "",
                measure: |setting| signatures::raw(setting, Operation::Verify),
            },
            Subject {
                name: "hub",
                goal: ">= 0.7, must be >= 0.5",
                measure: |setting| signatures::validate(setting, Verifier::Hub),
            },
            Subject {
                name: "original-hub",
                goal: "<= 1/20 of hub",
                measure: |setting| signatures::validate(setting, Verifier::OriginalHub),
            },
        ],
    },
    Group {
        name: "latency",
        title: "latency at 200 messages a second, from a raw publisher",
        scale: Scale::Latency,
        trial: 1,
        placements: &[Pinned, Unpinned],
        sizes: &[1024],
        subjects: &[
            Subject {
                name: "raw",
                goal: "",
                measure: |setting| measure::latency(setting, Receiver::RawClock),
            },
            Subject {
                name: "hub",
                goal: "",
                measure: |setting| measure::latency(setting, Receiver::Hub(Reaction::Clock)),
            },
        ],
    },
    Group {
        name: "ticks",
        title: "how late 1000 tick that tick each second; producers publish each time",
        scale: Scale::Latency,
        trial: 1,
        placements: &[Unpinned],
        sizes: &[0],
        subjects: &[
            Subject {
                name: "tokio",
                goal: "",
                measure: |_| crowd::ticks(Timer::Tokio),
            },
            Subject {
                name: "every",
                goal: "p99 < 50000",
                measure: |_| crowd::ticks(Timer::Every),
            },
            Subject {
                name: "cron",
                goal: "p99 < 50000",
                measure: |_| crowd::ticks(Timer::Cron),
            },
        ],
    },
    Group {
        name: "start",
        title: "start, and memory when started",
        scale: Scale::Start,
        trial: 1,
        placements: &[Unpinned],
        sizes: &[0],
        subjects: &[
            Subject {
                name: "raw",
                goal: "",
                measure: |_| measure::start(Starter::Raw),
            },
            Subject {
                name: "fedmsg-hub",
                goal: "< 20 MB",
                measure: |_| measure::start(Starter::Hub),
            },
            Subject {
                name: "fedmsg-tail",
                goal: "",
                measure: |_| measure::start(Starter::Tail),
            },
        ],
    },
];

impl Subject {
    /// Whether this machine has it: some are programs of others.
    fn is_there(&self) -> bool {
        match self.name {
            "original-hub" => original::is_installed(),
            "openssl-speed" => Command::new("openssl").arg("version").output().is_ok(),
            _ => true,
        }
    }
}

/// The subjects with any of these texts in their names, `group/subject`; all if there is no text.
pub(crate) fn chosen(only: &[String]) -> Result<Vec<Chosen>> {
    let is_wanted = |group: &Group, subject: &Subject| {
        let name = format!("{}/{}", group.name, subject.name);
        let is_named = only.is_empty() || only.iter().any(|text| name.contains(text));
        is_named && subject.is_there()
    };
    let chosen = GROUPS.iter().filter_map(|group| {
        let wanted: Vec<bool> = group
            .subjects
            .iter()
            .map(|subject| is_wanted(group, subject))
            .collect();
        let is_kept = |index: usize| index == 0 || wanted.get(index) == Some(&true);
        let subjects = group.subjects.iter().enumerate();
        wanted.contains(&true).then(|| Chosen {
            group,
            subjects: subjects
                .filter_map(|(index, subject)| is_kept(index).then_some(subject))
                .collect(),
        })
    });
    let chosen: Vec<_> = chosen.collect();
    let names = GROUPS.iter().flat_map(|group| {
        let names = group.subjects.iter();
        names.map(|subject| format!("{}/{}", group.name, subject.name))
    });
    ensure!(
        !chosen.is_empty(),
        "nothing has {} in its name; there is {}",
        only.join(" or "),
        names.collect::<Vec<_>>().join(", ")
    );
    Ok(chosen)
}
