//! What the tests publish: payloads that JSON libraries like to get wrong, and many plain ones.

use fedmsg::json::Value;

/// Payloads as JSON, each spelled as Python's `json.dumps` would not always spell it.
const AWKWARD: [&str; 40] = [
    // Numbers: the difference of integers and floats, their range, and the text of each float.
    "[0, -0, 1, -1, 9007199254740993, -9007199254740993]",
    "[9223372036854775807, 9223372036854775808, -9223372036854775809, 18446744073709551616]",
    "123456789012345678901234567890123456789012345678901234567890",
    "[1.0, -0.0, 1.50, 1e3, 1E+2, 100000000000000000000.0]",
    "[0.1, 0.30000000000000004, 1e15, 1e16, 9999999999999998.0, 12345678901234567.0]",
    "[0.0001, 0.00001, 1.5e-07, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e+308]",
    "{\"longitude\": 13.404953999999975, \"ratio\": 3.3333333333333335}",
    // Text: escapes, planes, halves of pairs.
    r#""gr\u00fc\u00dfe""#,
    "\"grüße, 日本語, עברית\"",
    "\"😀 and \\ud83d\\ude00\"",
    r#""\ud83d""#,
    r#"{"low": "\udc00x", "high": "x\udbff", "swapped": "\ude00\ud83d"}"#,
    r#"{"\ud800": "a lone surrogate as a key"}"#,
    r#""quote \" backslash \\ slash \/ and /""#,
    r#""\b\f\n\r\t\u0000\u0001\u001f\u007f\u0080""#,
    "\"\u{7f}\u{80}\u{2028}\u{2029}\u{feff}\u{ffff}\u{10ffff}\"",
    r#""</script>&'%s{}$(x)`""#,
    // Objects: the order of keys is that of code points, the last of equal keys wins.
    r#"{"b": 1, "a": {"d": [], "c": {}}, "Z": null, "": "", "é": true}"#,
    "{\"\u{ffff}\": 1, \"\u{10000}\": 2, \"\\ud83d\": 3, \"\u{e000}\": 4}",
    r#"{"a": 1, "b": 2, "a": 3}"#,
    r#"{"topic": "not.the.topic", "msg": {"msg_id": 1}, "signature": "x", "certificate": "y"}"#,
    r#"{"1": 1, "10": 2, "9": 3}"#,
    // Everything that is no object.
    r#""a string""#,
    "[1, [2, [3, []]]]",
    "true",
    "-17",
    "2.5",
    // Empty ones, which the original takes for no payload.
    "{}",
    "[]",
    r#""""#,
    "0",
    "0.0",
    "null",
    "false",
    // Containers of empty ones.
    "[[], {}, \"\", 0, null, false]",
    r#"{"a": {}, "b": [], "c": "", "d": null}"#,
    "[null]",
    r#"{"log": "a line"}"#,
    r#"{"deep": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{"n": 1}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"#,
    r#"{"user": {"username": "ralph", "groups": ["a", "b"]}, "update": {"karma": -3, "when": 1354563717.0}}"#,
];

/// What Python sends and our publisher refuses to.
const NOT_FINITE: [&str; 4] = [
    "NaN",
    "[Infinity, -Infinity]",
    "{\"nan\": NaN, \"x\": [1, -Infinity]}",
    "1e400",
];

/// Returns the payloads that any program may publish: the awkward ones, a large one, and `plain`
/// plain ones.
pub(super) fn for_everybody(plain: usize) -> Vec<String> {
    let awkward = AWKWARD.iter().map(|text| (*text).to_owned());
    let large = format!("{{\"large\": \"{}\"}}", "0123456789abcdeé".repeat(10_000));
    let plain = (1..=plain).map(|n| format!("{{\"n\": {n}, \"half\": {}.5}}", n / 2));
    awkward.chain([large]).chain(plain).collect()
}

/// Returns the same and what only the original publishes.
pub(super) fn for_the_original(plain: usize) -> Vec<String> {
    let not_finite = NOT_FINITE.iter().map(|text| (*text).to_owned());
    not_finite.chain(for_everybody(plain)).collect()
}

/// Returns the value that a payload of ours is received as.
pub(super) fn sent_by_us(payload: &str) -> Value {
    match parse(payload) {
        Value::Null => parse("{}"),
        value => value,
    }
}

/// Returns the value that a payload of the original is received as: what Python takes for false
/// becomes `{}` (fedmsg wire specification §2.1).
pub(super) fn sent_by_the_original(payload: &str) -> Value {
    match payload {
        "[]" | "\"\"" | "0" | "0.0" | "null" | "false" => parse("{}"),
        _ => parse(payload),
    }
}

pub(super) fn parse(text: &str) -> Value {
    Value::parse_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
