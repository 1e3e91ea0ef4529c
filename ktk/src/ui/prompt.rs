//! Questions: only where a person can answer them.

use std::io::{self, BufRead, IsTerminal};

use super::Ui;
use crate::error::CliError;

impl Ui {
    /// Whether somebody is there to answer.
    pub(crate) fn can_ask(&self) -> bool {
        self.stderr_is_terminal && io::stdin().is_terminal()
    }

    /// Shows the lines and asks; only `y` and `yes` mean yes. Without a terminal it fails and
    /// names the flag that answers.
    ///
    /// # Errors
    /// Code 2 where nobody can be asked.
    pub(crate) fn confirm(&self, lines: &[String], question: &str, flag: &str) -> Result<bool, CliError> {
        if !self.can_ask() {
            return Err(CliError::usage(format!("{flag} required when not running interactively")));
        }
        self.flush()?;
        for line in lines {
            self.message(line);
        }
        self.to_stderr(&format!("{} (y/N): ", super::escape(question)));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}
