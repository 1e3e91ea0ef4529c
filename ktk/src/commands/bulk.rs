//! Acting on many: finds what selectors choose, shows it and asks before anything happens.

use futures_util::TryStreamExt;
use ktk_client::{
    Client,
    api::{ListParams, Metadata, Phase},
};

use super::selection::{ChoiceFlags, Named};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
};

/// The most objects that a question lists one by one.
const LISTED: usize = 50;

/// An object that a command acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Its kind and name.
    pub(crate) named: Named,
    /// Where it is.
    pub(crate) namespace: String,
}

impl Chosen {
    /// What was named, in the command's namespace.
    pub(crate) fn named(named: Named, cx: &Context) -> Self {
        Self { named, namespace: cx.namespace().to_owned() }
    }

    fn of(kind: Kind, metadata: &Metadata) -> Self {
        let named = Named { kind, name: metadata.name().to_owned() };
        Self { named, namespace: metadata.namespace().to_owned() }
    }
}

/// The objects of these kinds that the selectors choose and `is_wanted` takes.
pub(crate) async fn choose(
    client: &Client,
    kinds: &[Kind],
    choice: &ChoiceFlags,
    is_wanted: impl Fn(&Metadata, Option<Phase>) -> bool,
) -> Result<Vec<Chosen>, CliError> {
    let params = ListParams {
        label_selector: choice.label_selector(),
        field_selector: choice.field_selector(),
        summary: true,
        ..ListParams::default()
    };
    let mut chosen = Vec::new();
    let mut take = |kind, metadata: &Metadata, phase| {
        if is_wanted(metadata, phase) {
            chosen.push(Chosen::of(kind, metadata));
        }
    };
    for kind in kinds {
        if *kind == Kind::Pipeline {
            let pipelines = client.pipelines();
            let pipelines = if choice.all_namespaces() { pipelines.all_namespaces() } else { pipelines };
            let mut listed = pipelines.list_all(params.clone());
            while let Some(pipeline) = listed.try_next().await? {
                take(*kind, &pipeline.metadata, pipeline.status.map(|status| status.phase));
            }
        } else {
            let tasks = client.tasks();
            let tasks = if choice.all_namespaces() { tasks.all_namespaces() } else { tasks };
            let mut listed = tasks.list_all(params.clone());
            while let Some(task) = listed.try_next().await? {
                take(*kind, &task.metadata, task.status.map(|status| status.phase));
            }
        }
    }
    Ok(chosen)
}

/// Says on stderr that nothing was chosen, as `get` does.
pub(crate) fn say_nothing_found(choice: &ChoiceFlags, cx: &Context) {
    match choice.all_namespaces() {
        true => cx.ui.message("No resources found"),
        false => cx.ui.message(&format!("No resources found in {} namespace.", cx.namespace())),
    }
}

/// Asks whether this is meant, unless `--yes` has said so.
///
/// # Errors
/// Code 2 where it is declined, or where nobody can be asked.
pub(crate) fn confirm(chosen: &[Chosen], verb: &str, yes: bool, cx: &Context) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    let lines = question_lines(chosen, verb, cx.namespace());
    if cx.ui.confirm(&lines, "Do you want to continue?", "--yes")? {
        return Ok(());
    }
    Err(CliError::new(Exit::Usage, format!("{verb} is cancelled: nothing was changed")))
}

fn question_lines(chosen: &[Chosen], verb: &str, namespace: &str) -> Vec<String> {
    let mut lines = vec![format!("You are about to {verb} the following {} resource(s):", chosen.len())];
    lines.extend(chosen.iter().take(LISTED).map(|object| match object.namespace == namespace {
        true => object.named.label(),
        false => format!("{} in {}", object.named.label(), object.namespace),
    }));
    if chosen.len() > LISTED {
        lines.push(format!("… and {} more", chosen.len() - LISTED));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(name: &str, namespace: &str) -> Chosen {
        let named = Named { kind: Kind::Task, name: name.into() };
        Chosen { named, namespace: namespace.into() }
    }

    #[test]
    fn a_question_names_what_it_is_about() {
        let lines = question_lines(&[chosen("a", "default"), chosen("b", "ci")], "delete", "default");
        assert_eq!(lines, ["You are about to delete the following 2 resource(s):", "task/a", "task/b in ci"]);
        let many: Vec<Chosen> = (0..60).map(|number| chosen(&number.to_string(), "default")).collect();
        let lines = question_lines(&many, "delete", "default");
        assert_eq!(lines.len(), 52);
        assert_eq!(lines[51], "… and 10 more");
    }
}
