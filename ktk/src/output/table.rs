//! A table that rows are added to, at once or one by one: later rows keep the first ones' widths.

use crate::ui::{Cell, Widths, lay_out};

/// A table of which nothing or something was written.
#[derive(Debug)]
pub(crate) struct Table {
    titles: Option<Vec<Cell>>,
    has_color: bool,
    widths: Option<Widths>,
    gathered: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with or without a line of titles.
    pub(crate) fn new(titles: Option<Vec<Cell>>, has_color: bool) -> Self {
        Self { titles, has_color, widths: None, gathered: Vec::new() }
    }

    /// Some rows as text, the titles before the first ones.
    pub(crate) fn write(&mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> String {
        let mut lines: Vec<Vec<Cell>> = self.titles.take().into_iter().collect();
        lines.extend(rows);
        let widths = self.widths.get_or_insert_with(|| {
            let mut widths = Widths::default();
            widths.measure(&lines);
            widths
        });
        lay_out(&lines, widths, self.has_color)
    }

    /// Keeps some rows for [`Table::write_gathered`].
    pub(crate) fn gather(&mut self, rows: impl IntoIterator<Item = Vec<Cell>>) {
        self.gathered.extend(rows);
    }

    /// How many rows were gathered.
    pub(crate) fn gathered(&self) -> usize {
        self.gathered.len()
    }

    /// Every row that was gathered as text, the titles first; nothing where there is none.
    pub(crate) fn write_gathered(&mut self) -> String {
        match std::mem::take(&mut self.gathered) {
            rows if rows.is_empty() => String::new(),
            rows => self.write(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(texts: &[&'static str]) -> Vec<Cell> {
        texts.iter().map(|text| Cell::new(*text)).collect()
    }

    #[test]
    fn later_rows_have_no_titles_and_the_first_widths() {
        let mut table = Table::new(Some(row(&["NAME", "STATUS"])), false);
        assert_eq!(
            table.write([row(&["build-web", "Running"])]),
            "NAME        STATUS\nbuild-web   Running\n"
        );
        assert_eq!(table.write([row(&["x", "Failed"])]), "x           Failed\n");
    }

    #[test]
    fn without_titles_columns_are_as_wide_as_their_cells() {
        let mut table = Table::new(None, false);
        assert_eq!(table.write([row(&["a", "b"]), row(&["cc", "d"])]), "a     b\ncc    d\n");
    }

    #[test]
    fn gathered_rows_are_one_table() {
        let mut table = Table::new(Some(row(&["NAME", "AGE"])), false);
        assert_eq!(table.write_gathered(), "");
        table.gather([row(&["a-long-name", "1s"])]);
        table.gather([row(&["b", "2s"])]);
        assert_eq!(table.write_gathered(), "NAME          AGE\na-long-name   1s\nb             2s\n");
    }
}
