//! Fuzzes what reads certificates: see [`fedmsg_message::fuzzing::certificate`].
#![no_main]

mod pki;

use std::sync::LazyLock;

use fedmsg_message::{TrustStore, fuzzing};
use libfuzzer_sys::fuzz_target;

static TRUST: LazyLock<TrustStore> = LazyLock::new(pki::trust);

fuzz_target!(|bytes: &[u8]| fuzzing::certificate(&TRUST, pki::NOW, bytes));
