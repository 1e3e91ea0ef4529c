//! `ktk create task` with nothing behind it: on a terminal it asks its way through, and says what would have been typed.

use std::ffi::OsString;

use clap::error::ErrorKind;

use crate::{env, error::CliError, ui::Ui};

/// What a shell would not take as it stands.
const OF_SHELLS: [char; 20] =
    ['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '*', '?', '[', '#', '~', '=', '{', '!'];

/// The arguments with what was answered; `None` where they are no `create task` alone, or nobody can be asked.
///
/// # Errors
/// Where the terminal cannot be read; code 2 where nothing is answered.
pub(crate) fn complete(
    refused: &clap::Error,
    args: &[OsString],
    ui: &Ui,
) -> Result<Option<Vec<OsString>>, CliError> {
    let is_alone = refused.kind() == ErrorKind::MissingRequiredArgument
        && args.ends_with(&["create".into(), "task".into()]);
    // No flag has been read yet.
    let is_off =
        |value: &String| matches!(value.to_lowercase().as_str(), "n" | "no" | "f" | "false" | "off" | "0");
    let may_ask = env::var("KTK_PROMPT_DISABLED").is_none_or(|value| is_off(&value))
        && !args.iter().any(|arg| arg == "--no-input");
    if !is_alone || !may_ask || !ui.can_ask() {
        return Ok(None);
    }
    let name = answer(ui, "Name: ")?;
    let works = ["a command that this machine runs".to_owned(), "work that somebody else reports".to_owned()];
    let is_external = ui.pick("What is it?", &works)? == 1;
    let mut added = vec![name];
    let labels = ui.ask(&[], "Labels, as team=media tier=web (none): ")?;
    for label in labels.split([' ', ',']).filter(|label| !label.is_empty()) {
        added.extend(["--label".to_owned(), label.to_owned()]);
    }
    if is_external {
        added.push("--external".to_owned());
    } else {
        let retries = ui.ask(&[], "How often to try again when it fails (0): ")?;
        if !matches!(retries.as_str(), "" | "0") {
            added.extend(["--retry".to_owned(), retries]);
        }
        added.push("--".to_owned());
        added.extend(command(answer(ui, "Command: ")?));
    }
    let line: Vec<String> = args
        .iter()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .chain(added.iter().cloned())
        .collect();
    ui.message(&format!("ktk {}", shown(&line)));
    Ok(Some(args.iter().cloned().chain(added.into_iter().map(OsString::from)).collect()))
}

fn answer(ui: &Ui, question: &str) -> Result<String, CliError> {
    match ui.ask(&[], question)? {
        empty if empty.is_empty() => Err(CliError::usage("nothing was answered: nothing was made")),
        answer => Ok(answer),
    }
}

/// Words are a command; whatever needs a shell is given to one.
fn command(typed: String) -> Vec<String> {
    match typed.contains(OF_SHELLS) {
        true => vec!["sh".to_owned(), "-c".to_owned(), typed],
        false => typed.split_whitespace().map(str::to_owned).collect(),
    }
}

/// The words as somebody would type them.
fn shown(words: &[String]) -> String {
    let is_plain = |word: &String| {
        !word.is_empty() && !word.contains(char::is_whitespace) && !word.replace('=', "").contains(OF_SHELLS)
    };
    let quoted = words.iter().map(|word| match is_plain(word) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_used_where_one_is_needed() {
        assert_eq!(command("make  test".into()), ["make", "test"]);
        assert_eq!(command("a | b".into()), ["sh", "-c", "a | b"]);
        let words = ["create", "--label", "a=b", "sh", "-c", "it's $x"].map(str::to_owned);
        assert_eq!(shown(&words), "create --label a=b sh -c 'it'\\''s $x'");
    }
}
