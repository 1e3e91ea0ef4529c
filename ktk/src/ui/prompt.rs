//! Questions: only where a person can answer them.

use std::io::{self, BufRead, IsTerminal, Read};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::Ui;
use crate::error::CliError;

impl Ui {
    /// Whether somebody is there to answer.
    pub(crate) fn can_ask(&self) -> bool {
        self.stderr_is_terminal && io::stdin().is_terminal()
    }

    /// Reads a secret: the first line of standard input, which a terminal does not show.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn ask_secret(&self, question: &str) -> Result<String, CliError> {
        /// The longest that is read.
        const BYTES: u64 = 64 << 10;
        let stdin = io::stdin();
        let shown = tcgetattr(&stdin).ok();
        if let Some(shown) = &shown {
            self.flush()?;
            self.to_stderr(&super::escape(question));
            let mut hidden = shown.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&stdin, OptionalActions::Flush, &hidden).map_err(io::Error::from)?;
        }
        let mut line = String::new();
        let read = stdin.lock().take(BYTES).read_line(&mut line);
        if let Some(shown) = &shown {
            // Whether it was read or not, the terminal is as it was.
            let _ = tcsetattr(&stdin, OptionalActions::Flush, shown);
            self.to_stderr("\n");
        }
        read?;
        Ok(line.trim().to_owned())
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
