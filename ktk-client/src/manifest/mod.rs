//! Reads manifests, YAML or JSON, and names everything that is wrong with file, line and column.
//!
//! Text becomes a tree in which every node knows where it stands (`tree`), the tree becomes
//! typed objects (`document`), and those are checked by [`crate::api::check`]. No files are read
//! here: text comes in, documents go out.

mod document;
mod fields;
mod node;
mod order;
mod problem;
mod scalar;
mod tree;
mod typed;
mod wording;
mod yaml;

pub use document::{Document, Manifest};
pub use order::order;
pub use problem::{Problem, Problems, ReadError};
pub use tree::{MAX_ALIASES, MAX_BYTES, MAX_DEPTH, MAX_EVENTS, MAX_NODES};
pub use yaml::to_yaml;

/// Text to read, and what it is called in messages.
///
/// ```
/// use ktk_client::manifest::{Source, read};
/// let text = "{apiVersion: ktk/v1, kind: Semaphore, metadata: {name: gpu}, spec: {permits: 2}}";
/// let documents = read(&Source { name: "gpu.yaml", text }).unwrap();
/// assert_eq!(documents[0].value.metadata().name(), "gpu");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file's name as the user gave it, or `STDIN`.
    pub name: &'a str,
    /// YAML or JSON: any number of documents, each an object or a `List`.
    pub text: &'a str,
}

/// Reads every object of a text and checks it whole.
///
/// ```
/// use ktk_client::manifest::{Source, read};
/// let text = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: t}\nspec:\n  run: {comand: [ls]}\n";
/// let error = read(&Source { name: "t.yaml", text }).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "t.yaml:5:9: spec.run.comand: unknown field (did you mean \"command\"?)"
/// );
/// ```
///
/// # Errors
/// [`ReadError::NoObjects`] where there is nothing but blanks and comments; else every problem of
/// every document, and with them the documents that are in order.
pub fn read(source: &Source<'_>) -> Result<Vec<Document>, ReadError> {
    let mut problems = Problems::default();
    let roots = tree::read(source, &mut problems);
    let mut documents = Vec::new();
    for root in roots {
        document::read(source.name, root, &mut documents, &mut problems);
    }
    if documents.is_empty() && problems.list.is_empty() {
        return Err(ReadError::NoObjects { source_name: source.name.to_owned() });
    }
    if problems.list.is_empty() {
        return Ok(documents);
    }
    problems.documents = documents;
    problems.list.sort_by_key(|problem| (problem.line, problem.column));
    Err(ReadError::Problems(problems))
}

#[cfg(test)]
mod tests;
