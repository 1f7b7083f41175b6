//! `GpgClaim`: what a message signed by gpg claims, for somebody who can run gpg.

use std::sync::Arc;

use crate::verdict::{Alarm, Refusal, Verdict};

/// A signature by gpg and what it is over.
///
/// It takes a process to check it, which is not for this crate to start: give `signature` and
/// `data` to `gpg --verify SIGNATURE DATA`, and ask for the verdict. Go by its status lines
/// (`--status-fd`): it also ends with 0 where the key has been revoked or has expired.
///
/// Only `msg` is covered: topic, time, identity and count may be anybody's, and there is no routing
/// policy. That is how the original signs with gpg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpgClaim {
    /// A detached OpenPGP signature, binary.
    pub signature: Vec<u8>,
    /// What it must be over: `msg`, canonical.
    pub data: Vec<u8>,
}

impl GpgClaim {
    /// Returns the verdict after gpg has found the signature good, made by `signer`.
    pub fn accepted(&self, signer: Arc<str>) -> Verdict {
        Verdict::Accepted {
            signer,
            serial: None,
            alarms: vec![Alarm::PayloadOnly],
        }
    }

    /// Returns the verdict after gpg has found anything else.
    pub fn refused(&self) -> Verdict {
        Verdict::Refused(Refusal::BadSignature)
    }
}
