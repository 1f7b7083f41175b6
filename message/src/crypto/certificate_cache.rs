//! `CertificateCache`: certificates judged before, found by their text.
//!
//! Asked by the validator with each message, from several threads at once. It belongs to one trust
//! store and goes when that is replaced. What it keeps depends on text and trust store alone, never
//! on the time, so that nothing in it gets old.

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;

use super::known_certificate::{Key, KnownCertificate};
use super::trust_store::TrustStore;
use crate::verdict::Refusal;

/// A longer text is judged each time. Even with a key of 4096 bits it has 4 KiB.
const MAX_TEXT: usize = 16 * 1024;

/// How many good certificates are kept at least; at most, twice as many.
const KNOWN: usize = 512;

/// How many bad ones: kept apart, so that no flood of them displaces the good ones.
const REFUSED: usize = 64;

/// The certificates for keys of one kind, by their text.
pub(super) struct CertificateCache<K> {
    known: Shelf<Arc<KnownCertificate<K>>>,
    refused: Shelf<Refusal>,
}

impl<K> Default for CertificateCache<K> {
    fn default() -> CertificateCache<K> {
        CertificateCache::with_capacity(KNOWN, REFUSED)
    }
}

impl<K> CertificateCache<K> {
    fn with_capacity(known: usize, refused: usize) -> CertificateCache<K> {
        CertificateCache {
            known: Shelf::with_capacity(known),
            refused: Shelf::with_capacity(refused),
        }
    }
}

impl<K: Key> CertificateCache<K> {
    /// Returns the certificate with that text, or why it is no good; judges it if it is new.
    pub(super) fn certificate(
        &self,
        text: &str,
        trust: &TrustStore,
    ) -> Result<Arc<KnownCertificate<K>>, Refusal> {
        if text.len() > MAX_TEXT {
            return KnownCertificate::judge(text, trust).map(Arc::new);
        }
        if let Some(known) = self.known.get(text) {
            return Ok(known);
        }
        if let Some(refusal) = self.refused.get(text) {
            return Err(refusal);
        }
        // Without a lock: two threads may judge the same one, and find the same.
        match KnownCertificate::judge(text, trust) {
            Ok(known) => {
                let known = Arc::new(known);
                self.known.put(text, known.clone());
                Ok(known)
            }
            Err(refusal) => {
                self.refused.put(text, refusal.clone());
                Err(refusal)
            }
        }
    }
}

/// Values by text, of which those not used for a while go.
///
/// There are two generations. New values join the young one, old ones that are used rejoin it;
/// when it is full it becomes the old one, and the former old one goes. So a reader of a value in
/// use needs to write nothing down.
struct Shelf<V> {
    generations: RwLock<Generations<V>>,
    capacity: usize,
}

struct Generations<V> {
    young: HashMap<Box<str>, V>,
    old: HashMap<Box<str>, V>,
}

impl<V: Clone> Shelf<V> {
    fn get(&self, text: &str) -> Option<V> {
        let value = {
            let generations = self
                .generations
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = generations.young.get(text) {
                return Some(value.clone());
            }
            generations.old.get(text)?.clone()
        };
        self.put(text, value.clone());
        Some(value)
    }

    fn put(&self, text: &str, value: V) {
        let mut generations = self
            .generations
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= self.capacity {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(text.into(), value);
    }
}

impl<V> Shelf<V> {
    fn with_capacity(capacity: usize) -> Shelf<V> {
        Shelf {
            generations: RwLock::new(Generations {
                young: HashMap::new(),
                old: HashMap::new(),
            }),
            capacity,
        }
    }
}

#[cfg(test)]
mod tests;
