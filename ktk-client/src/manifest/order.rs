//! The order in which the documents of one command are created: what others name comes first.

use std::collections::HashMap;

use super::{Document, Manifest, Problem};
use crate::api::{Entity, Pipeline, Queue, Semaphore, Task, TaskType, dag, field, task::SemaphoreUse};

/// Numbers of the documents, each task after those of them that it needs, and each object after the queues, semaphores
/// and types that it names; else as given.
///
/// ```
/// use ktk_client::manifest::{Source, order, read};
/// let text = "{apiVersion: ktk/v1, kind: Task, metadata: {name: b}, spec: {external: {}, needs: [a]}}\n---\n\
///             {apiVersion: ktk/v1, kind: Task, metadata: {name: a}, spec: {external: {}}}\n";
/// let documents = read(&Source { name: "both.yaml", text }).unwrap();
/// assert_eq!(order(&documents).unwrap(), [1, 0]);
/// ```
///
/// # Errors
/// A problem for each cycle, at the need that is its first.
pub fn order(documents: &[Document]) -> Result<Vec<usize>, Vec<Problem>> {
    let numbers: HashMap<(&str, &str, &str), usize> = documents
        .iter()
        .enumerate()
        .rev()
        .filter_map(|(number, document)| {
            let name = document.value.metadata().name.as_deref()?;
            Some(((namespace_of(document), document.value.kind(), name), number))
        })
        .collect();
    let needs: Vec<Vec<usize>> = documents
        .iter()
        .map(|document| {
            let namespace = namespace_of(document);
            let needed = needs_of(document).iter().map(|need| target(need));
            let needed = needed.filter_map(|(kind, name)| numbers.get(&(namespace, kind, name)));
            let named = named_by(&document.value).into_iter();
            let named = named.filter_map(|(kind, name)| numbers.get(&("", kind, name)));
            needed.chain(named).copied().collect()
        })
        .collect();
    dag::sort(&needs).map_err(|cycles| cycles.iter().map(|cycle| problem(documents, cycle)).collect())
}

/// Its namespace; none where it belongs to none.
fn namespace_of(document: &Document) -> &str {
    if document.value.is_namespaced() { document.value.metadata().namespace() } else { "" }
}

/// Queues, semaphores and types that an object names.
fn named_by(value: &Manifest) -> Vec<(&'static str, &str)> {
    let mut named = Vec::new();
    match value {
        Manifest::Task(Task { spec, .. }) => {
            limits(&mut named, spec.queue.as_ref(), &spec.semaphores);
            named.extend(spec.type_name.as_deref().map(of_type));
        }
        Manifest::Pipeline(Pipeline { spec, .. }) => {
            limits(&mut named, spec.queue.as_ref(), &spec.semaphores);
            if let Some(defaults) = &spec.defaults {
                limits(&mut named, defaults.queue.as_ref(), &defaults.semaphores);
            }
            for step in &spec.steps {
                limits(&mut named, step.queue.as_ref(), &step.semaphores);
                named.extend(step.type_name.as_deref().map(of_type));
            }
        }
        Manifest::TaskType(of_type) => {
            let defaults = &of_type.spec.defaults;
            limits(&mut named, defaults.queue.as_ref(), &defaults.semaphores);
        }
        Manifest::Queue(_) | Manifest::Semaphore(_) => {}
    }
    named
}

fn limits<'a>(
    named: &mut Vec<(&'static str, &'a str)>,
    queue: Option<&'a String>,
    semaphores: &'a [SemaphoreUse],
) {
    named.extend(queue.map(|queue| (Queue::KIND, queue.as_str())));
    named.extend(semaphores.iter().map(|one| (Semaphore::KIND, one.name())));
}

fn of_type(reference: &str) -> (&'static str, &str) {
    (TaskType::KIND, reference.split('@').next().unwrap_or(reference))
}

/// The object that a need names: a pipeline's step comes with its pipeline.
fn target(need: &str) -> (&'static str, &str) {
    need.split_once('.').map_or(("Task", need), |(pipeline, _)| ("Pipeline", pipeline))
}

fn needs_of(document: &Document) -> &[String] {
    match &document.value {
        Manifest::Task(task) => &task.spec.needs,
        Manifest::Pipeline(_) | Manifest::Queue(_) | Manifest::Semaphore(_) | Manifest::TaskType(_) => &[],
    }
}

fn problem(documents: &[Document], cycle: &[usize]) -> Problem {
    let name = |number: usize| documents[number].value.metadata().name();
    let (first, next) = (cycle[0], name(cycle[1 % cycle.len()]));
    let names: Vec<&str> = cycle.iter().chain([&first]).map(|number| name(*number)).collect();
    let document = &documents[first];
    let need = needs_of(document).iter().position(|need| need == next).unwrap_or_default();
    let path = field::item("spec.needs", need);
    let (line, column) = document.locate(&path);
    let message = format!("cycle: {} (each needs the next): remove one of these needs", names.join(" → "));
    Problem { source: document.source.clone(), line, column, field: path, message }
}
