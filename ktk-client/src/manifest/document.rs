//! From a located tree to a checked object.

use std::collections::BTreeMap;

use super::{
    Problem, Problems,
    node::{Content, Node},
    typed,
};
use crate::api::{
    API_VERSION, Cause, Entity, Metadata, Pipeline, Queue, Semaphore, Task, TaskType, check, field,
    names::quoted, suggest,
};

/// An object of a manifest.
///
/// ```
/// use ktk_client::{api::semaphore::Semaphore, manifest::Manifest};
/// let manifest = Manifest::Semaphore(Semaphore::new("gpu", 2));
/// assert_eq!(manifest.kind(), "Semaphore");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "most are large, and a manifest has few of them")]
pub enum Manifest {
    /// A task.
    Task(Task),
    /// A pipeline.
    Pipeline(Pipeline),
    /// A queue.
    Queue(Queue),
    /// A semaphore.
    Semaphore(Semaphore),
    /// A version of a task type.
    TaskType(Box<TaskType>),
}

impl Manifest {
    /// `Task`, `Pipeline`, `Queue`, `Semaphore` or `TaskType`.
    ///
    /// ```
    /// # use ktk_client::{api::{Task, task::TaskSpec}, manifest::Manifest};
    /// assert_eq!(Manifest::Task(Task::new("a", TaskSpec::external())).kind(), "Task");
    /// ```
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Task(_) => "Task",
            Self::Pipeline(_) => "Pipeline",
            Self::Queue(_) => Queue::KIND,
            Self::Semaphore(_) => Semaphore::KIND,
            Self::TaskType(_) => TaskType::KIND,
        }
    }

    /// Whether it belongs to a namespace.
    ///
    /// ```
    /// # use ktk_client::{api::semaphore::Semaphore, manifest::Manifest};
    /// assert!(!Manifest::Semaphore(Semaphore::new("gpu", 2)).is_namespaced());
    /// ```
    pub fn is_namespaced(&self) -> bool {
        matches!(self, Self::Task(_) | Self::Pipeline(_))
    }

    /// The object's metadata.
    ///
    /// ```
    /// # use ktk_client::{api::semaphore::Semaphore, manifest::Manifest};
    /// assert_eq!(Manifest::Semaphore(Semaphore::new("gpu", 2)).metadata().name(), "gpu");
    /// ```
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Task(task) => &task.metadata,
            Self::Pipeline(pipeline) => &pipeline.metadata,
            Self::Queue(queue) => &queue.metadata,
            Self::Semaphore(semaphore) => &semaphore.metadata,
            Self::TaskType(task_type) => &task_type.metadata,
        }
    }

    /// The object's metadata, to change.
    ///
    /// ```
    /// # use ktk_client::{api::{Task, task::TaskSpec}, manifest::Manifest};
    /// let mut manifest = Manifest::Task(Task::new("a", TaskSpec::external()));
    /// manifest.metadata_mut().namespace = Some("media".into());
    /// assert_eq!(manifest.metadata().namespace(), "media");
    /// ```
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        match self {
            Self::Task(task) => &mut task.metadata,
            Self::Pipeline(pipeline) => &mut pipeline.metadata,
            Self::Queue(queue) => &mut queue.metadata,
            Self::Semaphore(semaphore) => &mut semaphore.metadata,
            Self::TaskType(task_type) => &mut task_type.metadata,
        }
    }
}

/// An object and where it came from.
///
/// ```
/// use ktk_client::manifest::{Manifest, Source, read};
/// let text = "kind: Task\napiVersion: ktk/v1\nmetadata: {name: hello}\nspec: {external: {}}\n";
/// let document = read(&Source { name: "hello.yaml", text }).unwrap().remove(0);
/// assert!(matches!(document.value, Manifest::Task(task) if task.metadata.name() == "hello"));
/// ```
#[derive(Clone, Debug)]
pub struct Document {
    /// The object.
    pub value: Manifest,
    /// The file's name, or `STDIN`.
    pub source: String,
    /// The line it begins at, from 1.
    pub line: u32,
    tree: Node,
}

impl Document {
    /// Line and column of a field, or of the nearest thing around it that is there.
    ///
    /// ```
    /// # use ktk_client::manifest::{Source, read};
    /// let text = "kind: Task\napiVersion: ktk/v1\nmetadata: {name: hello}\nspec: {external: {}}\n";
    /// let document = read(&Source { name: "hello.yaml", text }).unwrap().remove(0);
    /// assert_eq!(document.locate("metadata.name").0, 3);
    /// ```
    pub fn locate(&self, field: &str) -> (u32, u32) {
        self.tree.find(&field::parse(field)).place()
    }

    /// The version that the object had when a server gave it, where the text says so.
    ///
    /// ```
    /// # use ktk_client::manifest::{Source, read};
    /// let text = "kind: Task\napiVersion: ktk/v1\nmetadata: {name: hello}\nspec: {external: {}}\n";
    /// assert_eq!(read(&Source { name: "hello.yaml", text }).unwrap()[0].version(), None);
    /// ```
    pub fn version(&self) -> Option<u64> {
        self.tree.to_json(false)["metadata"]["version"].as_u64()
    }

