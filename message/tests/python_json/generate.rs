//! Generates texts that exercise every corner of the grammar, reproducibly from a seed.

/// Returns `count` texts: two thirds good JSON, the rest good JSON damaged.
pub(super) fn texts(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut random = Random(seed);
    let mut texts = edges();
    while texts.len() < count {
        let mut text = String::new();
        space(&mut random, &mut text);
        value(&mut random, &mut text, 4);
        space(&mut random, &mut text);
        let mut text = text.into_bytes();
        if random.below(3) == 0 {
            damage(&mut random, &mut text);
        }
        texts.push(text);
    }
    texts
}

/// Texts worth trying every time.
fn edges() -> Vec<Vec<u8>> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "\u{feff}1",
        "\u{feff}",
        "nul",
        "[1}",
        "{\"a\":1,}",
        "\"\\ud83d\\u\"",
    ]
    .map(str::to_owned)
    .to_vec();
    // Around every power of ten and of two, where spellings and roundings change.
    for exponent in -330..312 {
        texts.extend([
            format!("1e{exponent}"),
            format!("-9.9999999999999995e{exponent}"),
            format!("9007199254740993e{exponent}"),
        ]);
    }
    for exponent in -1074..1024 {
        texts.push(format!("{:e}", 2f64.powi(exponent)));
    }
    for digits in [1, 17, 18, 19, 20, 308, 309, 310, 4299, 4300] {
        texts.extend(["1", "9"].map(|digit| digit.repeat(digits)));
        texts.push(format!("-{}.5", "8".repeat(digits)));
        texts.push(format!("0.{}3e{digits}", "0".repeat(digits)));
        texts.push(format!("{}e-{digits}", "6".repeat(digits)));
    }
    texts.push(format!("0.{}1e70001", "0".repeat(70_000)));
    texts.push(format!("1{}e-70000", "0".repeat(70_000)));
    for escape in 0..=0xff {
        texts.push(format!("\"\\{}\"", char::from(escape)));
        texts.push(format!("\"{}\"", char::from(escape)));
    }
    texts.into_iter().map(String::into_bytes).collect()
}

/// SplitMix64: good enough, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

fn space(random: &mut Random, out: &mut String) {
    if random.below(4) == 0 {
        out.push_str(random.pick(&[" ", "\t", "\n", "\r", "\r\n  ", "    "]));
    }
}

fn value(random: &mut Random, out: &mut String, depth: usize) {
    match random.below(if depth == 0 { 12 } else { 20 }) {
        0 | 1 => {
            out.push_str(random.pick(&["null", "true", "false", "NaN", "Infinity", "-Infinity"]))
        }
        2..=4 => integer(random, out),
        5..=8 => float(random, out),
        9..=11 => string(random, out),
        12..=14 => {
            out.push('[');
            items(random, out, |random, out| value(random, out, depth - 1));
            out.push(']');
        }
        _ => {
            out.push('{');
            items(random, out, |random, out| {
                key(random, out);
                space(random, out);
                out.push(':');
                space(random, out);
                value(random, out, depth - 1);
            });
            out.push('}');
        }
    }
}

fn items(random: &mut Random, out: &mut String, item: impl Fn(&mut Random, &mut String)) {
    let most = if random.below(20) == 0 { 40 } else { 6 };
    space(random, out);
    for index in 0..random.below(most) {
        if index > 0 {
            out.push(',');
            space(random, out);
        }
        item(random, out);
        space(random, out);
    }
}

fn digits(random: &mut Random, out: &mut String, count: usize) {
    for _ in 0..count {
        out.push(char::from(b'0' + random.below(10) as u8));
    }
}

/// A whole number without leading zeros, sometimes a huge one.
fn natural(random: &mut Random, out: &mut String) {
    let length = match random.below(24) {
        0 => 4200,
        1..=6 => 40,
        7..=10 => 20,
        _ => 6,
    };
    if random.below(5) == 0 {
        out.push('0');
    } else {
        out.push(char::from(b'1' + random.below(9) as u8));
        let count = random.below(length);
        digits(random, out, count);
    }
}

