//! Which objects a verb was asked to act on: names, or a choice by selector. Pure.

use clap::Args;

use crate::{error::CliError, kinds::Kind};

/// An object by what the user typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Which kind.
    pub(crate) kind: Kind,
    /// Any reference.
    pub(crate) name: String,
    /// Whether the kind was not typed: a bare name means a task.
    pub(crate) is_bare: bool,
}

impl Named {
    /// `task/x`.
    pub(crate) fn label(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// What a verb acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// These objects, in this order.
    Named(Vec<Named>),
    /// All objects of these kinds that the selectors choose.
    Chosen(Vec<Kind>),
}

/// Flags that choose objects.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ChoiceFlags {
    /// Choose by labels: a=b, a!=b, 'a in (b,c)', a, !a; repeatable, all must hold
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    selectors: Vec<String>,

    /// Choose by fields, as status.phase=Failed; repeatable, all must hold
    #[arg(long = "field-selector", value_name = "SELECTOR")]
    field_selectors: Vec<String>,

    /// Choose all of the type
    #[arg(long)]
    all: bool,

    /// Choose in all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
}

impl ChoiceFlags {
    /// Whether objects are chosen, and not named.
    pub(crate) fn is_given(&self) -> bool {
        self.all || self.has_selector()
    }

    fn has_selector(&self) -> bool {
        !self.selectors.is_empty() || !self.field_selectors.is_empty()
    }

    /// Every label selector as one.
    pub(crate) fn label_selector(&self) -> Option<String> {
        joined(&self.selectors)
    }

    /// Every field selector as one.
    pub(crate) fn field_selector(&self) -> Option<String> {
        joined(&self.field_selectors)
    }

    /// Whether objects of all namespaces are meant.
    pub(crate) fn all_namespaces(&self) -> bool {
        self.all_namespaces
    }
}

fn joined(selectors: &[String]) -> Option<String> {
    let selectors: Vec<&str> = selectors.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    if selectors.is_empty() { None } else { Some(selectors.join(",")) }
}

/// Reads `NAME…`, `TYPE NAME…`, `TYPE/NAME…` or `TYPE[,TYPE]` with a choice. `bare` is the kind
/// of a name without a type, for verbs that have one.
pub(crate) fn read(
    words: &[String],
    choice: &ChoiceFlags,
    verb: &str,
    bare: Option<Kind>,
) -> Result<Asked, CliError> {
    if choice.all && choice.has_selector() {
        return Err(CliError::usage("--all and a selector exclude each other"));
    }
    if choice.is_given() {
        return chosen(words, verb, bare).map(Asked::Chosen);
    }
    if choice.all_namespaces {
        return Err(CliError::usage(format!("-A needs --all or a selector: ktk {verb} takes names of one namespace")));
    }
    named(words, verb, bare).map(Asked::Named)
}

fn chosen(words: &[String], verb: &str, bare: Option<Kind>) -> Result<Vec<Kind>, CliError> {
    match words {
        [] => match bare {
            Some(kind) => Ok(vec![kind]),
            None => Err(CliError::usage(format!("which type? As in: ktk {verb} tasks -l team=media"))),
        },
        [types] if !types.contains('/') => {
            types.split(',').map(|text| Kind::parse(text, verb)).collect::<Result<Vec<_>, _>>()
        }
        _ => Err(CliError::usage("name cannot be provided when a selector or --all is specified")),
    }
}

fn named(words: &[String], verb: &str, bare: Option<Kind>) -> Result<Vec<Named>, CliError> {
    let missing = || {
        let error = CliError::usage("resource(s) were provided, but no name was specified");
        error.with_hint(format!("name it, as ktk {verb} task/NAME, or choose with -l or --all"))
    };
    let Some((first, rest)) = words.split_first() else { return Err(missing()) };
    let typed_kind = if first.contains('/') { None } else { Kind::named(first) };
    match typed_kind {
        Some(_) if rest.iter().any(|word| word.contains('/')) => Err(CliError::usage(format!(
            "there is no need to specify a type as a separate argument beside TYPE/NAME (e.g. 'ktk {verb} {}')",
            rest.join(" ")
        ))),
        Some(_) if !rest.is_empty() => {
            let kind = Kind::parse(first, verb)?;
            let named = |name: &String| Named { kind, name: name.clone(), is_bare: false };
            Ok(rest.iter().map(named).collect())
        }
        Some(_) if bare.is_none() => Err(missing()),
        _ => words.iter().map(|word| one(word, verb, bare)).collect(),
    }
}

fn one(word: &str, verb: &str, bare: Option<Kind>) -> Result<Named, CliError> {
    let Some((kind, name)) = word.split_once('/') else {
        return match bare {
            Some(kind) => Ok(Named { kind, name: word.to_owned(), is_bare: true }),
            None => {
                // An unknown type is the likelier slip: it gets a guess.
                Kind::parse(word, verb)?;
                Err(CliError::usage(format!("{word:?}: write TYPE/NAME or TYPE NAME")))
            }
        };
    };
    if name.is_empty() || name.contains('/') {
        return Err(CliError::usage(format!(
            "arguments in type/name form must have a single type and name: {word:?}"
        )));
    }
    Ok(Named { kind: Kind::parse(kind, verb)?, name: name.to_owned(), is_bare: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(words: &[&str], bare: Option<Kind>) -> Result<Vec<String>, CliError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match read(&words, &ChoiceFlags::default(), "delete", bare)? {
            Asked::Named(named) => Ok(named.iter().map(Named::label).collect()),
            Asked::Chosen(kinds) => panic!("{kinds:?}"),
        }
    }

    #[test]
    fn names_come_in_three_forms() {
        let task = Some(Kind::Task);
        assert_eq!(labels(&["a", "pipeline/b"], task).expect("bare"), ["task/a", "pipeline/b"]);
        assert_eq!(labels(&["pl", "a", "b"], None).expect("typed"), ["pipeline/a", "pipeline/b"]);
        assert_eq!(labels(&["t/a@2"], None).expect("slash"), ["task/a@2"]);
        assert_eq!(labels(&["task"], task).expect("a task of that name"), ["task/task"]);
    }

    #[test]
    fn mixed_and_missing_names_are_refused() {
        assert!(labels(&["task", "task/x"], None).expect_err("mixed").lines()[0].contains("no need to specify"));
        assert!(labels(&["tasks"], None).expect_err("no name").lines()[0].contains("no name was specified"));
        assert!(labels(&[], None).is_err());
        assert!(labels(&["tasks/"], None).is_err());
        assert!(labels(&["a/b/c"], None).is_err());
        assert_eq!(
            labels(&["taks"], None).expect_err("no type").lines()[1],
            "hint: did you mean \"tasks\"?"
        );
    }

    #[test]
    fn a_choice_takes_types_and_no_names() {
        let choice = ChoiceFlags { selectors: vec!["a=1".into(), "b=2".into()], ..ChoiceFlags::default() };
        assert_eq!(choice.label_selector().as_deref(), Some("a=1,b=2"));
        let read = |words: &[&str], bare| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            read(&words, &choice, "delete", bare)
        };
        assert_eq!(read(&["tasks,pl"], None), Ok(Asked::Chosen(vec![Kind::Task, Kind::Pipeline])));
        assert_eq!(read(&[], Some(Kind::Task)), Ok(Asked::Chosen(vec![Kind::Task])));
        assert!(read(&["task", "x"], None).is_err());
        assert!(read(&["task/x"], None).is_err());
        let all = ChoiceFlags { all: true, ..choice.clone() };
        assert!(super::read(&[], &all, "delete", None).is_err(), "--all with a selector");
    }
}
