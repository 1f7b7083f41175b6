//! What a program is given, what is said of its end, and that none outlives its time.

use std::fs::{read_to_string, write};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

const NOTHING: &Variables = &[];

fn shell(script: &str) -> Command {
    Command::new("/bin/sh").args(["-c", script])
}

/// Returns what a script writes to `$OUT`, given this input.
async fn written(command: Command, input: &[u8], variables: &Variables) -> String {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let command = command.env("OUT", &out);
    let outcome = command.attempt(input, variables).await.unwrap();
    assert_eq!(outcome, Outcome::Success);
    read_to_string(out).unwrap()
}

#[tokio::test]
async fn arguments_input_and_variables_arrive_as_they_are() {
    let hostile = "'; touch /tmp/x; \" $(id) `id` \n\\ \u{1b}[31m é";
    let script = r#"{ printf '%s|' "$@"; printf '%s|' "$X" "${FEDMSG_TOPIC-none}"; cat; } >"$OUT""#;
    let command = shell(script).args(["sh", hostile, ""]).env("X", hostile);
    let variables = [("FEDMSG_TOPIC", Some(hostile.to_owned()))];
    let expected = format!("{hostile}||{hostile}|{hostile}|{hostile}");
    assert_eq!(
        written(command.clone(), hostile.as_bytes(), &variables).await,
        expected
    );
    let variables = [("FEDMSG_TOPIC", None)];
    let command = command.env("FEDMSG_TOPIC", "of the parent");
    assert_eq!(
        written(command, b"", &variables).await,
        format!("{hostile}||{hostile}|none|")
    );
}

#[tokio::test]
async fn an_input_of_megabytes_arrives_whole() {
    let input: Vec<u8> = (0..8 << 20).map(|n: u32| b'a' + (n % 26) as u8).collect();
    let out = written(shell("cat >\"$OUT\""), &input, NOTHING).await;
    assert!(out.as_bytes() == input, "{} bytes", out.len());
}

#[tokio::test]
async fn nothing_of_this_process_is_inherited_but_the_standard_streams() {
    // The test runner itself may have inherited more.
    let script = "ls /proc/self/fd | tr '\\n' ' ' >\"$OUT\"";
    let before = written(shell(script), b"", NOTHING).await;
    let _file = tempfile::tempfile().unwrap();
    let _socket = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let _pipe = io::pipe().unwrap();
    assert_eq!(written(shell(script), b"", NOTHING).await, before);
    let script = "env | cut -d= -f1 | grep -v -e _ -e PWD -e SHLVL | sort | tr '\\n' ' ' >\"$OUT\"";
    assert_eq!(
        written(shell(script).clear_env(), b"", NOTHING).await,
        "OUT PATH "
    );
}

#[tokio::test]
async fn the_outcome_says_how_it_ended() {
    async fn check(script: &str, expected: Outcome, text: &str) {
        let outcome = shell(script).attempt(b"", NOTHING).await.unwrap();
        assert_eq!(
            (outcome, &*outcome.to_string()),
            (expected, text),
            "{script}"
        );
    }
    check("exit 0", Outcome::Success, "succeeded").await;
    check(
        "exit 3",
        Outcome::Failed { code: 3 },
        "returned error code 3",
    )
    .await;
    let signal = 9;
    check(
        "kill -9 $$",
        Outcome::Killed { signal },
        "was ended by signal 9",
    )
    .await;
}

#[tokio::test]
async fn a_program_need_not_read_its_input_nor_a_daemon_of_it_end() {
    let input = vec![b'x'; 1 << 20];
    for script in ["exit 0", "exec <&-; exit 0", "head -c 10 >/dev/null"] {
        let outcome = shell(script).attempt(&input, NOTHING).await.unwrap();
        assert_eq!(outcome, Outcome::Success, "{script}");
    }
    // It holds the standard input, and does not read it; we kill it by the number that it leaves.
    let script = "sleep 1000 <&0 & echo $! >\"$OUT\"";
    let start = Instant::now();
    let daemon = written(shell(script), &input, NOTHING).await;
    assert!(start.elapsed() < Duration::from_secs(60));
    let daemon = rustix::process::Pid::from_raw(daemon.trim().parse().unwrap());
    rustix::process::kill_process(daemon.unwrap(), Signal::KILL).expect("it goes on");
}

