//! A test that finds what its author has not thought of: does a consumer keep the rules of a hub?
//!
//! `Conformance` hands it messages twice, in other orders, malformed, by the thousand; lets it crash when
//! its work is done, stops it at any point, takes its directory away; and says what to do. Put this into a
//! file of its own in `tests/`.
//!
//! Run it: `cargo run --example conformance`
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{fs, io};

use fedmsg_hub::{
    BoxError, Conformance, ConsumeError, Consumer, ConsumerContext, Delivery, DeliveryBuilder,
    World,
};
use fedmsg_hub::{schemars::JsonSchema, serde::Deserialize};

/// Keeps every message, in a file with the name of its msg_id.
struct Archive(Params);

/// What `[consumers.NAME.params]` may say.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "fedmsg_hub::serde", deny_unknown_fields)]
#[schemars(crate = "fedmsg_hub::schemars")]
struct Params {
    /// Where the files are. Required.
    directory: PathBuf,
}

impl Consumer for Archive {
    const KIND: &'static str = "archive";
    type Params = Params;

    async fn from_params(params: Params, _: &ConsumerContext) -> Result<Self, BoxError> {
        Ok(Self(params))
    }

    async fn consume(&mut self, it: Delivery, cx: &ConsumerContext) -> Result<(), ConsumeError> {
        let is_word = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
        let is_safe = |id: &&str| id.bytes().all(is_word) && (1..99).contains(&id.len());
        let id = it.msg_id().filter(is_safe);
        let id = id.ok_or_else(|| ConsumeError::drop("no msg_id for a file"))?;
        let (path, body) = (self.0.directory.join(id), it.envelope().bytes().clone());
        // The same again changes nothing. An error means: try again later.
        tokio::task::spawn_blocking(move || fs::write(path, body)).await??;
        cx.publish("kept", id).await?; // not before it is true
        Ok(())
    }
}

/// A directory for each trial, how to look into it, and how to take it away.
fn world() -> World {
    let parent = tempfile::tempdir().expect("a directory");
    let directory = parent.path().join("archive");
    fs::create_dir(&directory).expect("a directory");
    let looked_at = directory.clone();
    let files = move || {
        let files = fs::read_dir(&looked_at)?.map(|file| Ok(file?.file_name()));
        files.collect::<io::Result<BTreeSet<_>>>()
    };
    World::new(&format!("params.directory = {directory:?}"), files).outage(move |is_down| {
        let (there, away) = (&directory, parent.path().join("elsewhere"));
        let _ = if is_down {
            fs::rename(there, away)
        } else {
            fs::rename(away, there)
        };
    })
}

fn main() {
    let shop = |n| if n % 2 == 0 { "north" } else { "south" };
    let sale = |n| DeliveryBuilder::new("com.example.sale", n).from_publisher(shop(n));
    let conformance = Conformance::of::<Archive>(world).messages((0..6).map(sale));
    conformance.check();
    println!("the archive keeps all rules");
}
