//! What a template makes of values, and which templates are refused.

use super::*;
use crate::json::Value;

const NAMES: [&str; 3] = ["msg", "n", "text"];

fn render(source: &str) -> Result<String, TemplateError> {
    let msg = Value::parse(
        br#"{"log": "t\u00e9 \ud83d", "n": [1, 2.5, null], "big": 123456789012345678901234567890}"#,
    );
    let variables = Variables::new()
        .with("text", "<&>")
        .with_json("msg", &msg.unwrap());
    Template::compile(source, &NAMES)?.render(&variables)
}

#[test]
fn values_are_shown_as_they_are() {
    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(render(source).unwrap(), expected);
    }
    check("", "");
    check("{{ text }} {{ '<' }}", "<&> <");
    check(
        "{{ msg.log }} {{ msg.big }}",
        "té \u{fffd} 123456789012345678901234567890",
    );
    check("{% for n in msg.n %}{{ n }};{% endfor %}", "1;2.5;None;");
    check("{{ msg.n | tojson }}", "[1, 2.5, null]");
    check("{{ n | default('-') }}{% if msg.x %}x{% endif %}", "-");
    check(
        "{{ 1479826068.7 | strftime('%F %T') }}",
        "2016-11-22 14:47:48",
    );
    check("{% set a = 3 %}{{ range(a) | list | length }}", "3");
}

#[test]
fn what_is_not_there_and_what_takes_too_long_is_an_error_of_the_rendering() {
    for source in [
        "{{ n }}",
        "{{ msg.nothing }}",
        "{{ msg.nothing.at.all }}",
        "{{ msg.log | strftime('%Y') }}",
        "{{ 1e300 | strftime('%Y') }}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
        "{% set ns = namespace(x='xxxxxxxx') %}{% for _ in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    ] {
        assert!(Template::compile(source, &NAMES).is_ok(), "{source}");
        let error = render(source).unwrap_err().to_string();
        assert!(error.starts_with("line 1"), "{error}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    #[track_caller]
    fn check(source: &str, expected: &str) {
        let error = render(source).unwrap_err();
        assert!(error.reason().contains(expected), "{error}");
    }
    check("{{ n }}", "`n` is undefined");
    check("{{ msg.nothing }}", "`msg.nothing` is undefined");
    check("{{ msg.nothing.at.all }}", "`msg.nothing` is undefined");
    check("{{ msg.log ~ msg['no'] }}", "`msg['no']` is undefined");
    check("{{ n + 1 }}", "`n` is undefined");
    check("{% for x in msg.x.y %}{% endfor %}", "`msg.x` is undefined");
}

#[test]
fn a_bad_template_is_refused_with_the_place() {
    #[track_caller]
    fn check(source: &str, place: &str, words: &str) {
        let error = render(source).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(place) && text.contains(words), "{text}");
        assert!(
            error
                .place()
                .is_some_and(|place| place.start <= source.len())
        );
        assert!(text.ends_with(error.reason()));
    }
    check("a\n{{ msg.x ", "line 2, column ", "");
    check(
        "é{{ tpoic }}",
        "line 1, column 5: ",
        "there is no tpoic, but msg, n, text",
    );
    check("{{ msg | nonsense }}", "line 1, column 10: ", "nonsense");
    check(
        "{% if msg.a is nonsense %}{% endif %}",
        "line 1",
        "nonsense",
    );
    check("{% include 'x' %}", "line 1", "");
    check("{% if %}", "line 1, column ", "");
}

#[test]
fn it_knows_which_variables_it_needs() {
    let template = Template::compile("{{ msg.text }}{{ range(n) }}", &NAMES).unwrap();
    assert!(template.uses("msg") && template.uses("n"));
    assert!(!template.uses("text") && !template.uses("range"));
}

#[test]
fn one_template_is_rendered_again_and_again_with_all_its_fuel() {
    let template =
        Template::compile("{% for _ in range(50000) %}{% endfor %}{{ n }}", &NAMES).unwrap();
    for n in 0..40 {
        let variables = Variables::new().with("n", n);
        assert_eq!(template.render(&variables).unwrap(), n.to_string());
    }
}
