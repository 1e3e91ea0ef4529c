//! Nothing that came from a user or a task reaches a terminal unescaped: no control, bidi or
//! zero-width character. Logs keep colours, and only to a terminal.

use std::{borrow::Cow, fmt::Write as _};

/// Whether a character could change what a terminal shows beyond itself.
pub(crate) fn is_dangerous(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Zero-width, bidi and other format characters, which show nothing and change the rest.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with visible escapes in place of characters that a terminal would act upon: `^[`
/// for ESC, `\n`, `\r` and `\t`, `^X` for other control characters, `\u{202e}` for the rest.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) || !text.chars().any(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        push_escaped(&mut shown, c);
    }
    Cow::Owned(shown)
}

/// The same of a text whose lines and tabs stay.
pub(crate) fn escape_lines(text: &str) -> Cow<'_, str> {
    let passes = |c: char| matches!(c, '\n' | '\t') || !is_dangerous(c);
    if text.chars().all(passes) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match passes(c) {
            true => shown.push(c),
            false => push_escaped(&mut shown, c),
        }
    }
    Cow::Owned(shown)
}

fn push_escaped(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        '\u{7f}' => shown.push_str("^?"),
        '\0'..='\u{1f}' => {
            shown.push('^');
            shown.push(char::from(c as u8 + 0x40));
        }
        c if is_dangerous(c) => {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", c as u32);
        }
        c => shown.push(c),
    }
}

/// JSON text with `\u202e` in place of characters that a terminal would act upon: these stand
/// inside strings only, so it stays the same JSON.
pub(crate) fn escape_json(text: &str) -> Cow<'_, str> {
    let is_safe = |c: char| c == '\n' || !is_dangerous(c);
    if text.is_ascii() && !text.contains('\u{7f}') || text.chars().all(is_safe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_safe(c) {
            true => shown.push(c),
            false => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(shown, "\\u{unit:04x}");
                }
            }
        }
    }
    Cow::Owned(shown)
}

/// The longest colour sequence that is waited for.
const SGR_BYTES: usize = 64;

/// Makes an attempt's output fit for a terminal: text, line ends, tabs and colours pass, every
/// other control sequence is taken out. Keeps what a chunk ends in the middle of.
#[derive(Debug, Default)]
pub(crate) struct LogFilter {
    state: State,
    sequence: Vec<u8>,
    utf8: Vec<u8>,
    is_coloured: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Csi,
    /// OSC, DCS and their kin: up to BEL or ESC `\`.
    Text2Bel,
    Text2BelEscape,
}

impl LogFilter {
    /// Filters the next bytes.
    pub(crate) fn filter(&mut self, bytes: &[u8]) -> String {
        let mut shown = String::with_capacity(bytes.len());
        for byte in bytes {
            self.take(*byte, &mut shown);
        }
        shown
    }

    /// What to print at the end: the rest of a broken character, and an end of its colours.
    pub(crate) fn finish(&mut self) -> String {
        let mut shown = String::new();
        self.flush_utf8(&mut shown);
        if std::mem::take(&mut self.is_coloured) {
            shown.push_str("\u{1b}[0m");
        }
        *self = Self::default();
        shown
    }

    fn take(&mut self, byte: u8, shown: &mut String) {
        match (self.state, byte) {
            (State::Text, 0x1b) => {
                self.flush_utf8(shown);
                self.state = State::Escape;
            }
            (State::Text, _) => self.take_text(byte, shown),
            (State::Escape, b'[') => {
                self.sequence.clear();
                self.state = State::Csi;
            }
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => self.state = State::Text2Bel,
            (State::Escape, 0x20..=0x2f | 0x1b) => {}
            (State::Escape, _) => self.state = State::Text,
            (State::Csi, 0x40..=0x7e) => {
                let is_color =
                    byte == b'm' && self.sequence.iter().all(|b| matches!(b, b'0'..=b'9' | b';' | b':'));
                if is_color && let Ok(parameters) = str::from_utf8(&self.sequence) {
                    self.is_coloured = !matches!(parameters, "" | "0");
                    let _ = write!(shown, "\u{1b}[{parameters}m");
                }
                self.state = State::Text;
            }
            (State::Csi, 0x1b) => self.state = State::Escape,
            (State::Csi, 0x20..=0x3f) if self.sequence.len() < SGR_BYTES => self.sequence.push(byte),
            (State::Csi, _) => {
                self.state = State::Text;
                self.take_text(byte, shown);
            }
            (State::Text2Bel, 0x1b) => self.state = State::Text2BelEscape,
            // A line end closes what was never closed: a log must not swallow its own rest.
            (State::Text2Bel | State::Text2BelEscape, b'\n') => {
                self.state = State::Text;
                shown.push('\n');
            }
            (State::Text2Bel, 0x07) | (State::Text2BelEscape, b'\\') => self.state = State::Text,
            (State::Text2Bel | State::Text2BelEscape, _) => self.state = State::Text2Bel,
        }
    }

