//! What `explain` says of a kind or of one of its fields.

use std::fmt::Write as _;

use ktk_client::api::API_VERSION;

use super::schema::{Field, Schema, wrapped};
use crate::kinds::Kind;

/// The width of a line of words.
const WIDTH: usize = 80;

/// A field that a kind has not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoField {
    /// As it was typed.
    pub(crate) name: String,
    /// What there is in its place.
    pub(crate) known: Vec<String>,
}

/// The page of a kind, or of the field that the path leads to.
pub(crate) fn page(kind: Kind, path: &[&str], is_recursive: bool) -> Result<String, NoField> {
    let schema = Schema::of(kind);
    let field = find(&schema, path)?;
    let (group, version) = API_VERSION.split_once('/').unwrap_or(("", API_VERSION));
    let mut text = format!("GROUP:      {group}\nKIND:       {}\nVERSION:    {version}\n\n", kind.manifest());
    let (words, fields) = match &field {
        None => (schema.words(), schema.fields()),
        Some(field) => {
            let _ = writeln!(text, "FIELD: {} <{}>{}", field.name, field.type_name, required(field));
            if !field.choices.is_empty() {
                let _ = write!(text, "ENUM:\n    {}\n", field.choices.join("\n    "));
            }
            text.push('\n');
            (field.words.clone(), schema.below(field))
        }
    };
    text.push_str("DESCRIPTION:\n");
    write_words(&words, 4, &mut text);
    if !fields.is_empty() {
        text.push_str("\nFIELDS:\n");
        match is_recursive {
            true => write_tree(&schema, &fields, 2, &mut text),
            false => fields.iter().for_each(|field| write_field(field, &mut text)),
        }
    }
    Ok(format!("{}\n", text.trim_end()))
}

/// The names below a path that was typed, for who completes it.
pub(crate) fn names(kind: Kind, path: &[&str]) -> Vec<String> {
    let schema = Schema::of(kind);
    let fields = match find(&schema, path) {
        Ok(None) => schema.fields(),
        Ok(Some(field)) => schema.below(&field),
        Err(_) => Vec::new(),
    };
    fields.iter().map(|field| field.name.to_owned()).collect()
}

/// The paths to the fields that have nothing below them, lists and maps left out: what can be sorted by.
pub(crate) fn leaves(kind: Kind, depth: usize) -> Vec<String> {
    let schema = Schema::of(kind);
    let mut found = Vec::new();
    let mut open: Vec<(String, Field<'_>)> =
        schema.fields().into_iter().map(|field| (field.name.to_owned(), field)).collect();
    while let Some((path, field)) = open.pop() {
        if field.type_name.starts_with("[]") || field.type_name.starts_with("map[") {
            continue;
        }
        let below = schema.below(&field);
        if below.is_empty() {
            found.push(path);
        } else if path.split('.').count() < depth {
            open.extend(below.into_iter().map(|field| (format!("{path}.{}", field.name), field)));
        }
    }
    found.sort();
    found
}

fn find<'s>(schema: &'s Schema, path: &[&str]) -> Result<Option<Field<'s>>, NoField> {
    let mut found = None;
    for name in path {
        let fields = found.as_ref().map_or_else(|| schema.fields(), |field| schema.below(field));
        let known = fields.iter().map(|field| field.name.to_owned()).collect();
        let next = fields.into_iter().find(|field| field.name == *name);
        found = Some(next.ok_or_else(|| NoField { name: (*name).to_owned(), known })?);
    }
    Ok(found)
}

fn required(field: &Field<'_>) -> &'static str {
    if field.is_required { " -required-" } else { "" }
}

fn write_field(field: &Field<'_>, text: &mut String) {
    let _ = writeln!(text, "  {}\t<{}>{}", field.name, field.type_name, required(field));
    write_choices(field, 2, text);
    write_words(&field.words, 4, text);
    text.push('\n');
}

fn write_tree(schema: &Schema, fields: &[Field<'_>], indent: usize, text: &mut String) {
    for field in fields {
        let space = " ".repeat(indent);
        let _ = writeln!(text, "{space}{}\t<{}>{}", field.name, field.type_name, required(field));
        write_choices(field, indent, text);
        write_tree(schema, &schema.below(field), indent + 2, text);
    }
}

fn write_choices(field: &Field<'_>, indent: usize, text: &mut String) {
    if !field.choices.is_empty() {
        write_words(&format!("enum: {}", field.choices.join(", ")), indent, text);
    }
}

fn write_words(words: &str, indent: usize, text: &mut String) {
    for line in wrapped(words, WIDTH - indent) {
        let _ = writeln!(text, "{}{line}", " ".repeat(indent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KINDS;

    #[test]
    fn a_field_is_explained_with_what_is_below_it() {
        let text = page(Kind::Task, &["spec", "run"], false).expect("a field");
        assert!(
            text.starts_with("GROUP:      ktk\nKIND:       Task\nVERSION:    v1\n\nFIELD: run <RunSpec>\n\n"),
            "{text}"
        );
        assert!(text.contains("\nDESCRIPTION:\n    A process to run.\n\nFIELDS:\n"), "{text}");
        assert!(text.contains("  command\t<[]string>\n    "), "{text}");
        let text = page(Kind::Task, &["spec", "runIf"], false).expect("a field");
        assert!(text.contains("FIELD: runIf <string>\nENUM:\n    success\n    failure\n"), "{text}");
        assert!(!text.contains("FIELDS:"), "{text}");
    }

    #[test]
    fn what_there_is_not_is_an_error_with_what_there_is() {
        let error = page(Kind::Queue, &["spec", "pausd"], false).expect_err("no field");
        assert_eq!(error.name, "pausd");
        assert!(error.known.contains(&"paused".to_owned()), "{error:?}");
        assert!(page(Kind::Task, &["spec", "priority", "x"], false).is_err());
        assert_eq!(names(Kind::Queue, &["spec"]), ["maxRunning", "paused"]);
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        for row in KINDS {
            for is_recursive in [false, true] {
                let text = page(row.kind, &[], is_recursive).expect("a page");
                assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
            }
        }
    }

    #[test]
    fn a_tree_shows_all_levels() {
        let text = page(Kind::Pipeline, &["spec"], true).expect("a page");
        assert!(text.contains("\n  steps\t<[]Step>\n"), "{text}");
        assert!(text.contains("\n    run\t<RunSpec>\n      command\t<[]string>\n"), "{text}");
    }
}
