//! `-o custom-columns=TITLE:PATH,…`: a table whose columns were typed.

use jiff::Timestamp;
use serde_json::Value;

use super::jsonpath::{Path, text_of};
use crate::{error::CliError, ui::Cell};

/// The columns, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns(Vec<Column>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    title: String,
    path: Path,
    /// Written `age(PATH)`: how long ago that time was.
    is_age: bool,
}

impl Columns {
    /// Reads `TITLE:PATH,TITLE:PATH`.
    pub(super) fn parse(spec: &str) -> Result<Self, CliError> {
        let column = |part: &str| match part.split_once(':') {
            Some((title, path)) => Column::parse(title, path),
            None => Err(CliError::usage(format!(
                "unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"
            ))),
        };
        split(spec).into_iter().map(column).collect::<Result<_, _>>().map(Self)
    }

    /// Reads a file: titles on its first line, paths on its second, with blanks between them.
    pub(super) fn parse_file(text: &str) -> Result<Self, CliError> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let (Some(titles), Some(paths)) = (lines.next(), lines.next()) else {
            return Err(CliError::usage(
                "a file of custom columns has two lines: titles, and below them paths",
            ));
        };
        let (titles, paths): (Vec<&str>, Vec<&str>) =
            (titles.split_whitespace().collect(), paths.split_whitespace().collect());
        if titles.len() != paths.len() {
            return Err(CliError::usage(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                titles.len(),
                paths.len()
            )));
        }
        let columns = titles.into_iter().zip(paths).map(|(title, path)| Column::parse(title, path));
        columns.collect::<Result<_, _>>().map(Self)
    }

    /// The titles, as they were typed.
    pub(crate) fn titles(&self) -> Vec<Cell> {
        self.0.iter().map(|column| Cell::new(column.title.clone())).collect()
    }

    /// An object's cells; `age` writes how long ago a time was.
    ///
    /// # Errors
    /// Code 1 where a path cannot be evaluated.
    pub(crate) fn row(
        &self,
        object: &Value,
        age: impl Fn(Timestamp) -> String,
    ) -> Result<Vec<Cell>, CliError> {
        self.0.iter().map(|column| column.cell(object, &age)).collect()
    }
}

impl Column {
    fn parse(title: &str, typed: &str) -> Result<Self, CliError> {
        let typed = typed.trim();
        let of_age = typed.strip_prefix("age(").and_then(|rest| rest.strip_suffix(')'));
        let path = Path::parse(of_age.unwrap_or(typed)).map_err(CliError::usage)?;
        Ok(Self { title: title.to_owned(), path, is_age: of_age.is_some() })
    }

    fn cell(&self, object: &Value, age: &impl Fn(Timestamp) -> String) -> Result<Cell, CliError> {
        let values = self.path.values(object).map_err(|problem| {
            CliError::failed(format!("column {}: {:?}: {problem}", self.title, self.path.typed()))
        })?;
        let text = |value: &&Value| match value.as_str().filter(|_| self.is_age) {
            Some(time) => time.parse().map_or_else(|_| "<unknown>".to_owned(), age),
            None if self.is_age => "<unknown>".to_owned(),
            None if value.is_null() => "<none>".to_owned(),
            None => text_of(value),
        };
        Ok(match values.as_slice() {
            [] => Cell::none(),
            values => Cell::new(values.iter().map(text).collect::<Vec<_>>().join(",")),
        })
    }
}

/// The parts between commas that stand in no brackets and no quotes.
fn split(spec: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, c) in spec.char_indices() {
        match (quote, c) {
            (Some(open), c) => quote = Some(open).filter(|open| *open != c),
            (None, '\'' | '"') if depth > 0 => quote = Some(c),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(&spec[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&spec[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(spec: &str, object: &Value) -> Vec<String> {
        let columns = Columns::parse(spec).expect(spec);
        let row = columns.row(object, |time| format!("since {time}")).expect(spec);
        row.iter().map(|cell| cell.text().to_owned()).collect()
    }

    #[test]
    fn cells_are_what_paths_lead_to() {
        let object = json!({"metadata": {"name": "x", "labels": {"a,b": "1"}, "at": "2026-11-22T12:00:00Z"},
            "list": [{"n": 1}, {"n": 2.0}], "none": null, "map": {"k": "v"}});
        let spec = "NAME:.metadata.name,A name:metadata['labels'],N:{.list[*].n},NO:.nosuch,AT:age(.metadata.at),\
                    F:.list[?(@.n==1 || @.n==3)].n,U:.metadata['name','at'],Z:none,BAD:age(.metadata.name)";
        assert_eq!(
            texts(spec, &object),
            [
                "x",
                "{\"a,b\":\"1\"}",
                "1,2",
                "<none>",
                "since 2026-11-22T12:00:00Z",
                "1",
                "x,2026-11-22T12:00:00Z",
                "<none>",
                "<unknown>"
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (spec, why) in [
            ("NAME", "unexpected custom-columns spec: NAME"),
            ("A:.a,B", "unexpected custom-columns spec: B"),
            ("A:", "names no field"),
            ("A:{.a", "a brace is missing"),
        ] {
            let error = Columns::parse(spec).expect_err(spec);
            assert!(error.lines()[0].contains(why), "{error:?}");
        }
        let columns = Columns::parse("N:.list[3].x").expect("columns");
        let error = columns.row(&json!({"list": []}), |_| String::new()).expect_err("out of bounds");
        assert_eq!(
            error.lines(),
            ["error: column N: \".list[3].x\": array index out of bounds: index 3, length 0"]
        );
    }

    #[test]
    fn a_file_has_titles_and_paths() {
        let columns = Columns::parse_file("NAME  \t A\n{metadata.name}   age(a)\n").expect("columns");
        assert_eq!(
            columns,
            Columns::parse("NAME:metadata.name,A:age(a)")
                .map(|mut columns| {
                    columns.0[0].path = Path::parse("{metadata.name}").expect("a path");
                    columns
                })
                .expect("columns")
        );
        for text in ["", "NAME", "A B\n.a"] {
            assert!(Columns::parse_file(text).is_err(), "{text}");
        }
    }
}
