//! What expressions make of a message, and which are refused.

use super::*;

const BODY: &str = concat!(
    r#"{"topic": "org.a", "msg": {"s": "té \u001b[1m\ud83d", "n": [1, 2.50, null], "#,
    r#""big": 123456789012345678901234567890, "json": "{\"a\": 1}"}}"#,
);

fn compile(expression: &str) -> Result<Jq, BadExpression> {
    Jq::new(expression, Strings::Quoted, false)
}

fn run(jq: &Jq, body: &str) -> (String, Option<String>) {
    let mut out = Vec::new();
    let results = jq.run(&Value::parse_str(body).unwrap(), &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out.lines().count() as u64, results.written);
    (out, results.error)
}

#[test]
fn each_result_is_a_line_of_json() {
    #[track_caller]
    fn check(expression: &str, expected: &str) {
        let (out, error) = run(&compile(expression).unwrap(), BODY);
        assert_eq!((&*out, error), (expected, None), "{expression}");
    }
    check(".topic", "\"org.a\"\n");
    check(".msg.n[]", "1\n2.5\nnull\n");
    check(".msg | keys", "[\"big\",\"json\",\"n\",\"s\"]\n");
    check(".msg.big", "123456789012345678901234567890\n");
    check(".msg.s", "\"té \\u001b[1m\u{fffd}\"\n");
    check("select(.topic == \"x\")", "");
    check("[.msg.n[] | numbers] | add", "3.5\n");
    check(".msg.json | fromjson | .a", "1\n");
    check("\"1\", \"null\" | tonumber?", "1\n");
    check("try (.msg.s | fromjson) catch \"no\"", "\"no\"\n");
    check("first(range(1; infinite))", "1\n");
    check("# nothing\n{topic}", "{\"topic\":\"org.a\"}\n");
    check(
        ".topic | test(\"^org\") and (ltrimstr(\"org.\") == \"a\")",
        "true\n",
    );
    check("0 | todate", "\"1970-01-01T00:00:00Z\"\n");
}

#[test]
fn strings_may_be_raw() {
    let jq = Jq::new(".topic, .msg.n", Strings::Raw, false).unwrap();
    assert_eq!(run(&jq, BODY), ("org.a\n[1,2.5,null]\n".to_owned(), None));
    let jq = Jq::new(".msg.s", Strings::Raw, true).unwrap();
    assert_eq!(run(&jq, BODY).0, "té \\u{1b}[1m\u{fffd}\n");
}

#[test]
fn an_error_is_of_one_message_and_comes_after_its_results() {
    #[track_caller]
    fn check(expression: &str, expected: &str, word: &str) {
        let (out, error) = run(&compile(expression).unwrap(), BODY);
        assert_eq!(out, expected);
        let error = error.unwrap();
        assert!(
            error.contains(word) && error.len() <= LONGEST_ERROR,
            "{error}"
        );
    }
    check(".topic, .topic.x, 1", "\"org.a\"\n", "cannot index");
    check("error(\"mine\")", "", "mine");
    check("halt", "", "halt");
    check("[range(1000)] | error", "", "[0,1,2");
}

#[test]
fn deep_nesting_does_no_harm() {
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for expression in [
        ".",
        "[..] | length",
        "tojson | fromjson",
        ". == .",
        "[paths] | length",
        "walk(.)",
    ] {
        let (out, error) = run(&compile(expression).unwrap(), &deep(500));
        assert!(
            error.is_none() && !out.is_empty(),
            "{expression}: {error:?}"
        );
    }
    let text = format!("\"{}\"", "[".repeat(1_000_000));
    let (_, error) = run(&compile("fromjson").unwrap(), &text);
    let error = error.unwrap();
    assert!(error.contains("fromjson: "), "{error}");
    let text = format!("\"{}\"", "[".repeat(1_000_000));
    let (_, error) = run(&compile("tonumber").unwrap(), &text);
    assert!(error.is_some());
}

#[test]
fn a_bad_expression_is_refused_with_the_place() {
    #[track_caller]
    fn check(expression: &str, place: &str, reason: &str) {
        let error = compile(expression).err().unwrap().to_string();
        assert!(error.starts_with(&format!("--jq, {place}: ")), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    check(".msg | ", "line 1, column 7", "expected term");
    check("", "line 1, column 1", "expected term");
    check(
        ".a | nonsense(1) | .b",
        "line 1, column 6",
        "undefined filter",
    );
    check(".a\n| $x", "line 2, column 3", "undefined variable");
    check("\"é\" | (.b", "line 1, column 10", "closing parenthesis");
    check(".a § .b", "line 1, column 4", "expected");
    check(".a .b)", "line 1, column 6", "expected");
    check("if . then 1", "line 1, column 12", "expected else or end");
    check("input", "line 1, column 1", "undefined filter");
    check("include \"x\"; .", "line 1, column 10", "not supported");
}

#[test]
fn an_error_of_the_output_ends_an_endless_expression() {
    let mut room = [0; 100];
    let mut out = &mut room[..];
    let jq = compile("repeat(.topic)").unwrap();
    let error = jq.run(&Value::parse_str(BODY).unwrap(), &mut out);
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::WriteZero);
}
