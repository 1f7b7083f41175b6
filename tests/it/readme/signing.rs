//! "Signing in one minute", done.

use std::time::Instant;

use super::{blocks, readme};
use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{PATIENCE, PROBE, Sandbox, in_shell, loopback};

/// Runs the program with its log among what it shows.
const WITH_LOG: &str = r#"exec "$0" "$@" 2>&1"#;

#[test]
fn who_has_a_certificate_is_believed_until_it_is_revoked() {
    let readme = readme();
    let (_, section) = readme
        .split_once("## Signing in one minute\n")
        .expect("a section");
    let (section, _) = section.split_once("\n## ").expect("a next section");
    let configuration = blocks("toml");
    let configuration = configuration
        .iter()
        .find(|block| section.contains(*block))
        .expect("a configuration");
    let commands = section.lines().filter_map(|line| line.strip_prefix("$ "));
    let commands: Vec<_> = commands.collect();
    let [init, issue, hello, revoke, again] = commands[..] else {
        panic!("{commands:?}");
    };

    let sandbox = Sandbox::new();
    let run = |command: &str| {
        let words: Vec<_> = command.split(' ').collect();
        sandbox.run(&words).expect_success();
    };
    run(init);
    run(issue);
    let host = fedmsg::host_name();
    assert!(configuration.contains("\"shell.myhost\""));
    sandbox.write("fedmsg.toml", &configuration.replace("myhost", &host));

    let (inbound, outbound) = (free_tcp_port(), free_tcp_port());
    let command = |words: &[&str]| {
        let mut command = sandbox.command(words);
        command.env("FEDMSG_RELAY_INBOUND", loopback(inbound));
        command.env("FEDMSG_ENDPOINTS__RELAY_OUTBOUND", loopback(outbound));
        command
    };
    // What is logged before `tail` listens is lost: until it says something, it is logged again.
    let said = |tail: &mut Process, line: &str| {
        let (text, program) = line.split_once(" | ").expect("a pipe");
        let text = text.strip_prefix("echo ").expect("an input");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut logger = Process::start(command(&[program]));
            logger.write_line(text);
            logger.finish().expect_success();
            if let Some(said) = tail.line_within(PROBE) {
                return (said, format!("\"log\": \"{text}\""));
            }
            assert!(Instant::now() < deadline, "nothing is heard of {text}");
        }
    };
    let _relay = Process::start(command(&["fedmsg-relay"]));
    let tail = |flags: &[&str]| {
        let command = command(&[&["fedmsg-tail"], flags].concat());
        Process::start(in_shell(WITH_LOG, &command))
    };
    let (said_of_hello, text) = said(&mut tail(&[]), hello);
    assert!(said_of_hello.contains(&text), "{said_of_hello}");

    run(revoke);
    // One that runs already has the new list within ten seconds, one that starts now at once.
    let (said_of_again, _) = said(&mut tail(&[]), again);
    assert!(
        said_of_again.contains("app01 is revoked"),
        "{said_of_again}"
    );
    let (said_of_again, text) = said(&mut tail(&["--no-validate"]), again);
    assert!(said_of_again.contains(&text), "{said_of_again}");
}
