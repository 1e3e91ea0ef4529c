//! `--edit`: the spec in an editor, and what was changed in it.

use ktk_client::{
    Client,
    api::{
        API_VERSION, Task,
        change::{self, Changes},
    },
    manifest::{self, Manifest},
};
use serde_json::json;

use crate::{
    commands::{editor, missing, selection::Named},
    context::Context,
    error::{CliError, Exit},
};

/// Lets a person change a task's spec; `None` where nothing was changed.
///
/// # Errors
/// Code 2 without a terminal; a text that is no manifest is kept in a file, and the error names it.
pub(super) async fn changes(
    client: &Client,
    named: &Named,
    cx: &Context,
) -> Result<Option<Changes>, CliError> {
    let task = match client.tasks().get(&named.name).await {
        Ok(task) => task,
        Err(error) => return Err(missing::explain(client, "restart", named, error.into()).await),
    };
    let edited = editor::edit(&cx.ui, "restart", &text_of(&task), false)?;
    let changes = match read(edited.text()) {
        Ok(edited) => change::between(&task.spec, &edited.spec),
        Err(message) => {
            let kept = edited.keep()?;
            let error = CliError::new(Exit::Invalid, format!("nothing was restarted: {message}"));
            return Err(error.with_hint(format!("your text is in {}", kept.display())));
        }
    };
    if changes.is_empty() {
        cx.ui.message("nothing was changed: nothing is restarted");
        return Ok(None);
    }
    Ok(Some(changes))
}

fn text_of(task: &Task) -> String {
    let object = json!({"apiVersion": API_VERSION, "kind": "Task", "metadata": {}, "spec": task.spec});
    format!(
        "# A restart of {}: change the spec, save it, and leave the editor.\n\
         # If nothing is changed, nothing is restarted.\n{}",
        task.incarnation_name(),
        manifest::to_yaml(&object)
    )
}

fn read(text: &str) -> Result<Task, String> {
    match editor::read(text)?.as_slice() {
        [Manifest::Task(task)] => Ok(task.clone()),
        _ => Err("it is no longer one task".to_owned()),
    }
}
