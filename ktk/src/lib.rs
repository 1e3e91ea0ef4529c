//! The command line of ktk, as a library: the binary only calls [`main`].
//!
//! Arrows point down: `commands → {view, output} → ui` and `commands → context → settings`.
//! `view` turns objects into columns and describe blocks, `output` turns those into a format;
//! neither sees a client. Printing happens in `ui`, exiting in the binary. [`jsonpath`] is public to be fuzzed.

mod cli;
mod clock;
mod commands;
mod context;
mod env;
mod error;
mod generate;
mod kinds;
mod output;
mod preferences;
mod settings;
mod suggest;
mod target;
mod topics;
mod ui;
mod view;

use std::{ffi::OsString, process::ExitCode};

pub use crate::output::jsonpath;

use crate::{
    cli::Cli,
    context::Context,
    error::Exit,
    preferences::Preferences,
    settings::Settings,
    ui::{ColorChoice, Ui},
};

/// Runs the command that the process's arguments name.
pub fn main() -> ExitCode {
    let args = env::args();
    if let Some(exit) = commands::completion::answer_shell(&args, Cli::command, Cli::behind) {
        return exit.into();
    }
    let mut preferences = match Preferences::read(&args, Cli::command) {
        Ok(preferences) => preferences,
        Err(error) => {
            Ui::new(ColorChoice::Auto).error(&error);
            return error.exit().into();
        }
    };
    let args = preferences.expand(&args, Cli::command).unwrap_or(args);
    let cli = match Cli::read(&args, &preferences) {
        Ok(cli) => cli,
        Err(refused) => match instead(&refused, &args, &preferences) {
            Ok(cli) => cli,
            Err(exit) => return exit.into(),
        },
    };
    let ui = Ui::new(cli.global.color).asking(!cli.global.no_input);
    let settings = match Settings::from_flags(&cli.global, cli.command.speaks()) {
        Ok(settings) => settings,
        Err(error) => {
            ui.error(&error);
            return error.exit().into();
        }
    };
    let cx = Context::new(ui, settings, Cli::command);
    finish(&cx, cli.command.run(&cx)).into()
}

/// What is done about a command line that is none of ktk's: it may be a plugin's, or somebody can be asked for the rest.
fn instead(refused: &clap::Error, args: &[OsString], preferences: &Preferences) -> Result<Cli, Exit> {
    if let Some(exit) = commands::plugin::run_instead(refused, args) {
        return Err(exit);
    }
    let completed = match commands::asked::complete(refused, args, &Ui::new(ColorChoice::Auto)) {
        Ok(None) => return Err(cli::explain(refused, args, preferences)),
        Ok(Some(completed)) => completed,
        Err(error) => {
            Ui::new(ColorChoice::Auto).error(&error);
            return Err(error.exit());
        }
    };
    Cli::read(&completed, preferences).map_err(|refused| cli::explain(&refused, &completed, preferences))
}

/// Says what went wrong, writes out what is still buffered, and names the exit code.
fn finish(cx: &Context, result: Result<Exit, error::CliError>) -> Exit {
    let result = match result {
        Ok(exit) => cx.ui.finish().and_then(|()| without_warnings(cx, exit)),
        Err(error) => {
            // The error counts; that its result could not be written either adds nothing.
            let _ = cx.ui.finish();
            Err(error)
        }
    };
    match result {
        Ok(exit) => exit,
        Err(error) => {
            cx.ui.error(&error);
            error.exit()
        }
    }
}

/// What was done with warnings has failed where they are to be errors.
fn without_warnings(cx: &Context, exit: Exit) -> Result<Exit, error::CliError> {
    match cx.ui.warnings() {
        count if count > 0 && exit == Exit::Done && cx.settings.flags().warnings_as_errors => {
            let noun = if count == 1 { "warning" } else { "warnings" };
            Err(error::CliError::failed(format!("{count} {noun} received")))
        }
        _ => Ok(exit),
    }
}
