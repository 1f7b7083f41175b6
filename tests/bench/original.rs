//! The original hub, as another subject: there if its programs are installed (`tests/interop/setup`).
//!
//! [`crate::measure`] starts it as it starts ours; [`crate::case`] leaves it out where it is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::body::TOPIC_PREFIX;
use crate::peer::Peer;
use crate::pki;

/// Whether the original programs are installed.
pub(crate) fn is_installed() -> bool {
    venv().join(".complete").is_file()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn venv() -> PathBuf {
    root().join("target/interop/venv")
}

/// The original hub with a consumer that counts what passes validation.
pub(crate) struct OriginalHub {
    pub(crate) hub: Peer,
    #[expect(
        dead_code,
        reason = "held for its drop, which removes the configuration"
    )]
    directory: TempDir,
}

impl OriginalHub {
    /// Starts it; it says `{"event": "counted"` when so many messages have passed.
    pub(crate) fn start(core: Option<usize>, address: &str, expected: u64) -> Result<Self> {
        let directory = TempDir::new()?;
        let file = |name: &str| json!(pki::folder().join(name));
        let settings: [(&str, Value); 9] = [
            ("endpoints", json!({"bench": [address]})),
            ("topic_prefix", json!(TOPIC_PREFIX)),
            ("validate_signatures", json!(true)),
            ("ssldir", json!(pki::folder())),
            ("ca_cert_location", file("ca.crt")),
            ("crl_location", file("crl.pem")),
            ("high_water_mark", json!(0)),
            ("interop.recorder.enabled", json!(true)),
            ("interop.recorder.count", json!(expected)),
        ];
        let scripts = root().join("tests/interop");
        let configured = Command::new(venv().join("bin/python"))
            .arg(scripts.join("configure.py"))
            .arg(directory.path())
            .args(settings.map(|(key, value)| format!("{key}={value}")))
            .status()
            .context("cannot configure the original")?;
        ensure!(configured.success(), "configure.py failed: {configured}");
        fs::create_dir_all(directory.path().join("home"))?;
        let words = ["--with-consumers", "recorder:Recorder"];
        let program = venv().join("bin/fedmsg-hub");
        let variables = [
            ("HOME", directory.path().join("home")),
            ("PYTHONPATH", scripts),
            ("INTEROP_LOOPBACK", "1".into()),
            ("INTEROP_PARENT", std::process::id().to_string().into()),
        ];
        let hub = Peer::elsewhere(core, &program, directory.path(), &words, &variables)?;
        Ok(Self { hub, directory })
    }
}
