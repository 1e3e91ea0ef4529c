//! `ktk completion`, and the candidates that completion offers. Whatever fails offers nothing
//! and says nothing; no server is started for it.

use std::{
    ffi::{OsStr, OsString},
    time::Duration,
};

use clap::Args;
use clap_complete::{
    engine::{ArgValueCompleter, CompletionCandidate},
    env::CompleteEnv,
};
use ktk_client::{
    Client,
    client::{Autostart, ServerAddress},
    config::{Config, LOCAL},
};

use super::fetch::{self, Query};
use crate::{
    context::Context,
    env,
    error::{CliError, Exit},
    generate::{self, COMPLETE_VARIABLE, SHELLS},
    kinds::{self, Kind},
    output::{self, Word},
    view::explain,
};

/// The longest that the server is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(80);

const EXAMPLES: &str = "\
Examples:
  # For this bash session
  source <(ktk completion bash)

  # For every zsh session
  ktk completion zsh > \"${fpath[1]}/_ktk\"

  # For every fish session
  ktk completion fish > ~/.config/fish/completions/ktk.fish";

/// Print the completion script of a shell: bash, elvish, fish, powershell, zsh
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL", add = ArgValueCompleter::new(|current: &OsStr| matching(current, SHELLS)))]
    shell: Option<String>,
}

pub(crate) fn run(args: CompletionArgs, cx: &Context) -> Result<Exit, CliError> {
    let known = format!("shells are {}", SHELLS.join(", "));
    let Some(shell) = args.shell else {
        return Err(CliError::usage("Shell not specified.").with_hint(known));
    };
    match generate::script(&shell) {
        Some(script) => cx.ui.print(&script)?,
        None => return Err(CliError::usage(format!("Unsupported shell type {shell:?}.")).with_hint(known)),
    }
    Ok(Exit::Done)
}

/// Answers a shell that asks for candidates; none where this is a command as any other.
pub(crate) fn answer_shell(args: &[OsString], command_line: fn() -> clap::Command) -> Option<Exit> {
    env::var(COMPLETE_VARIABLE)?;
    let directory = env::current_dir().ok();
    let answer = CompleteEnv::with_factory(command_line)
        .var(COMPLETE_VARIABLE)
        .try_complete(args, directory.as_deref());
    match answer {
        Ok(false) => None,
        Ok(true) => Some(Exit::Done),
        Err(_) => Some(Exit::Failed),
    }
}

/// Completes types, and names behind or below a type.
pub(crate) fn targets(verb: &'static str) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let Some(current) = current.to_str() else { return Vec::new() };
        let line = Line::read(&env::args());
        if let Some((kind, _)) = current.split_once('/') {
            return with_kind(kind, verb, &line, current);
        }
        match line.kind(verb) {
            Some(kind) => matching(OsStr::new(current), line.names(kind)),
            None => types(verb, current),
        }
    })
}

/// Completes names of a kind, and `TYPE/NAME`.
pub(crate) fn names(bare: Kind, verb: &'static str) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let Some(current) = current.to_str() else { return Vec::new() };
        let line = Line::read(&env::args());
        match current.split_once('/') {
            Some((kind, _)) => with_kind(kind, verb, &line, current),
            None => matching(OsStr::new(current), line.names(line.kind(verb).unwrap_or(bare))),
        }
    })
}

/// Completes types, and the fields below them: `task.spec.re` → `task.spec.retry`.
pub(crate) fn fields_of_types() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some((before, _)) = current.to_str().and_then(|current| current.rsplit_once('.')) else {
            return matching(current, kinds::of_verb("explain").map(|row| row.plural));
        };
        let mut words = before.split('.');
        let Some(kind) = words.next().and_then(Kind::named) else { return Vec::new() };
        let names = explain::names(kind, &words.collect::<Vec<_>>());
        matching(current, names.iter().map(|name| format!("{before}.{name}")))
    })
}

/// Completes namespaces.
pub(crate) fn namespaces() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| matching(current, Line::read(&env::args()).namespaces()))
}

/// Completes contexts.
pub(crate) fn contexts() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let only = Line::read(&env::args()).config.map(Into::into);
        let Ok(config) = Config::read(only) else { return Vec::new() };
        let mut names: Vec<String> =
            config.contexts().into_iter().map(|context| context.name.clone()).chain([LOCAL.into()]).collect();
        names.sort();
        names.dedup();
        matching(current, names)
    })
}

/// Completes formats.
pub(crate) fn formats(offered: &'static [Word]) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| matching(current, output::words(offered)))
}

fn with_kind(typed: &str, verb: &str, line: &Line, current: &str) -> Vec<CompletionCandidate> {
    match Kind::parse(typed, verb) {
        Ok(kind) => {
            let names = line.names(kind);
            matching(OsStr::new(current), names.iter().map(|name| format!("{typed}/{name}")))
        }
        Err(_) => Vec::new(),
    }
}

/// Types; behind a comma those that were not named yet.
fn types(verb: &str, current: &str) -> Vec<CompletionCandidate> {
    let (done, _) = current.rsplit_once(',').map_or(("", current), |(done, last)| (done, last));
    let named: Vec<Kind> = done.split(',').filter_map(Kind::named).collect();
    let rest = kinds::of_verb(verb).filter(|row| !named.contains(&row.kind)).map(|row| row.plural);
    let start = if done.is_empty() { String::new() } else { format!("{done},") };
    matching(OsStr::new(current), rest.map(|word| format!("{start}{word}")))
}

