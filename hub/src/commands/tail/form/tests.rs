//! Each form of one message, and of bodies that are none.

use super::*;

const BODY: &str = r#"{"topic":"org.a","msg":{"n":1.50,"s":"é","l":[1]},"timestamp":0,"username":"ada","certificate":"C","signature":"S"}"#;

fn write(form: &Form, body: &str) -> Result<String, DecodeError> {
    let envelope = Envelope::from_frames("org.a".into(), body.to_owned().into()).unwrap();
    let mut out = Vec::new();
    let written = form.write(envelope, &mut out).unwrap();
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

/// Counts what is written, and how much of it at once at most.
#[derive(Default)]
struct Meter {
    all: usize,
    at_once: usize,
}

impl Write for Meter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.all += bytes.len();
        self.at_once = self.at_once.max(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A list of `items` numbers on level `depth` of a body.
fn deep(depth: usize, items: usize) -> String {
    let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
    format!(
        "{{\"topic\":\"org.a\",\"msg\":{open}1{}{close}}}",
        ",1".repeat(items - 1)
    )
}

#[test]
fn what_is_a_thousand_times_as_long_when_it_is_indented_is_never_held_as_a_whole() {
    let body = deep(511, 1000);
    let envelope = Envelope::from_frames("org.a".into(), body.into()).unwrap();
    for form in [
        Form::Pretty,
        Form::ReallyPretty { colour: false },
        Form::ReallyPretty { colour: true },
    ] {
        let mut meter = Meter::default();
        form.write(envelope.clone(), &mut meter).unwrap().unwrap();
        assert!(meter.all > 1_000_000, "{form:?}: {}", meter.all);
        assert!(meter.at_once < 100, "{form:?}: {}", meter.at_once);
    }
}

#[test]
fn an_error_of_the_output_is_its_own_and_ends_the_writing() {
    let envelope = Envelope::from_frames("org.a".into(), deep(511, 1000).into()).unwrap();
    for colour in [false, true] {
        let mut room = [0; 5000];
        let mut out = &mut room[..];
        let form = Form::ReallyPretty { colour };
        let error = form.write(envelope.clone(), &mut out).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
        assert!(
            room.starts_with(b"\n{\n") && !room.contains(&0),
            "it is full"
        );
    }
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
