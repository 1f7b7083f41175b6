//! Each form of one message, and of bodies that are none.

use fedmsg::Envelope;

use super::*;

const BODY: &str = r#"{"topic":"org.a","msg":{"n":1.50,"s":"é","l":[1]},"timestamp":0,"username":"ada","certificate":"C","signature":"S"}"#;

fn write(form: &Form, body: &str) -> Result<String, DecodeError> {
    let envelope = Envelope::from_frames("org.a".into(), body.to_owned().into()).unwrap();
    let delivery = Delivery::new(envelope, "test".into());
    let mut out = Vec::new();
    let written = form.write(&delivery, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(written.is_ok() || out.is_empty(), "an error writes nothing");
    written.map(|()| out)
}

fn check(form: &Form, body: &str, expected: &str) {
    assert_eq!(write(form, body).unwrap(), expected);
}

#[test]
fn a_line_has_no_credentials() {
    let line = r#"{"topic": "org.a", "msg": {"n": 1.5, "s": "\u00e9", "l": [1]}, "timestamp": 0, "username": "ada"}"#;
    check(&Form::Line, BODY, &format!("{line}\n"));
}

#[test]
fn received_is_what_was_received() {
    check(&Form::Received, BODY, &format!("{BODY}\n"));
    check(&Form::Received, "{\"topic\":\n1}", "{\"topic\": 1}\n");
    check(&Form::Received, "{\"topic\":\r1}", "{\"topic\": 1}\n");
    check(
        &Form::Received,
        "[1]",
        "{\"topic\": \"org.a\", \"msg\": [1]}\n",
    );
}

#[test]
fn queries_give_values_and_null() {
    check(
        &Form::query("msg.s, msg.n,nope.x,msg.l"),
        BODY,
        "é, 1.5, null, [1]\n",
    );
    check(
        &Form::query("msg"),
        BODY,
        "{\"n\": 1.5, \"s\": \"\\u00e9\", \"l\": [1]}\n",
    );
}

#[test]
fn really_pretty_is_indented_and_coloured_on_a_terminal() {
    let body = r#"{"topic":"org.a","msg":"x"}"#;
    let plain = "\n{\n  \"topic\": \"org.a\",\n  \"msg\": \"x\"\n}\n";
    check(&Form::ReallyPretty { colour: false }, body, plain);
    let coloured = write(&Form::ReallyPretty { colour: true }, body).unwrap();
    assert!(coloured.contains("\u{1b}[33m\"x\"\u{1b}[39;49;00m"));
}

#[test]
fn pretty_has_a_readable_time() {
    let pretty = write(&Form::Pretty, BODY).unwrap();
    assert!(
        pretty.contains(" 1970\"") || pretty.contains(" 1969\""),
        "{pretty}"
    );
}

#[test]
fn what_is_no_json_is_an_error_and_writes_nothing() {
    for body in ["not json", "{\"topic\":", ""] {
        for form in [Form::Line, Form::Received, Form::Pretty, Form::query("msg")] {
            assert!(matches!(write(&form, body), Err(DecodeError::Json(_))));
        }
    }
}
