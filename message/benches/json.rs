//! What reading and writing bodies costs, beside serde_json doing its (lossy) best.
//!
//! Fastest sample of three runs, in nanoseconds, on one core of a shared AMD EPYC machine
//! (2026-11-22, rustc 1.95); compare within a column only.
//!
//! | | unsigned, 1007 B | signed, 1840 B |
//! |---|---|---|
//! | parse + canonical | 3,674 | 3,124 |
//! | serde_json there and back | 5,125 | 4,082 |
//! | the former by the latter | 0.72 | 0.77 |
//! | parse | 2,456 | 1,822 |
//! | parse, as a relay spaces it | 2,489 | 1,856 |
//! | canonical | 1,124 | 1,075 |
//! | skim | 808 | 687 |
//! | frames to signed bytes | 3,675 | 2,819 |
//! | frames to relayed | 837 | 740 |

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark may panic, it is no library"
)]

use std::hint::black_box;
use std::path::Path;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fedmsg_message::json::{self, Value};
use fedmsg_message::{Envelope, to_canonical};

/// A body of 1 KiB such as bodhi sends, unsigned, canonical.
fn unsigned() -> String {
    let body = serde_json::json!({
        "i": 41,
        "msg": {
            "agent": "ralph",
            "comment": {
                "anonymous": false,
                "author": "ralph",
                "group": null,
                "karma": 1,
                "text": "Works for me on a fresh install; I could not reproduce the crash \
                         any more after the update. Thanks for the quick fix!",
                "timestamp": 1793000000.5,
                "update_title": "kernel-7.0.4-200.fc45",
                "user": {"email": "ralph@example.org", "id": 1281, "name": "ralph"}
            },
            "update": {
                "builds": [
                    {"epoch": 0, "nvr": "kernel-7.0.4-200.fc45", "signed": true},
                    {"epoch": 0, "nvr": "kernel-tools-7.0.4-200.fc45", "signed": true}
                ],
                "bugs": [2101, 2204, 2350],
                "critpath": true,
                "karma": 3,
                "notes": "The 7.0.4 stable update has a number of important fixes across the tree. \
                          It also brings the new schedulers, two drivers and a quieter boot; \
                          no new firmware is needed.",
                "request": null,
                "severity": "medium",
                "status": "testing",
                "type": "bugfix",
                "url": "https://bodhi.example.org/updates/FEDORA-2026-1f2e3d4c5b"
            }
        },
        "msg_id": "2026-6ba7b810-9dad-41d1-80b4-00c04fd430c8",
        "timestamp": 1793000000,
        "topic": "org.fedoraproject.prod.bodhi.update.comment",
        "username": "apache"
    });
    body.to_string()
}

/// A body signed by the original, of 3 KiB: most of it base64 with a line break every 76 bytes.
fn signed() -> String {
    let vectors =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vectors/wire-vectors.json");
    let vectors: serde_json::Value =
        serde_json::from_slice(&std::fs::read(vectors).unwrap()).unwrap();
    vectors["x509"]["wire_json"].as_str().unwrap().to_owned()
}

fn bodies(criterion: &mut Criterion) {
    for (name, body) in [("unsigned", unsigned()), ("signed", signed())] {
        let spaced = json::to_spaced(&Value::parse_str(&body).unwrap()).unwrap();
        let bytes = body.as_bytes();
        let mut group = criterion.benchmark_group(format!("{name} {} B", body.len()));
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("parse + canonical", |bencher| {
            bencher.iter(|| to_canonical(&Value::parse(black_box(bytes)).unwrap()).unwrap());
        });
        group.bench_function("serde_json there and back", |bencher| {
            bencher.iter(|| {
                let value: serde_json::Value = serde_json::from_slice(black_box(bytes)).unwrap();
                serde_json::to_vec(&value).unwrap()
            });
        });
        group.bench_function("parse", |bencher| {
            bencher.iter(|| Value::parse(black_box(bytes)).unwrap());
        });
        group.bench_function("parse, as a relay spaces it", |bencher| {
            bencher.iter(|| Value::parse(black_box(spaced.as_bytes())).unwrap());
        });
        let value = Value::parse(bytes).unwrap();
        group.bench_function("canonical", |bencher| {
            bencher.iter(|| to_canonical(black_box(&value)).unwrap());
        });
        group.bench_function("skim", |bencher| {
            bencher.iter(|| json::skim(black_box(bytes)).unwrap());
        });
        let topic = Bytes::from("org.fedoraproject.prod.bodhi.update.comment");
        let frame = Bytes::from(body.clone());
        group.bench_function("frames to signed bytes", |bencher| {
            bencher.iter(|| {
                let envelope = Envelope::from_frames(topic.clone(), frame.clone()).unwrap();
                envelope.signed_bytes().unwrap()
            });
        });
        group.bench_function("frames to relayed", |bencher| {
            bencher.iter(|| {
                Envelope::from_frames(topic.clone(), frame.clone())
                    .unwrap()
                    .relayed()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, bodies);
criterion_main!(benches);
