//! Each form of one message, and of bodies that are none.

use super::*;

const BODY: &str = r#"{"topic":"org.a","msg":{"n":1.50,"s":"é","l":[1]},"timestamp":0,"username":"ada","certificate":"C","signature":"S"}"#;

fn write(shape: Shape, is_terminal: bool, body: &str) -> (Written, String) {
    let envelope = Envelope::from_frames("org.a".into(), body.to_owned().into()).unwrap();
    let mut out = Vec::new();
    let form = Form { shape, is_terminal };
    let written = form.write(envelope, &mut out).unwrap();
    (written, String::from_utf8(out).unwrap())
}

#[track_caller]
fn shown(shape: Shape, body: &str) -> String {
    let (written, out) = write(shape, false, body);
    assert!(matches!(written, Written::Shown), "{written:?}");
    out
}

#[track_caller]
fn check(shape: Shape, body: &str, expected: &str) {
    assert_eq!(shown(shape, body), expected);
}

fn query(paths: &str) -> Shape {
    Shape::Query(Query::new(paths), Credentials::Kept)
}

const PRETTY: Shape = Shape::Indented {
    colour: false,
    time: Time::Readable,
};

const REALLY_PRETTY: Shape = Shape::Indented {
    colour: false,
    time: Time::Number,
};

const COLOURED: Shape = Shape::Indented {
    colour: true,
    time: Time::Number,
};

fn processors() -> Arc<Processors> {
    Arc::new(Processors::for_prefix("org.example").unwrap())
}

#[test]
fn a_line_has_no_credentials() {
    let line = r#"{"topic": "org.a", "msg": {"n": 1.5, "s": "\u00e9", "l": [1]}, "timestamp": 0, "username": "ada"}"#;
    check(Shape::Line, BODY, &format!("{line}\n"));
}

#[test]
fn received_is_what_was_received() {
    check(Shape::Received, BODY, &format!("{BODY}\n"));
    check(Shape::Received, "{\"topic\":\n1}", "{\"topic\": 1}\n");
    check(Shape::Received, "{\"topic\":\r1}", "{\"topic\": 1}\n");
    check(
        Shape::Received,
        "[1]",
        "{\"topic\": \"org.a\", \"msg\": [1]}\n",
    );
}

#[test]
fn queries_give_values_and_null() {
    check(
        query("msg.s, msg.n,nope.x,msg.l"),
        BODY,
        "é, 1.5, null, [1]\n",
    );
    check(
        query("msg"),
        BODY,
        "{\"n\": 1.5, \"s\": \"\\u00e9\", \"l\": [1]}\n",
    );
}

#[test]
fn really_pretty_is_indented_and_coloured_on_a_terminal() {
    let body = r#"{"topic":"org.a","msg":"x"}"#;
    let plain = "\n{\n  \"topic\": \"org.a\",\n  \"msg\": \"x\"\n}\n";
    check(REALLY_PRETTY, body, plain);
    let coloured = shown(COLOURED, body);
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
    for (shape, is_terminal) in [(PRETTY, false), (REALLY_PRETTY, false), (COLOURED, true)] {
        let mut meter = Meter::default();
        let form = Form { shape, is_terminal };
        form.write(envelope.clone(), &mut meter).unwrap();
        assert!(meter.all > 1_000_000, "{}", meter.all);
        assert!(meter.at_once < 100, "{}", meter.at_once);
    }
}

#[test]
fn an_error_of_the_output_is_its_own_and_ends_the_writing() {
    let envelope = Envelope::from_frames("org.a".into(), deep(511, 1000).into()).unwrap();
    for shape in [REALLY_PRETTY, COLOURED] {
        let mut room = [0; 5000];
        let mut out = &mut room[..];
        let is_terminal = false;
        let form = Form { shape, is_terminal };
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
    let is_readable = |text: &str| text.contains(" 1970") || text.contains(" 1969");
    let pretty = shown(PRETTY, BODY);
    assert!(is_readable(&pretty), "{pretty}");
    let paths = Query::new("timestamp,signature");
    let queried = shown(Shape::Query(paths, Credentials::Removed), BODY);
    assert!(is_readable(&queried) && queried.ends_with(", null\n"));
    check(query("timestamp,signature"), BODY, "0, S\n");
}

/// A line of a log, with what a terminal would obey.
const LOG: &str =
    r#"{"topic":"org.example.dev.logger.log","msg":{"log":"a\u001b[2J"},"username":"ada"}"#;

#[test]
fn terse_and_the_cow_say_it_in_words() {
    let terse = "\nlogger.log -- a\u{1b}[2J (ada) \n";
    check(Shape::Terse(processors()), LOG, terse);
    let cow = shown(Shape::Cow(processors()), LOG);
    assert!(cow.starts_with("\n ____"), "{cow}");
    assert!(cow.contains("\n< a\\u{1b}[2J (ada) >\n"), "{cow}");
}

#[test]
fn a_terminal_gets_no_commands() {
    let jq = || Jq::new(".msg.log", super::super::jq::Strings::Raw, true).unwrap();
    for shape in [
        Shape::Terse(processors()),
        query("msg.log"),
        Shape::Jq(Box::new(jq())),
    ] {
        let (_, out) = write(shape, true, LOG);
        assert!(out.contains("a\\u{1b}[2J"), "{out}");
    }
}

#[test]
fn an_expression_may_show_nothing_or_fail() {
    let jq = |expression| {
        let jq = Jq::new(expression, super::super::jq::Strings::Quoted, false);
        write(Shape::Jq(Box::new(jq.unwrap())), false, BODY)
    };
    assert!(matches!(jq("empty"), (Written::Nothing, out) if out.is_empty()));
    assert!(matches!(jq(".i, .topic"), (Written::Shown, out) if out == "null\n\"org.a\"\n"));
    assert!(
        matches!(jq(".topic, .topic.x"), (Written::Failed { has_shown: true, .. }, out) if out == "\"org.a\"\n")
    );
    let template = Template::new("{{ i }}", processors(), false).unwrap();
    let (written, out) = write(Shape::Template(Box::new(template)), false, BODY);
    assert!(
        matches!(
            written,
            Written::Failed {
                has_shown: false,
                ..
            }
        ) && out.is_empty()
    );
}

#[test]
fn what_is_no_json_is_malformed_and_writes_nothing() {
    for body in ["not json", "{\"topic\":", ""] {
        for shape in [
            Shape::Line,
            Shape::Received,
            PRETTY,
            query("msg"),
            Shape::Terse(processors()),
        ] {
            let (written, out) = write(shape, false, body);
            assert!(matches!(written, Written::Malformed(DecodeError::Json(_))));
            assert_eq!(out, "");
        }
    }
}
