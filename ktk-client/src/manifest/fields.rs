//! Which fields there are, asked of the types themselves, and what to say of those there are not.

mod introspect;

use std::sync::LazyLock;

use serde_json::Value;

use crate::api::{
    Entity, Metadata, Pipeline, Queue, Semaphore, Task, TaskType,
    field::Segment,
    http::HttpSpec,
    jq::{ForEach, Jq},
    pipeline::{PipelineSpec, Step, StepDefaults},
    suggest,
    task::{RetrySpec, RunSpec, TaskSpec},
    task_type::TypeDefaults,
    unique::UniqueSpec,
};
use introspect::names_of;

/// The kinds that are read from manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Task,
    Pipeline,
    Queue,
    Semaphore,
    TaskType,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Pipeline => "Pipeline",
            Self::Queue => Queue::KIND,
            Self::Semaphore => Semaphore::KIND,
            Self::TaskType => TaskType::KIND,
        }
    }
}

/// An object inside a manifest: its path, list indices left out, and its fields.
struct Shape {
    path: &'static [&'static str],
    known: &'static [&'static str],
}

static TASK: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    vec![
        Shape { path: &[], known: names_of::<Task>() },
        Shape { path: &["metadata"], known: names_of::<Metadata>() },
        Shape { path: &["spec"], known: names_of::<TaskSpec>() },
        Shape { path: &["spec", "run"], known: names_of::<RunSpec>() },
        Shape { path: &["spec", "http"], known: names_of::<HttpSpec>() },
        Shape { path: &["spec", "retry"], known: names_of::<RetrySpec>() },
        Shape { path: &["spec", "unique"], known: names_of::<UniqueSpec>() },
    ]
});

static PIPELINE: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    vec![
        Shape { path: &[], known: names_of::<Pipeline>() },
        Shape { path: &["metadata"], known: names_of::<Metadata>() },
        Shape { path: &["spec"], known: names_of::<PipelineSpec>() },
        Shape { path: &["spec", "unique"], known: names_of::<UniqueSpec>() },
        Shape { path: &["spec", "defaults"], known: names_of::<StepDefaults>() },
        Shape { path: &["spec", "defaults", "retry"], known: names_of::<RetrySpec>() },
        Shape { path: &["spec", "steps"], known: names_of::<Step>() },
        Shape { path: &["spec", "steps", "run"], known: names_of::<RunSpec>() },
        Shape { path: &["spec", "steps", "http"], known: names_of::<HttpSpec>() },
        Shape { path: &["spec", "steps", "when"], known: names_of::<Jq>() },
        Shape { path: &["spec", "steps", "forEach"], known: names_of::<ForEach>() },
        Shape { path: &["spec", "steps", "forEach", "key"], known: names_of::<Jq>() },
        Shape { path: &["spec", "steps", "retry"], known: names_of::<RetrySpec>() },
        Shape { path: &["spec", "steps", "unique"], known: names_of::<UniqueSpec>() },
    ]
});

static QUEUE: LazyLock<Vec<Shape>> = LazyLock::new(of_entity::<Queue>);

static SEMAPHORE: LazyLock<Vec<Shape>> = LazyLock::new(of_entity::<Semaphore>);

static TASK_TYPE: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let mut shapes = of_entity::<TaskType>();
    shapes.extend([
        Shape { path: &["spec", "defaults"], known: names_of::<TypeDefaults>() },
        Shape { path: &["spec", "defaults", "retry"], known: names_of::<RetrySpec>() },
        Shape { path: &["spec", "run"], known: names_of::<RunSpec>() },
        Shape { path: &["spec", "http"], known: names_of::<HttpSpec>() },
    ]);
    shapes
});

fn of_entity<E: Entity>() -> Vec<Shape> {
    vec![
        Shape { path: &[], known: names_of::<E>() },
        Shape { path: &["metadata"], known: names_of::<Metadata>() },
        Shape { path: &["spec"], known: names_of::<E::Spec>() },
    ]
}

fn shapes(kind: Kind) -> &'static [Shape] {
    match kind {
        Kind::Task => &TASK,
        Kind::Pipeline => &PIPELINE,
        Kind::Queue => &QUEUE,
        Kind::Semaphore => &SEMAPHORE,
        Kind::TaskType => &TASK_TYPE,
    }
}

/// Where a list stands for an object. The types would take its items for their fields in turn.
pub(super) fn lists_for_objects(kind: Kind, root: &Value) -> Vec<Vec<Segment>> {
    let mut found = Vec::new();
    for shape in shapes(kind) {
        let mut open: Vec<(Vec<Segment>, &Value)> = vec![(Vec::new(), root)];
        for key in shape.path {
            let members = open.into_iter().filter_map(|(mut path, value)| {
                let member = value.get(key)?;
                path.push(Segment::Key((*key).to_owned()));
                Some((path, member))
            });
            open = members.flat_map(|(path, value)| items(key, path, value)).collect();
        }
        found.extend(open.into_iter().filter(|(_, value)| value.is_array()).map(|(path, _)| path));
    }
    found
}

/// A member itself, or the items where it is a list of objects.
fn items<'v>(key: &str, path: Vec<Segment>, value: &'v Value) -> Vec<(Vec<Segment>, &'v Value)> {
    match value {
        Value::Array(items) if key == "steps" => {
            let path_of = |index| path.iter().cloned().chain([Segment::Index(index)]).collect();
            items.iter().enumerate().map(|(index, item)| (path_of(index), item)).collect()
        }
        _ => vec![(path, value)],
    }
}

