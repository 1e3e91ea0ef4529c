//! The environment of a task's process: the caller's, then the manifest's, then ktk's. Nothing
//! comes from the server's own, but for secrets that it is told to hand on.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Read as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
};

use ktk_client::api::{Secret, env_value::EnvValue, worker::Grant};

use super::place::Place;

/// The longest secret that is read from a file.
const SECRET_BYTES: u64 = 64 << 10;

/// What a process is told of where it runs.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// `KTK_SERVER`.
    pub server: String,
    /// The worker's own of the listed variables: for tasks that were created without a caller's.
    pub own: BTreeMap<String, String>,
    /// The worker's variables that tasks may ask for with `fromEnv`; without a value those that are not set.
    pub secrets: BTreeMap<String, Option<Secret>>,
}

/// The variables of a process, and those of their values that are secrets.
pub struct Variables {
    pub all: Vec<(String, String)>,
    pub secrets: Vec<Secret>,
}

/// Names alone: what is printed when something panics is in the server's log.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|(name, _)| name)).finish()
    }
}

/// Every variable of a process, but for the launcher's mark.
///
/// # Errors
/// A sentence, where a secret is not to be had.
pub fn variables(grant: &Grant, place: &Place, surroundings: &Surroundings) -> Result<Variables, String> {
    let mut variables = grant.caller_env.clone().unwrap_or_else(|| surroundings.own.clone());
    let mut secrets = Vec::new();
    for (name, value) in grant.run.iter().flat_map(|run| &run.env) {
        let secret = match value {
            EnvValue::Text(text) => {
                variables.insert(name.clone(), text.clone());
                continue;
            }
            EnvValue::FromEnv(source) => from_env(source, surroundings),
            EnvValue::FromFile(path) => from_file(path),
            _ => Err("this version cannot read it".to_owned()),
        };
        let secret = secret.map_err(|why| format!("variable {name}: {why}"))?;
        variables.insert(name.clone(), secret.expose().to_owned());
        secrets.push(secret);
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
    Ok(Variables { all: variables.into_iter().collect(), secrets })
}

fn from_env(source: &str, surroundings: &Surroundings) -> Result<Secret, String> {
    match surroundings.secrets.get(source) {
        Some(Some(secret)) => Ok(secret.clone()),
        Some(None) => Err(format!("the worker has no variable {source}")),
        None => Err(format!("the worker hands {source} on to nobody: its --secret-env does not list it")),
    }
}

/// A file of this very user: neither a device nor a pipe, which could be waited for without an end.
fn from_file(path: &str) -> Result<Secret, String> {
    let failed = |error: std::io::Error| format!("{path} cannot be read: {error}");
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(format!("{path} is no file"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(format!("{path} belongs to user {}, not to the worker's", metadata.uid()));
    }
    let mut text = String::new();
    file.take(SECRET_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > SECRET_BYTES {
        return Err(format!("{path} has more than {SECRET_BYTES} bytes"));
    }
    let text = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.contains('\0') {
        return Err(format!("{path} holds a NUL character, which no variable can"));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::exec::launcher::{Mark, SpawnRequest};

    const CANARY: &str = "canary-5b1c";

    /// What a panic says that has this at hand, as `unwrap` and `expect` do.
    fn said<T: fmt::Debug>(at_hand: T) -> String {
        let fails = |at_hand: T| -> Result<(), T> { Err(at_hand) };
        let panicked = catch_unwind(AssertUnwindSafe(move || fails(at_hand).expect("it went wrong")));
        let said = panicked.expect_err("it panics");
        said.downcast_ref::<String>().expect("words").clone()
    }

    #[test]
    fn a_panic_with_a_secret_at_hand_tells_its_name_alone() {
        let all = vec![("API_KEY".to_owned(), CANARY.to_owned())];
        let variables = Variables { all: all.clone(), secrets: vec![Secret::new(CANARY)] };
        let request = SpawnRequest {
            mark: Mark { store_id: "s".into(), task_id: "t".into(), attempt: 1 },
            argv: vec!["true".into()],
            env: all,
            dir: "/".into(),
            stdin: Some(CANARY.into()),
        };
        let surroundings = Surroundings {
            server: "unix:///s".into(),
            own: BTreeMap::new(),
            secrets: BTreeMap::from([("API_KEY".to_owned(), Some(Secret::new(CANARY)))]),
        };
        for said in [said(variables), said(request), said(surroundings)] {
            assert!(said.contains("API_KEY"), "{said}");
            assert!(!said.contains(CANARY), "{said}");
        }
    }
}