fn matching<S: Into<String>>(
    current: &OsStr,
    words: impl IntoIterator<Item = S>,
) -> Vec<CompletionCandidate> {
    let current = current.to_str().unwrap_or_default();
    let words = words.into_iter().map(Into::into).filter(|word: &String| word.starts_with(current));
    words.map(CompletionCandidate::new).collect()
}

/// What stands on the command line that is being completed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    namespace: Option<String>,
    server: Option<String>,
    data_dir: Option<String>,
    config: Option<String>,
    context: Option<String>,
    words: Vec<String>,
}

impl Line {
    /// Reads what the shell passes on behind `--`.
    fn read(args: &[OsString]) -> Self {
        let typed = args.iter().skip_while(|arg| *arg != "--").skip(2);
        let mut typed = typed.filter_map(|arg| arg.to_str()).map(str::to_owned);
        let mut line = Self::default();
        while let Some(word) = typed.next() {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
                _ => (word, None),
            };
            let place = match flag.as_str() {
                "-n" | "--namespace" => &mut line.namespace,
                "--server" => &mut line.server,
                "--data-dir" => &mut line.data_dir,
                "--config" => &mut line.config,
                "--context" => &mut line.context,
                _ => {
                    line.words.push(flag);
                    continue;
                }
            };
            *place = value.or_else(|| typed.next());
        }
        line
    }

    /// The type that stands before the word that is being completed.
    fn kind(&self, verb: &str) -> Option<Kind> {
        let before = self.words.split_last().map(|(_, before)| before).unwrap_or_default();
        let behind_verb = before.iter().skip_while(|word| *word != verb).skip(1);
        behind_verb
            .filter(|word| !word.starts_with('-'))
            .find_map(|word| Kind::named(word.split(',').next()?))
    }

    fn names(&self, kind: Kind) -> Vec<String> {
        let objects = self.ask(|client| async move {
            let query = Query {
                namespace: Some(client.namespace().to_owned()),
                is_summary: true,
                ..Query::default()
            };
            fetch::list(&client, kind, &query).await
        });
        let mut names: Vec<String> =
            objects.into_iter().flat_map(|listed| listed.objects).map(|object| object.name(false)).collect();
        names.dedup();
        names
    }

    fn namespaces(&self) -> Vec<String> {
        let objects = self.ask(|client| async move {
            fetch::list(&client, Kind::Task, &Query { is_summary: true, ..Query::default() }).await
        });
        let mut names: Vec<String> = objects
            .into_iter()
            .flat_map(|listed| listed.objects)
            .map(|object| object.metadata().namespace().to_owned())
            .collect();
        names.dedup();
        names
    }

    /// Asks the server that the command line means, if it is there.
    fn ask<T, F>(&self, question: impl FnOnce(Client) -> F) -> Option<T>
    where
        F: Future<Output = Result<T, ktk_client::Error>>,
    {
        let mut builder = Client::builder().autostart(Autostart::Never).timeout(ANSWER_TIMEOUT);
        if let Some(server) = &self.server {
            builder = builder.address(server.parse().ok()?);
        } else if let Some(path) = &self.data_dir {
            builder = builder.address(ServerAddress::DataDir(std::path::absolute(path).ok()?));
        }
        if let Some(path) = &self.config {
            builder = builder.config(path);
        }
        if let Some(context) = &self.context {
            builder = builder.context(context);
        }
        if let Some(namespace) = &self.namespace {
            builder = builder.namespace(namespace);
        }
        let client = builder.build().ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let answer = runtime.block_on(async { tokio::time::timeout(ANSWER_TIMEOUT, question(client)).await });
        runtime.shutdown_background();
        answer.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Line {
        let args = ["ktk", "--"].iter().chain(words).map(OsString::from).collect::<Vec<_>>();
        Line::read(&args)
    }

    fn texts(candidates: Vec<CompletionCandidate>) -> Vec<String> {
        candidates.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_line_tells_namespace_server_and_type() {
        let line = line(&["ktk", "get", "-n", "ci", "--server=unix:///s", "tasks,pl", "bu"]);
        assert_eq!(line.namespace.as_deref(), Some("ci"));
        assert_eq!(line.server.as_deref(), Some("unix:///s"));
        assert_eq!(line.kind("get"), Some(Kind::Task));
    }

    #[test]
    fn the_word_that_is_being_typed_is_no_type_yet() {
        assert_eq!(line(&["ktk", "get", "task"]).kind("get"), None);
        assert_eq!(line(&["ktk", "get", "task", ""]).kind("get"), Some(Kind::Task));
    }

    #[test]
    fn types_complete_behind_commas_too() {
        assert_eq!(texts(types("get", "ta")), ["tasks", "tasktypes"]);
        assert_eq!(texts(types("get", "pipelines,ta")), ["pipelines,tasks", "pipelines,tasktypes"]);
        assert_eq!(texts(types("get", "tasks,t")), ["tasks,tasktypes", "tasks,tokens"]);
    }
}
