//! `fedmsg-config import`: files of the original, also bad ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::cli::check_failure;
use crate::peers::{Finished, Process};
use crate::sandbox::Sandbox;

const GOOD: &str = "\
import os
config = {
    'topic_prefix': 'org.example',
    'endpoints': {'a.b': 'tcp://127.0.0.1:3000', 'relay_outbound': ['tcp://127.0.0.1:0']},
    'ssldir': os.path.sep.join(['', 'etc', 'pki']),
    'fedmsg.consumers.relay.enabled': True,
}
";

fn run(sandbox: &Sandbox, flags: &[&str]) -> Finished {
    sandbox.run(&[&["fedmsg-config", "import"], flags].concat())
}

#[test]
fn what_is_imported_passes_the_check_and_means_what_was_meant() {
    let sandbox = Sandbox::new();
    sandbox.write("fedmsg.d/a.py", GOOD);
    sandbox.write("fedmsg.d/b.py", "config = {'environment': 'stg'}");
    sandbox.write("fedmsg.d/.hidden.txt", "nothing");
    sandbox.write("c.py", "config = {'environment': 'prod'}");
    let printed = run(&sandbox, &["fedmsg.d", "c.py"]).expect_success();
    assert_eq!(printed.errors, "");
    run(&sandbox, &["fedmsg.d", "c.py", "--output", "new.toml"]).expect_success();
    let written = fs::read_to_string(sandbox.path().join("new.toml")).expect("a file");
    assert_eq!(written.lines().collect::<Vec<_>>(), printed.lines);
    let check = sandbox
        .run(&["fedmsg-config", "check", "new.toml"])
        .expect_success();
    assert_eq!(check.lines, [""; 0]);
    let query = |path: &str| {
        let words = ["fedmsg-config", "--config", "new.toml", "--query", path];
        sandbox.run(&words).expect_success().lines
    };
    assert_eq!(query("environment"), ["prod"]);
    assert_eq!(query("endpoints.a.b"), ["tcp://127.0.0.1:3000"]);
    assert_eq!(query("ssldir"), ["/etc/pki"]);
    assert_eq!(query("consumers.relay.kind"), ["relay"]);
}

#[test]
fn nothing_in_a_file_is_run() {
    let sandbox = Sandbox::new();
    let victim = sandbox.write("victim", "precious");
    let text = format!(
        "import os, shutil, subprocess\n\
         os.remove({victim:?})\n\
         subprocess.call(['touch', 'made'])\n\
         gone = shutil.rmtree('.') or open('made', 'w').write('x')\n\
         [os.unlink(f) for f in os.listdir('.')]\n\
         __import__('os').system('touch made')\n\
         class C:\n    os.system('touch made')\n\
         config = {{'environment': 'stg', 'name': os.popen('touch made; echo x').read(), 'x': gone}}\n"
    );
    sandbox.write("a.py", &text);
    let finished = run(&sandbox, &["a.py"]);
    assert_eq!(finished.status.code(), Some(65), "{finished:#?}");
    assert!(
        finished
            .lines
            .iter()
            .any(|line| line == "environment = \"stg\"")
    );
    for line in 2..=9 {
        if line != 4 && line != 8 {
            let place = format!("left out: a.py:{line}: ");
            assert!(
                finished.errors.contains(&place),
                "no {place:?} in {finished:#?}"
            );
        }
    }
    assert_eq!(
        fs::read_to_string(&victim).expect("still there"),
        "precious"
    );
    assert!(!sandbox.path().join("made").exists());
}

#[test]
fn what_is_left_out_is_named_twice_and_makes_another_status() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "a.py",
        "import random\nconfig = {'timeout': random.randint(1, 5),\n'zmq_strict': True}",
    );
    let finished = run(&sandbox, &["a.py"]);
    assert_eq!(finished.status.code(), Some(65), "{finished:#?}");
    for note in [
        "a.py:2: timeout: not known without running it: a random value: random.randint()",
        "a.py:3: zmq_strict: ",
    ] {
        assert!(
            finished.errors.contains(&format!("left out: {note}")),
            "{finished:#?}"
        );
        let comment = format!("#   {note}");
        assert!(
            finished.lines.iter().any(|line| line.starts_with(&comment)),
            "{finished:#?}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_said_and_what_is_there_is_not_overwritten() {
    let sandbox = Sandbox::new();
    let good = sandbox.write("good.py", GOOD);
    fs::create_dir(sandbox.path().join("empty")).expect("a folder");
    check_failure(&run(&sandbox, &["nope.py"]), 74, &["nope.py: No such file"]);
    check_failure(&run(&sandbox, &["empty"]), 65, &["empty: 0 files *.py"]);
    sandbox.write(
        "large.py",
        &format!("config = {{}}\n{}", "#".repeat(1 << 20)),
    );
    check_failure(
        &run(&sandbox, &["large.py"]),
        65,
        &["large.py: larger than 1 MiB"],
    );
    fs::write(
        sandbox.path().join("latin1.py"),
        b"config = {'name': 'caf\xe9'}",
    )
    .expect("a file");
    check_failure(
        &run(&sandbox, &["latin1.py"]),
        65,
        &["latin1.py: not UTF-8 at byte 22"],
    );
    let made = Command::new("mkfifo")
        .arg(sandbox.path().join("pipe.py"))
        .status();
    assert!(made.expect("mkfifo").success());
    check_failure(&run(&sandbox, &["pipe.py"]), 65, &["pipe.py: not a file"]);
    check_failure(
        &run(&sandbox, &["good.py", "--output", "good.py"]),
        74,
        &["good.py: File exists"],
    );
    assert_eq!(fs::read_to_string(&good).expect("still there"), GOOD);
    check_failure(&run(&sandbox, &[]), 2, &["<FILE|DIR>"]);
    fs::set_permissions(&good, fs::Permissions::from_mode(0o000)).expect("permissions");
    if fs::read(&good).is_err() {
        check_failure(
            &run(&sandbox, &["good.py"]),
            74,
            &["good.py: Permission denied"],
        );
    }
}

#[test]
fn nothing_is_left_of_a_file_that_cannot_be_written_to_its_end() {
    let sandbox = Sandbox::new();
    sandbox.write("good.py", GOOD);
    let words = ["fedmsg-config", "import", "good.py", "--output", "new.toml"];
    // No file may have a byte, which is an error as that of a full disk for whoever ignores the signal.
    let import = sandbox.command(&words);
    let mut command = Command::new("sh");
    let limited = r#"trap '' XFSZ; ulimit -f 0; exec "$0" "$@""#;
    command
        .args(["-c", limited])
        .arg(import.get_program())
        .args(import.get_args())
        .current_dir(sandbox.path());
    let finished = Process::start(command).finish();
    check_failure(&finished, 74, &["new.toml: File too large"]);
    assert!(!sandbox.path().join("new.toml").exists());
    sandbox.run(&words).expect_success();
}

#[test]
fn what_is_no_python_is_told_and_the_rest_imported() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "a.py",
        "config = {'environment': 'stg'}\nconfig['name' = 5\n",
    );
    let finished = run(&sandbox, &["a.py"]);
    assert_eq!(finished.status.code(), Some(65), "{finished:#?}");
    assert!(finished.errors.contains("left out: a.py:"), "{finished:#?}");
    assert!(
        finished
            .lines
            .iter()
            .any(|line| line == "environment = \"stg\""),
        "{finished:#?}"
    );
}
