//! Aligned columns without borders, as kubectl prints them: a column is as wide as its longest
//! cell and three spaces, six at least; the last cell of a row is not padded; widths are what a
//! terminal shows.

use std::borrow::Cow;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use unicode_width::UnicodeWidthStr;

use super::{Tone, escape};

/// Spaces after the longest cell of a column.
const GAP: usize = 3;
/// The narrowest column.
const MIN_WIDTH: usize = 6;
/// From this many rows on lines are put together here: laying out 10,000 rows with comfy-table
/// takes longer than everything else that `get` does.
const LARGE: usize = 1_000;

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
    let is_plain = rows.len() < LARGE && widths.0.iter().all(|width| *width <= usize::from(u16::MAX));
    if !is_plain {
        return rows.iter().map(|row| aligned(row, widths, has_color)).collect();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.add_rows(rows.iter().map(|row| row.iter().map(Cell::text)));
    for (column, width) in table.column_iter_mut().zip(&widths.0) {
        let width = u16::try_from(*width).unwrap_or(u16::MAX);
        column
            .set_padding((0, GAP as u16))
            .set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    let mut text = String::new();
    for (line, row) in table.lines().zip(rows) {
        painted(line.trim_end(), row, has_color, &mut text);
        text.push('\n');
    }
    text
}

/// The line with its cells in the colours of their meanings.
fn painted(line: &str, row: &[Cell], has_color: bool, text: &mut String) {
    let mut rest = line;
    for cell in row.iter().filter(|cell| has_color && cell.tone != Tone::Plain && !cell.text.is_empty()) {
        // The cells before it are plain and stand in `rest` still; a cell of the same text among
        // them would be found first, so the search begins where this cell's column does.
        let start = row.iter().take_while(|other| !std::ptr::eq(*other, cell)).count();
        let before: usize = row[..start].iter().map(|other| other.text.len()).sum();
        let done = line.len() - rest.len();
        let from = before.saturating_sub(done);
        if let Some(at) = rest.get(from..).and_then(|tail| tail.find(cell.text())) {
            let (head, tail) = rest.split_at(from + at);
            text.push_str(head);
            text.push_str(&cell.tone.paint(cell.text(), true));
            rest = &tail[cell.text.len()..];
        }
    }
    text.push_str(rest);
}

/// One line, put together by hand: the same as comfy-table's.
fn aligned(row: &[Cell], widths: &Widths, has_color: bool) -> String {
    let mut line = String::with_capacity(128);
    let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
    for (index, cell) in row.iter().enumerate().take(last + 1) {
        match has_color {
            true => line.push_str(&cell.tone.paint(&cell.text, true)),
            false => line.push_str(&cell.text),
        }
        if index < last {
            let width = widths.0.get(index).copied().unwrap_or_default();
            let gap = width.saturating_sub(cell.width()).max(GAP);
            line.extend(std::iter::repeat_n(' ', gap));
        }
    }
    line.push('\n');
    line
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
        let text = lay_out(rows, &widths, false);
        let by_hand: String = rows.iter().map(|row| aligned(row, &widths, false)).collect();
        assert_eq!(text, by_hand);
        text
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
        assert_eq!(text, aligned(&row, &widths, true));
    }

    #[test]
    fn many_rows_look_like_few() {
        let many: Vec<Vec<Cell>> =
            (0..LARGE).map(|n| vec![Cell::new(format!("task-{n}")), Cell::new("Succeeded")]).collect();
        let mut widths = Widths::default();
        widths.measure(&many);
        let few: String = many.iter().map(|row| lay_out(std::slice::from_ref(row), &widths, false)).collect();
        assert_eq!(lay_out(&many, &widths, false), few);
    }
}
