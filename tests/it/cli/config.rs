//! `fedmsg-config` as scripts and people see it.

mod check;
mod import;
mod show;

use crate::peers::Finished;
use crate::sandbox::Sandbox;

/// Runs `fedmsg-config` in a sandbox that has `text` as its configuration.
fn config(text: &str, flags: &[&str]) -> Finished {
    let sandbox = Sandbox::new();
    sandbox.write("fedmsg.toml", text);
    sandbox.run(&[&["fedmsg-config"], flags].concat())
}
