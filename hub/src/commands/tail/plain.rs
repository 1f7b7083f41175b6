//! Text from the bus on its way to a terminal.
//!
//! Called by the forms that show texts as they are: a peer must not move the cursor, or send
//! commands to the terminal, of whoever looks at its messages.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns the text with every control character but line feed and tab written as an escape.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let is_command = |it: char| it.is_control() && it != '\n' && it != '\t';
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_command(character) {
            let _ = write!(out, "{}", character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_a_terminal_are_escaped_and_nothing_else() {
        assert_eq!(plain("größe\n\t\"x\" \\"), "größe\n\t\"x\" \\");
        assert_eq!(
            plain("a\u{1b}[31m\r\u{9b}\0"),
            "a\\u{1b}[31m\\r\\u{9b}\\u{0}"
        );
    }
}
