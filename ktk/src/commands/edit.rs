//! `ktk edit`: an object in an editor, and what was changed in it.

use clap::Args;
use ktk_client::{
    Client,
    api::{API_VERSION, patch::Patch},
    manifest::{self, Manifest},
};
use serde_json::{Map, Value, json};

use super::{
    amend,
    bulk::Chosen,
    completion, editor, fetch, made, missing,
    selection::{self, Asked, ChoiceFlags},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    ui::escape,
};

/// Change objects in an editor
///
/// KTK_EDITOR, VISUAL, EDITOR, else vi. Where the text cannot be used, the reason is printed and the editor can be
/// opened again; a text that is given up is kept, and its path printed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Labels, annotations, and of a pending task priority, queue, hold and runAfter
  ktk edit task build-web

  # Without a terminal
  EDITOR='sed -i s/team:.*/team:\\ web/' ktk edit pipeline/nightly")]
pub(crate) struct EditArgs {
    /// What to change
    #[arg(value_name = "TYPE[/]NAME", required = true, add = completion::targets("edit"))]
    words: Vec<String>,
}

pub(crate) async fn run(args: EditArgs, cx: &Context) -> Result<Exit, CliError> {
    let names = match selection::read(&args.words, &ChoiceFlags::default(), "edit", false)? {
        Asked::Named(names) => names,
        Asked::Chosen(_) => return Err(CliError::usage("name what to edit, as TYPE/NAME")),
    };
    let client = cx.client().await?;
    let mut errors = Vec::new();
    for named in names {
        let chosen = Chosen::named(named, cx);
        match edit(client, &chosen, cx).await {
            Ok(true) => cx.ui.println(&format!("{} edited", escape(&chosen.named.label())))?,
            Ok(false) => cx.ui.message("Edit cancelled, no changes made."),
            Err(error) if error.exit() == Exit::Unreachable => return Err(error),
            Err(error) => errors.push(missing::explain(client, "edit", &chosen.named, error).await),
        }
    }
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// Lets a person change an object; says whether it was changed.
async fn edit(client: &Client, chosen: &Chosen, cx: &Context) -> Result<bool, CliError> {
    let there = client.in_namespace(&*chosen.namespace);
    let object = fetch::one(&there, chosen.named.kind, &chosen.named.name).await?;
    let version = object.metadata().version;
    let original = text_of(&chosen.named.label(), &made::value(&object.to_value().map_err(unwritable)?)?);
    let before = read(&original).map_err(CliError::failed)?;
    let (mut text, mut reason) = (original.clone(), String::new());
    loop {
        let shown = format!("{reason}{text}");
        let edited = editor::edit(&cx.ui, "edit", &shown, text != original)?;
        // The reason is no part of the text.
        let changed = edited.text().strip_prefix(&*reason).unwrap_or(edited.text()).to_owned();
        if changed == original {
            return Ok(false);
        }
        let refused = match used(client, chosen, (&before, version), &changed).await {
            Ok(is_changed) => return Ok(is_changed),
            Err(error) => error,
        };
        // The reason comes first, where it is seen, and then in the text.
        if cx.ui.can_ask() && refused.exit() != Exit::Unreachable && changed != text {
            cx.ui.error(&refused);
            if cx.ui.confirm(&[], "Edit it again?", "KTK_EDITOR")? {
                (text, reason) = (changed, reason_of(&refused));
                continue;
            }
        }
        let kept = edited.keep()?;
        return Err(
            refused.with_hint(format!("A copy of your changes has been stored to {}", kept.display()))
        );
    }
}

/// Makes an object what an edited text says; says whether that changed it.
async fn used(
    client: &Client,
    chosen: &Chosen,
    (before, version): (&Value, Option<u64>),
    text: &str,
) -> Result<bool, CliError> {
    let after = read(text).map_err(|message| CliError::new(Exit::Invalid, message))?;
    match difference(before, &after) {
        None => Ok(false),
        Some(patch) => Ok(amend::send(client, chosen, Patch::Merge(patch), version, false).await?.changed),
    }
}

fn unwritable(error: serde_json::Error) -> CliError {
    CliError::failed(format!("cannot write the object: {error}"))
}

/// What a person may write of an object.
pub(super) fn written_of(object: &Value) -> Value {
    let mut metadata = Map::new();
    for key in ["name", "namespace", "labels", "annotations"] {
        if let Some(value) = object["metadata"].get(key) {
            metadata.insert(key.to_owned(), value.clone());
        }
    }
    json!({
        "apiVersion": API_VERSION, "kind": object["kind"], "metadata": metadata, "spec": object["spec"],
    })
}

fn text_of(label: &str, object: &Value) -> String {
    format!(
        "# {label}: change it, save it, and leave the editor. If nothing is changed, nothing happens.\n{}",
        manifest::to_yaml(&written_of(object))
    )
}

/// Why a text was refused, as comments to stand on top of it.
fn reason_of(refused: &CliError) -> String {
    let lines = refused.lines();
    let lines = lines.iter().flat_map(|line| line.lines()).map(|line| format!("# {line}\n"));
    format!(
        "# It could not be used as it is; saved unchanged, it is given up:\n{}#\n",
        lines.collect::<String>()
    )
}

fn read(text: &str) -> Result<Value, String> {
    let object = match editor::read(text)?.as_slice() {
        [Manifest::Task(task)] => serde_json::to_value(task),
        [Manifest::Pipeline(pipeline)] => serde_json::to_value(pipeline),
        [Manifest::Queue(queue)] => serde_json::to_value(queue),
        [Manifest::Semaphore(semaphore)] => serde_json::to_value(semaphore),
        [Manifest::TaskType(task_type)] => serde_json::to_value(task_type),
        _ => return Err("it is no longer one object".to_owned()),
    };
    object.map_err(|error| error.to_string())
}

/// The merge patch (RFC 7386) that makes one document of the other; none where they are equal.
pub(super) fn difference(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else { return Some(after.clone()) };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        let change = match old.get(key) {
            Some(old) => difference(old, value),
            None => Some(value.clone()),
        };
        patch.extend(change.map(|change| (key.clone(), change)));
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_in_the_patch() {
        let before = json!({"a": {"b": 1, "c": [1]}, "d": 2});
        assert_eq!(difference(&before, &before), None);
        let after = json!({"a": {"b": 1, "c": [2], "e": {}}, "f": "x"});
        let patch = json!({"a": {"c": [2], "e": {}}, "d": null, "f": "x"});
        assert_eq!(difference(&before, &after), Some(patch));
    }
}
