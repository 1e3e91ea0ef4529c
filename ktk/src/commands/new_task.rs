//! What `run` and `create task` share: the flags that describe a task, and the task that they make.

use std::{collections::BTreeMap, path::Path};

use clap::{Args, ValueHint};
use jiff::Timestamp;
use ktk_client::api::{
    Duration, Metadata, Task,
    task::{RetrySpec, RunSpec, TaskSpec},
};

use crate::error::CliError;

/// Parts of variable names whose values `--env-all` leaves out.
const SECRET_PARTS: [&str; 4] = ["TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"];

/// The flags that describe a task.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TaskFlags {
    /// Label of the task; repeatable
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,

    /// Variable for the process: NAME takes the caller's value; repeatable
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<String>,

    /// Give the process all of the caller's variables but tokens, secrets and passwords
    #[arg(long)]
    env_all: bool,

    /// Longest time for one attempt
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    timeout: Option<Duration>,

    /// How often a running attempt must say that it is alive, with ktk keepalive
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    keepalive: Option<Duration>,

    /// Time from now on, past which the task fails, whatever it does then
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    deadline: Option<Duration>,

    /// How long it is kept after its end
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    ttl_after_finished: Option<Duration>,

    /// How many further attempts after a failed one
    #[arg(long, value_name = "TIMES", allow_negative_numbers = true)]
    retry: Option<u32>,

    /// Higher goes first
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    priority: Option<i32>,

    /// Task that must have succeeded first; repeatable
    #[arg(long = "need", value_name = "TASK")]
    needs: Vec<String>,

    /// Not before this time
    #[arg(long, value_name = "RFC3339")]
    run_after: Option<Timestamp>,

    /// Directory to run in [default: this one]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    working_dir: Option<String>,
}

impl TaskFlags {
    /// Whether any of them was given.
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            labels,
            env,
            env_all,
            timeout,
            keepalive,
            deadline,
            ttl_after_finished,
            retry,
            priority,
            needs,
            run_after,
            working_dir,
        } = self;
        let lists = labels.is_empty() && env.is_empty() && needs.is_empty() && !env_all;
        lists
            && timeout.is_none()
            && keepalive.is_none()
            && deadline.is_none()
            && ttl_after_finished.is_none()
            && retry.is_none()
            && priority.is_none()
            && run_after.is_none()
            && working_dir.is_none()
    }

    /// The task. `caller` is the environment and `base` the directory of the command.
    pub(crate) fn task(
        self,
        name: Option<String>,
        command: Vec<String>,
        caller: &BTreeMap<String, String>,
        base: Option<&Path>,
    ) -> Result<Task, CliError> {
        let env = variables(&self.env, self.env_all, caller)?;
        let env = env.into_iter().map(|(name, value)| (name, value.into())).collect();
        let mut run = RunSpec { command, env, working_dir: self.working_dir.clone(), stdin: None };
        place(&mut run, base)?;
        self.with_work(name, TaskSpec { run: Some(run), ..TaskSpec::default() })
    }

    /// A task of work that somebody else does.
    pub(crate) fn external(self, name: Option<String>) -> Result<Task, CliError> {
        if !self.env.is_empty() || self.env_all || self.working_dir.is_some() {
            return Err(CliError::usage(
                "an external task runs no process: it has neither --env nor --working-dir",
            ));
        }
        self.with_work(name, TaskSpec::external())
    }

    fn with_work(self, name: Option<String>, work: TaskSpec) -> Result<Task, CliError> {
        let mut labels = BTreeMap::new();
        for (key, value) in self.labels {
            if labels.insert(key.clone(), value).is_some() {
                return Err(CliError::usage(format!("--label {key} is given twice")));
            }
        }
        let spec = TaskSpec {
            needs: self.needs,
            timeout: self.timeout,
            keepalive: self.keepalive,
            deadline: self.deadline,
            ttl_after_finished: self.ttl_after_finished,
            retry: self.retry.map(|limit| RetrySpec { limit: Some(limit), ..RetrySpec::default() }),
            priority: self.priority,
            run_after: self.run_after,
            ..work
        };
        let mut task = Task::new("", spec);
        task.metadata = Metadata { name, labels, ..Metadata::default() };
        Ok(task)
    }
}

