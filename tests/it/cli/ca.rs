//! `fedmsg-ca`: the files that it makes, what it says about them, and what it refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use fedmsg_config::Config;
use fedmsg_message::{Signer, TrustStore, Validator, ValidatorSettings, Verdict, json::Object};
use toml::{Table, Value};

use super::check_failure;
use crate::peers::{Finished, Process};
use crate::sandbox::Sandbox;

/// A directory of a CA in a sandbox.
struct Pki {
    sandbox: Sandbox,
}

impl Pki {
    /// Makes a CA.
    fn init() -> Self {
        let pki = Self::without_ca();
        pki.run_well(&["init"]);
        pki
    }

    fn without_ca() -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("pki/readme", "not of the CA");
        Self { sandbox }
    }

    fn run(&self, words: &[&str]) -> Finished {
        let words = [&["fedmsg-ca"], words, &["--dir", "pki"]].concat();
        self.sandbox.run(&words)
    }

    /// Runs it without complaints, and returns what it says.
    fn run_well(&self, words: &[&str]) -> String {
        let finished = self.run(words).expect_success();
        assert_eq!(finished.errors, "");
        finished.lines.join("\n")
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn path(&self, name: &str) -> String {
        let working_directory = self.sandbox.command(&["fedmsg-ca"]);
        let directory = working_directory.get_current_dir().expect("the sandbox");
        let directory = directory.canonicalize().expect("the sandbox");
        let path = directory.join("pki").join(name);
        path.to_str().expect("text").to_owned()
    }

    /// The files, with their modes.
    fn files(&self) -> Vec<(String, u32)> {
        let entries = fs::read_dir(self.path("")).expect("a directory");
        let mut files: Vec<_> = entries
            .map(|entry| {
                let entry = entry.expect("an entry");
                let mode = entry.metadata().expect("a file").permissions().mode();
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, mode & 0o777)
            })
            .filter(|(name, _)| name != "readme" && name != ".lock")
            .collect();
        files.sort();
        files
    }

    /// What becomes of a message that `name` signs.
    fn verdict(&self, name: &str) -> Verdict {
        let list = self.read("crl.pem");
        let trust = TrustStore::from_pem(&self.read("ca.crt"), Some(&list)).expect("a CA");
        let [certificate, key] = ["crt", "key"].map(|kind| self.read(&format!("{name}.{kind}")));
        let signer = Signer::from_pem(&certificate, &key).expect("a signer");
        let topic = "org.example.dev.a.b".parse().expect("a topic");
        let envelope = signer.sign(topic, Object::new()).expect("a message");
        let settings = ValidatorSettings {
            trust: Some(trust),
            ..ValidatorSettings::default()
        };
        let now = jiff::Timestamp::now().as_second();
        Validator::new(settings).validate(&envelope, now)
    }
}

fn expected(files: &[(&str, u32)]) -> Vec<(String, u32)> {
    let files = files.iter();
    files
        .map(|(name, mode)| ((*name).to_owned(), *mode))
        .collect()
}

