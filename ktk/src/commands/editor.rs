//! A text in the user's editor.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::Command,
};

use ktk_client::manifest::{self, Manifest, ReadError, Source};

use crate::{env, error::CliError, ui::Ui};

/// Where the editor's name is looked for, first one first.
const VARIABLES: [&str; 3] = ["KTK_EDITOR", "VISUAL", "EDITOR"];

/// What the user made of a text. Its file goes with it, unless it is kept.
pub(crate) struct Edited {
    file: tempfile::NamedTempFile,
    text: String,
}

impl Edited {
    /// The text as it was saved.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Keeps the file, so that no work is lost.
    ///
    /// # Errors
    /// Where the file cannot be kept.
    pub(crate) fn keep(self) -> io::Result<PathBuf> {
        Ok(self.file.keep().map_err(|error| error.error)?.1)
    }
}

/// The objects of a text that was edited.
///
/// # Errors
/// All that is wrong with it, in a sentence.
pub(crate) fn read(text: &str) -> Result<Vec<Manifest>, String> {
    let documents = manifest::read(&Source { name: "edited", text }).map_err(|error| match error {
        ReadError::Problems(problems) => {
            problems.list.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    })?;
    Ok(documents.into_iter().map(|document| document.value).collect())
}

/// Opens a text in the user's editor and waits until that is left. Where that fails, a text that is worth something,
/// or was changed, is kept.
///
/// # Errors
/// Code 2 where nobody could use an editor; code 1 where it cannot be started or fails.
pub(crate) fn edit(ui: &Ui, what: &str, text: &str, is_work: bool) -> Result<Edited, CliError> {
    let editor = VARIABLES.iter().find_map(|name| env::var(name));
    if editor.is_none() && !ui.can_ask() {
        let error = CliError::usage("--edit needs a terminal, or an editor that needs none");
        return Err(error.with_hint("set EDITOR, or change fields with --set"));
    }
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut file = tempfile::Builder::new().prefix(&format!("ktk-{what}-")).suffix(".yaml").tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    ui.flush()?;
    // As a shell reads it: an editor's variable may hold flags.
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("ktk")
        .arg(file.path())
        .status()
        .map_err(|error| CliError::failed(format!("cannot start the editor {editor:?}: {error}")))?;
    if !status.success() {
        let words = format!("there was a problem with the editor {editor:?}: it ended with {status}");
        let is_changed = fs::read_to_string(file.path()).is_ok_and(|saved| saved != text);
        let error = CliError::failed(format!("{words}; nothing was done"));
        if !is_work && !is_changed {
            return Err(error);
        }
        let kept = file.keep().map_err(|error| error.error)?.1;
        return Err(error.with_hint(format!("A copy of your changes has been stored to {}", kept.display())));
    }
    let text = fs::read_to_string(file.path())?;
    Ok(Edited { file, text })
}
