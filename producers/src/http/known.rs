//! `Known`: what of a URL has been published, so that it is not published again.

use fedmsg::Version;
use fedmsg_config::ByteSize;
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::seen::{OLDER, Seen, SeenKeys};

/// What has been published, and whether that is written down.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What was published last to its end.
    version: Version,
    /// The whole that the answer before had.
    whole: Option<Key>,
    /// The items that there were.
    seen: Seen,
    /// Whether an answer has ever been published to its end.
    has_turned: bool,
    is_unsaved: bool,
}

/// [`Known`], to be written down.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownState {
    version: Version,
    whole: Option<Key>,
    items: SeenKeys,
}

/// The largest state that answers of this size can lead to, in bytes: an item has two at least, `1,`, a key
/// as JSON 35.
pub(super) fn largest(answer: ByteSize) -> u64 {
    let items = answer.as_usize() / 2 + OLDER;
    let headers = 256 * 1024;
    items.saturating_mul(35).saturating_add(headers) as u64
}

impl Known {
    /// Whether nothing is known: no answer has been published to its end, neither in this run nor before.
    pub(super) fn is_nothing(&self) -> bool {
        !self.has_turned
    }

    /// The version that was published to its end.
    pub(super) fn version(&self) -> &Version {
        &self.version
    }

    pub(super) fn is_whole(&self, key: Key) -> bool {
        self.whole == Some(key)
    }

    pub(super) fn note_whole(&mut self, key: Key) {
        self.is_unsaved |= self.whole.replace(key) != Some(key);
    }

    pub(super) fn has_item(&self, key: Key) -> bool {
        self.seen.knows(key)
    }

    pub(super) fn note_item(&mut self, key: Key) {
        self.is_unsaved |= self.seen.note(key);
    }

    /// An answer of this version has been published to its end.
    pub(super) fn turn(&mut self, version: Version) {
        self.is_unsaved |= !self.has_turned || self.version != version;
        self.seen.turn();
        self.version = version;
        self.has_turned = true;
    }

    /// What is to be written down, if there is anything new.
    pub(super) fn unsaved(&self) -> Option<KnownState> {
        self.is_unsaved.then(|| KnownState {
            version: self.version.clone(),
            whole: self.whole,
            items: self.seen.keys(),
        })
    }

    pub(super) fn note_saved(&mut self) {
        self.is_unsaved = false;
    }
}

impl From<KnownState> for Known {
    fn from(state: KnownState) -> Self {
        Self {
            version: state.version,
            whole: state.whole,
            seen: state.items.into(),
            has_turned: true,
            is_unsaved: false,
        }
    }
}
