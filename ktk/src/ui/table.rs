//! Aligned columns without borders, as kubectl prints them: a column is as wide as its longest
//! cell and three spaces, six at least; the last cell of a row is not padded; widths are what a
//! terminal shows.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::{Tone, escape};

/// Spaces after the longest cell of a column.
const GAP: usize = 3;
/// The narrowest column.
const MIN_WIDTH: usize = 6;
/// What gaps are made of.
const SPACES: &str = "                                ";

/// A cell: text with a meaning, escaped and of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    text: Cow<'static, str>,
    tone: Tone,
}

impl Cell {
    /// A cell without a meaning of its own. What follows a line end is cut off.
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    /// A cell with a meaning.
    pub(crate) fn toned(text: impl Into<Cow<'static, str>>, tone: Tone) -> Self {
        let text = text.into();
        let text = match text.find('\n') {
            None => match escape(&text) {
                Cow::Borrowed(_) => text,
                Cow::Owned(escaped) => escaped.into(),
            },
            Some(end) => format!("{}...", escape(&text[..end])).into(),
        };
        Self { text, tone }
    }

    /// `<none>`.
    pub(crate) fn none() -> Self {
        Self { text: "<none>".into(), tone: Tone::Plain }
    }

    /// What is shown, without colour.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn width(&self) -> usize {
        match self.text.is_ascii() {
            true => self.text.len(),
            false => self.text.width(),
        }
    }
}

/// The widths of columns: those of all rows that were ever measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Widths(Vec<usize>);

impl Widths {
    /// Makes room for some rows.
    pub(crate) fn measure<'a>(&mut self, rows: impl IntoIterator<Item = &'a Vec<Cell>>) {
        for row in rows {
            if self.0.len() < row.len() {
                self.0.resize(row.len(), MIN_WIDTH);
            }
            for (width, cell) in self.0.iter_mut().zip(row) {
                *width = (*width).max(cell.width() + GAP);
            }
        }
    }
}

/// The rows as lines. A row with a cell that is longer than its column shifts its own rest.
pub(crate) fn lay_out(rows: &[Vec<Cell>], widths: &Widths, has_color: bool) -> String {
    let width: usize = widths.0.iter().sum();
    let mut text = String::with_capacity(rows.len() * (width + 1));
    for row in rows {
        write_row(row, widths, has_color, &mut text);
    }
    text
}

fn write_row(row: &[Cell], widths: &Widths, has_color: bool, text: &mut String) {
    let last = row.iter().rposition(|cell| !cell.text.trim_end().is_empty());
    for (index, cell) in row.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
        let is_last = last == Some(index);
        let shown = if is_last { cell.text.trim_end() } else { &cell.text };
        match has_color && cell.tone != Tone::Plain && !shown.is_empty() {
            true => text.push_str(&cell.tone.paint(shown, true)),
            false => text.push_str(shown),
        }
        if !is_last {
            let width = widths.0.get(index).copied().unwrap_or_default();
            push_spaces(text, width.saturating_sub(cell.width()).max(GAP));
        }
    }
    text.push('\n');
}

fn push_spaces(text: &mut String, mut count: usize) {
    while count > 0 {
        let some = count.min(SPACES.len());
        text.push_str(&SPACES[..some]);
        count -= some;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&[&str]]) -> Vec<Vec<Cell>> {
        texts.iter().map(|row| row.iter().map(|text| Cell::new((*text).to_owned())).collect()).collect()
    }

    fn laid_out(rows: &[Vec<Cell>]) -> String {
        let mut widths = Widths::default();
        widths.measure(rows);
        lay_out(rows, &widths, false)
    }

    #[test]
    fn columns_are_as_wide_as_their_longest_cell_and_three_and_at_least_six() {
        let rows = rows(&[&["NAME", "N", "AGE"], &["build-web", "1", "45s"], &["x", "12", "3m10s"]]);
        assert_eq!(
            laid_out(&rows),
            "NAME        N     AGE\nbuild-web   1     45s\nx           12    3m10s\n"
        );
    }

    #[test]
    fn width_is_what_a_terminal_shows() {
        let rows = rows(&[&["東京", "a"], &["größe", "b"], &["x", ""]]);
        assert_eq!(laid_out(&rows), "東京    a\ngröße   b\nx\n");
    }

    #[test]
    fn nothing_dangerous_gets_into_a_table() {
        let rows = rows(&[&["a\u{1b}[31m", "cut\nhere", "\u{202e}x\r"]]);
        assert_eq!(laid_out(&rows), "a^[[31m   cut...   \\u{202e}x\\r\n");
    }

    #[test]
    fn an_appended_row_keeps_the_widths_and_shifts_only_itself() {
        let first = rows(&[&["NAME", "STATUS", "AGE"], &["build", "Running", "1s"]]);
        let mut widths = Widths::default();
        widths.measure(&first);
        let later = rows(&[&["x", "Failed", "2s"], &["a-much-longer-name", "Failed", "3s"]]);
        let lines: String =
            later.iter().map(|row| lay_out(std::slice::from_ref(row), &widths, false)).collect();
        assert_eq!(lines, "x       Failed    2s\na-much-longer-name   Failed    3s\n");
    }

    #[test]
    fn only_the_cell_that_has_a_meaning_is_coloured() {
        let row = vec![Cell::new("Failed"), Cell::toned("Failed", Tone::Bad), Cell::toned("1s", Tone::Dim)];
        let mut widths = Widths::default();
        widths.measure([&row]);
        let text = lay_out(std::slice::from_ref(&row), &widths, true);
        assert_eq!(text, "Failed   \u{1b}[31mFailed\u{1b}[0m   \u{1b}[2m1s\u{1b}[0m\n");
    }

    #[test]
    fn no_line_ends_in_spaces() {
        let rows =
            rows(&[&["a", "b ", " "], &["", "", ""], &["a", "", "c"], &["a very long cell of a name", "b"]]);
        assert_eq!(
            laid_out(&rows),
            "a                            b\n\na                                  c\na very long cell of a name   b\n"
        );
    }

    #[test]
    fn a_gap_is_as_wide_as_it_must_be() {
        let long = "x".repeat(100);
        let rows = rows(&[&[long.as_str(), "a"], &["y", "b"]]);
        assert_eq!(laid_out(&rows), format!("{long}   a\ny{}b\n", " ".repeat(102)));
    }
}
