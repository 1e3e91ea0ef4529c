//! Describe pages: `Key:  value` lines aligned with each other, nested tables, trees.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;

use super::Moment;
use crate::ui::{Cell, Tone, Widths, escape, lay_out};

/// Spaces between the longest key's colon and the values.
const GAP: usize = 2;

/// What stands after a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// One value a line, each with its meaning.
    Values(Vec<(String, Tone)>),
    /// Lines below the key.
    Lines(Vec<(String, Tone)>),
    /// A table below the key, titles first.
    Table(Vec<Vec<Cell>>),
}

impl Text {
    /// `<none>`.
    pub(crate) fn none() -> Self {
        Self::Values(vec![("<none>".to_owned(), Tone::Plain)])
    }
}

/// A page: keys and what stands after them, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page(Vec<(&'static str, Text)>);

impl Page {
    /// Adds anything.
    pub(crate) fn push(&mut self, key: &'static str, text: Text) {
        self.0.push((key, text));
    }

    /// Adds a line.
    pub(crate) fn field(&mut self, key: &'static str, value: String) {
        self.push(key, Text::Values(vec![(value, Tone::Plain)]));
    }

    /// Adds a line with a meaning.
    pub(crate) fn toned(&mut self, key: &'static str, value: &str, tone: Tone) {
        self.push(key, Text::Values(vec![(value.to_owned(), tone)]));
    }

    /// Adds a line, where there is something to say.
    pub(crate) fn optional(&mut self, key: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.field(key, value);
        }
    }

    /// Adds a time.
    pub(crate) fn time(&mut self, key: &'static str, time: Option<Timestamp>, moment: &Moment) {
        self.field(key, time.map_or_else(|| "<unknown>".to_owned(), |time| moment.time(time)));
    }

    /// Adds a value a line.
    pub(crate) fn values(&mut self, key: &'static str, values: impl Iterator<Item = String>) {
        let values: Vec<_> = values.map(|value| (value, Tone::Plain)).collect();
        self.push(key, if values.is_empty() { Text::none() } else { Text::Values(values) });
    }

    /// Adds `key=value` a line, sorted; `<none>` where there is nothing.
    pub(crate) fn map(&mut self, key: &'static str, map: &BTreeMap<String, String>) {
        self.values(key, map.iter().map(|(name, value)| format!("{name}={value}")));
    }

    /// Adds lines below their key.
    pub(crate) fn lines(&mut self, key: &'static str, lines: Vec<(String, Tone)>) {
        self.push(key, Text::Lines(lines));
    }

    /// Adds a table below its key, its titles underlined; `<none>` where it has no rows.
    pub(crate) fn table(&mut self, key: &'static str, titles: &[&'static str], rows: Vec<Vec<Cell>>) {
        if rows.is_empty() {
            return self.push(key, Text::none());
        }
        let mut table = vec![
            titles.iter().map(|title| Cell::new(*title)).collect(),
            titles.iter().map(|title| Cell::new("-".repeat(title.len()))).collect(),
        ];
        table.extend(rows);
        self.push(key, Text::Table(table));
    }

    /// The page as text, escaped.
    pub(crate) fn render(&self, has_color: bool) -> String {
        let is_beside = |text: &Text| matches!(text, Text::Values(_));
        let width = self.0.iter().filter(|(_, text)| is_beside(text)).map(|(key, _)| key.len()).max();
        let width = width.unwrap_or(0) + 1 + GAP;
        let mut page = String::new();
        for (key, text) in &self.0 {
            match text {
                Text::Values(values) => {
                    let mut start = format!("{key}:");
                    for (value, tone) in values {
                        // Writing to a string cannot fail.
                        let _ = writeln!(page, "{start:width$}{}", tone.paint(&escape(value), has_color));
                        start.clear();
                    }
                }
                Text::Lines(lines) => {
                    let _ = writeln!(page, "{key}:");
                    for (line, tone) in lines {
                        let _ = writeln!(page, "  {}", tone.paint(&escape(line), has_color));
                    }
                }
                Text::Table(rows) => {
                    let _ = writeln!(page, "{key}:");
                    let mut widths = Widths::default();
                    widths.measure(rows);
                    for line in lay_out(rows, &widths, has_color).lines() {
                        let _ = writeln!(page, "  {line}");
                    }
                }
            }
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_aligned_and_tables_come_below_their_key() {
        let mut page = Page::default();
        page.field("Name", "x\u{1b}".to_owned());
        page.map(
            "Labels",
            &BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]),
        );
        page.map("Annotations", &BTreeMap::new());
        page.lines("Tree", vec![("└─ y".to_owned(), Tone::Plain)]);
        page.table("Attempts", &["Number", "Node"], vec![vec![Cell::new("1"), Cell::new("local.g1")]]);
        page.table("Events", &["Type"], Vec::new());
        let expected = "\
Name:         x^[
Labels:       a=1
              b=2
Annotations:  <none>
Tree:
  └─ y
Attempts:
  Number   Node
  ------   ----
  1        local.g1
Events:       <none>
";
        assert_eq!(page.render(false), expected);
    }
}
