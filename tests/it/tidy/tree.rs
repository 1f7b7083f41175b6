//! The files that the rules of `tidy` look at.
//!
//! Read from this repository, or made up by a test of a rule.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use super::manifest::Manifest;
use super::source::Source;

/// Folders that hold nothing of ours: builds, history, caches, what tests read as data, and what
/// fuzzing leaves.
const NOT_OURS: [&str; 7] = [
    "target",
    ".git",
    "__pycache__",
    "fixtures",
    "corpus",
    "artifacts",
    "coverage",
];

/// The text files of a repository by their path in it, with `/` between folders.
pub(super) struct Tree {
    files: BTreeMap<String, String>,
    sources: Vec<Source>,
}

impl Tree {
    /// Returns the repository that this test belongs to, read once.
    pub(super) fn of_this_repository() -> &'static Self {
        static TREE: LazyLock<Tree> = LazyLock::new(|| {
            let mut files = Vec::new();
            collect(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
            Tree::new(files)
        });
        &TREE
    }

    /// Returns the tree of files with these paths and texts.
    pub(super) fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let files = BTreeMap::from_iter(files);
        let is_rust = |path: &str| path.ends_with(".rs");
        let rust = files.iter().filter(|(path, _)| is_rust(path));
        let sources = rust.map(|(path, text)| Source::read(path, text)).collect();
        Self { files, sources }
    }

    /// Returns the paths of all files, in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Returns the Rust sources, in the order of their paths.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// Returns the manifests of the members of the workspace, the root package first.
    pub(super) fn manifests(&self) -> impl Iterator<Item = Manifest> {
        let text = |path: &str| self.files.get(path).map(String::as_str);
        Manifest::of_workspace(text).into_iter()
    }

    /// Returns path and text of the files in which `#` starts a comment.
    pub(super) fn files_with_hash_comments(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self
            .files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(|(path, text)| {
            path.ends_with(".toml") || path.ends_with(".py") || text.starts_with("#!/")
        })
    }
}

/// Adds the text files below `folder`, whose own path in the repository is `path`.
fn collect(folder: &Path, path: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let entry = entry.expect("a readable folder");
        let name = entry
            .file_name()
            .into_string()
            .expect("a file name in UTF-8");
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}/{name}")
        };
        let kind = entry.file_type().expect("a readable folder");
        if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            collect(&entry.path(), &path, files);
        } else if kind.is_file()
            && let Ok(text) = String::from_utf8(fs::read(entry.path()).expect("a readable file"))
        {
            files.push((path, text));
        }
    }
}
