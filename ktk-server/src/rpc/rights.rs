//! Who may call what: one table of all methods and streams. What of it each caller gets to see is the engine's to cut
//! down.

use ktk_client::api::{ApiError, Cause, ErrorReason, suggest, token::Role};

use crate::engine::operation::{self, By};

/// What a role must be for at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Any.
    Any,
    /// Looking.
    Look,
    /// Making and changing.
    Operate,
    /// Taking work.
    Work,
    /// Ruling over the server.
    Rule,
}

use Need::{Any, Look, Operate, Rule, Work};

/// One method or stream.
#[derive(Debug)]
struct Right {
    name: &'static str,
    need: Need,
    /// Whether a running attempt may, too.
    attempts: bool,
    /// Whether it concerns all namespaces, so that who is for some of them may not.
    everywhere: bool,
}

const fn right(name: &'static str, need: Need) -> Right {
    Right { name, need, attempts: false, everywhere: false }
}

impl Right {
    const fn attempts(self) -> Self {
        Self { attempts: true, ..self }
    }

    const fn everywhere(self) -> Self {
        Self { everywhere: true, ..self }
    }
}

/// The stream of changes.
pub const WATCH: &str = "/watch";
/// The stream of a log.
pub const LOGS: &str = "/logs";

const RIGHTS: &[Right] = &[
    right(WATCH, Look).attempts(),
    right(LOGS, Look).attempts(),
    right("auth.can", Any).attempts(),
    right("auth.whoami", Any).attempts(),
    right("event.list", Look),
    right("node.get", Look),
    right("node.list", Look),
    right("object.applied", Look),
    right("pipeline.apply", Operate),
    right("pipeline.cancel", Operate),
    right("pipeline.check", Operate),
    right("pipeline.create", Operate),
    right("pipeline.delete", Operate),
    right("pipeline.get", Look),
    right("pipeline.list", Look),
    right("pipeline.patch", Operate),
    right("pipeline.pause", Operate),
    right("pipeline.restart", Operate),
    right("pipeline.resume", Operate),
    right("pipeline.why", Look),
    right("queue.apply", Operate).everywhere(),
    right("queue.create", Operate).everywhere(),
    right("queue.delete", Operate).everywhere(),
    right("queue.get", Look),
    right("queue.list", Look),
    right("queue.patch", Operate).everywhere(),
    right("queue.pause", Operate).everywhere(),
    right("queue.resume", Operate).everywhere(),
    right("queue.scale", Operate).everywhere(),
    right("restart.plan", Operate),
    right("rpc.discover", Any).attempts(),
    right("semaphore.apply", Operate).everywhere(),
    right("semaphore.create", Operate).everywhere(),
    right("semaphore.delete", Operate).everywhere(),
    right("semaphore.get", Look),
    right("semaphore.list", Look),
    right("semaphore.patch", Operate).everywhere(),
    right("semaphore.scale", Operate).everywhere(),
    right("server.collect", Rule).everywhere(),
    right("server.status", Look),
    right("server.stop", Rule).everywhere(),
    right("task.adopt", Operate),
    right("task.apply", Operate),
    right("task.cancel", Operate),
    right("task.check", Operate),
    right("task.complete", Operate),
    right("task.create", Operate).attempts(),
    right("task.delete", Operate),
    right("task.fail", Operate),
    right("task.get", Look).attempts(),
    right("task.keepalive", Operate).attempts(),
    right("task.list", Look).attempts(),
    right("task.patch", Operate),
    right("task.pause", Operate),
    right("task.progress", Operate).attempts(),
    right("task.restart", Operate),
    right("task.resume", Operate),
    right("task.table", Look).attempts(),
    right("task.tree", Look).attempts(),
    right("task.usage", Look),
    right("task.why", Look),
    right("tasktype.apply", Operate).everywhere(),
    right("tasktype.create", Operate).everywhere(),
    right("tasktype.delete", Operate).everywhere(),
    right("tasktype.get", Look),
    right("tasktype.list", Look),
    right("tasktype.patch", Operate).everywhere(),
    right("token.create", Rule).everywhere(),
    right("token.delete", Rule).everywhere(),
    right("token.get", Rule).everywhere(),
    right("token.list", Rule).everywhere(),
    right("worker.register", Work).everywhere(),
    right("worker.sync", Work).everywhere(),
];

fn is_enough(role: Role, right: &Right) -> bool {
    match role {
        Role::Admin => true,
        Role::Operator => matches!(right.need, Any | Look | Operate),
        Role::Viewer => matches!(right.need, Any | Look),
        Role::Worker => matches!(right.need, Any | Work),
        Role::Attempt => right.attempts,
        // One that this server does not know may nothing.
        _ => false,
    }
}

