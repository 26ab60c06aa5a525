//! Text from a peer, made safe to print.

use std::fmt::Write;

/// `bytes` as text of at most `limit` characters, without anything that a terminal would act upon: control characters
/// and the marks that reorder text are escaped, what is no UTF-8 is shown as the replacement character.
pub(crate) fn printable(bytes: &[u8], limit: usize) -> String {
    // No character is longer than four bytes, so that a huge text costs no more than a short one.
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(limit * 4)]);
    let mut out = String::new();
    let mut length = 0;
    for character in text.chars() {
        let mut piece = String::new();
        if character.is_control() || reorders(character) {
            let _ = write!(piece, "{}", character.escape_default());
        } else {
            piece.push(character);
        }
        length += piece.chars().count();
        if length > limit {
            break;
        }
        out.push_str(&piece);
    }
    out
}

/// The marks of Unicode's bidirectional algorithm, and the line separators that `is_control` leaves out.
fn reorders(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_reaches_a_terminal_that_it_would_act_upon() {
        let cases: &[(&[u8], usize, &str)] = &[
            (b"plain text", 80, "plain text"),
            (b"\x1b[2Jgone\x07", 80, "\\u{1b}[2Jgone\\u{7}"),
            ("a\u{202e}b".as_bytes(), 80, "a\\u{202e}b"),
            ("grüße".as_bytes(), 3, "grü"),
            (b"\xff\xfe", 80, "\u{fffd}\u{fffd}"),
            // An escape is never cut in two.
            (b"abc\x1b", 5, "abc"),
            (b"", 80, ""),
        ];
        for (bytes, limit, expected) in cases {
            assert_eq!(printable(bytes, *limit), *expected);
        }
    }
}
