//! Which running attempt is meant: the one that was named, or the one inside which the command was typed.

use ktk_client::api::ObjectRef;

use crate::{
    context::Context,
    env,
    error::CliError,
    target::{self, Target},
};

/// A running attempt.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) reference: ObjectRef,
    pub(super) attempt: Option<u32>,
    /// `task/x`, as it was typed.
    pub(super) label: String,
    /// Whether nobody named it.
    pub(super) is_own: bool,
}

/// The attempt that is meant by a name, or by none inside a task.
///
/// # Errors
/// Code 2 where nothing is named outside a task, and for what is no name of a task.
pub(super) fn find(
    verb: &str,
    name: Option<String>,
    attempt: Option<u32>,
    cx: &Context,
) -> Result<Running, CliError> {
    let Some(name) = name else { return own(verb, attempt, cx) };
    let Target { name, .. } = target::parse_names(verb, &[name])?.remove(0);
    let name = name.unwrap_or_default();
    let reference = ObjectRef::new(cx.namespace(), &name);
    Ok(Running { reference, attempt, label: format!("task/{name}"), is_own: false })
}

fn own(verb: &str, attempt: Option<u32>, cx: &Context) -> Result<Running, CliError> {
    let Some(id) = env::var("KTK_TASK_ID") else {
        let error = CliError::usage("no task was named, and this is not typed inside one");
        return Err(error.with_hint(format!("ktk {verb} --help has the ways to name it")));
    };
    // A later attempt must not be spoken for by what an earlier one has left behind.
    let own = env::var("KTK_ATTEMPT").and_then(|number| number.parse().ok());
    let name = env::var("KTK_TASK_NAME").unwrap_or_else(|| id.clone());
    let reference = ObjectRef::new(cx.namespace(), id);
    Ok(Running { reference, attempt: attempt.or(own), label: format!("task/{name}"), is_own: true })
}
