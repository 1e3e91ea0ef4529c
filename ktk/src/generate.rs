//! Man pages and completions, written from the definition of the command line.

use std::{fs, path::Path};

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::{cli::Cli, error::CliError};

/// Shells that have a completion of their own.
const SHELLS: [Shell; 5] = [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh];

/// Writes `ktk.1` and a page for each command that is not hidden: `ktk-get.1`.
pub(crate) fn man_pages(directory: &Path) -> Result<(), CliError> {
    prepare(directory)?;
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    write_page(&root, "ktk", directory)
}

fn write_page(command: &Command, name: &str, directory: &Path) -> Result<(), CliError> {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        write_page(inner, &format!("{name}-{}", inner.get_name()), directory)?;
    }
    let page = clap_mangen::Man::new(command.clone().name(name.to_owned())).date("");
    let mut text = Vec::new();
    page.render(&mut text)?;
    write(&directory.join(format!("{name}.1")), &text)
}

/// Writes a script for each shell.
pub(crate) fn completions(directory: &Path) -> Result<(), CliError> {
    prepare(directory)?;
    for shell in SHELLS {
        let written = clap_complete::generate_to(shell, &mut Cli::command(), "ktk", directory);
        written
            .map_err(|error| CliError::failed(format!("cannot write to {}: {error}", directory.display())))?;
    }
    Ok(())
}

fn prepare(directory: &Path) -> Result<(), CliError> {
    fs::create_dir_all(directory)
        .map_err(|error| CliError::failed(format!("cannot create {}: {error}", directory.display())))
}

fn write(path: &Path, text: &[u8]) -> Result<(), CliError> {
    fs::write(path, text)
        .map_err(|error| CliError::failed(format!("cannot write {}: {error}", path.display())))
}
