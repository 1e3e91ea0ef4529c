//! A list to pick one thing from, on a terminal.

use std::io;

use dialoguer::{Select, theme::ColorfulTheme, theme::SimpleTheme, theme::Theme};

use super::{Ui, escape};
use crate::error::{CliError, Exit};

/// Rows of the list that are shown at once.
const ROWS: usize = 15;

/// The list hides the cursor, and Ctrl-C ends the process before anything could show it again: the question does.
const SHOW_CURSOR: &str = "\u{1b}[?25h";

impl Ui {
    /// Asks which of these is meant; answers its place. Only for who has seen that somebody [can](Ui::can_ask) answer.
    ///
    /// # Errors
    /// Code 2 where nothing was picked, 130 for an interrupt.
    pub(crate) fn pick(&self, question: &str, rows: &[String]) -> Result<usize, CliError> {
        self.flush()?;
        let rows: Vec<String> = rows.iter().map(|row| escape(row).into_owned()).collect();
        let theme: &dyn Theme =
            if self.stderr_has_color() { &ColorfulTheme::default() } else { &SimpleTheme };
        let question = format!("{SHOW_CURSOR}{}", escape(question));
        let select = Select::with_theme(theme).with_prompt(question).items(&rows).default(0);
        match select.max_length(ROWS).report(false).interact_opt() {
            Ok(Some(place)) => Ok(place),
            Ok(None) => Err(CliError::new(Exit::Usage, "nothing was picked")),
            Err(dialoguer::Error::IO(error)) => match error.kind() {
                io::ErrorKind::Interrupted => Err(CliError::silent(Exit::Interrupted)),
                _ => Err(error.into()),
            },
        }
    }
}
