//! Fuzzes what reads base64, as in messages and PEM: see [`fedmsg_message::fuzzing::base64`].
#![no_main]

use fedmsg_message::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzing::base64(bytes));
