//! What the built-in consumers do with programs, servers and files of others.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

mod file;
mod process;
