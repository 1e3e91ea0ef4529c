//! `ktk label` and `ktk annotate`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use clap::Args;
use ktk_client::{
    Client,
    api::{Metadata, check, patch::Patch},
};
use serde_json::{Value, json};

use super::{
    amend::{self, AmendFlags, Amended},
    bulk::{self, Chosen},
    completion, fetch,
    made::Made,
    missing,
    selection::{self, Asked, ChoiceFlags},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    output::OutputFormat,
    ui::escape,
};

/// How long a change is tried anew where the object has changed meanwhile: each time somebody else's came through.
const PATIENCE: Duration = Duration::from_secs(10);

/// Set and remove labels of objects
///
/// A label that is there with another value is changed only with --overwrite.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Set one, remove another
  ktk label task build-web team=media draft-

  # Of all tasks of a team
  ktk label tasks -l team=media tier=1 --overwrite

  # What there is
  ktk label pipeline/nightly --list")]
pub(crate) struct LabelArgs {
    #[command(flatten)]
    marks: MarkArgs,
}

/// Set and remove annotations of objects
///
/// An annotation that is there with another value is changed only with --overwrite.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Any text
  ktk annotate task build-web note='waits for the release'

  # Not any more
  ktk annotate task/build-web note-")]
pub(crate) struct AnnotateArgs {
    #[command(flatten)]
    marks: MarkArgs,
}

#[derive(Args, Debug)]
struct MarkArgs {
    /// What to change, then KEY=VALUE to set and KEY- to remove
    #[arg(value_name = "TYPE[/]NAME... KEY=VALUE|KEY-", required = true, add = completion::targets("label"))]
    words: Vec<String>,

    #[command(flatten)]
    choice: ChoiceFlags,

    /// Change what has another value
    #[arg(long)]
    overwrite: bool,

    /// Print what there is, after the change
    #[arg(long)]
    list: bool,

    #[command(flatten)]
    flags: AmendFlags,
}

/// What is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Label,
    Annotation,
}

impl Mark {
    fn verb(self) -> &'static str {
        if self == Self::Label { "label" } else { "annotate" }
    }

    fn word(self) -> &'static str {
        if self == Self::Label { "label" } else { "annotation" }
    }

    fn of(self, metadata: &Metadata) -> &BTreeMap<String, String> {
        if self == Self::Label { &metadata.labels } else { &metadata.annotations }
    }

    fn patch(self, members: Value) -> Patch {
        let field = if self == Self::Label { "labels" } else { "annotations" };
        Patch::Merge(json!({"metadata": {field: members}}))
    }
}

/// What is set and what is removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Changes {
    set: BTreeMap<String, String>,
    removed: BTreeSet<String>,
}

pub(crate) async fn label(args: LabelArgs, cx: &Context) -> Result<Exit, CliError> {
    run(args.marks, Mark::Label, cx).await
}

pub(crate) async fn annotate(args: AnnotateArgs, cx: &Context) -> Result<Exit, CliError> {
    run(args.marks, Mark::Annotation, cx).await
}