#[test]
fn what_is_issued_signs_until_it_is_revoked() {
    let pki = Pki::init();
    pki.run_well(&["issue", "bodhi-app01.example.org"]);
    let verdict = pki.verdict("bodhi-app01.example.org");
    let Verdict::Accepted { signer, serial, .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(&*signer, "bodhi-app01.example.org");

    let said = pki.run_well(&["revoke", "bodhi-app01.example.org"]);
    let serial = serial.expect("a serial number");
    assert!(said.starts_with(&format!("revoked {serial} of bodhi-app01.example.org\n")));
    assert!(said.contains(&pki.path("crl.pem")), "{said}");
    let verdict = pki.verdict("bodhi-app01.example.org");
    let refusal = verdict.refusal().expect("a refusal");
    assert_eq!(refusal.code(), "revoked");
    let ledger = String::from_utf8(pki.read("index.toml")).expect("text");
    assert!(
        ledger.contains(&*serial) && ledger.contains("revoked = "),
        "{ledger}"
    );

    let said = pki.run_well(&["revoke", "bodhi-app01.example.org"]);
    assert!(said.contains("were revoked before"), "{said}");
    let said = pki.run_well(&["crl", "--days", "7"]);
    assert!(said.contains("with 1 revoked"), "{said}");
}

#[test]
fn keys_are_for_their_owner_and_the_rest_is_for_everybody() {
    let pki = Pki::init();
    pki.run_well(&["issue", "a", "--ed25519", "--bits", "3072"]);
    let files = [
        ("a.crt", 0o644),
        ("a.ed25519.crt", 0o644),
        ("a.ed25519.key", 0o600),
        ("a.key", 0o600),
        ("ca.crt", 0o644),
        ("ca.key", 0o600),
        ("crl.pem", 0o644),
        ("index.toml", 0o644),
    ];
    assert_eq!(pki.files(), expected(&files));
    assert!(pki.verdict("a").is_accepted());
}

#[test]
fn what_it_prints_can_be_pasted_into_a_configuration() {
    let pki = Pki::without_ca();
    let printed = |words: &[&str]| -> Table {
        let text = pki.run_well(words);
        Config::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        text.parse().expect("TOML")
    };
    let validating = printed(&["init"]);
    let text = |name: &str| Value::from(pki.path(name));
    assert_eq!(validating["validate_signatures"], Value::from(true));
    assert_eq!(validating["ca_cert_location"], text("ca.crt"));
    assert_eq!(validating["crl_location"], text("crl.pem"));

    let signing = printed(&["issue", "a"]);
    assert_eq!(signing["sign_messages"], Value::from(true));
    assert_eq!(
        signing["ssldir"],
        Value::from(pki.path("").trim_end_matches('/'))
    );
    let shell = format!("shell.{}", fedmsg::host_name());
    assert_eq!(signing["certnames"][&shell], Value::from("a"));
    assert!(!signing.contains_key("strong_signature"));
    let signing = printed(&["issue", "b", "--ed25519"]);
    assert_eq!(signing["strong_signature"], Value::from("ed25519"));
}

#[test]
fn nothing_is_overwritten_that_somebody_could_miss() {
    let pki = Pki::init();
    let again = pki.run(&["init"]);
    let directory = pki.path("");
    let words = ["there is a CA in", directory.trim_end_matches('/'), "--dir"];
    check_failure(&again, 65, &words);
    pki.run_well(&["issue", "a"]);
    let (before, key) = (pki.files(), pki.read("a.key"));
    let words = [
        "a has a certificate until 2",
        "fedmsg ca revoke a",
        "--force",
    ];
    check_failure(&pki.run(&["issue", "a"]), 65, &words);
    fs::write(pki.path("b.key"), "precious").expect("a file");
    let refused = pki.run(&["issue", "b"]);
    check_failure(
        &refused,
        65,
        &[&pki.path("b.key"), "not of this CA", "--force"],
    );
    fs::remove_file(pki.path("b.key")).expect("a file");
    assert_eq!((pki.files(), pki.read("a.key")), (before, key.clone()));
    pki.run_well(&["issue", "a", "--force"]);
    assert_ne!(pki.read("a.key"), key);
    assert!(pki.verdict("a").is_accepted());

    let other = Pki::without_ca();
    fs::write(other.path("ca.key"), "precious").expect("a file");
    let words = [&*other.path("ca.key"), "move it away"];
    check_failure(&other.run(&["init"]), 65, &words);
    assert_eq!(other.read("ca.key"), b"precious");
}

#[test]
fn a_name_that_is_no_safe_file_is_refused() {
    let pki = Pki::init();
    let before = pki.files();
    for action in ["issue", "revoke"] {
        let check =
            |name: &str, words: &[&str]| check_failure(&pki.run(&[action, name]), 65, words);
        check("../a", &[r#"name "../a": it has '/'"#, "are allowed"]);
        check(".a", &[r#"name ".a": it begins with '.'"#]);
        check("a\u{1b}[31m", &[r#"name "a\u{1b}[31m": it has '\u{1b}'"#]);
        check("a b", &["it has ' '"]);
        check("", &["it is empty", "such as"]);
        check("ca", &["those of the CA"]);
        check("a.ed25519", &["leave that out"]);
        check(&"x".repeat(65), &["longer than the 64"]);
        // To clap, a dash begins a flag.
        check_failure(&pki.run(&[action, "-a"]), 2, &["'-a'"]);
    }
    check_failure(
        &pki.run(&["revoke", "b"]),
        65,
        &["issued to b", "index.toml"],
    );
    assert_eq!(pki.files(), before);
}

#[test]
fn without_a_ca_it_says_how_to_make_one() {
    let pki = Pki::without_ca();
    for words in [&["issue", "a"][..], &["revoke", "a"], &["crl"]] {
        check_failure(&pki.run(words), 65, &["no CA in pki", "fedmsg ca init"]);
    }
    assert_eq!(pki.files(), []);
    let words = ["fedmsg-ca", "init", "--dir", "pki/readme"];
    let finished = pki.sandbox.run(&words);
    check_failure(&finished, 74, &["cannot make the directory pki/readme"]);
}

#[test]
fn it_is_where_the_configuration_has_its_ssldir_or_where_dir_says() {
    let sandbox = Sandbox::new();
    let done = |words: &[&str], directory: &str| {
        let finished = sandbox.run(words).expect_success();
        let said = finished.lines.join("\n");
        assert!(said.contains(&format!("/{directory}/crl.pem")), "{said}");
    };
    sandbox.write(".config/fedmsg/fedmsg.toml", "ssldir = 'usual'");
    done(&["fedmsg-ca", "init"], "usual");
    sandbox.write("named.toml", "ssldir = 'named'");
    done(&["fedmsg-ca", "init", "--config", "named.toml"], "named");
    done(&["fedmsg", "ca", "--config", "named.toml", "crl"], "named");
    // With --dir, nothing else can be wrong.
    sandbox.write("bad.toml", "ssldri = 'bad'");
    let bad = ["fedmsg-ca", "init", "--config", "bad.toml"];
    check_failure(&sandbox.run(&bad), 78, &["bad.toml:1: ssldri", "ssldir"]);
    done(&[&bad[..], &["--dir", "flag"]].concat(), "flag");

    let mut command = sandbox.command(&["fedmsg-ca", "crl"]);
    command.env("FEDMSG_SSLDIR", "nowhere");
    let finished = Process::start(command).finish();
    let words = ["no CA in nowhere", "`ssldir`", "--dir"];
    check_failure(&finished, 65, &words);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let pki = Pki::init();
    for flags in [
        ["issue", "--bits", "1024"],
        ["issue", "--days", "0"],
        ["init", "--days", "36501"],
        ["init", "--crl-days", "-1"],
        ["crl", "--days", "x"],
    ] {
        check_failure(&pki.run(&flags), 2, &[flags[2]]);
    }
}

#[test]
fn all_at_once_get_their_certificates() {
    let pki = Pki::init();
    let names = ["a", "b", "c", "d"];
    let started: Vec<_> = names
        .iter()
        .map(|name| {
            let words = ["fedmsg-ca", "issue", name, "--dir", "pki"];
            pki.sandbox.start(&words)
        })
        .collect();
    for process in started {
        process.finish().expect_success();
    }
    let ledger: Table = String::from_utf8(pki.read("index.toml"))
        .expect("text")
        .parse()
        .expect("TOML");
    let entries = ledger["certificate"].as_array().expect("certificates");
    assert_eq!(entries.len(), names.len());
    for name in names {
        assert!(pki.verdict(name).is_accepted());
    }
}

#[test]
fn a_list_that_expires_soon_is_announced() {
    let pki = Pki::without_ca();
    pki.run_well(&["init", "--crl-days", "29"]);
    let issued = pki.run(&["issue", "a"]).expect_success();
    assert!(
        issued.errors.contains("crl.pem expires on 2"),
        "{}",
        issued.errors
    );
    assert!(issued.errors.contains("fedmsg ca crl"));
    pki.run_well(&["crl", "--days", "31"]);
    pki.run_well(&["issue", "b"]);
}

#[test]
fn each_action_has_help() {
    let sandbox = Sandbox::new();
    for (action, flags) in [
        ("init", &["--bits", "--days", "--crl-days"][..]),
        ("issue", &["--bits", "--days", "--ed25519", "--force"]),
        ("revoke", &[]),
        ("crl", &["--days"]),
    ] {
        for words in [&["fedmsg-ca"][..], &["fedmsg", "ca"]] {
            let words = [words, &[action, "--help"]].concat();
            let help = sandbox.run(&words).expect_success().lines;
            let usage = format!("Usage: {} [OPTIONS]", words[..words.len() - 1].join(" "));
            assert!(
                help.iter().any(|line| line.starts_with(&usage)),
                "{help:#?}"
            );
            for flag in flags.iter().chain(&["--dir", "--config"]) {
                let has_it = help.iter().any(|line| line.trim_start().starts_with(flag));
                assert!(has_it, "{flag} of {words:?}");
            }
            assert!(help.iter().all(|line| line.len() <= 100), "{help:#?}");
        }
    }
}
