//! Colour for indented JSON, as the original's `--really-pretty` shows it.

/// ANSI: yellow for keys and strings, blue for numbers, and back to the default (hub specification 5.4).
const STRING: &str = "\u{1b}[33m";
const NUMBER: &str = "\u{1b}[34m";
const DEFAULT: &str = "\u{1b}[39;49;00m";

/// Returns `json` (well-formed, as [`fedmsg::json::to_pretty`] writes it) with strings and numbers
/// coloured.
pub(super) fn highlight(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut rest = json;
    while let Some(start) = rest.chars().next() {
        let (colour, length) = match start {
            '"' => (Some(STRING), string_length(rest)),
            '-' | '0'..='9' => (Some(NUMBER), number_length(rest)),
            _ => (None, start.len_utf8()),
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        match colour {
            Some(colour) => out.extend([colour, token, DEFAULT]),
            None => out.push_str(token),
        }
        rest = after;
    }
    out
}

/// Bytes of the string at the start of `text`, with its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn number_length(text: &str) -> usize {
    let is_number =
        |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
    text.find(|character| !is_number(character))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_strings_are_yellow_and_numbers_blue() {
        let coloured =
            highlight("{\n  \"a\\\"b\": \"hello\",\n  \"n\": -1.5e+10,\n  \"t\": true\n}");
        assert!(coloured.contains("\u{1b}[33m\"hello\"\u{1b}[39;49;00m"));
        assert!(coloured.contains("\u{1b}[33m\"a\\\"b\"\u{1b}[39;49;00m: "));
        assert!(coloured.contains("\u{1b}[34m-1.5e+10\u{1b}[39;49;00m,"));
        assert!(coloured.contains(": true\n"));
    }

    #[test]
    fn nothing_is_lost() {
        for json in [
            "",
            "[]",
            "\"unterminated",
            "[-Infinity, NaN, 1]",
            "{\"é\": \"\\\\\"}",
        ] {
            let plain = highlight(json)
                .replace(STRING, "")
                .replace(NUMBER, "")
                .replace(DEFAULT, "");
            assert_eq!(plain, json);
        }
    }
}