/// Fields of `metadata` that only the server sets.
pub(super) fn of_server() -> impl Iterator<Item = &'static str> {
    const OF_USER: [&str; 5] = ["name", "generateName", "namespace", "labels", "annotations"];
    names_of::<Metadata>().iter().copied().filter(|name| !OF_USER.contains(name))
}

/// What to say of a field that an object does not have.
pub(super) fn unknown(kind: Kind, container: &[Segment], key: &str) -> String {
    let path: Vec<&str> = container
        .iter()
        .filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) => None,
        })
        .collect();
    let Some(shape) = shapes(kind).iter().find(|shape| shape.path == path) else {
        return "unknown field".to_owned();
    };
    if kind == Kind::Pipeline && key == "ttlAfterFinished" {
        return "unknown field here: a step's task goes with its pipeline, write it under `spec`".to_owned();
    }
    if let Some(place) = place_of(kind, shape, key) {
        return format!("unknown field here: it belongs {place}");
    }
    if let Some(name) = suggest::nearest(key, shape.known.iter().copied()) {
        return format!("unknown field (did you mean {name:?}?)");
    }
    let settable: Vec<&str> = shape
        .known
        .iter()
        .copied()
        .filter(|name| shape.path != ["metadata"] || of_server().all(|own| own != *name))
        .collect();
    format!("unknown field: known are {}", settable.join(", "))
}

/// Where a field does belong, if it is one of another object's.
fn place_of(kind: Kind, shape: &Shape, key: &str) -> Option<String> {
    let is_inside =
        |other: &&Shape| other.path.len() > shape.path.len() && other.path.starts_with(shape.path);
    let has_key = |other: &&Shape| other.known.contains(&key);
    let all = shapes(kind);
    let other = all
        .iter()
        .filter(is_inside)
        .chain(all.iter().filter(|other| !is_inside(other)))
        .find(|other| other.path != shape.path && has_key(other));
    match other {
        Some(other) => match other.path.last() {
            Some(last) => Some(format!("under `{last}`")),
            None => Some("beside `spec`".to_owned()),
        },
        None if kind == Kind::Task && names_of::<PipelineSpec>().contains(&key) => {
            Some("to `kind: Pipeline`".to_owned())
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Kind, container: &str, key: &str) -> String {
        unknown(kind, &crate::api::field::parse(container), key)
    }

    #[test]
    fn each_unknown_field_gets_the_advice_that_fits() {
        for (kind, container, key, expected) in [
            (Kind::Task, "spec.run", "comand", "unknown field (did you mean \"command\"?)"),
            (Kind::Task, "spec", "command", "unknown field here: it belongs under `run`"),
            (Kind::Task, "", "name", "unknown field here: it belongs under `metadata`"),
            (Kind::Task, "spec", "labels", "unknown field here: it belongs under `metadata`"),
            (Kind::Task, "spec", "steps", "unknown field here: it belongs to `kind: Pipeline`"),
            (Kind::Task, "spec.run", "timeout", "unknown field here: it belongs under `spec`"),
            (Kind::Task, "spec", "url", "unknown field here: it belongs under `http`"),
            (Kind::Pipeline, "spec.steps[3].http", "header", "unknown field (did you mean \"headers\"?)"),
            (Kind::Pipeline, "spec.steps[3]", "foreach", "unknown field (did you mean \"forEach\"?)"),
            (Kind::Pipeline, "spec.steps[3].forEach", "keys", "unknown field (did you mean \"key\"?)"),
            (Kind::Pipeline, "spec.steps[3].when", "jp", "unknown field (did you mean \"jq\"?)"),
            (Kind::Pipeline, "spec.defaults", "when", "unknown field here: it belongs under `steps`"),
            (Kind::Pipeline, "spec.steps[3]", "command", "unknown field here: it belongs under `run`"),
            (
                Kind::Pipeline,
                "spec.steps[3]",
                "ttlAfterFinished",
                "unknown field here: a step's task goes with its pipeline, write it under `spec`",
            ),
            (
                Kind::Pipeline,
                "spec.defaults",
                "ttlAfterFinished",
                "unknown field here: a step's task goes with its pipeline, write it under `spec`",
            ),
            (Kind::Pipeline, "spec.steps[3]", "need", "unknown field (did you mean \"needs\"?)"),
            (
                Kind::Pipeline,
                "spec.steps[3].retry",
                "tries",
                "unknown field: known are limit, backoff, factor, maxBackoff, jitter, onExitCodes",
            ),
            (
                Kind::Task,
                "metadata",
                "xyzzy",
                "unknown field: known are name, generateName, namespace, labels, annotations",
            ),
        ] {
            assert_eq!(message(kind, container, key), expected, "{container}.{key}");
        }
    }

    #[test]
    fn each_object_has_fields() {
        for shape in TASK.iter().chain(PIPELINE.iter()) {
            assert!(!shape.known.is_empty(), "{:?}", shape.path);
        }
    }

    #[test]
    fn the_servers_own_fields_are_those_that_count_as_forged() {
        assert_eq!(of_server().count(), 12);
    }
}
