//! The program that shows how two directories differ.

use std::{io, path::Path, process::Command};

use crate::{
    context::Context,
    env,
    error::{CliError, Exit},
};

/// What names another program than `diff -u -N`.
const VARIABLE: &str = "KTK_EXTERNAL_DIFF";

/// Compares two directories: nothing differs, something does, or code 2 and above for trouble.
pub(super) fn compare(live: &Path, merged: &Path, cx: &Context) -> Result<Exit, CliError> {
    cx.ui.flush()?;
    let (name, code) = match env::var(VARIABLE) {
        Some(program) => {
            // As a shell reads it: the variable may hold flags. What it shows is its own affair.
            let line = format!("{program} \"$1\" \"$2\"");
            let status = Command::new("sh").args(["-c", &line, "ktk"]).args([live, merged]).status();
            (program, status.map(|status| status.code()))
        }
        None => ("diff".to_owned(), plain(live, merged, cx)?),
    };
    match code {
        Ok(Some(0)) => Ok(Exit::Done),
        Ok(Some(1)) => Ok(Exit::Failed),
        Ok(Some(127)) => Err(CliError::usage(format!("the program {name:?} was not found"))),
        Ok(Some(code)) => Err(CliError::usage(format!("the program {name:?} ended with code {code}"))),
        Ok(None) => Err(CliError::usage(format!("the program {name:?} was stopped"))),
        Err(error) => Err(CliError::usage(format!("cannot start {name:?}: {error}"))
            .with_hint(format!("{VARIABLE} names another program than diff"))),
    }
}

/// Runs `diff -u -N`, and shows what it says as everything is shown.
fn plain(live: &Path, merged: &Path, cx: &Context) -> Result<io::Result<Option<i32>>, CliError> {
    let output = match Command::new("diff").args(["-u", "-N"]).args([live, merged]).output() {
        Ok(output) => output,
        Err(error) => return Ok(Err(error)),
    };
    cx.ui.print_document(&String::from_utf8_lossy(&output.stdout))?;
    String::from_utf8_lossy(&output.stderr).lines().for_each(|line| cx.ui.message(line));
    Ok(Ok(output.status.code()))
}
