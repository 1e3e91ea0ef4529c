//! What a command is about, as it was typed: `TYPE`, `TYPE NAME…`, `TYPE/NAME…`, comma lists.

use crate::{
    error::CliError,
    kinds::{self, Kind},
};

/// One thing, or all of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its type.
    pub(crate) kind: Kind,
    /// Its name or any other reference; all of the type when absent.
    pub(crate) name: Option<String>,
}

impl Target {
    fn all(kind: Kind) -> Self {
        Self { kind, name: None }
    }

    fn named(kind: Kind, name: &str) -> Self {
        Self { kind, name: Some(name.to_owned()) }
    }
}

/// What was typed behind a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Targets {
    /// In the order typed.
    pub(crate) targets: Vec<Target>,
    /// Whether it was the word `all`: types without objects leave no trace then.
    pub(crate) is_all: bool,
}

impl Targets {
    /// The one name that a flag takes.
    ///
    /// # Errors
    /// Code 2 where it is none, or several.
    pub(crate) fn one_name(self, flag: &str, typed: &str) -> Result<(Kind, String), CliError> {
        let mut targets = self.targets.into_iter();
        match (targets.next(), targets.next()) {
            (Some(Target { kind, name: Some(name) }), None) => Ok((kind, name)),
            _ => Err(CliError::usage(format!("{flag} {typed:?}: write TYPE/NAME"))),
        }
    }
}

/// Reads what `get`, `describe` and `delete` take: a type comes first, or stands before a slash.
///
/// # Errors
/// Code 2 for an unknown type, and where the two forms are mixed.
pub(crate) fn parse(verb: &str, words: &[String]) -> Result<Targets, CliError> {
    refuse_empty(words)?;
    let targets = match words {
        [] => return Err(nothing_named(verb)),
        [word] if word.eq_ignore_ascii_case("all") => {
            let targets =
                kinds::of_verb(verb).filter(|row| row.is_in_all).map(|row| Target::all(row.kind)).collect();
            return Ok(Targets { targets, is_all: true });
        }
        words if words.iter().any(|word| word.contains('/')) => with_slashes(verb, words)?,
        [types, names @ ..] => {
            let types: Vec<Kind> =
                types.split(',').map(|word| Kind::parse(word, verb)).collect::<Result<_, CliError>>()?;
            match names {
                [] => types.into_iter().map(Target::all).collect(),
                names => types
                    .into_iter()
                    .flat_map(|kind| names.iter().map(move |name| Target::named(kind, name)))
                    .collect(),
            }
        }
    };
    Ok(Targets { targets, is_all: false })
}

/// Reads what `restart`, `cancel`, `tree`, `logs` and `wait` take: the same, but a bare name is
/// a task. The first of several words is a type where there is one of that name.
///
/// # Errors
/// Code 2 for an unknown type, and where the two forms are mixed.
pub(crate) fn parse_names(verb: &str, words: &[String]) -> Result<Vec<Target>, CliError> {
    refuse_empty(words)?;
    match words {
        [] => Err(nothing_named(verb)),
        words if words.iter().any(|word| word.contains('/')) => {
            let named = |word: &String| match word.contains('/') {
                true => with_slashes(verb, std::slice::from_ref(word)),
                false => Ok(vec![Target::named(Kind::Task, word)]),
            };
            Ok(words.iter().map(named).collect::<Result<Vec<_>, _>>()?.concat())
        }
        [first, names @ ..] if !names.is_empty() && Kind::named(first).is_some() => {
            let kind = Kind::parse(first, verb)?;
            Ok(names.iter().map(|name| Target::named(kind, name)).collect())
        }
        names => Ok(names.iter().map(|name| Target::named(Kind::Task, name)).collect()),
    }
}

fn with_slashes(verb: &str, words: &[String]) -> Result<Vec<Target>, CliError> {
    let target = |word: &String| match word.split_once('/') {
        None => Err(CliError::usage(format!(
            "there is no need to specify a resource type as a separate argument when passing arguments in \
             resource/name form (e.g. 'ktk {verb} resource/<resource_name>' instead of 'ktk {verb} resource \
             resource/<resource_name>')"
        ))),
        Some((kind, name)) if kind.is_empty() || name.is_empty() || name.contains('/') => {
            Err(CliError::usage("arguments in resource/name form must have a single resource and name"))
        }
        Some((kind, name)) => Ok(Target::named(Kind::parse(kind, verb)?, name)),
    };
    words.iter().map(target).collect()
}

