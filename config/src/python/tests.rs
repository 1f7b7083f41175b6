//! What programs come to.

use proptest::prelude::*;

use super::*;

fn machine() -> Machine {
    Machine {
        directory: "/srv/fedmsg".to_owned(),
        host: "app01.example.org".to_owned(),
    }
}

/// Writes a value shortly.
fn short(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(is) => is.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Text(text) => format!("{text:?}"),
        Value::List(items) => {
            format!(
                "[{}]",
                items.iter().map(short).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Dict(dict) => {
            let entries = dict
                .iter()
                .map(|it| format!("{}: {}", it.key, short(&it.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Named(name) => format!("<{name}>"),
        Value::Unknown(why) => format!("?{}", why.line),
    }
}

/// Checks what an expression comes to; `?` and its line for what is not known.
#[track_caller]
fn check(expression: &str, expected: &str) {
    let text = format!(
        "import os, socket, random, sys\nimport os.path as p\nconfig = {{'x': {expression}}}"
    );
    let program = read(&text, &machine());
    assert_eq!(program.unread, [], "{expression}");
    let value = program.config.get("x").map(short);
    assert_eq!(value.as_deref(), Some(expected), "{expression}");
}

#[test]
fn literals_are_what_python_makes_of_them() {
    check("1", "1");
    check("-1", "-1");
    check("0x10", "16");
    check("0o17", "15");
    check("0b11", "3");
    check("1_000", "1000");
    check("00", "0");
    check("0.5", "0.5");
    check(".5", "0.5");
    check("5.", "5.0");
    check("1e-3", "0.001");
    check("True", "true");
    check("None", "None");
    for unknown in [
        "017",
        "1j",
        "99999999999999999999",
        "1e999",
        "0x",
        "5L",
        "...",
    ] {
        check(unknown, "?3");
    }
}

#[test]
fn strings_have_all_quotes_prefixes_and_escapes() {
    check("'a'", "\"a\"");
    check("\"it's\"", "\"it's\"");
    check("'''a\n'b'\n'''", "\"a\\n'b'\\n\"");
    check("\"\"\"\"a\" \"\"\"", "\"\\\"a\\\" \"");
    check("''", "\"\"");
    check("u'\\u00e9\\x41\\101\\n\\\\\\'\\q'", "\"éAA\\n\\\\'\\\\q\"");
    check("'\\U0001F600'", "\"😀\"");
    check("r'\\d\\''", "\"\\\\d\\\\'\"");
    check("b'\\u0041'", "\"\\\\u0041\"");
    check("bR'a'", "\"a\"");
    check("'a\\\nb'", "\"ab\"");
    check("'a' \"b\" r'c'", "\"abc\"");
    check("('a'\n  'b')", "\"ab\"");
    check("'a' + 'b' + 'c'", "\"abc\"");
    check("f'a'", "\"a\"");
    for unknown in [
        "f'{x}'",
        "'\\ud800'",
        "'\\N{DASH}'",
        "'\\xg1'",
        "'a' f'{x}'",
    ] {
        check(unknown, "?3");
    }
}

#[test]
fn the_name_of_the_program_has_a_placeholder() {
    for name in [
        "sys.argv[0].split('/')[-1]",
        "sys.argv[0].split(os.sep)[-1]",
        "p.basename(sys.argv[0])",
    ] {
        let text = "\"m-{process}.socket\"";
        check(&format!("'m-%s.socket' % {name}"), text);
        check(&format!("'m-{{}}.socket'.format({name})"), text);
        check(&format!("'m-%s.socket' % {name}.upper()"), "?3");
        check(name, "<the name of the program>");
    }
    for unknown in [
        "sys.argv[1]",
        "sys.argv[0].split('-')[-1]",
        "sys.argv[0].split('/')[0]",
        "'%s' % sys.argv[0]",
        "'%s' % p.basename(sys.argv[1])",
    ] {
        check(&format!("'%s' % {unknown}"), "?3");
    }
}

#[test]
fn containers_nest_and_end_with_commas() {
    check("[]", "[]");
    check("()", "[]");
    check("(1,)", "[1]");
    check("(1)", "1");
    check("[1, (2, 3,), 'a',]", "[1, [2, 3], \"a\"]");
    check("{'a': {'b.c': 1}, }", "{a: {b.c: 1}}");
    check("dict(a=1, b=dict(c=[2]),)", "{a: 1, b: {c: [2]}}");
    check("dict({'a.b': 1}, c=2)", "{a.b: 1, c: 2}");
    check("{'a': 1, **{'b': 2}}", "{a: 1, b: 2}");
    check("{'a': 1, 'a': 2}", "{a: 2}");
    check("[1] + [2]", "[1, 2]");
    check("{1, 2}", "?3");
}

#[test]
fn values_are_put_into_texts() {
    check("'%s.x' % 'a'", "\"a.x\"");
    check("'%s:%d%%' % ('a', 5)", "\"a:5%\"");
    check("'%(a)s' % {'a': 1}", "\"1\"");
    check("'%02d|%4s|%-3s|' % (5, 'a', 'b')", "\"05|   a|b  |\"");
    check("'%05s' % 7", "\"    7\"");
    check("'%s' % 1.5", "\"1.5\"");
    check("'tcp://127.0.0.1:%i' % 3001", "\"tcp://127.0.0.1:3001\"");
    check("'%i %d %u' % (1, 2.9, -0.5)", "\"1 2 0\"");
    check("'%i|%4i|%-4d|' % (True, 7, -7)", "\"1|   7|-7  |\"");
    check("'%r %r %r' % ('a', 1.5, None)", r#""'a' 1.5 None""#);
    check(r#"'%r' % "it's""#, "\"\\\"it's\\\"\"");
    let pair = "pair = ('a', 5)\nconfig = {'x': '%s:%i' % pair}";
    check_program(pair, "{x: \"a:5\"}", &[]);
    check("'{}-{1}-{x}'.format('a', 'b', x=3)", "\"a-b-3\"");
    check("'{{}}'.format()", "\"{}\"");
    for unknown in [
        "'%s %s' % 'a'",
        "'%s' % ('a', 'b')",
        "'%s' % ['a']",
        "'%i' % 'a'",
        "'%r' % ['a']",
        "'%i' % 1e300",
        "'%q' % 1",
        "'%' % 1",
        "'%05d' % -5",
        "'%5%' % ()",
        "'{'.format()",
    ] {
        check(unknown, "?3");
    }
    check("'%9999999999d' % 1", "?3");
    check("'a' * 1000000000", "?3");
}

#[test]
fn a_few_functions_are_known() {
    check_program(
        "from os.path import sep as s, join\nfrom os import getcwd\nconfig = {'x': s.join([getcwd(), join('a', 'b')])}",
        "{x: \"/srv/fedmsg/a/b\"}",
        &[],
    );
    check("os.getcwd()", "\"/srv/fedmsg\"");
    check("os.path.sep", "\"/\"");
    check("os.path.sep.join([os.getcwd(), 'a'])", "\"/srv/fedmsg/a\"");
    check("os.path.join('/etc', 'a', 'b')", "\"/etc/a/b\"");
    check("p.join('a', '/b')", "\"/b\"");
    check("socket.gethostname().split('.', 1)[0]", "\"app01\"");
    check("socket.gethostname().split('.')[-1]", "\"org\"");
    check("str(5) + 'a'", "\"5a\"");
    check("int('5')", "5");
    check("2 * 3 + 4", "10");
    check("9000 + 1.5", "9001.5");
    check("7 // 2", "3");
    check("' A '.strip().lower()", "\"a\"");
    for unknown in [
        "random.randint(1, 2)",
        "os.environ['HOME']",
        "open('/etc/passwd').read()",
        "__import__('os').system('true')",
        "[x for x in range(5)]",
        "{x: 1 for x in y}",
        "1 if True else 2",
        "not True",
        "lambda: 1",
        "1 < 2",
        "a",
        "'abc'[1:2]",
        "'abc'[5]",
        "[1][2]",
        "1 // 0",
        "1 / 0",
        "dict([('a', 1)])",
    ] {
        check(unknown, "?3");
    }
}

#[test]
fn what_is_not_known_leaves_the_rest_as_it_is() {
    check("[1, random.random(), 3]", "[1, ?3, 3]");
    check("dict(a=1, b=x.y(1, [2]), c=3)", "{a: 1, b: ?3, c: 3}");
    check("{'a': f(1), 'b': 2}", "{a: ?3, b: 2}");
    check("{'a': 1 if x else 2, 'b': 2}", "{a: ?3, b: 2}");
}

/// Checks what a whole program comes to, and what is told of it: line and reason.
#[track_caller]
fn check_program(text: &str, expected: &str, unread: &[(usize, &str)]) {
    let program = read(text, &machine());
    assert_eq!(short(&Value::Dict(program.config)), expected, "{text}");
    let told: Vec<_> = program
        .unread
        .iter()
        .map(|it| (it.line, it.reason.as_str()))
        .collect();
    assert_eq!(told.len(), unread.len(), "{told:?}");
    for ((line, reason), (expected_line, expected)) in told.iter().zip(unread) {
        assert!(
            line == expected_line && reason.contains(expected),
            "{told:?}"
        );
    }
}

#[test]
fn assignments_are_followed() {
    check_program(
        "'''What\nit is.'''\n# a comment\nname = 'a'; other = b = name + 'b'\n\nconfig = dict(\n    # more\n    x=other, # and more\n    y=b,\n)\n",
        "{x: \"ab\", y: \"ab\"}",
        &[],
    );
    check_program(
        "config = {}\nconfig['a'] = 1\nconfig['b'] = {'c': 2}\nconfig['b']['d.e'] = 3\nconfig.update({'f': 4}, g=5)\nconfig.update(dict(a=6))",
        "{a: 6, b: {c: 2, d.e: 3}, f: 4, g: 5}",
        &[],
    );
    check_program("x = [1]\nx += [2]\nconfig = {'x': x}", "{x: [1, 2]}", &[]);
    check_program("config = {'a': \\\n  1}\r\n", "{a: 1}", &[]);
    check_program("\u{feff}config = dict(a=1)", "{a: 1}", &[]);
}

#[test]
fn what_may_be_missing_is_not_known_and_what_cannot_fail_is() {
    check_program(
        "try:\n    import json\n    x = 1\nexcept ImportError:\n    x = 2\nconfig = {'x': x}",
        "{x: 1}",
        &[],
    );
    check_program(
        "try:\n    import nlp\n    x = 1\nexcept ImportError:\n    x = 2\nconfig = {'x': x, 'y': 1}",
        "{x: ?4, y: 1}",
        &[],
    );
    check_program(
        "try:\n    import nlp\nexcept ImportError:\n    pass\nconfig = {'y': 1}",
        "{y: 1}",
        &[],
    );
}

#[test]
fn what_is_not_followed_is_told_with_its_line() {
    check_program(
        "import os\nos.system('rm -rf /')\nx = 1\nif os.path.exists('/x'):\n    x = 2\n    config = 5\nelse:\n    x = 3\nconfig = {'x': x, 'y': 1}\nfor a in b:\n    config['z'] = a\nprint 'a'\ndel config['y']\nassert x\n",
        "{x: ?4, y: 1}",
        &[
            (2, "os.system()"),
            (4, "`if`"),
            (10, "`for`"),
            (12, "not run"),
            (13, "not run"),
            (14, "not run"),
        ],
    );
    check_program("x = 1", "{}", &[(1, "nothing is assigned to config")]);
    check_program("config = 5", "{}", &[(1, "no dict")]);
    check_program("config = load()", "{}", &[(1, "load")]);
    check_program("from x import *\nconfig = {}", "{}", &[(1, "names from x")]);
    check_program(
        "config = {'a': 1}\nconfig['x'] = 'abc\n",
        "{a: 1, x: ?2}",
        &[(2, "a string does not end")],
    );
    check_program(
        "config = {'a': (1}",
        "{}",
        &[(1, "config: "), (1, "} without {")],
    );
    check_program(
        "x['a'] = 1\nconfig = {}",
        "{}",
        &[(1, "no dict that is known")],
    );
}

#[test]
fn a_statement_that_is_not_followed_leaves_no_former_value() {
    for statement in [
        "a, b = 2, 3",
        "(a, b) = 2, 3",
        "a -= 1",
        "a |= 1",
        "del a",
        "a.append(5)",
        "for a in c:\n    pass",
        "for c in d:\n    if c:\n        b = a = 5",
        "if c:\n    a[1] = 2",
        "if c:\n    x, a = 2",
        "while c: a = 5",
        "def a():\n    pass",
        "from a_module_that_nobody_has import *",
        "with c as a:\n    pass",
    ] {
        let program = read(
            &format!("a = 1\n{statement}\nconfig = {{'x': a}}"),
            &machine(),
        );
        assert!(!program.unread.is_empty(), "{statement}");
        let is_star = statement.contains('*');
        let value = program.config.get("x");
        assert!(
            is_star || matches!(value, Some(Value::Unknown(_))),
            "{statement}: {value:?}"
        );
    }
    // What is only looked at is still known.
    let text = "a = 1\nif a:\n    b = a + f(a)\nfor i in c[a]:\n    pass\nconfig = {'x': [i, b]}";
    assert_eq!(
        short(read(text, &machine()).config.get("x").unwrap()),
        "[?4, ?2]"
    );
    check_program(
        "b = (a := 5)\nconfig = {'x': a}",
        "{x: ?2}",
        &[(1, "an assignment within an expression")],
    );
}

#[test]
fn a_change_of_something_with_two_names_is_told() {
    for (text, line) in [
        ("a = {}\nconfig = {'x': a}\na['y'] = 1", 3),
        ("a = {}\nb = a\nb['y'] = 1\nconfig = {'x': a}", 3),
        ("a = b = {}\nb['y'] = 1\nconfig = {'x': a}", 2),
        ("a = []\nconfig = {'x': a}\na += [1]", 3),
        ("a = {}\nconfig = {}\nconfig['x'] = a\na.update(y=1)", 4),
        ("config = {'x': {}}\na = config['x']\na['y'] = 1", 3),
        ("a = {'b': {}}\nc = dict(a)\nc['b']['d'] = 1\nconfig = a", 3),
    ] {
        let unread = read(text, &machine()).unread;
        assert!(
            unread
                .iter()
                .any(|it| it.line == line && it.reason.contains("a change of")),
            "{text}: {unread:?}"
        );
    }
    for text in [
        "a = {'b': 'c'}\nconfig = {}\nconfig['x'] = a['b']\na['b'] = 'd'",
        "config = {'x': {}}\nconfig['x']['y'] = 1\nconfig['z'] = config['x']['y']\nconfig['a'] = 1",
        "a = {}\nconfig = {'x': a}\nconfig['y'] = 1",
        "a = {}\nb = a\na = {}\na['x'] = 1\nconfig = a",
    ] {
        assert_eq!(read(text, &machine()).unread, [], "{text}");
    }
}

#[test]
fn nothing_is_deep_or_large() {
    let started = std::time::Instant::now();
    for text in [
        "[".repeat(500_000),
        format!("config = {}1", "(".repeat(100_000)),
        format!("config = {}", "-".repeat(500_000)),
        format!("config = {{'a': {}}}", "f(".repeat(100_000)),
        format!("a = []\n{}config = {{'a': a}}", "a = [a]\n".repeat(50_000)),
        format!(
            "a = 'x'\n{}config = {{'a': a}}",
            "a = a + a\n".repeat(50_000)
        ),
        format!(
            "a = [1]\n{}config = {{'a': a}}",
            "a = a + a\n".repeat(50_000)
        ),
        format!("config = {{'a': 1{}}}", " + 1".repeat(200_000)),
        format!("config = {{{}}}", "'a': 1, ".repeat(100_000)),
        "try:\n ".repeat(100_000),
        format!(
            "a = {:?}\n{}",
            vec![0; 100_000],
            "try:\n  import os\nexcept ImportError:\n  b = 5\n".repeat(10_000)
        ),
        format!("{}[0] * 1", "a = ".repeat(200_000)),
        "if x:\n".repeat(100_000),
        (0..1000)
            .map(|depth| format!("{}try:\n", " ".repeat(depth)))
            .collect(),
        "x.y".repeat(300_000),
        "x".repeat(MAX_SIZE + 1),
    ] {
        let program = read(&text, &machine());
        assert!(Value::Dict(program.config).size().1 < 200);
    }
    assert!(
        started.elapsed() < std::time::Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
}

proptest! {
    #[test]
    fn any_bytes_come_to_something(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&String::from_utf8_lossy(&bytes), &machine());
    }

    #[test]
    fn any_words_come_to_something(words in prop::collection::vec(prop::sample::select(&[
        "config", "=", "dict", "(", ")", "[", "]", "{", "}", ",", ":", "'a'", "\"\"\"", "1", "+", "%",
        ".", "\n", "\n  ", "try", "except", "import", "from", "if", "for", "x", "\\", "#", "**", "update",
        "lambda", "-", ";", "+=", "\t", "r'", "'%s'", "os.getcwd()", "in",
    ][..]), 0..60)) {
        let _ = read(&words.join(" "), &machine());
        let _ = read(&words.concat(), &machine());
    }

    #[test]
    fn a_text_as_python_writes_it_comes_to_itself(text in any::<String>()) {
        let escaped: String = text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
        let program = read(&format!("config = {{'x': '{escaped}'}}"), &machine());
        prop_assert_eq!(program.config.get("x"), Some(&Value::Text(text)));
    }
}
