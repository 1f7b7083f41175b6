//! What the fuzz targets in `fuzz/` do at length: all golden vectors through the entry points, and
//! some of them damaged.

use super::*;
use crate::crypto::pem::{self, Label};
use crate::crypto::test_pki::{NOW, trust};
use crate::crypto::{Backend, Backends, ValidatorSettings};
use crate::fixture;

/// How often each vector is damaged.
const TIMES: usize = 8;

#[test]
fn messages_and_damaged_ones_are_judged_and_relayed() {
    let trust = &trust();
    let validator = Validator::new(ValidatorSettings {
        trust: Some(self::trust()),
        backends: Backends::from_iter([Backend::X509, Backend::Gpg]),
        ..ValidatorSettings::default()
    });
    each(&messages(), |bytes| {
        envelope(&validator, trust, NOW, bytes);
    });
}

#[test]
fn certificates_and_damaged_ones_are_read() {
    let trust = &trust();
    let seeds = pem_and_der(".crt", Label::Certificate);
    each(&seeds, |bytes| certificate(trust, NOW, bytes));
}

#[test]
fn revocation_lists_and_damaged_ones_are_read() {
    let trust = &trust();
    let seeds = pem_and_der(".pem", Label::Crl);
    each(&seeds, |bytes| revocation_list(trust, NOW, bytes));
}

#[test]
fn base64_and_damaged_base64_is_decoded() {
    let mut seeds = Vec::new();
    for message in messages() {
        let body = Value::parse(body_of(&message)).unwrap_or_default();
        let texts = CREDENTIALS.map(|name| body.get(name).and_then(Value::as_str));
        seeds.extend(texts.into_iter().flatten().map(Vec::from));
    }
    assert!(seeds.len() > 200);
    each(&seeds, base64);
}

#[test]
fn json_and_damaged_json_is_read_and_written() {
    let messages = messages();
    let bodies = messages.iter().map(|message| body_of(message).to_vec());
    let cases = fixture::cases("encoding/canonical.json", "cases");
    let texts = cases.iter().map(|case| fixture::bytes(case, "json_b64"));
    each(&bodies.chain(texts).collect::<Vec<_>>(), json);
}

#[test]
fn topics_and_damaged_patterns_are_matched() {
    let patterns = [
        "",
        "*",
        "#",
        "org.t",
        "org.*.x",
        "#.x",
        "*.#.x.#.*",
        "a.*.#.*",
    ];
    let topics = ["", ".", "org.t", "org.tt", "org.a.x", "x.x.x.x.x", "a..b"];
    let seed = |topic| format!("{}\0{topic}", patterns.join("\n")).into_bytes();
    each(&topics.map(seed), topic);
}

/// Gives each seed to an entry point, as it is and damaged.
fn each(seeds: &[Vec<u8>], read: impl Fn(&[u8])) {
    let mut damage = Damage { state: 7 };
    for seed in seeds {
        read(seed);
        (0..TIMES).for_each(|_| read(&damage.of(seed)));
    }
}

/// Returns the messages among the vectors, topic and body with a NUL between them; not the few
/// that are long only.
fn messages() -> Vec<Vec<u8>> {
    let folders = ["x509", "gpg"].map(|folder| fixture::files(folder, ".json"));
    let vectors = folders
        .concat()
        .into_iter()
        .map(|path| fixture::vectors(&path));
    let frames = |vector: Value| -> Option<Vec<u8>> {
        let frames = vector.get("frames_b64")?.as_array()?.iter();
        let frames = frames.map(|frame| fixture::base64(frame.as_str().unwrap()));
        Some(frames.collect::<Vec<_>>().join(&0))
    };
    let is_short = |message: &Vec<u8>| message.len() < 20_000;
    vectors.filter_map(frames).filter(is_short).collect()
}

/// Returns what follows the topic of a message.
fn body_of(message: &[u8]) -> &[u8] {
    let nul = message.iter().position(|byte| *byte == 0);
    &message[nul.map_or(0, |nul| nul + 1)..]
}

/// Returns the files of the PKI whose names end so, as they are and in DER.
fn pem_and_der(ending: &str, label: Label) -> Vec<Vec<u8>> {
    let pem = fixture::files("pki", ending)
        .into_iter()
        .map(|path| fixture::file(&path));
    let both = pem.flat_map(|pem| {
        let der = pem::first(&pem, label).unwrap();
        [pem, der]
    });
    both.collect()
}

/// Makes of a text one that is nearly right, the same in each run.
struct Damage {
    state: u64,
}

impl Damage {
    fn of(&mut self, seed: &[u8]) -> Vec<u8> {
        const AWKWARD: [u8; 8] = [0, b'=', b'"', b'\\', b'.', 0x30, 0x80, 0xff];
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, AWKWARD[self.below(AWKWARD.len())]),
                2 => drop(bytes.drain(at..(at + 4).min(bytes.len()))),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
        bytes
    }

    fn below(&mut self, bound: usize) -> usize {
        // Knuth's MMIX generator, of which the high bits are good.
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % bound
    }
}
