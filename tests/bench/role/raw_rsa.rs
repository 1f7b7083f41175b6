//! The bare RSA operation of the library, on as many threads as it is told: the unit of signing and of
//! validating.

use std::hint::black_box;
use std::sync::mpsc;
use std::{io, thread};

use anyhow::Result;
use clap::ValueEnum;
use openssl::rsa::Padding;

use super::Order;
use crate::peer::say;
use crate::pki;

/// What is done over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operation {
    /// Signs a digest with the private key.
    Sign,
    /// Opens a signature with the public key.
    Verify,
}

/// The digest that is signed, with what PKCS #1 puts before a SHA-1: 35 bytes.
const DIGEST: [u8; 35] = [0x30; 35];

/// Does as many operations as it is told to.
pub(super) fn play(operation: Operation, threads: usize) -> Result<()> {
    say("ready", "")?;
    for line in io::stdin().lines() {
        let Order::Burst { messages, .. } = Order::read(&line?)? else {
            continue;
        };
        let each = messages.div_ceil(threads as u64);
        let (done, all_done) = mpsc::channel();
        for _ in 0..threads {
            let done = done.clone();
            thread::spawn(move || {
                let _ = done.send(work(operation, each));
                loop {
                    thread::park(); // until the process ends: its CPU time is read meanwhile
                }
            });
        }
        for worked in all_done.iter().take(threads) {
            worked?;
        }
        say("done", "")?;
    }
    Ok(())
}

fn work(operation: Operation, count: u64) -> Result<()> {
    let key = pki::key()?;
    let mut signature = vec![0; key.size() as usize];
    let mut opened = signature.clone();
    key.private_encrypt(&DIGEST, &mut signature, Padding::PKCS1)?;
    for _ in 0..count {
        let length = match operation {
            Operation::Sign => key.private_encrypt(&DIGEST, &mut opened, Padding::PKCS1)?,
            Operation::Verify => key.public_decrypt(&signature, &mut opened, Padding::PKCS1)?,
        };
        black_box(length);
    }
    Ok(())
}
