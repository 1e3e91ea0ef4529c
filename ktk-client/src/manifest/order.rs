//! The order in which the documents of one command are created: what others name comes first.

use std::collections::HashMap;

use super::{Document, Manifest, Problem};
use crate::api::{dag, field};

/// Numbers of the documents, each task after those of them that it needs; else as given.
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
            let metadata = document.value.metadata();
            Some(((metadata.namespace(), document.value.kind(), metadata.name.as_deref()?), number))
        })
        .collect();
    let needs: Vec<Vec<usize>> = documents
        .iter()
        .map(|document| {
            let namespace = document.value.metadata().namespace();
            let number_of = |need: &String| {
                let (kind, name) = target(need);
                numbers.get(&(namespace, kind, name)).copied()
            };
            needs_of(document).iter().filter_map(number_of).collect()
        })
        .collect();
    dag::sort(&needs).map_err(|cycles| cycles.iter().map(|cycle| problem(documents, cycle)).collect())
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
