//! What completion offers: types, names, namespaces, contexts, formats, topics, plugins.

use std::ffi::OsStr;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use ktk_client::config::{Config, LOCAL};

use super::line::Line;
use crate::{
    kinds::{self, Kind},
    output::{self, Word},
    view::explain,
};

/// Completes types, and names behind or below a type.
pub(crate) fn targets(verb: &'static str) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let Some(current) = current.to_str() else { return Vec::new() };
        let line = Line::typed();
        if let Some((kind, _)) = current.split_once('/') {
            return with_kind(kind, verb, &line, current);
        }
        match line.kind(verb) {
            Some(kind) => matching(current, line.names(kind)),
            None => types(verb, current),
        }
    })
}

/// Completes names of a kind, and `TYPE/NAME`.
pub(crate) fn names(bare: Kind, verb: &'static str) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let Some(current) = current.to_str() else { return Vec::new() };
        let line = Line::typed();
        match current.split_once('/') {
            Some((kind, _)) => with_kind(kind, verb, &line, current),
            None => matching(current, line.names(line.kind(verb).unwrap_or(bare))),
        }
    })
}

/// Completes types, and the fields below them: `task.spec.re` → `task.spec.retry`.
pub(crate) fn fields_of_types() -> ArgValueCompleter {
    completer(|current, _| {
        let Some((before, _)) = current.rsplit_once('.') else {
            return kinds::of_verb("explain").map(|row| row.plural.to_owned()).collect();
        };
        let mut words = before.split('.');
        let Some(kind) = words.next().and_then(Kind::named) else { return Vec::new() };
        let names = explain::names(kind, &words.collect::<Vec<_>>());
        names.iter().map(|name| format!("{before}.{name}")).collect()
    })
}

/// Completes namespaces.
pub(crate) fn namespaces() -> ArgValueCompleter {
    completer(|_, line| line.namespaces())
}

/// Completes contexts.
pub(crate) fn contexts() -> ArgValueCompleter {
    completer(|_, line| {
        let Ok(config) = Config::read(line.config.map(Into::into)) else { return Vec::new() };
        let mut names: Vec<String> =
            config.contexts().into_iter().map(|context| context.name.clone()).chain([LOCAL.into()]).collect();
        names.sort();
        names.dedup();
        names
    })
}

/// Completes formats.
pub(crate) fn formats(offered: &'static [Word]) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        matching(current.to_str().unwrap_or_default(), output::words(offered))
    })
}

/// A completer that is given what has been typed of the word, and the whole line.
pub(super) fn completer(
    offer: impl Fn(&str, Line) -> Vec<String> + Send + Sync + 'static,
) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let Some(current) = current.to_str() else { return Vec::new() };
        matching(current, offer(current, Line::typed()))
    })
}

fn with_kind(typed: &str, verb: &str, line: &Line, current: &str) -> Vec<CompletionCandidate> {
    match Kind::parse(typed, verb) {
        Ok(kind) => {
            let names = line.names(kind);
            matching(current, names.iter().map(|name| format!("{typed}/{name}")))
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
    matching(current, rest.map(|word| format!("{start}{word}")))
}

/// Those that begin with what was typed.
pub(super) fn matching<S: Into<String>>(
    current: &str,
    words: impl IntoIterator<Item = S>,
) -> Vec<CompletionCandidate> {
    let words = words.into_iter().map(Into::into).filter(|word: &String| word.starts_with(current));
    words.map(CompletionCandidate::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(candidates: Vec<CompletionCandidate>) -> Vec<String> {
        candidates.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn types_complete_behind_commas_too() {
        assert_eq!(texts(types("get", "ta")), ["tasks", "tasktypes"]);
        assert_eq!(texts(types("get", "pipelines,ta")), ["pipelines,tasks", "pipelines,tasktypes"]);
        assert_eq!(texts(types("get", "tasks,t")), ["tasks,tasktypes", "tasks,tokens"]);
    }
}