/// `KEY=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// What `--env` and `--env-all` come to; a single one beats all.
pub(crate) fn variables(
    asked: &[String],
    all: bool,
    caller: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, CliError> {
    let mut env = BTreeMap::new();
    if all {
        let open = caller.iter().filter(|(name, _)| is_variable(name) && !is_secret(name));
        env.extend(open.map(|(name, value)| (name.clone(), value.clone())));
    }
    for text in asked {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => match caller.get(text) {
                Some(value) => (text.as_str(), value.clone()),
                None => return Err(CliError::usage(format!("--env {text}: there is no such variable here"))),
            },
        };
        if name.is_empty() {
            return Err(CliError::usage(format!("--env {text}: the name before '=' is empty")));
        }
        env.insert(name.to_owned(), value);
    }
    Ok(env)
}

/// Whether a name can be a variable of a shell; functions that a shell exports are none.
fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name != "_"
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// Makes a process's directory absolute: the caller's where none is given, a relative one
/// inside the caller's. Without a base the process runs on another machine, where those mean nothing.
pub(crate) fn place(run: &mut RunSpec, base: Option<&Path>) -> Result<(), CliError> {
    let Some(base) = base else {
        return match &run.working_dir {
            Some(dir) if !dir.starts_with('/') => {
                let words =
                    format!("the directory {dir:?} is relative, and the server is not of this machine");
                Err(CliError::usage(words).with_hint("give an absolute one, or none for a fresh directory"))
            }
            _ => Ok(()),
        };
    };
    let path = match &run.working_dir {
        Some(dir) => base.join(dir),
        None => base.to_owned(),
    };
    // Without `.` and doubled slashes; `..` stays, for it may stand behind a symbolic link.
    let path: std::path::PathBuf = path.components().collect();
    match path.into_os_string().into_string() {
        Ok(path) => run.working_dir = Some(path),
        Err(path) => {
            let path = path.to_string_lossy().into_owned();
            return Err(CliError::failed(format!("the directory {path:?} has a name that is no UTF-8")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> BTreeMap<String, String> {
        let variables = [
            ("EDITOR", "vi"),
            ("KTK_TOKEN", "x"),
            ("db_password", "y"),
            ("BASH_FUNC_f%%", "()"),
            ("_", "ktk"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn given(asked: &[&str], all: bool) -> Result<Vec<String>, CliError> {
        let asked: Vec<String> = asked.iter().map(|text| (*text).to_owned()).collect();
        let env = variables(&asked, all, &caller())?;
        Ok(env.iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn variables_come_from_the_caller_or_as_typed() {
        assert_eq!(
            given(&["EDITOR", "A=b=c", "E="], false).expect("all there"),
            ["A=b=c", "E=", "EDITOR=vi"]
        );
        assert_eq!(given(&[], true).expect("all"), ["EDITOR=vi"]);
        assert_eq!(given(&["KTK_TOKEN", "EDITOR=ed"], true).expect("named"), ["EDITOR=ed", "KTK_TOKEN=x"]);
        assert_eq!(
            given(&["NOSUCH"], false).expect_err("absent").lines(),
            ["error: --env NOSUCH: there is no such variable here"]
        );
        assert!(given(&["=x"], false).is_err());
    }

    #[test]
    fn directories_become_absolute() {
        for (dir, expected) in [
            (None, "/home/u/src"),
            (Some("sub"), "/home/u/src/sub"),
            (Some("./a//b/."), "/home/u/src/a/b"),
            (Some("/abs"), "/abs"),
            (Some("../x"), "/home/u/src/../x"),
        ] {
            let mut run = RunSpec { working_dir: dir.map(str::to_owned), ..RunSpec::default() };
            place(&mut run, Some(Path::new("/home/u/src"))).expect("UTF-8");
            assert_eq!(run.working_dir.as_deref(), Some(expected));
        }
        for (dir, is_fine) in [(None, true), (Some("/abs"), true), (Some("sub"), false)] {
            let mut run = RunSpec { working_dir: dir.map(str::to_owned), ..RunSpec::default() };
            assert_eq!(place(&mut run, None).is_ok(), is_fine);
            assert_eq!(run.working_dir.as_deref(), dir, "it is the server's machine that knows it");
        }
    }

    #[test]
    fn labels_are_pairs() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(pair("a").is_err() && pair("=b").is_err());
    }
}
