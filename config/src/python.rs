//! Reads configuration files of the original, which are Python programs, without running them.
//!
//! [`crate::import`] calls [`read`]. What such files contain by custom is understood (fedmsg configuration
//! specification, section 2.2): literals, names, a few functions of which the result is known. Anything else
//! becomes a value that is not known, and is told; nothing is ever executed, looked up or opened.

mod call;
mod container;
mod expression;
mod format;
mod literal;
mod module_import;
mod operation;
mod skipped;
mod statement;
mod token;
mod value;

pub use self::statement::{Program, read};
pub use self::value::{Dict, Entry, Unknown, Value};

/// The largest file that is read, in bytes. Files that people write have a thousandth of it.
pub const MAX_SIZE: usize = 1024 * 1024;

/// What a program may ask of the machine that it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The working directory: `os.getcwd()`.
    pub directory: String,
    /// The full host name: `socket.gethostname()`.
    pub host: String,
}

/// A part of a file that was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// The line it begins in, from 1.
    pub line: usize,
    /// Why it was not.
    pub reason: String,
}

#[cfg(test)]
mod tests;
