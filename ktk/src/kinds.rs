//! The kinds of objects, in one table: names, short names, verbs. It drives `get`, `describe`,
//! `delete` and completion alike.

use std::fmt;

use ktk_client::api::{Event, Node, Pipeline, Queue, Semaphore, Task, TaskType, Token};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{error::CliError, suggest};

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// One execution of one unit of work.
    Task,
    /// A DAG of steps.
    Pipeline,
    /// Where tasks wait.
    Queue,
    /// A named limit of permits.
    Semaphore,
    /// A named, versioned definition of work.
    TaskType,
    /// A credential.
    Token,
    /// A running server or worker.
    Node,
    /// What happened to an object.
    Event,
}

/// What the table says about a kind.
#[derive(Debug)]
pub(crate) struct KindRow {
    /// Which kind.
    pub(crate) kind: Kind,
    /// `task`, as in `task/x`.
    pub(crate) singular: &'static str,
    /// `tasks`.
    pub(crate) plural: &'static str,
    /// `t`.
    pub(crate) short: &'static str,
    /// `Task`, as in manifests.
    pub(crate) manifest: &'static str,
    /// Whether it lives in a namespace.
    pub(crate) is_namespaced: bool,
    /// Whether `get all` lists it.
    pub(crate) is_in_all: bool,
    /// Whether its changes can be followed.
    pub(crate) is_watched: bool,
    /// Its fields: of the type that the API has.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    /// The verbs that take it as a type.
    pub(crate) verbs: &'static [&'static str],
}

/// Every kind, in the order in which `get all` lists them.
pub(crate) const KINDS: &[KindRow] = &[
    KindRow {
        kind: Kind::Task,
        singular: "task",
        plural: "tasks",
        short: "t",
        manifest: "Task",
        is_namespaced: true,
        is_in_all: true,
        is_watched: true,
        schema: Task::json_schema,
        verbs: &[
            "get",
            "top",
            "explain",
            "describe",
            "patch",
            "label",
            "annotate",
            "edit",
            "delete",
            "restart",
            "adopt",
            "cancel",
            "pause",
            "resume",
            "wait",
            "why",
            "events",
            "tree",
            "diff",
            "logs",
            "complete",
            "fail",
            "keepalive",
        ],
    },
    KindRow {
        kind: Kind::Pipeline,
        singular: "pipeline",
        plural: "pipelines",
        short: "pl",
        manifest: "Pipeline",
        is_namespaced: true,
        is_in_all: true,
        is_watched: true,
        schema: Pipeline::json_schema,
        verbs: &[
            "get", "explain", "describe", "patch", "label", "annotate", "edit", "delete", "restart",
            "cancel", "pause", "resume", "wait", "why", "events", "logs",
        ],
    },
    KindRow {
        kind: Kind::Queue,
        singular: "queue",
        plural: "queues",
        short: "q",
        manifest: "Queue",
        is_namespaced: false,
        is_in_all: false,
        is_watched: true,
        schema: Queue::json_schema,
        verbs: &[
            "get", "top", "explain", "describe", "patch", "label", "annotate", "edit", "delete", "pause",
            "resume", "scale", "events",
        ],
    },
    KindRow {
        kind: Kind::Semaphore,
        singular: "semaphore",
        plural: "semaphores",
        short: "sem",
        manifest: "Semaphore",
        is_namespaced: false,
        is_in_all: false,
        is_watched: true,
        schema: Semaphore::json_schema,
        verbs: &[
            "get", "explain", "describe", "patch", "label", "annotate", "edit", "delete", "scale", "events",
        ],
    },
    KindRow {
        kind: Kind::TaskType,
        singular: "tasktype",
        plural: "tasktypes",
        short: "tt",
        manifest: "TaskType",
        is_namespaced: false,
        is_in_all: false,
        is_watched: true,
        schema: TaskType::json_schema,
        verbs: &["get", "explain", "describe", "patch", "label", "annotate", "edit", "delete", "events"],
    },
    KindRow {
        kind: Kind::Token,
        singular: "token",
        plural: "tokens",
        short: "tok",
        manifest: "Token",
        is_namespaced: false,
        is_in_all: false,
        is_watched: false,
        schema: Token::json_schema,
        verbs: &["get", "explain", "describe", "delete", "events"],
    },
    KindRow {
        kind: Kind::Node,
        singular: "node",
        plural: "nodes",
        short: "no",
        manifest: "Node",
        is_namespaced: false,
        is_in_all: false,
        is_watched: false,
        schema: Node::json_schema,
        verbs: &["get", "top", "explain", "describe", "events"],
    },
    KindRow {
        kind: Kind::Event,
        singular: "event",
        plural: "events",
        short: "ev",
        manifest: "Event",
        is_namespaced: true,
        is_in_all: false,
        is_watched: false,
        schema: Event::json_schema,
        verbs: &["get", "explain"],
    },
];

