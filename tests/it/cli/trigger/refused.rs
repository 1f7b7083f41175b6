//! Command lines of `fedmsg-trigger` that cannot work.

use super::TRIGGER;
use crate::cli::check_failure;
use crate::peers::free_tcp_port;
use crate::sandbox::{Sandbox, Settings};

#[test]
fn a_command_line_that_cannot_work_is_refused() {
    let sandbox = Sandbox::with(&Settings::new().endpoint("svc.host", free_tcp_port()));
    let check = |arguments: &[&str], status: i32, words: &[&str]| {
        check_failure(
            &sandbox.run(&[&[TRIGGER], arguments].concat()),
            status,
            words,
        );
    };
    let missing = ["fedmsg-trigger: You must provide a --command to run.\n"];
    check(&[], 1, &missing);
    check(&["--command", "  "], 1, &missing);
    check(&["--command", ""], 1, &missing);
    check(&["--command", "''"], 1, &missing);
    check(&["--"], 1, &missing);
    check(&["--command", "cat 'x"], 2, &["--command", "quotation"]);
    check(&["--command", "cat", "--", "cat"], 2, &["--command"]);
    check(&["--shell", "--", "cat"], 2, &["--shell"]);
    check(&["--shell"], 2, &["--command"]);
    check(&["cat"], 2, &["'cat'"]);
    let none = "cannot run /no/such/thing: No such file or directory";
    check(&["--command", "/no/such/thing x"], 69, &[none]);
    check(
        &["--", "no-such-program"],
        69,
        &["cannot run no-such-program: No such"],
    );
    check(&["--", "./fedmsg.toml"], 69, &["Permission denied"]);
    check(
        &["--include", "a(b", "--", "cat"],
        2,
        &["--include, line 1, column 4", "  a(b\n"],
    );
    check(&["--exclude", "[", "--", "cat"], 2, &["--exclude", "  [\n"]);
    check(&["--topic", "a*", "--", "cat"], 2, &["a*"]);
    check(&["--once", "--wait-for", "1", "--", "cat"], 2, &["--once"]);
    for bad in ["-1", "soon", "inf", "nan", "1e30"] {
        check(
            &["--wait-for", bad, "--", "cat"],
            2,
            &["invalid value", bad],
        );
        check(
            &["--time-limit", bad, "--", "cat"],
            2,
            &["invalid value", bad],
        );
    }
    check(&["--concurrency", "0", "--", "cat"], 2, &["--concurrency"]);
    let nobody = Sandbox::with(&Settings::new());
    let finished = nobody.run(&[TRIGGER, "--log", "warn", "--", "cat"]);
    check_failure(&finished, 69, &["no endpoint"]);
}
