//! Fuzzes what reads JSON, as in bodies: see [`fedmsg_message::fuzzing::json`].
#![no_main]

use fedmsg_message::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzing::json(bytes));
