//! Fuzzes what reads topics and patterns: see [`fedmsg_message::fuzzing::topic`].
#![no_main]

use fedmsg_message::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzing::topic(bytes));
