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
    read_into(source, Problems::default()).map(|(documents, _)| documents)
}

/// The same, without refusing unknown fields: they are left out of the objects, and told beside them.
///
/// ```
/// use ktk_client::manifest::{Source, read_leniently};
/// let text = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: t}\nspec: {run: {command: [ls]}, colour: red}\n";
/// let (documents, unknown) = read_leniently(&Source { name: "t.yaml", text }).unwrap();
/// assert_eq!((documents.len(), &*unknown[0].field), (1, "spec.colour"));
/// ```
///
/// # Errors
/// As [`read`], for all other problems.
pub fn read_leniently(source: &Source<'_>) -> Result<(Vec<Document>, Vec<Problem>), ReadError> {
    read_into(source, Problems { passes_unknown: true, ..Problems::default() })
}

/// Reads objects as a server gave them: what it has set is left out, but for the version ([`Document::version`]).
///
/// ```
/// use ktk_client::manifest::{Source, read_back};
/// let text = "{apiVersion: ktk/v1, kind: Queue, metadata: {name: q, version: 7}, spec: {}, status: {waiting: 0, running: 0}}";
/// let documents = read_back(&Source { name: "q.yaml", text }).unwrap();
/// assert_eq!((documents[0].version(), documents[0].value.metadata().version), (Some(7), None));
/// ```
///
/// # Errors
/// As [`read`].
pub fn read_back(source: &Source<'_>) -> Result<Vec<Document>, ReadError> {
    let problems = Problems { passes_servers_own: true, ..Problems::default() };
    read_into(source, problems).map(|(documents, _)| documents)
}

fn read_into(
    source: &Source<'_>,
    mut problems: Problems,
) -> Result<(Vec<Document>, Vec<Problem>), ReadError> {
    let roots = tree::read(source, &mut problems);
    let mut documents = Vec::new();
    for root in roots {
        document::read(source.name, root, &mut documents, &mut problems);
    }
    if documents.is_empty() && problems.list.is_empty() {
        return Err(ReadError::NoObjects { source_name: source.name.to_owned() });
    }
    if problems.list.is_empty() {
        return Ok((documents, problems.unknown));
    }
    problems.documents = documents;
    problems.list.sort_by_key(|problem| (problem.line, problem.column));
    Err(ReadError::Problems(problems))
}

#[cfg(test)]
mod tests;
