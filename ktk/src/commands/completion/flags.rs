//! Completion of flags that mean the same on every command: by the flag's name, so that a new command has it too.

use clap::Command;
use clap_complete::engine::ArgValueCompleter;
use ktk_client::api::{
    Phase,
    selector::{ENTITY_FIELDS, PIPELINE_FIELDS, TASK_FIELDS},
};

use super::{candidates::completer, line::Line};
use crate::{kinds::Kind, topics::TOPICS, view::explain};

/// The deepest path that is offered to sort by.
const DEPTH: usize = 4;

/// The command line, with what completes the values of its flags.
pub(super) fn completed(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_long().and_then(of_flag) {
        Some(completer) => arg.add(completer),
        None => arg,
    });
    command.mut_subcommands(completed)
}

/// `help` completes the commands that there are, and the topics.
pub(super) fn with_topics(root: Command) -> Command {
    let commands = root.get_subcommands().filter(|command| !command.is_hide_set());
    let mut names: Vec<String> = commands.map(|command| command.get_name().to_owned()).collect();
    names.extend(TOPICS.iter().map(|(topic, _)| (*topic).to_owned()));
    names.sort_unstable();
    root.mut_subcommand("help", |help| {
        help.mut_arg("words", |words| words.add(completer(move |_, _| names.clone())))
    })
}

fn of_flag(name: &str) -> Option<ArgValueCompleter> {
    Some(match name {
        "selector" => completer(|current, line| label_selectors(current, &line)),
        "label-columns" => completer(|current, line| {
            let keys = line.labels(line.any_kind().unwrap_or(Kind::Task)).into_iter().map(|(key, _)| key);
            behind_comma(current, keys)
        }),
        "field-selector" => completer(|current, line| field_selectors(current, line.any_kind())),
        "sort-by" => completer(|current, line| paths(current, line.any_kind().unwrap_or(Kind::Task))),
        "queue" => completer(|_, line| line.names(Kind::Queue)),
        "semaphore" => completer(|_, line| line.names(Kind::Semaphore)),
        "type" => completer(|_, line| line.names(Kind::TaskType)),
        "need" => completer(|_, line| line.names(Kind::Task)),
        "step" | "from" => completer(|_, line| line.steps()),
        _ => return None,
    })
}

/// The words behind the last comma of what was typed.
fn behind_comma(current: &str, words: impl IntoIterator<Item = String>) -> Vec<String> {
    let start = current.rsplit_once(',').map_or("", |(done, _)| &current[..done.len() + 1]);
    let mut words: Vec<String> = words.into_iter().map(|word| format!("{start}{word}")).collect();
    words.dedup();
    words
}

/// `team`, then `team=media`.
fn label_selectors(current: &str, line: &Line) -> Vec<String> {
    let labels = line.labels(line.any_kind().unwrap_or(Kind::Task));
    let last = current.rsplit(',').next().unwrap_or(current);
    match last.split_once('=') {
        None => behind_comma(current, labels.into_iter().map(|(key, _)| key)),
        Some((typed, _)) => {
            let of_key = labels.into_iter().filter(|(key, _)| key == typed);
            behind_comma(current, of_key.map(|(key, value)| format!("{key}={value}")))
        }
    }
}

/// `status.phase`, then `status.phase=Failed`.
fn field_selectors(current: &str, kind: Option<Kind>) -> Vec<String> {
    let fields = match kind {
        None | Some(Kind::Task) => TASK_FIELDS,
        Some(Kind::Pipeline) => PIPELINE_FIELDS,
        Some(_) => ENTITY_FIELDS,
    };
    let last = current.rsplit(',').next().unwrap_or(current);
    match last.split_once("phase") {
        Some((before, sign)) if sign.starts_with(['=', '!']) => {
            let sign = sign.find(|c: char| c.is_alphabetic()).map_or(sign, |end| &sign[..end]);
            let phases = Phase::ALL.iter().map(|phase| format!("{before}phase{sign}{phase}"));
            behind_comma(current, phases)
        }
        _ => behind_comma(current, fields.iter().map(|field| format!("{field}="))),
    }
}

/// `.metadata.name`, with its first dot or without, as it was begun.
fn paths(current: &str, kind: Kind) -> Vec<String> {
    let start = if current.starts_with('.') { "." } else { "" };
    explain::leaves(kind, DEPTH).into_iter().map(|path| format!("{start}{path}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_of_fields_are_offered_piece_by_piece() {
        let offered = field_selectors("", None);
        assert!(offered.contains(&"status.phase=".to_owned()), "{offered:?}");
        let offered = field_selectors("spec.queue=gpu,status.phase!=", Some(Kind::Pipeline));
        assert!(offered.contains(&"spec.queue=gpu,status.phase!=Failed".to_owned()), "{offered:?}");
        assert_eq!(field_selectors("", Some(Kind::Queue)).len(), ENTITY_FIELDS.len());
    }

    #[test]
    fn paths_to_sort_by_are_whole() {
        let offered = paths(".status", Kind::Task);
        assert!(offered.contains(&".status.startedAt".to_owned()), "{offered:?}");
        assert!(!offered.contains(&".status".to_owned()), "{offered:?}");
        assert!(paths("", Kind::Queue).contains(&"spec.maxRunning".to_owned()));
    }
}
