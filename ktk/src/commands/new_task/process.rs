//! Flags that describe the process of a task, and the environment and directory that they come to.

use std::{collections::BTreeMap, path::Path};

use clap::{Args, ValueHint};
use ktk_client::api::{env_value::EnvValue, task::RunSpec};

use super::pair;
use crate::{commands::stdin, error::CliError};

/// Parts of variable names whose values `--env-all` leaves out.
const SECRET_PARTS: [&str; 4] = ["TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"];

/// The flags that describe a process.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct ProcessFlags {
    /// Variable for the process: NAME takes the caller's value; repeatable
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<String>,

    /// Give the process all of the caller's variables but tokens, secrets and passwords
    #[arg(long)]
    env_all: bool,

    /// Variable that whoever starts the process takes from its own, one of its --secret-env; repeatable
    #[arg(long, value_name = "NAME[=VARIABLE]")]
    env_from_env: Vec<String>,

    /// Variable that whoever starts the process reads from a file of its own; repeatable
    #[arg(long, value_name = "NAME=PATH", value_parser = pair)]
    env_from_file: Vec<(String, String)>,

    /// Directory to run in [default: this one]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    working_dir: Option<String>,
}

impl ProcessFlags {
    /// The process. `caller` is the environment and `base` the directory of the command.
    pub(super) fn run(
        self,
        command: Vec<String>,
        caller: &BTreeMap<String, String>,
        base: Option<&Path>,
    ) -> Result<RunSpec, CliError> {
        let env = variables(&self.env, self.env_all, caller)?;
        let mut env: BTreeMap<String, EnvValue> =
            env.into_iter().map(|(name, value)| (name, value.into())).collect();
        let of_env = self.env_from_env.iter().map(|text| {
            let (name, variable) = text.split_once('=').unwrap_or((text, text));
            (name.to_owned(), EnvValue::FromEnv(variable.to_owned()))
        });
        let of_files = self.env_from_file.iter();
        let of_files = of_files.map(|(name, path)| (name.clone(), EnvValue::FromFile(path.clone())));
        for (name, value) in of_env.chain(of_files) {
            if env.insert(name.clone(), value).is_some() {
                return Err(CliError::usage(format!("the variable {name} is given twice")));
            }
        }
        let mut run = RunSpec { command, env, working_dir: self.working_dir, stdin: None };
        place(&mut run, base)?;
        Ok(run)
    }
}

/// Gives a process this command's standard input, read to its end.
pub(crate) fn give_stdin(run: &mut RunSpec) -> Result<(), CliError> {
    run.stdin = Some(stdin::read()?);
    Ok(())
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
}