    /// A server's refusal of this document as a problem with a place.
    ///
    /// ```
    /// # use ktk_client::{api::Cause, manifest::{Source, read}};
    /// let text = "kind: Task\napiVersion: ktk/v1\nmetadata: {name: hello}\nspec: {external: {}}\n";
    /// let document = read(&Source { name: "hello.yaml", text }).unwrap().remove(0);
    /// let problem = document.problem(&Cause::new("metadata.name", "is taken"));
    /// assert!(problem.to_string().starts_with("hello.yaml:3:"));
    /// ```
    pub fn problem(&self, cause: &Cause) -> Problem {
        let (line, column) = self.locate(&cause.field);
        Problem {
            source: self.source.clone(),
            line,
            column,
            field: cause.field.clone(),
            message: cause.message.clone(),
        }
    }
}

/// Kinds of the whole design that this version does not take from a manifest.
const OTHER_KINDS: [&str; 4] = ["Spawner", "Token", "Event", "Node"];

/// Kinds that it does.
const KINDS: &str = "Task, Pipeline, Queue, Semaphore or TaskType";

/// Reads one document, or each item of a `List`.
pub(super) fn read(source: &str, root: Node, documents: &mut Vec<Document>, problems: &mut Problems) {
    let before = problems.count();
    let mut report = |(line, column): (u32, u32), field: &str, message: String| {
        problems.push(Problem { source: source.to_owned(), line, column, field: field.to_owned(), message });
    };
    let here = (root.line, root.column);
    if !matches!(root.content, Content::Mapping(_)) {
        report(here, "", "an object is a mapping with apiVersion, kind, metadata and spec".to_owned());
        return;
    }
    let kind = root.entry("kind");
    let api_version = root.entry("apiVersion");
    let is_list = kind.is_some_and(|kind| kind.value.text() == Some("List"));
    match api_version {
        None => report(here, "apiVersion", format!("missing: write `apiVersion: {API_VERSION}`")),
        Some(entry) => {
            let text = entry.value.text();
            if text != Some(API_VERSION) && !(is_list && text == Some("v1")) {
                let place = (entry.value.line, entry.value.column);
                let found = text.map(|text| format!(", not {}", quoted(text))).unwrap_or_default();
                report(place, "apiVersion", format!("must be {API_VERSION}{found}"));
            }
        }
    }
    let Some(kind) = kind else {
        report(here, "kind", format!("missing: write `kind: …`, one of {KINDS}"));
        return;
    };
    let place = (kind.value.line, kind.value.column);
    let manifest = match kind.value.text() {
        Some("Task") => typed::task(source, &root, problems),
        Some("Pipeline") => typed::pipeline(source, &root, problems),
        Some(Queue::KIND) => typed::queue(source, &root, problems),
        Some(Semaphore::KIND) => typed::semaphore(source, &root, problems),
        Some(TaskType::KIND) => typed::task_type(source, &root, problems),
        Some("List") => return read_list(source, root, documents, problems),
        Some(other) if OTHER_KINDS.contains(&other) => {
            return report(place, "kind", format!("{other} is not supported by this version: {KINDS}"));
        }
        Some(other) => {
            let hint = suggest::hint(
                other,
                ["Task", "Pipeline", Queue::KIND, Semaphore::KIND, TaskType::KIND, "List"],
            );
            return report(place, "kind", format!("unknown kind {}{hint}: {KINDS}", quoted(other)));
        }
        None => return report(place, "kind", format!("must be {KINDS}")),
    };
    if let Some(value) = manifest {
        let document = Document { value, source: source.to_owned(), line: root.line, tree: root };
        match problems.count() == before {
            true => documents.push(document),
            false => problems.doubtful.push(document),
        }
    }
}

fn read_list(source: &str, root: Node, documents: &mut Vec<Document>, problems: &mut Problems) {
    let place = (root.line, root.column);
    let Content::Mapping(entries) = root.content else { return };
    let items = entries.into_iter().find(|entry| entry.key == "items").map(|entry| entry.value);
    if let Some(Node { content: Content::Sequence(items), .. }) = items {
        for item in items {
            read(source, item, documents, problems);
        }
        return;
    }
    let (line, column) = items.map_or(place, |node| (node.line, node.column));
    let message = "a List has its objects here: must be a list".to_owned();
    problems.push(Problem { source: source.to_owned(), line, column, field: "items".to_owned(), message });
}

/// What [`check`] says of an object.
pub(super) fn causes(manifest: &Manifest) -> Vec<Cause> {
    match manifest {
        Manifest::Task(task) => check::task(task),
        Manifest::Pipeline(pipeline) => check::pipeline(pipeline, &BTreeMap::new()),
        Manifest::Queue(queue) => check::entity(queue),
        Manifest::Semaphore(semaphore) => check::entity(semaphore),
        Manifest::TaskType(task_type) => check::entity(&**task_type),
    }
}