/// An empty word is a variable that was not set: nothing is sent for it.
fn refuse_empty(words: &[String]) -> Result<(), CliError> {
    match words.iter().any(String::is_empty) {
        true => Err(CliError::usage("one of the arguments is empty")),
        false => Ok(()),
    }
}

fn nothing_named(verb: &str) -> CliError {
    let names: Vec<_> = kinds::of_verb(verb).map(|row| row.plural).collect();
    CliError::usage("Required resource not specified.")
        .with_hint(format!("ktk {verb} takes TYPE, TYPE NAME or TYPE/NAME; types are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Vec<(Kind, Option<String>)>, Vec<String>> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match parse("get", &words) {
            Ok(targets) => Ok(targets.targets.into_iter().map(|target| (target.kind, target.name)).collect()),
            Err(error) => Err(error.lines()),
        }
    }

    fn some(name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    #[test]
    fn every_form_is_read() {
        use Kind::{Node, Pipeline, Task};
        assert_eq!(parsed(&["TASKS"]), Ok(vec![(Task, None)]));
        assert_eq!(parsed(&["tasks,pl,no"]), Ok(vec![(Task, None), (Pipeline, None), (Node, None)]));
        assert_eq!(
            parsed(&["t", "b", "a", "b"]),
            Ok(vec![(Task, some("b")), (Task, some("a")), (Task, some("b"))])
        );
        assert_eq!(parsed(&["task/a", "pipeline/b"]), Ok(vec![(Task, some("a")), (Pipeline, some("b"))]));
        assert_eq!(parsed(&["task,pipeline", "n"]), Ok(vec![(Task, some("n")), (Pipeline, some("n"))]));
        assert_eq!(parsed(&["all"]), Ok(vec![(Task, None), (Pipeline, None)]));
        assert_eq!(parsed(&["task/p.step@2"]), Ok(vec![(Task, some("p.step@2"))]));
    }

    #[test]
    fn mixed_and_half_forms_are_refused() {
        for words in [&["task", "task/x"][..], &["task/x", "y"]] {
            let lines = parsed(words).expect_err("mixed");
            assert!(lines[0].starts_with("error: there is no need to specify a resource type"), "{lines:?}");
        }
        for word in ["tasks/", "/x", "task/a/b"] {
            let lines = parsed(&[word]).expect_err("half");
            assert_eq!(
                lines,
                ["error: arguments in resource/name form must have a single resource and name"]
            );
        }
        assert_eq!(
            parsed(&["tasks,nosuch"]).expect_err("unknown")[0],
            "error: the server doesn't have a resource type \"nosuch\""
        );
        assert_eq!(parsed(&[]).expect_err("nothing")[0], "error: Required resource not specified.");
    }

    #[test]
    fn an_empty_name_is_wrong_usage() {
        for words in [&["task", ""][..], &[""], &["a", ""]] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let error = parse_names("wait", &words).expect_err("an empty name");
            assert_eq!(error.lines(), ["error: one of the arguments is empty"]);
            assert!(parse("get", &words).is_err());
        }
    }

    #[test]
    fn a_bare_name_is_a_task() {
        let read = |words: &[&str]| -> Vec<(Kind, Option<String>)> {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            parse_names("restart", &words)
                .expect("names")
                .into_iter()
                .map(|target| (target.kind, target.name))
                .collect()
        };
        assert_eq!(read(&["x"]), [(Kind::Task, some("x"))]);
        assert_eq!(read(&["task"]), [(Kind::Task, some("task"))]);
        assert_eq!(read(&["pipeline", "p"]), [(Kind::Pipeline, some("p"))]);
        assert_eq!(read(&["pipeline/p", "x"]), [(Kind::Pipeline, some("p")), (Kind::Task, some("x"))]);
    }
}