/// Refuses what this caller may not call: a method, or one of the streams. What is not in the table only an admin may.
///
/// # Errors
/// `Forbidden`.
pub fn check(by: &By, name: &str) -> Result<(), ApiError> {
    let forbidden = |words: String| Err(ApiError::new(ErrorReason::Forbidden, words));
    let right = RIGHTS.iter().find(|right| right.name == name);
    match right.filter(|right| is_enough(by.role, right)) {
        None if by.role == Role::Admin && by.namespaces().is_none() => Ok(()),
        None if by.role == Role::Attempt => {
            let why = "its token is for sub-tasks and for itself";
            forbidden(format!("a running attempt may not call {name}: {why}"))
        }
        None => forbidden(format!("{} has the role {} and may not call {name}", by.name, by.role)),
        Some(right) if right.everywhere && by.namespaces().is_some() => {
            forbidden(format!("{name} concerns all namespaces, and {} is for some of them", by.name))
        }
        Some(_) => Ok(()),
    }
}

/// Whether a caller may call something, in a namespace where one is named.
///
/// # Errors
/// `Invalid` for what is no method.
pub fn may(by: &By, name: &str, namespace: Option<&str>) -> Result<Result<(), ApiError>, ApiError> {
    if !RIGHTS.iter().any(|right| right.name == name) {
        let error = ApiError::invalid("the request", vec![Cause::new("method", format!("{name:?} is none"))]);
        let near = suggest::nearest(name, RIGHTS.iter().map(|right| right.name));
        return Err(match near {
            Some(near) => error.with_hint(format!("did you mean {near:?}?")),
            None => error,
        });
    }
    let in_reach = |()| match (by.namespaces(), namespace) {
        (Some(own), Some(namespace)) if !own.contains(namespace) => {
            Err(operation::out_of_reach(own, namespace))
        }
        _ => Ok(()),
    };
    Ok(check(by, name).and_then(in_reach))
}

/// The names in the table.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    RIGHTS.iter().map(|right| right.name)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use uuid::Uuid;

    use super::*;
    use crate::engine::credentials::Credential;

    fn by(role: Role, namespaces: &[&str]) -> By {
        let own: BTreeSet<String> = namespaces.iter().map(|name| (*name).to_owned()).collect();
        By::token(Arc::new(Credential {
            id: Uuid::nil(),
            name: "t".into(),
            digest: [0; 32],
            role,
            namespaces: (!own.is_empty()).then(|| own.into()),
            expires_at: None,
        }))
    }

    #[test]
    fn names_are_in_order_and_there_once() {
        let names: Vec<&str> = names().collect();
        let mut sorted = names.clone();
        sorted[2..].sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn roles_may_what_they_are_for() {
        // Of each: admin, operator, viewer, worker, an attempt, an operator of some namespaces.
        let callers = [
            by(Role::Admin, &[]),
            by(Role::Operator, &[]),
            by(Role::Viewer, &[]),
            by(Role::Worker, &[]),
            by(Role::Attempt, &[]),
            by(Role::Operator, &["ci"]),
        ];
        for (name, may) in [
            ("task.create", "ao--AO"),
            ("task.get", "aov-AO"),
            ("task.cancel", "ao---O"),
            ("restart.plan", "ao---O"),
            ("queue.pause", "ao----"),
            ("queue.get", "aov--O"),
            ("server.status", "aov--O"),
            ("server.stop", "a-----"),
            ("token.create", "a-----"),
            ("token.list", "a-----"),
            ("worker.sync", "a--w--"),
            ("auth.whoami", "aovwAO"),
            ("/watch", "aov-AO"),
            ("no.such", "a-----"),
        ] {
            let letters = ['a', 'o', 'v', 'w', 'A', 'O'];
            let found: String = callers
                .iter()
                .zip(letters)
                .map(|(by, letter)| if check(by, name).is_ok() { letter } else { '-' })
                .collect();
            assert_eq!(found, may, "{name}");
        }
    }

    #[test]
    fn a_namespace_can_be_asked_about() {
        let ci = by(Role::Operator, &["ci"]);
        assert!(may(&ci, "task.create", Some("ci")).expect("a method").is_ok());
        assert!(may(&ci, "task.create", None).expect("a method").is_ok());
        let refused = may(&ci, "task.create", Some("web")).expect("a method").expect_err("not its own");
        assert_eq!(refused.message, "this token is for namespace ci, not for \"web\"");
        assert_eq!(
            may(&ci, "task.creat", None).expect_err("none").hint.as_deref(),
            Some("did you mean \"task.create\"?")
        );
    }
}