#[tokio::test]
async fn a_program_whose_time_is_up_is_ended_with_all_that_it_has_started() {
    // Both ignore SIGTERM; the second holds a pipe, whose other end we read until nobody does.
    let (mut ours, theirs) = io::pipe().unwrap();
    let limit = Duration::from_millis(200);
    let script = "trap '' TERM; echo ready; sleep 1000 & sleep 1000";
    let command = shell(script).time_limit(limit).grace(limit);
    let theirs = Stdio::from(theirs);
    let mut process = command.process(NOTHING);
    process.stdout(theirs);
    let (mut child, mut group) = ProcessGroup::spawn(&mut process).unwrap();
    drop(process); // it holds the pipe, too
    io::Read::read_exact(&mut ours, &mut [0; b"ready\n".len()]).unwrap();
    let start = Instant::now();
    let outcome = command.end(&mut child, &group).await.unwrap();
    let took = start.elapsed();
    group.is_gone();
    assert_eq!(outcome, Outcome::TimedOut { after: limit });
    assert!(took >= limit, "it has no grace: {took:?}");
    io::Read::read_to_end(&mut ours, &mut Vec::new()).unwrap();

    let start = Instant::now();
    let outcome = command.attempt(&[b'x'; 1 << 20], NOTHING).await.unwrap();
    let took = start.elapsed();
    assert_eq!(outcome.to_string(), "took longer than 200ms and was ended");
    // Perhaps before it ignores SIGTERM, on a machine that is busy.
    assert!((limit..Duration::from_secs(60)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_program_that_obeys_need_not_wait_for_the_end_of_the_grace() {
    let command = shell("exec sleep 1000").time_limit(Duration::from_millis(50));
    let command = command.grace(Duration::from_secs(1000));
    let outcome = command.attempt(b"", NOTHING).await.unwrap();
    assert!(matches!(outcome, Outcome::TimedOut { .. }));
}

#[tokio::test]
async fn a_run_leaves_nothing_behind_where_that_is_asked_for() {
    let (mut ours, theirs) = io::pipe().unwrap();
    let command = shell("sleep 1000 <&0 & exit 3").ends_group();
    let mut process = command.process(NOTHING);
    process.stdout(theirs);
    let (mut child, group) = ProcessGroup::spawn(&mut process).unwrap();
    drop(process);
    let outcome = command
        .attend(&mut child, group, b"", pending())
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::Failed { code: 3 });
    io::Read::read_to_end(&mut ours, &mut Vec::new()).unwrap();
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_nothing_behind() {
    let (mut ours, theirs) = io::pipe().unwrap();
    let mut process = shell("sleep 1000 & sleep 1000").process(NOTHING);
    process.stdout(theirs);
    let (child, group) = ProcessGroup::spawn(&mut process).unwrap();
    drop((process, group, child));
    io::Read::read_to_end(&mut ours, &mut Vec::new()).unwrap();
}

#[tokio::test]
async fn it_is_tried_until_it_succeeds() {
    let folder = TempDir::new().unwrap();
    let script = "echo x >>log; test $(wc -l <log) -ge 3";
    let retry = |attempts| RetryConfig {
        attempts,
        first_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(1),
    };
    let command = Command::new("env").args(["-C"]).args([folder.path()]);
    let command = command.args(["/bin/sh", "-c", script]);
    let run = command.clone().retry(retry(2)).run(b"", NOTHING).await;
    assert_eq!((run.is_success(), run.attempts), (false, 2));
    assert!(matches!(run.result, Ok(Outcome::Failed { code: 1 })));
    let run = command.retry(retry(5)).run(b"", NOTHING).await;
    assert_eq!((run.is_success(), run.attempts), (true, 1));
}

#[tokio::test]
async fn a_program_that_cannot_be_run_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    write(&file, "no program").unwrap();
    let missing = folder.path().join("missing");
    let check = async |program: &Path, reason: &str| {
        let command = Command::new(program);
        let found = command.find().map_err(|error| error.to_string());
        let ran = command.attempt(b"", NOTHING).await;
        let expected = format!("cannot run {}: {reason}", program.display());
        assert_eq!(ran.unwrap_err().to_string(), expected);
        assert_eq!(found.unwrap_err(), expected);
    };
    check(&missing, "No such file or directory (os error 2)").await;
    check(&file, "Permission denied (os error 13)").await;
    check(folder.path(), "Permission denied (os error 13)").await;
    assert!(Command::new("no-such-program-at-all").find().is_err());
    assert!(Command::new("sh").find().is_ok());

    // Executable, but nothing that the system can execute.
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&file, executable).unwrap();
    assert!(Command::new(&file).find().is_ok());
    let ran = Command::new(&file).attempt(b"", NOTHING).await;
    assert!(ran.unwrap_err().to_string().contains("Exec format error"));
}
