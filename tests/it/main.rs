//! The one integration binary: whole behaviours, over real sockets, with real programs as peers.
#![cfg(test)]

mod apart;
mod application;
mod bad_input;
mod catalogue;
mod cli;
mod conformance;
mod consumers;
mod downloads;
mod examples;
mod gateway;
mod hub;
mod interop;
mod new;
mod peers;
mod producers;
mod raw;
mod readme;
mod relay;
mod sandbox;
mod schema;
mod service;
mod signing_relay;
mod tidy;
mod web_server;
