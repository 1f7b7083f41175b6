//! The one integration binary: whole behaviours, over real sockets, with real programs as peers.
#![cfg(test)]

mod peers;
mod tidy;
