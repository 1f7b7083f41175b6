//! JSON that loses nothing: what CPython's `json` module reads and writes, byte for byte.
//!
//! Signatures cover re-serialised JSON, so a value must survive reading exactly: `1.0` is not `1`,
//! integers have no bound, lone surrogates and `NaN` exist, the last of two equal keys wins.
//! Source: fedmsg wire specification §3.1.
//!
//! The envelope calls [`Value::parse`] and [`skim`]; [`to_canonical`](crate::to_canonical) and this
//! module's [`to_spaced`], [`to_pretty`] and [`write_pretty`] write through one writer.
//!
//! ```
//! use fedmsg_message::json::{self, Value};
//!
//! let json = br#"{"b": 1.0, "a": [1e3, 123456789012345678901234567890, "\ud83d"]}"#;
//! let value = Value::parse(json)?;
//! assert_eq!(value.pointer("/a/0").and_then(Value::as_f64), Some(1000.0));
//! assert_eq!(
//!     json::to_spaced(&value)?,
//!     r#"{"b": 1.0, "a": [1000.0, 123456789012345678901234567890, "\ud83d"]}"#,
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod value;

mod float;
mod int;
mod object;
mod text;

mod cursor;
mod error;
mod grammar;
mod parse;
mod scan;
mod skim;

mod style;
pub(crate) mod writer;

mod conversion;
mod deserialize;
mod deserializer;
mod serialize;
mod serializer;

pub use conversion::LossError;
pub use deserializer::from_value;
pub use error::{JsonError, JsonErrorKind};
pub use int::{Int, NotAnInteger};
pub use object::{IntoIter, Iter, Object};
pub(crate) use parse::Marks;
pub use serializer::to_value;
pub use skim::{Shape, skim, skim_str};
pub use style::{to_pretty, to_spaced, write_pretty};
pub use text::Text;
pub use value::Value;

/// How deep arrays and objects may nest, reading and writing: `[[1]]` is two levels.
///
/// CPython stops at 994 levels with a recursion error (fedmsg wire specification §3.1); 512 is far
/// beyond any message seen and small enough for the stack of any thread.
pub const MAX_DEPTH: usize = 512;
