//! What is measured: groups of subjects that do the same work, the raw one first.
//!
//! `main` chooses from [`GROUPS`], [`crate::rounds`] runs them, [`crate::report`] prints them.

use anyhow::{Result, ensure};

use crate::measure::{self, Receiver, Sample, Sender, Setting, Starter};
use crate::placement::Placement::{self, Pinned, Unpinned};
use crate::role::{Batches, Reaction};

/// Subjects that do the same work.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// What they do, for the head of a table.
    pub(crate) title: &'static str,
    pub(crate) scale: Scale,
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

static GROUPS: [Group; 5] = [
    Group {
        name: "receive",
        title: "receive, from one raw publisher that loses nothing",
        scale: Scale::Throughput,
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
        name: "relay",
        title: "relay, between a raw publisher and a raw subscriber",
        scale: Scale::Throughput,
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
                goal: "",
                measure: measure::relay,
            },
        ],
    },
    Group {
        name: "publish",
        title: "publish, to a raw subscriber",
        scale: Scale::Throughput,
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
        name: "latency",
        title: "latency at 200 messages a second, from a raw publisher",
        scale: Scale::Latency,
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
        name: "start",
        title: "start, and memory when started",
        scale: Scale::Start,
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

/// The subjects with any of these texts in their names, `group/subject`; all if there is no text.
pub(crate) fn chosen(only: &[String]) -> Result<Vec<Chosen>> {
    let is_wanted = |group: &Group, subject: &Subject| {
        let name = format!("{}/{}", group.name, subject.name);
        only.is_empty() || only.iter().any(|text| name.contains(text))
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
