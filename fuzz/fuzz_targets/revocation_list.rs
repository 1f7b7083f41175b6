//! Fuzzes what reads CRLs: see [`fedmsg_message::fuzzing::revocation_list`].
#![no_main]

mod pki;

use std::sync::LazyLock;

use fedmsg_message::{TrustStore, fuzzing};
use libfuzzer_sys::fuzz_target;

static TRUST: LazyLock<TrustStore> = LazyLock::new(pki::trust);

fuzz_target!(|bytes: &[u8]| fuzzing::revocation_list(&TRUST, pki::NOW, bytes));
