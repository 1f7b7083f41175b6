//! What a template says about messages, and which templates are refused.

use super::*;

fn processors() -> Arc<Processors> {
    Arc::new(Processors::for_prefix("org").unwrap())
}

fn template(source: &str, is_terminal: bool) -> Result<Template, BadExpression> {
    Template::new(source, processors(), is_terminal)
}

const BODY: &str = concat!(
    r#"{"topic": "org.dev.logger.log", "msg": {"log": "té \u001b[1m\ud83d", "n": [1, 2.5, null]},"#,
    r#" "timestamp": 0, "username": "ada", "i": 123456789012345678901234567890}"#,
);

fn render(source: &str, is_terminal: bool) -> Result<String, String> {
    let envelope = Envelope::from_frames("org.dev.logger.log".into(), BODY.into()).unwrap();
    template(source, is_terminal).unwrap().render(&envelope)
}

#[test]
fn a_template_has_what_the_envelope_has_and_what_is_said_about_it() {
    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(render(source, false).unwrap(), expected);
    }
    check(
        "{{ topic }} {{ i }} {{ timestamp }}",
        "org.dev.logger.log 123456789012345678901234567890 0",
    );
    check(
        "{{ username }}: {{ title }} {{ subtitle }}|{{ link }}|",
        "ada: log té \u{1b}[1m\u{fffd} (ada)||",
    );
    check(
        "{{ usernames | join }}{{ packages }} {{ processor }} {{ agent }}",
        "ada[] logger ada",
    );
    check("{% for n in msg.n %}{{ n }};{% endfor %}", "1;2.5;None;");
    check(
        "{{ body.username }}{{ msg.nothing | default('-') }}{% if msg.x %}x{% endif %}",
        "ada-",
    );
    check("<{{ '<' }}>", "<<>");
    check("{{ 1479826068.7 | strftime('%Y') }}", "2016");
}

#[test]
fn what_is_not_there_is_an_error_of_the_message() {
    for source in [
        "{{ msg_id }}",
        "{{ msg.nothing }}",
        "{{ msg.nothing.at.all }}",
        "{{ msg.log | strftime('%Y') }}",
        "{{ 1e300 | strftime('%Y') }}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
    ] {
        let error = render(source, false).unwrap_err();
        assert!(error.starts_with("--format, line 1"), "{error}");
    }
}

#[test]
fn a_bad_template_is_refused_with_the_place() {
    #[track_caller]
    fn check(source: &str, words: &[&str]) {
        let error = template(source, false).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "no {word:?} in {error}");
        }
    }
    check(
        "a\n{{ msg.x ",
        &["--format, line 2, column ", "\n  {{ msg.x"],
    );
    check(
        "{{ tpoic }}",
        &[
            "line 1, column 4: there is no tpoic, but agent, ",
            "\n  {{ tpoic }}\n     ^^^^^",
        ],
    );
    check("{{ msg | nonsense }}", &["line 1, column 10", "nonsense"]);
    check(
        "{% if msg.a is nonsense %}{% endif %}",
        &["line 1", "nonsense"],
    );
    check("{% include 'x' %}", &["line 1"]);
    check("{% if %}", &["line 1, column "]);
}

#[test]
fn a_terminal_gets_no_commands_from_a_peer_but_from_the_user() {
    let text = render("\u{1b}[2m{{ msg.log }}{{ msg }}", true).unwrap();
    let (of_user, of_peer) = text.split_at("\u{1b}[2m".len());
    assert_eq!(of_user, "\u{1b}[2m");
    assert!(
        of_peer.contains("\\u{1b}[1m") && !of_peer.contains('\u{1b}'),
        "{text}"
    );
}
