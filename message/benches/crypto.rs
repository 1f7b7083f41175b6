//! What signing and validating cost beside the bare RSA operation of the same library.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may panic and prints its ratios, it is no library"
)]

use std::hint::black_box;
use std::path::Path;
use std::sync::Barrier;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use fedmsg_message::json::Value;
use fedmsg_message::{
    Certificate, Envelope, Signer, Stamp, Topic, TrustStore, Validator, ValidatorSettings,
};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::{Padding, Rsa};
use openssl::sha::Sha1;
use openssl::sign::Verifier;
use openssl::x509::X509;
use rustix::time::{ClockId, clock_gettime};

/// 2026-11-22, when everything in the test PKI is valid.
const NOW: i64 = 1_795_370_400;

const TOPIC: &str = "org.fedoraproject.prod.bodhi.update.comment";

/// A signed message of 1 KiB, not counting its credentials, and what is needed to do its parts.
struct Fixture {
    validator: Validator,
    signer: Signer,
    key: Rsa<Private>,
    public: Rsa<Public>,
    public_key: PKey<Public>,
    topic: Topic,
    msg: Value,
    body: Bytes,
    certificate: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Fixture {
    fn load() -> Fixture {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vectors/pki");
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let certificate = read("bodhi-app01.test.crt");
        let key = read("bodhi-app01.test.key");
        let signer = Signer::from_pem(&certificate, &key).unwrap();
        let trust = TrustStore::from_pem(&read("ca.crt"), Some(&read("crl.pem"))).unwrap();
        let validator = Validator::new(ValidatorSettings {
            trust: Some(trust),
            ..ValidatorSettings::default()
        });
        let topic: Topic = TOPIC.parse().unwrap();
        let msg = Value::parse(MSG.as_bytes()).unwrap();
        let envelope = signer.stamp(topic.clone(), msg.clone(), &stamp()).unwrap();
        let signed = envelope.signed_bytes().unwrap();
        let key = Rsa::private_key_from_pem(&key).unwrap();
        let mut signature = vec![0; key.size() as usize];
        let info = digest_info(&signed);
        key.private_encrypt(&info, &mut signature, Padding::PKCS1)
            .unwrap();
        let public_key = X509::from_pem(&certificate).unwrap().public_key().unwrap();
        let fixture = Fixture {
            validator,
            signer,
            public: public_key.rsa().unwrap(),
            public_key,
            key,
            topic,
            msg,
            body: envelope.bytes().clone(),
            certificate,
            signed,
            signature,
        };
        assert!(fixture.validate());
        fixture
    }

    /// Everything the hub does to a message that comes in, from frames to verdict.
    fn validate(&self) -> bool {
        let topic = self.topic.as_bytes().clone();
        let envelope = Envelope::from_frames(topic, self.body.clone()).unwrap();
        self.validator.validate(&envelope, NOW).is_accepted()
    }

    /// The RSA operation alone.
    fn raw_verify(&self) -> usize {
        let mut block = [0; 256];
        self.public
            .public_decrypt(&self.signature, &mut block, Padding::NONE)
            .unwrap()
    }

    /// Everything the publisher does to a message that goes out, from payload to frames.
    fn sign(&self) -> Envelope {
        let (topic, msg) = (self.topic.clone(), self.msg.clone());
        self.signer.stamp(topic, msg, &stamp()).unwrap()
    }

    /// The RSA operation alone.
    fn raw_sign(&self) -> usize {
        let mut signature = [0; 256];
        let info = digest_info(b"");
        self.key
            .private_encrypt(&info, &mut signature, Padding::PKCS1)
            .unwrap()
    }
}

fn digest_info(data: &[u8]) -> Vec<u8> {
    let mut hash = Sha1::new();
    hash.update(data);
    let prefix: &[u8] = b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";
    [prefix, &hash.finish()].concat()
}

fn stamp() -> Stamp {
    Stamp {
        msg_id: "2026-6ba7b810-9dad-41d1-80b4-00c04fd430c8".into(),
        timestamp: 1_793_000_000,
        i: 41,
        username: "apache".into(),
    }
}

fn parts(criterion: &mut Criterion) {
    let fixture = Fixture::load();
    let mut group = criterion.benchmark_group(format!(
        "{} B signed, {} B sent",
        fixture.signed.len(),
        fixture.body.len()
    ));
    group.bench_function("frames to verdict", |bencher| {
        bencher.iter(|| fixture.validate())
    });
    group.bench_function("RSA verify", |bencher| {
        bencher.iter(|| fixture.raw_verify())
    });
    group.bench_function("RSA verify, EVP with SHA-1", |bencher| {
        bencher.iter(|| {
            let mut verifier = Verifier::new(MessageDigest::sha1(), &fixture.public_key).unwrap();
            verifier
                .verify_oneshot(&fixture.signature, &fixture.signed)
                .unwrap()
        });
    });
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Value::parse(black_box(&fixture.body)).unwrap());
    });
    let envelope = fixture.sign();
    group.bench_function("canonical", |bencher| {
        bencher.iter(|| black_box(&envelope).signed_bytes().unwrap());
    });
    envelope.body();
    group.bench_function("parsed envelope to verdict", |bencher| {
        bencher.iter(|| fixture.validator.validate(black_box(&envelope), NOW));
    });
    group.bench_function("SHA-1", |bencher| {
        bencher.iter(|| digest_info(&fixture.signed))
    });
    group.bench_function("payload to signed frames", |bencher| {
        bencher.iter(|| fixture.sign())
    });
    group.bench_function("RSA sign", |bencher| bencher.iter(|| fixture.raw_sign()));
    group.bench_function("certificate from PEM", |bencher| {
        bencher.iter(|| Certificate::from_pem(black_box(&fixture.certificate)).unwrap());
    });
    group.bench_function("certificate from PEM, OpenSSL", |bencher| {
        bencher.iter(|| X509::from_pem(black_box(&fixture.certificate)).unwrap());
    });
    group.finish();
}

