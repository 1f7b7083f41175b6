//! Fuzzes what reads and judges messages: see [`fedmsg_message::fuzzing::envelope`].
#![no_main]

mod pki;

use std::sync::LazyLock;

use fedmsg_message::{Backend, Backends, TrustStore, Validator, ValidatorSettings, fuzzing};
use libfuzzer_sys::fuzz_target;

static TRUST: LazyLock<TrustStore> = LazyLock::new(pki::trust);

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    Validator::new(ValidatorSettings {
        trust: Some(pki::trust()),
        backends: Backends::from_iter([Backend::X509, Backend::Gpg]),
        ..ValidatorSettings::default()
    })
});

fuzz_target!(|bytes: &[u8]| fuzzing::envelope(&VALIDATOR, &TRUST, pki::NOW, bytes));
