//! Which objects a verb was asked to act on: names, or a choice by selector. Pure.

use clap::Args;

use super::fetch::{self, Query};
use crate::{
    error::CliError,
    kinds::Kind,
    target::{self, Target},
};

/// An object by what the user typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Which kind.
    pub(crate) kind: Kind,
    /// Any reference.
    pub(crate) name: String,
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
    /// Selectors alone, for a verb whose `--all` means something else.
    pub(crate) fn of(selectors: &[String], field_selectors: &[String], all_namespaces: bool) -> Self {
        let (selectors, field_selectors) = (selectors.to_vec(), field_selectors.to_vec());
        Self { selectors, field_selectors, all: false, all_namespaces }
    }

    /// Whether objects are chosen, and not named.
    pub(crate) fn is_given(&self) -> bool {
        self.all || self.has_selector()
    }

    fn has_selector(&self) -> bool {
        !self.selectors.is_empty() || !self.field_selectors.is_empty()
    }

    /// What these flags choose, for a list of summaries.
    ///
    /// # Errors
    /// Code 2 for a label selector that cannot be read.
    pub(crate) fn query(&self, namespace: &str) -> Result<Query, CliError> {
        fetch::check_labels(&self.selectors)?;
        Ok(Query {
            namespace: (!self.all_namespaces).then(|| namespace.to_owned()),
            labels: fetch::joined(&self.selectors),
            fields: fetch::joined(&self.field_selectors),
            is_summary: true,
            ..Query::default()
        })
    }
}

/// Reads `NAME…`, `TYPE NAME…`, `TYPE/NAME…` or `TYPE[,TYPE]` with a choice. With `bare` a name
/// without a type is a task.
pub(crate) fn read(
    words: &[String],
    choice: &ChoiceFlags,
    verb: &str,
    bare: bool,
) -> Result<Asked, CliError> {
    if choice.all && choice.has_selector() {
        return Err(CliError::usage("--all and a selector exclude each other"));
    }
    if choice.is_given() {
        return chosen(words, verb, bare).map(Asked::Chosen);
    }
    if choice.all_namespaces {
        return Err(CliError::usage("-A goes with --all or a selector: names are of one namespace"));
    }
    let targets = if bare { target::parse_names(verb, words)? } else { target::parse(verb, words)?.targets };
    let named = |target: Target| match target.name {
        Some(name) => Ok(Named { kind: target.kind, name }),
        None => {
            let error = CliError::usage("resource(s) were provided, but no name was specified");
            Err(error.with_hint(format!(
                "name it, as ktk {verb} {}/NAME, or choose with -l or --all",
                target.kind
            )))
        }
    };
    targets.into_iter().map(named).collect::<Result<_, _>>().map(Asked::Named)
}

fn chosen(words: &[String], verb: &str, bare: bool) -> Result<Vec<Kind>, CliError> {
    if words.is_empty() && bare {
        return Ok(vec![Kind::Task]);
    }
    let named = || CliError::usage("name cannot be provided when a selector or --all is specified");
    if words.len() > 1 {
        return Err(named());
    }
    let targets = target::parse(verb, words)?.targets;
    match targets.iter().any(|target| target.name.is_some()) {
        true => Err(named()),
        false => Ok(targets.into_iter().map(|target| target.kind).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(words: &[&str], bare: bool) -> Result<Vec<String>, CliError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match read(&words, &ChoiceFlags::default(), "delete", bare)? {
            Asked::Named(named) => Ok(named.iter().map(Named::label).collect()),
            Asked::Chosen(kinds) => panic!("{kinds:?}"),
        }
    }

    #[test]
    fn names_come_in_three_forms() {
        assert_eq!(labels(&["a", "pipeline/b"], true).expect("bare"), ["task/a", "pipeline/b"]);
        assert_eq!(labels(&["pl", "a", "b"], false).expect("typed"), ["pipeline/a", "pipeline/b"]);
        assert_eq!(labels(&["t/a@2"], false).expect("slash"), ["task/a@2"]);
        assert_eq!(labels(&["task"], true).expect("a task of that name"), ["task/task"]);
    }

    #[test]
    fn a_type_alone_names_nothing() {
        assert!(labels(&["tasks"], false).expect_err("no name").lines()[0].contains("no name was specified"));
        assert!(labels(&[], false).is_err());
    }

    #[test]
    fn a_choice_takes_types_and_no_names() {
        let choice = ChoiceFlags { selectors: vec!["a=1".into(), "b=2".into()], ..ChoiceFlags::default() };
        assert_eq!(choice.query("ci").expect("selectors").labels.as_deref(), Some("a=1,b=2"));
        let read = |words: &[&str], bare| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            read(&words, &choice, "delete", bare)
        };
        assert_eq!(read(&["tasks,pl"], false), Ok(Asked::Chosen(vec![Kind::Task, Kind::Pipeline])));
        assert_eq!(read(&["all"], false), Ok(Asked::Chosen(vec![Kind::Task, Kind::Pipeline])));
        assert_eq!(read(&[], true), Ok(Asked::Chosen(vec![Kind::Task])));
        assert!(read(&[], false).is_err());
        assert!(read(&["task", "x"], false).is_err());
        assert!(read(&["task/x"], false).is_err());
        let all = ChoiceFlags { all: true, ..choice.clone() };
        assert!(super::read(&[], &all, "delete", true).is_err(), "--all with a selector");
    }
}