async fn run(args: MarkArgs, mark: Mark, cx: &Context) -> Result<Exit, CliError> {
    let format = args.flags.format()?;
    let (words, changes) = split(&args.words, mark, args.list)?;
    let asked = selection::read(&words, &args.choice, mark.verb(), false)?;
    let client = cx.client().await?;
    let chosen = match asked {
        Asked::Named(names) => names.into_iter().map(|named| Chosen::named(named, cx)).collect(),
        Asked::Chosen(kinds) => bulk::choose(client, &kinds, &args.choice, |_| true).await?,
    };
    if chosen.is_empty() {
        cx.ui.message("No resources found");
    }
    let mut made = Made::default();
    let mut errors = Vec::new();
    for chosen in chosen {
        match change(client, &chosen, &changes, &args, mark, cx).await {
            Ok((amended, done)) => {
                if !changes.is_empty() {
                    args.flags.tell(&chosen, done, cx)?;
                }
                if args.list && format == OutputFormat::Human {
                    print_list(&amended.object, mark, cx)?;
                }
                made.add(amended.object, None);
            }
            Err(error) if error.exit() == Exit::Unreachable => return Err(error),
            Err(error) => errors.push(missing::explain(client, mark.verb(), &chosen.named, error).await),
        }
    }
    made.print(format, cx)?;
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

fn print_list(object: &Value, mark: Mark, cx: &Context) -> Result<(), CliError> {
    let field = if mark == Mark::Label { "labels" } else { "annotations" };
    let members = object["metadata"][field].as_object();
    for (key, value) in members.into_iter().flatten() {
        cx.ui.println(&escape(&format!("{key}={}", value.as_str().unwrap_or_default())))?;
    }
    Ok(())
}

/// Changes one object; says what was done. Where the object changed meanwhile, it is looked at anew.
async fn change(
    client: &Client,
    chosen: &Chosen,
    changes: &Changes,
    args: &MarkArgs,
    mark: Mark,
    cx: &Context,
) -> Result<(Amended, &'static str), CliError> {
    let there = client.in_namespace(&*chosen.namespace);
    let begun = Instant::now();
    let mut is_first = true;
    loop {
        let object = fetch::one(&there, chosen.named.kind, &chosen.named.name).await?;
        let metadata = object.metadata();
        let members = changes.against(mark.of(metadata), args.overwrite, mark)?;
        if std::mem::take(&mut is_first) {
            for key in changes.removed.iter().filter(|key| !mark.of(metadata).contains_key(*key)) {
                cx.ui.message(&format!("{} {:?} not found.", mark.word(), escape(key)));
            }
        }
        // What is overwritten or removed may have changed meanwhile.
        let is_only_removed = members.values().all(Value::is_null);
        let version =
            args.flags.resource_version.or(metadata.version.filter(|_| !args.overwrite && !is_only_removed));
        if members.is_empty()
            && args.flags.resource_version.is_none_or(|asked| Some(asked) == metadata.version)
        {
            let done = if mark == Mark::Label { "not labeled" } else { "annotated" };
            let object = object.to_value().map_err(|error| CliError::failed(error.to_string()))?;
            return Ok((Amended { object, changed: false }, done));
        }
        match amend::send(
            client,
            chosen,
            mark.patch(Value::Object(members)),
            version,
            args.flags.dry_run.read()?.is_dry(),
        )
        .await
        {
            Ok(amended) => {
                let done = match mark {
                    Mark::Annotation => "annotated",
                    Mark::Label if is_only_removed => "unlabeled",
                    Mark::Label => "labeled",
                };
                return Ok((amended, done));
            }
            Err(error)
                if error.exit() == Exit::Conflict
                    && args.flags.resource_version.is_none()
                    && begun.elapsed() < PATIENCE => {}
            Err(error) => return Err(error),
        }
    }
}

/// What comes before the first change, and the changes.
fn split(words: &[String], mark: Mark, lists: bool) -> Result<(Vec<String>, Changes), CliError> {
    let is_change = |word: &String| word.contains('=') || word.ends_with('-');
    let at = words.iter().position(is_change).unwrap_or(words.len());
    let (names, rest) = words.split_at(at);
    let none = || CliError::usage(format!("at least one {} update is required", mark.word()));
    if rest.iter().any(|word| !is_change(word) || word == "-") || rest.is_empty() && !lists {
        return Err(none().with_hint("KEY=VALUE sets, KEY- removes; names come first"));
    }
    let mut changes = Changes::default();
    for word in rest {
        match word.split_once('=') {
            Some((key, value)) => {
                if changes.set.insert(key.to_owned(), value.to_owned()).is_some_and(|old| old != value) {
                    return Err(CliError::usage(format!("{key:?} is given two values")));
                }
            }
            None => drop(changes.removed.insert(word.strip_suffix('-').unwrap_or(word).to_owned())),
        }
    }
    if changes.set.keys().any(|key| changes.removed.contains(key)) {
        let words = format!("can not both modify and remove a {} in the same command", mark.word());
        return Err(CliError::usage(words));
    }
    let metadata = match mark {
        Mark::Label => Metadata { labels: changes.set.clone(), ..Metadata::default() },
        Mark::Annotation => Metadata { annotations: changes.set.clone(), ..Metadata::default() },
    };
    match check::amended(&metadata).first() {
        Some(cause) => Err(CliError::usage(format!("{}: {}", cause.field, cause.message))),
        None => Ok((names.to_vec(), changes)),
    }
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    /// The members of a merge patch that make what there is as it is wanted.
    fn against(
        &self,
        there: &BTreeMap<String, String>,
        overwrite: bool,
        mark: Mark,
    ) -> Result<serde_json::Map<String, Value>, CliError> {
        let differs = |(key, value): &(&String, &String)| there.get(*key).is_some_and(|old| old != *value);
        let held: Vec<String> = (self.set.iter().filter(differs))
            .map(|(key, _)| format!("'{key}' already has a value ({})", there[key]))
            .collect();
        if !held.is_empty() && !overwrite {
            let words = match mark {
                Mark::Label => format!("{}, and --overwrite is false", held.join(", ")),
                Mark::Annotation => {
                    format!(
                        "--overwrite is false but found the following declared annotation(s): {}",
                        held.join("; ")
                    )
                }
            };
            return Err(CliError::new(Exit::Conflict, words));
        }
        let set = self.set.iter().filter(|(key, value)| there.get(*key) != Some(*value));
        let set = set.map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        let removed = self.removed.iter().filter(|key| there.contains_key(*key));
        Ok(set.chain(removed.map(|key| (key.clone(), Value::Null))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn names_come_before_changes() {
        let (names, changes) = split(&words("task a b k=v x- e="), Mark::Label, false).expect("changes");
        assert_eq!(names, words("task a b"));
        assert_eq!(changes.set, [("e".to_owned(), String::new()), ("k".to_owned(), "v".to_owned())].into());
        assert_eq!(changes.removed, ["x".to_owned()].into());
        for line in [
            "task a",
            "task a k=v b",
            "task a k=v k-",
            "task a k=v k=w",
            "task a k=a/b",
            "task a =v",
            "task a -",
        ] {
            assert!(split(&words(line), Mark::Label, false).is_err(), "{line}");
        }
        assert!(split(&words("task a k=a/b"), Mark::Annotation, false).is_ok(), "any text");
        assert!(split(&words("task a"), Mark::Label, true).is_ok(), "to list them");
    }

    #[test]
    fn only_what_differs_is_sent() {
        let there = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())].into();
        let (_, changes) = split(&words("t a=1 c=3 b- d-"), Mark::Label, false).expect("changes");
        let members = changes.against(&there, false, Mark::Label).expect("nothing is overwritten");
        assert_eq!(Value::Object(members), json!({"b": null, "c": "3"}));
        let (_, changes) = split(&words("t a=2"), Mark::Label, false).expect("changes");
        assert_eq!(
            changes.against(&there, false, Mark::Label).expect_err("it has one").exit(),
            Exit::Conflict
        );
        let members = changes.against(&there, true, Mark::Label).expect("it is overwritten");
        assert_eq!(Value::Object(members), json!({"a": "2"}));
    }
}