    fn take_text(&mut self, byte: u8, shown: &mut String) {
        if byte < 0x80 {
            self.flush_utf8(shown);
            match byte {
                b'\n' | b'\t' | 0x20..=0x7e => shown.push(char::from(byte)),
                // Progress bars redraw their line: the last state of it is what counts, but no
                // byte may move the cursor, so each redraw is a line of its own.
                b'\r' => {}
                _ => push_escaped(shown, char::from(byte)),
            }
            return;
        }
        self.utf8.push(byte);
        match str::from_utf8(&self.utf8) {
            Ok(text) => {
                text.chars().for_each(|c| push_escaped(shown, c));
                self.utf8.clear();
            }
            Err(error) if error.error_len().is_some() => {
                let last = self.utf8.pop();
                self.flush_utf8(shown);
                match last {
                    Some(byte @ 0xc2..=0xf4) => self.utf8.push(byte),
                    _ => shown.push('\u{fffd}'),
                }
            }
            Err(_) => {}
        }
    }

    fn flush_utf8(&mut self, shown: &mut String) {
        if !self.utf8.is_empty() {
            self.utf8.clear();
            shown.push('\u{fffd}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_upon_becomes_visible() {
        for (text, shown) in [
            ("plain", "plain"),
            ("größe 東京", "größe 東京"),
            ("\u{1b}[31mred", "^[[31mred"),
            ("a\r\n\tb", "a\\r\\n\\tb"),
            ("\u{7}\u{0}\u{7f}", "^G^@^?"),
            ("evil\u{202e}txt", "evil\\u{202e}txt"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("\u{9b}31m", "\\u{9b}31m"),
        ] {
            assert_eq!(escape(text), shown);
        }
    }

    fn filtered(chunks: &[&[u8]]) -> String {
        let mut filter = LogFilter::default();
        let mut shown: String = chunks.iter().map(|chunk| filter.filter(chunk)).collect();
        shown.push_str(&filter.finish());
        shown
    }

    #[test]
    fn logs_keep_colours_only() {
        for (bytes, shown) in [
            (&b"\x1b[32mok\x1b[0m\n"[..], "\u{1b}[32mok\u{1b}[0m\n"),
            (b"\x1b[2J\x1b[1;1Hclean\n", "clean\n"),
            (b"\x1b]0;title\x07text\n", "text\n"),
            (b"\x1b]8;;http://x\x1b\\link\n", "link\n"),
            (b"\x1bPdcs\x1b\\x\n", "x\n"),
            (b"\x1b]never closed\nnext\n", "\nnext\n"),
            (b"\x1bcreset\x1b(B\n", "reset\n"),
            (b"\x1b[?25lhidden\n", "hidden\n"),
            (b"\x1b[>4;2mkeys\n", "keys\n"),
            (b"bell\x07\n", "bell^G\n"),
            (b"dos\r\n", "dos\n"),
            ("rtl\u{202e}x\n".as_bytes(), "rtl\\u{202e}x\n"),
            ("c1 \u{9b}2J\n".as_bytes(), "c1 \\u{9b}2J\n"),
        ] {
            assert_eq!(filtered(&[bytes]), shown);
        }
    }

    #[test]
    fn a_chunk_may_end_anywhere() {
        let text = "a\u{1b}[1;31mß東\u{1b}[0m\u{1b}]0;t\u{7}!\n".as_bytes();
        let pieces: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(filtered(&pieces), "a\u{1b}[1;31mß東\u{1b}[0m!\n");
    }

    #[test]
    fn broken_text_stays_text_and_open_colours_end() {
        assert_eq!(filtered(&[b"\xff\xfe!\n"]), "\u{fffd}\u{fffd}!\n");
        assert_eq!(filtered(&[b"\xe6\x9d!"]), "\u{fffd}!");
        assert_eq!(filtered(&[b"\x1b[31mred"]), "\u{1b}[31mred\u{1b}[0m");
    }
}