fn integer(random: &mut Random, out: &mut String) {
    out.push_str(random.pick(&["", "", "-"]));
    natural(random, out);
}

fn float(random: &mut Random, out: &mut String) {
    match random.below(4) {
        // As some float of any magnitude is spelled in Rust, which is also valid here.
        0 => loop {
            let float = f64::from_bits(random.next());
            if float.is_finite() {
                out.push_str(&format!("{float:e}"));
                if !out.contains('.') && random.below(2) == 0 {
                    out.push_str("00");
                }
                break;
            }
        },
        // Near what people write: timestamps, prices.
        1 => {
            let scale = 10f64.powi(random.below(24) as i32 - 6);
            out.push_str(&format!("{:?}", (random.next() >> 11) as f64 / scale));
        }
        // Foreign spellings.
        _ => {
            integer(random, out);
            let has_fraction = random.below(3) > 0;
            if has_fraction {
                out.push('.');
                let count = 1 + random.below(20);
                digits(random, out, count);
            }
            if !has_fraction || random.below(2) == 0 {
                out.push_str(random.pick(&["e", "E", "e+", "E+", "e-", "E-"]));
                out.push_str(random.pick(&["", "", "0", "00"]));
                let count = 1 + random.below(3);
                digits(random, out, count);
            }
        }
    }
}

/// A key out of few, in several spellings, so that equal ones meet and order matters.
fn key(random: &mut Random, out: &mut String) {
    if random.below(3) == 0 {
        return string(random, out);
    }
    let keys = [
        "\"a\"",
        "\"\\u0061\"",
        "\"b\"",
        "\"\"",
        "\"topic\"",
        "\"10\"",
        "\"9\"",
        "\"A\"",
        "\"aa\"",
        "\"é\"",
        "\"\\u00e9\"",
        "\"e\u{301}\"",
        "\"\\ud83d\"",
        "\"\\ud83d\\ude00\"",
        "\"😀\"",
        "\"\\uffff\"",
        "\"\u{ffee}\"",
        "\"\\udfff\"",
        "\"\\u007f\"",
    ];
    out.push_str(random.pick(&keys));
}

fn string(random: &mut Random, out: &mut String) {
    out.push('"');
    for _ in 0..random.below(12) {
        match random.below(8) {
            0 => out
                .push_str(random.pick(&["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"])),
            1 => out.push_str(&format!("\\u{:04x}", random.below(0x1_0000))),
            2 => out.push_str(&format!("\\u{:04X}", random.below(0x100))),
            // High and low surrogates, in pairs and alone.
            3 => out.push_str(&format!("\\u{:04x}", 0xd800 + random.below(0x800))),
            4 => out.push_str(random.pick(&["\\ud83d\\ude00", "\\uD800\\uDC00", "\\udbff\\udfff"])),
            5 => out.extend(char::from_u32(random.below(0x11_0000) as u32).filter(|c| *c >= ' ')),
            6 => out
                .push_str(random.pick(&["é", "€", "😀", "\u{7f}", "\u{80}", "\u{2028}", "/", "'"])),
            _ => out.push_str(random.pick(&["plain text", "a", " ", "<>&", "0123456789abcdef"])),
        }
    }
    // The pieces above may have put a quote or backslash in.
    out.push('"');
}

/// Changes, drops or inserts a few bytes.
fn damage(random: &mut Random, text: &mut Vec<u8>) {
    let pieces: [&[u8]; 24] = [
        b"",
        b"",
        b",",
        b":",
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b"0",
        b"-",
        b".",
        b"e",
        b"+",
        b"\x00",
        b"\x1f",
        b"\x0b",
        b"\xff",
        b"\xed\xa0\xbd",
        b"nan",
        b"True",
        b"'",
        b"\xc2\xa0",
    ];
    for _ in 0..=random.below(2) {
        let start = random.below(text.len() + 1);
        let end = text.len().min(start + random.below(3));
        let piece = pieces[random.below(pieces.len())];
        text.splice(start..end, piece.iter().copied());
    }
}
