//! What it costs to find the patterns a topic matches, for 1, 100 and 10 000 patterns.
//!
//! Fastest sample of three runs, in nanoseconds, on one core of a shared AMD EPYC machine
//! (2026-11-22, rustc 1.95). The topic has six segments and matches one pattern; from 100 on there
//! are patterns that begin with `#`, which the topic is followed along for a second time.
//!
//! | patterns | index | each in turn |
//! |---|---|---|
//! | 1 | 115 | 70 |
//! | 100 | 281 | 3,260 |
//! | 10 000 | 281 | 315,068 |
//! | one for everything | 6 | |

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark may panic, it is no library"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fedmsg_message::{TopicIndex, TopicPattern};

const TOPIC: &str = "org.fedoraproject.prod.m7.update.comment";

/// Patterns as consumers write them: one in eight begins with an open end, one in eight has a
/// wildcard in the middle, the others name a module.
fn patterns(count: u32) -> Vec<TopicPattern> {
    let text = |number| match number % 8 {
        0 => format!("#.update.e{number}"),
        1 => format!("org.*.prod.m{number}.#"),
        2 | 3 => format!("org.fedoraproject.prod.m{number}.update"),
        _ => format!("org.fedoraproject.prod.m{number}.*"),
    };
    (1..=count)
        .map(|number| text(number + 6).parse().unwrap())
        .collect()
}

fn index(patterns: &[TopicPattern]) -> TopicIndex {
    let mut index = TopicIndex::new();
    for (pattern, key) in patterns.iter().zip(0..) {
        index.insert(pattern, key);
    }
    index
}

fn lookups(criterion: &mut Criterion) {
    let mut keys = Vec::with_capacity(16);
    let mut group = criterion.benchmark_group("lookup");
    for count in [1, 100, 10_000] {
        let patterns = patterns(count);
        let index = index(&patterns);
        group.bench_function(BenchmarkId::new("index", count), |bencher| {
            bencher.iter(|| {
                keys.clear();
                index.lookup(black_box(TOPIC), &mut keys);
                assert_eq!(keys, [0]);
            });
        });
        group.bench_function(BenchmarkId::new("each in turn", count), |bencher| {
            bencher.iter(|| {
                let topic = black_box(TOPIC);
                patterns
                    .iter()
                    .filter(|pattern| pattern.matches(topic))
                    .count()
            });
        });
    }
    let index = index(&[TopicPattern::everything()]);
    group.bench_function("index of one pattern for everything", |bencher| {
        bencher.iter(|| {
            keys.clear();
            index.lookup(black_box(TOPIC), &mut keys);
            assert_eq!(keys, [0]);
        });
    });
    group.finish();
}

criterion_group!(benches, lookups);
criterion_main!(benches);