impl Kind {
    /// Its row of the table.
    pub(crate) fn row(self) -> &'static KindRow {
        KINDS.iter().find(|row| row.kind == self).expect("the table has every kind")
    }

    /// `task`.
    pub(crate) fn singular(self) -> &'static str {
        self.row().singular
    }

    /// `tasks`.
    pub(crate) fn plural(self) -> &'static str {
        self.row().plural
    }

    /// `Task`.
    pub(crate) fn manifest(self) -> &'static str {
        self.row().manifest
    }

    /// Whether it lives in a namespace.
    pub(crate) fn is_namespaced(self) -> bool {
        self.row().is_namespaced
    }

    /// The kind that somebody typed: singular, plural or short name, in any case.
    pub(crate) fn named(text: &str) -> Option<Kind> {
        KINDS
            .iter()
            .find(|row| {
                let mut names = [row.singular, row.plural].into_iter().chain(row.short_names());
                names.any(|name| name.eq_ignore_ascii_case(text))
            })
            .map(|row| row.kind)
    }

    /// The same, among those that a verb takes; otherwise the error that says so.
    pub(crate) fn parse(text: &str, verb: &str) -> Result<Kind, CliError> {
        match Self::named(text) {
            Some(kind) if kind.row().verbs.contains(&verb) => Ok(kind),
            Some(kind) => {
                let taken: Vec<_> = of_verb(verb).map(|row| row.plural).collect();
                let error = CliError::usage(format!("ktk {verb} does not take {}", kind.plural()));
                Err(error.with_hint(format!("it takes {}", taken.join(", "))))
            }
            None => Err(unknown(text, verb)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.singular())
    }
}

impl KindRow {
    /// `t`: other words for it.
    pub(crate) fn short_names(&self) -> Vec<&'static str> {
        let others: &[&str] = if self.kind == Kind::TaskType { &["type", "types"] } else { &[] };
        [self.short].into_iter().chain(others.iter().copied()).collect()
    }

    /// What `get` and its like can be asked for at once.
    pub(crate) fn categories(&self) -> &'static [&'static str] {
        if self.is_in_all { &["all"] } else { &[] }
    }

    /// What can be done with it, sorted: the verbs that take it, and kubectl's words for what `get` does.
    pub(crate) fn all_verbs(&self) -> Vec<&'static str> {
        let mut verbs = self.verbs.to_vec();
        verbs.push("list");
        verbs.extend(self.is_watched.then_some("watch"));
        verbs.sort_unstable();
        verbs
    }
}

/// The kinds that a verb takes.
pub(crate) fn of_verb(verb: &str) -> impl Iterator<Item = &'static KindRow> {
    KINDS.iter().filter(move |row| row.verbs.contains(&verb))
}

fn unknown(text: &str, verb: &str) -> CliError {
    let error = CliError::usage(format!("the server doesn't have a resource type {text:?}"));
    let known: Vec<_> =
        of_verb(verb).map(|row| row.plural).chain(of_verb(verb).map(|row| row.singular)).collect();
    match suggest::nearest(text, known) {
        Some(name) => error.with_hint(format!("did you mean {name:?}?")),
        None => {
            let names: Vec<_> = of_verb(verb).map(|row| row.plural).collect();
            error.with_hint(format!("there are {}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_plural_short_and_case_are_equal() {
        for text in ["task", "tasks", "t", "TASKS", "Task"] {
            assert_eq!(Kind::named(text), Some(Kind::Task), "{text}");
        }
        assert_eq!(Kind::named("ev"), Some(Kind::Event));
        assert_eq!(Kind::named(""), None);
    }

    #[test]
    fn an_unknown_type_gets_a_guess() {
        let error = Kind::parse("taks", "get").expect_err("no type");
        assert_eq!(
            error.lines(),
            ["error: the server doesn't have a resource type \"taks\"", "hint: did you mean \"tasks\"?"]
        );
        let error = Kind::parse("nosuch", "get").expect_err("no type");
        assert_eq!(
            error.lines()[1],
            "hint: there are tasks, pipelines, queues, semaphores, tasktypes, tokens, nodes, events"
        );
    }

    #[test]
    fn a_verb_takes_only_its_own_types() {
        let error = Kind::parse("nodes", "delete").expect_err("nodes are not deleted");
        assert_eq!(
            error.lines(),
            [
                "error: ktk delete does not take nodes",
                "hint: it takes tasks, pipelines, queues, semaphores, tasktypes, tokens"
            ]
        );
    }

    #[test]
    fn a_singular_is_the_kind_in_lower_case() {
        for row in KINDS {
            assert_eq!(row.singular, row.manifest.to_lowercase());
        }
    }

    #[test]
    fn no_name_means_two_kinds() {
        let names: Vec<_> = KINDS.iter().flat_map(|row| [row.singular, row.plural, row.short]).collect();
        for name in &names {
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
    }
}
