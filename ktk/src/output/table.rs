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

    /// What can be printed before the rest comes: nothing until `enough` rows were gathered, whose widths all have then.
    pub(crate) fn write_early(&mut self, enough: usize) -> String {
        if self.widths.is_some() {
            return self.write_gathered();
        }
        if self.gathered.len() < enough {
            return String::new();
        }
        let rest = self.gathered.split_off(enough);
        let mut text = self.write_gathered();
        self.gathered = rest;
        text.push_str(&self.write_gathered());
        text
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

    #[test]
    fn a_long_table_has_the_widths_of_its_beginning_however_it_comes() {
        let names = ["a", "bb", "cccccccc", "dddddddddddd", "e"];
        let written = |size: usize| {
            let mut table = Table::new(Some(row(&["NAME", "AGE"])), false);
            let mut text = String::new();
            let mut held = 0;
            for page in names.chunks(size) {
                table.gather(page.iter().map(|name| row(&[name, "1s"])));
                text.push_str(&table.write_early(3));
                held = held.max(table.gathered.len());
            }
            assert!(held < 3, "{held} rows were kept back");
            text + &table.write_gathered()
        };
        let whole = written(1);
        assert_eq!(whole.lines().nth(3), Some("cccccccc   1s"));
        assert_eq!(whole.lines().nth(4), Some("dddddddddddd   1s"));
        for size in 2..=5 {
            assert_eq!(written(size), whole, "in pages of {size}");
        }
    }
}
