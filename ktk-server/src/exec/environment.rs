//! The environment of a task's process: the caller's, then the manifest's, then ktk's. Nothing
//! comes from the server's own.

use std::collections::BTreeMap;

use ktk_client::api::worker::Grant;

use super::place::Place;

/// What a process is told of where it runs.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// `KTK_SERVER`.
    pub server: String,
    /// The worker's own of the listed variables: for tasks that were created without a caller's.
    pub own: BTreeMap<String, String>,
}

/// Every variable of a process, but for the launcher's mark.
pub fn variables(grant: &Grant, place: &Place, surroundings: &Surroundings) -> Vec<(String, String)> {
    let mut variables = grant.caller_env.clone().unwrap_or_else(|| surroundings.own.clone());
    if let Some(run) = &grant.run {
        variables.extend(run.env.clone());
    }
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let own = [
        ("KTK_TASK_ID", grant.task.to_string()),
        ("KTK_TASK_NAME", grant.name.clone()),
        ("KTK_ATTEMPT", grant.attempt.to_string()),
        ("KTK_NAMESPACE", grant.namespace.clone()),
        ("KTK_INPUTS", text(&place.inputs)),
        ("KTK_NEEDS", text(&place.needs)),
        ("KTK_OUTPUT", text(&place.output)),
        ("KTK_DIR", text(&place.shared)),
        ("KTK_SERVER", surroundings.server.clone()),
        ("KTK_AUTOSTART", "never".to_owned()),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
    if let Some(token) = &grant.token {
        variables.insert("KTK_TOKEN".to_owned(), token.expose().to_owned());
    }
    variables.into_iter().collect()
}
