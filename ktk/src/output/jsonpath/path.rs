//! A relaxed path: `.spec.priority`, `{.spec.priority}` and `spec.priority` are the same.

use serde_json::Value;

use super::{Missing, Problem, ast::Step, evaluate, parser};

/// A path into an object.
#[derive(Clone, Debug)]
pub struct Path {
    typed: String,
    steps: Vec<Step>,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.typed == other.typed
    }
}

impl Eq for Path {}

impl Path {
    /// Reads a path, with or without its braces and its first dot.
    ///
    /// # Errors
    /// What cannot be read, with the path.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        let invalid = |why: &str| Problem::new(format!("cannot read the path {typed:?}: {why}"));
        let text = typed.trim();
        let text = match (text.strip_prefix('{'), text.strip_suffix('}')) {
            (Some(_), Some(_)) if text.len() >= 2 => text[1..text.len() - 1].trim(),
            (None, None) => text,
            _ => return Err(invalid("a brace is missing")),
        };
        let text = text.strip_prefix(['$', '@']).unwrap_or(text);
        if text.is_empty() || text == "." {
            return Err(invalid("it names no field"));
        }
        match parser::bare(text) {
            Ok(steps) => Ok(Self { typed: typed.to_owned(), steps }),
            Err(Problem(why)) => Err(invalid(&why)),
        }
    }

    /// What was typed.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// All values that it leads to.
    ///
    /// # Errors
    /// What cannot be evaluated, as an index that is out of bounds.
    pub fn values<'a>(&'a self, object: &'a Value) -> Result<Vec<&'a Value>, Problem> {
        evaluate::path(&self.steps, object, Missing::Allowed)
    }

    /// All values that it leads to; none where it leads nowhere.
    pub fn find_all<'a>(&'a self, object: &'a Value) -> Vec<&'a Value> {
        self.values(object).unwrap_or_default()
    }

    /// The first of the values that it leads to.
    pub fn find<'a>(&'a self, object: &'a Value) -> Option<&'a Value> {
        self.find_all(object).into_iter().next()
    }

    /// The names that it begins with, up to the first step of another kind.
    pub fn leading_keys(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map_while(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            _ => None,
        })
    }
}
