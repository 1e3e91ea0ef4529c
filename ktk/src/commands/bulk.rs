//! Acting on many: finds what selectors choose, shows it and asks before anything happens.

use ktk_client::{Client, api::Metadata};

use super::{
    fetch,
    selection::{ChoiceFlags, Named},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    view::object::Object,
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
    is_wanted: impl Fn(&Object) -> bool,
) -> Result<Vec<Chosen>, CliError> {
    let query = choice.query(client.namespace())?;
    let mut chosen = Vec::new();
    for kind in kinds {
        let listed = fetch::list(client, *kind, &query).await.map_err(fetch::refused_list)?;
        let wanted = listed.objects.iter().filter(|object| is_wanted(object));
        chosen.extend(wanted.map(|object| Chosen::of(*kind, object.metadata())));
    }
    Ok(chosen)
}

/// Asks whether this is meant, unless `--yes` has said so. In a protected context `--yes` is not enough: its name has to
/// be typed.
///
/// # Errors
/// Code 2 where it is declined, or where nobody can be asked.
pub(crate) fn confirm(chosen: &[Chosen], verb: &str, yes: bool, cx: &Context) -> Result<(), CliError> {
    let lines = || question_lines(chosen, verb, cx.namespace(), &cx.settings.place());
    let is_meant = match cx.settings.protected() {
        Some((_, true)) | None if yes => true,
        None | Some((_, true)) => cx.ui.confirm(&lines(), "Do you want to continue?", "--yes")?,
        Some((name, false)) if cx.ui.can_ask() => {
            let question = format!("Context {name:?} is protected. Type its name to continue: ");
            cx.ui.ask(&lines(), &question)? == name
        }
        Some((name, false)) => {
            let error =
                CliError::usage(format!("context {name:?} is protected: {verb} of many must name it"));
            return Err(error.with_hint(format!("give --yes and --context {name}")));
        }
    };
    if is_meant {
        return Ok(());
    }
    Err(CliError::new(Exit::Usage, format!("{verb} is cancelled: nothing was changed")))
}

/// Names where it is, and what.
fn question_lines(chosen: &[Chosen], verb: &str, namespace: &str, place: &str) -> Vec<String> {
    let has_namespace = |object: &&Chosen| object.named.kind.is_namespaced();
    let whereabouts = match chosen.iter().filter(has_namespace).any(|object| object.namespace != namespace) {
        true => format!("several namespaces of {place}"),
        false if chosen.iter().any(|object| has_namespace(&object)) => {
            format!("namespace {namespace:?} of {place}")
        }
        false => place.to_owned(),
    };
    let mut lines =
        vec![format!("You are about to {verb} the following {} resource(s) in {whereabouts}:", chosen.len())];
    lines.extend(chosen.iter().take(LISTED).map(|object| {
        match object.namespace == namespace || !object.named.kind.is_namespaced() {
            true => object.named.label(),
            false => format!("{} in {}", object.named.label(), object.namespace),
        }
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
        let place = "context \"work\"";
        let lines = question_lines(&[chosen("a", "default"), chosen("b", "ci")], "delete", "default", place);
        assert_eq!(
            lines,
            [
                "You are about to delete the following 2 resource(s) in several namespaces of context \"work\":",
                "task/a",
                "task/b in ci"
            ]
        );
        let many: Vec<Chosen> = (0..60).map(|number| chosen(&number.to_string(), "default")).collect();
        let lines = question_lines(&many, "delete", "default", place);
        assert!(lines[0].ends_with(" in namespace \"default\" of context \"work\":"), "{}", lines[0]);
        assert_eq!(lines.len(), 52);
        assert_eq!(lines[51], "… and 10 more");
    }
}
