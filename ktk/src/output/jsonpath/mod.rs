//! kubectl's JSONPath: templates of text and `{expressions}`, and relaxed paths without braces.
//!
//! Beyond kubectl's dialect: `&&`, `||`, `!` (or `and`, `or`, `not`) and `=~` in filters, `null`, and numbers that
//! compare as numbers. Nothing that is typed can hang: what is read has a depth, what is evaluated a budget, and a
//! regular expression takes time linear in its text.

mod ast;
mod compare;
mod evaluate;
mod filter;
mod parser;
mod path;
mod print;
mod quote;

use serde_json::Value;

use self::ast::Block;
pub use self::path::Path;

/// What is wrong with a template, or with evaluating it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(String);

impl Problem {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// What becomes of a field that an object does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// It is nothing.
    #[default]
    Allowed,
    /// It is an error.
    Refused,
}

/// A template that was read.
#[derive(Clone, Debug)]
pub struct Template {
    typed: String,
    blocks: Vec<Block>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What cannot be read, with the template.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        let blocks = parser::template(typed)
            .map_err(|Problem(why)| Problem(format!("error parsing jsonpath {typed}, {why}")))?;
        Ok(Self { typed: typed.to_owned(), blocks })
    }

    /// What was typed.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Whether it prints anything of an object, and not only its own text.
    pub fn has_expression(&self) -> bool {
        !self.blocks.iter().all(|block| matches!(block, Block::Text(_)))
    }

    /// The values that each part leads to, in order.
    ///
    /// # Errors
    /// What cannot be evaluated: an index out of bounds, values that do not compare, a field that is not there.
    pub fn results<'a>(
        &'a self,
        object: &'a Value,
        missing: Missing,
    ) -> Result<Vec<Vec<&'a Value>>, Problem> {
        evaluate::blocks(&self.blocks, object, missing)
    }

    /// The text that it prints.
    ///
    /// # Errors
    /// As [`Template::results`].
    pub fn text(&self, object: &Value, missing: Missing) -> Result<String, Problem> {
        let mut text = String::new();
        for values in self.results(object, missing)? {
            for (index, value) in values.into_iter().enumerate() {
                if index > 0 {
                    text.push(' ');
                }
                text.push_str(&print::text(value));
                if text.len() > print::MAX_BYTES {
                    return Err(Problem::new("it prints too much"));
                }
            }
        }
        Ok(text)
    }

    /// All values that it leads to, as one array.
    ///
    /// # Errors
    /// As [`Template::results`].
    pub fn array(&self, object: &Value, missing: Missing) -> Result<Value, Problem> {
        Ok(Value::Array(self.results(object, missing)?.into_iter().flatten().cloned().collect()))
    }
}

/// A value as templates print it: texts raw, all else as JSON.
pub fn text_of(value: &Value) -> String {
    print::text(value)
}

#[cfg(test)]
mod tests;
