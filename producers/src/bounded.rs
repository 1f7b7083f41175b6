//! Sizes in parameters that must lie in a range, checked where they are read.
//!
//! The params of kinds name [`size`] in `deserialize_with`.

use fedmsg_config::ByteSize;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The range of whatever a producer holds in memory.
const RANGE: (ByteSize, ByteSize) = (ByteSize::kib(1), ByteSize::mib(64));

/// Reads a size from 1 KiB to 64 MiB, both included.
pub(crate) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ByteSize, D::Error> {
    let size = ByteSize::deserialize(deserializer)?;
    let (from, to) = RANGE;
    if (from..=to).contains(&size) {
        return Ok(size);
    }
    Err(D::Error::custom(format_args!(
        "expected a size from {from} to {to}"
    )))
}