/// Measures both in turns, so that a busy machine slows both, and prints how they compare.
fn ratios(_: &mut Criterion) {
    let fixture = &Fixture::load();
    for threads in [1, 2] {
        compare(
            threads,
            "validate",
            "RSA verify",
            4_000,
            &|| {
                assert!(fixture.validate());
            },
            &|| {
                fixture.raw_verify();
            },
        );
        compare(
            threads,
            "sign",
            "RSA sign",
            300,
            &|| {
                fixture.sign();
            },
            &|| {
                fixture.raw_sign();
            },
        );
    }
}

fn compare(
    threads: usize,
    ours: &str,
    raw: &str,
    count: u32,
    do_ours: &(dyn Fn() + Sync),
    do_raw: &(dyn Fn() + Sync),
) {
    const ROUNDS: usize = 15;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let [ours, raw] = [do_ours, do_raw].map(|work| rate(threads, count, work));
        rounds.push((ours, raw, ours / raw));
    }
    let median = |of: fn(&(f64, f64, f64)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(ROUNDS / 2).copied().unwrap_or_default()
    };
    let best = |of: fn(&(f64, f64, f64)) -> f64| rounds.iter().map(of).fold(0.0, f64::max);
    let (per_ours, per_raw) = (best(|round| round.0), best(|round| round.1));
    println!(
        "{threads} thread(s), at best: {ours} {per_ours:.0}/s, {raw} {per_raw:.0}/s, ratio {:.3}; \
         median ratio of {ROUNDS} rounds {:.3}",
        per_ours / per_raw,
        median(|round| round.2),
    );
}

/// Returns how often a second all threads together do it.
fn rate(threads: usize, count: u32, work: &(dyn Fn() + Sync)) -> f64 {
    let start = Barrier::new(threads);
    let durations: Vec<Duration> = std::thread::scope(|scope| {
        let run = || {
            start.wait();
            let begin = cpu_time();
            (0..count).for_each(|_| work());
            cpu_time() - begin
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    durations
        .iter()
        .map(|taken| f64::from(count) / taken.as_secs_f64())
        .sum()
}

/// What the thread has spent: the machine may be shared.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

/// A payload such as bodhi sends.
const MSG: &str = r#"{
    "agent": "ralph",
    "comment": {
        "anonymous": false, "author": "ralph", "group": null, "karma": 1,
        "text": "Works for me on a fresh install; I could not reproduce the crash any more after the update. Thanks for the quick fix!",
        "timestamp": 1793000000.5, "update_title": "kernel-7.0.4-200.fc45",
        "user": {"email": "ralph@example.org", "id": 1281, "name": "ralph"}
    },
    "update": {
        "bugs": [2101, 2204, 2350],
        "builds": [
            {"epoch": 0, "nvr": "kernel-7.0.4-200.fc45", "signed": true},
            {"epoch": 0, "nvr": "kernel-tools-7.0.4-200.fc45", "signed": true}
        ],
        "critpath": true, "karma": 3,
        "notes": "The 7.0.4 stable update has a number of important fixes across the tree. It also brings the new schedulers, two drivers and a quieter boot.",
        "request": null, "severity": "medium", "status": "testing", "type": "bugfix",
        "url": "https://bodhi.example.org/updates/FEDORA-2026-1f2e3d4c5b"
    }
}"#;

criterion_group!(benches, parts, ratios);
criterion_main!(benches);
