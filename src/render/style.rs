//! Colour, width and the filling of lines.

use anstyle::{AnsiColor, Color, Style as Ansi};

use super::clean;

/// The longest piece that is written whole, in characters: the longest multiaddr that is dialed is shorter, and a peer
/// may send words of any length.
const LONGEST: usize = 1000;

/// How text is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
    /// Columns. Only an address longer than that makes a longer line.
    pub width: usize,
}

impl Style {
    /// What fits everywhere.
    pub const PLAIN: Self = Self { color: false, width: 80 };
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Bad,
    Warn,
    Dim,
    Strong,
}

impl Tone {
    fn ansi(self) -> Ansi {
        let color = |color| Ansi::new().fg_color(Some(Color::Ansi(color)));
        match self {
            Self::Plain => Ansi::new(),
            Self::Good => color(AnsiColor::Green),
            Self::Bad => color(AnsiColor::Red),
            Self::Warn => color(AnsiColor::Yellow),
            Self::Dim => Ansi::new().dimmed(),
            Self::Strong => Ansi::new().bold(),
        }
    }
}

/// A piece of a line that is never broken.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    text: String,
    tone: Tone,
}

impl Piece {
    /// A piece of any text, cleaned.
    pub(crate) fn new(tone: Tone, text: &str) -> Self {
        let cut = text.char_indices().nth(LONGEST).map(|(at, _)| at);
        let mut cleaned = clean(cut.map_or(text, |at| &text[..at])).into_owned();
        if cut.is_some() {
            cleaned.push('…');
        }
        Self { text: cleaned, tone }
    }

    /// The words of a sentence.
    pub(crate) fn words(tone: Tone, text: &str) -> impl Iterator<Item = Self> {
        text.split_whitespace().map(move |word| Self::new(tone, word))
    }

    pub(crate) fn push(&mut self, end: &str) {
        self.text.push_str(end);
    }
}

/// Columns that a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

impl Style {
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.color || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        let ansi = tone.ansi();
        format!("{ansi}{text}{ansi:#}")
    }

    /// Adds a paragraph: the pieces with `between` them, on lines of this width, the first after `lead`, the others below
    /// its end. A piece too long for a line has one to itself.
    pub(crate) fn fill(self, out: &mut String, lead: &str, pieces: &[Piece], between: &str) {
        let indent = columns(&strip(lead));
        let room = self.width.saturating_sub(indent);
        out.push_str(lead);
        let mut column = 0;
        for (at, piece) in pieces.iter().enumerate() {
            let length = columns(&piece.text);
            // What follows the piece on its line has to fit as well: the separator, without its trailing space.
            let tail = if at + 1 < pieces.len() { columns(between.trim_end()) } else { 0 };
            if column > 0 {
                if column + columns(between) + length + tail > room {
                    out.push_str(between.trim_end());
                    out.push('\n');
                    out.extend(std::iter::repeat_n(' ', indent));
                    column = 0;
                } else {
                    out.push_str(between);
                    column += columns(between);
                }
            }
            out.push_str(&self.paint(piece.tone, &piece.text));
            column += length;
        }
        out.push('\n');
    }
}

/// A text without its ANSI sequences, which are this module's own.
fn strip(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(width: usize, lead: &str, text: &str) -> String {
        let mut out = String::new();
        Style { color: false, width }.fill(&mut out, lead, &Piece::words(Tone::Plain, text).collect::<Vec<_>>(), " ");
        out
    }

    #[test]
    fn lines_keep_to_the_width_and_long_pieces_stay_whole() {
        assert_eq!(filled(12, "* ", "one two three four"), "* one two\n  three four\n");
        assert_eq!(filled(8, "", "/ip4/203.0.113.7/tcp/4001 ok"), "/ip4/203.0.113.7/tcp/4001\nok\n");
        assert_eq!(filled(8, "x ", ""), "x \n");
    }

    #[test]
    fn colour_takes_no_columns() {
        let style = Style { color: true, width: 12 };
        let mut out = String::new();
        let lead = format!("{} ", style.paint(Tone::Good, "*"));
        style.fill(&mut out, &lead, &Piece::words(Tone::Bad, "one two three").collect::<Vec<_>>(), " ");
        assert_eq!(strip(&out), "* one two\n  three\n");
        assert_ne!(strip(&out), out);
    }
}
