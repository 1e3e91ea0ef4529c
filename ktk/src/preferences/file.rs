//! The file of preferences as it is written, each part with its line.

use std::{io, path::Path};

use ktk_client::config::text_of;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::error::CliError;

/// What the file calls itself, where it does: as kubectl's does, too.
const KINDS: [&str; 2] = ["Preferences", "Preference"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    kind: Option<Spanned<String>>,
    pub(super) defaults: Vec<OfCommand>,
    pub(super) aliases: Vec<OfAlias>,
}

/// Flags of one command.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OfCommand {
    pub(super) command: Spanned<String>,
    pub(super) options: Vec<Given>,
}

/// A flag without its dashes, and its value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Given {
    pub(super) name: Spanned<String>,
    pub(super) default: Spanned<String>,
}

/// A word that stands for a command with arguments.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OfAlias {
    pub(super) name: Spanned<String>,
    pub(super) command: Spanned<String>,
    #[serde(default)]
    pub(super) prepend_args: Vec<String>,
    #[serde(default)]
    pub(super) append_args: Vec<String>,
    #[serde(default)]
    pub(super) options: Vec<Given>,
}

/// Something that is wrong at a place of the file: code 2, and how to go without the file.
pub(super) fn wrong<T>(path: &Path, at: &Spanned<T>, why: &str) -> CliError {
    wrong_at(path, at.referenced.line(), why)
}

fn wrong_at(path: &Path, line: u64, why: &str) -> CliError {
    let place = if line == 0 { path.display().to_string() } else { format!("{}:{line}", path.display()) };
    CliError::usage(format!("Error in preferences: {place}: {why}"))
        .with_hint("mend it, or go without it: --preferences=off")
}

/// Reads a file; `None` where there is none.
///
/// # Errors
/// Code 2, with the line of what is wrong.
pub(super) fn read(path: &Path) -> Result<Option<File>, CliError> {
    let text = match text_of(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong_at(path, 0, &error.to_string())),
        Ok(text) => text,
    };
    if text.trim().is_empty() {
        return Ok(Some(File::default()));
    }
    let options = serde_saphyr::options! { with_snippet: false };
    let file: File = serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        wrong_at(path, line, &error.to_string())
    })?;
    match &file.kind {
        Some(kind) if !KINDS.contains(&kind.value.as_str()) => {
            Err(wrong(path, kind, &format!("this is a {}, not {}", kind.value, KINDS[0])))
        }
        _ => Ok(Some(file)),
    }
}
