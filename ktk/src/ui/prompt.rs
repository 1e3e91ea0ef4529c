//! Questions: only where a person can answer them.

use std::io::{self, BufRead, IsTerminal, Read};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Ui;
use crate::error::CliError;

/// A terminal that shows nothing of what is typed, until this is dropped.
pub(crate) struct Hidden<'u> {
    ui: &'u Ui,
    shown: Termios,
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // One that is gone shows nothing anyway.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.shown);
        self.ui.to_stderr("\n");
    }
}

/// The first line of standard input, however long it takes.
pub(crate) fn first_line() -> io::Result<String> {
    /// The longest that is read.
    const BYTES: u64 = 64 << 10;
    let mut line = String::new();
    io::stdin().lock().take(BYTES).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

impl Ui {
    /// Whether somebody is there to answer.
    pub(crate) fn can_ask(&self) -> bool {
        self.may_ask && self.stderr_is_terminal && io::stdin().is_terminal()
    }

    /// Asks for a secret on a terminal, which does not show what is typed until the answer is dropped. Asks nothing where
    /// standard input is no terminal.
    ///
    /// # Errors
    /// Where the terminal cannot be kept from showing it, and where nothing may be asked.
    pub(crate) fn ask_hidden(&self, question: &str) -> Result<Option<Hidden<'_>>, CliError> {
        let stdin = io::stdin();
        let Ok(shown) = tcgetattr(&stdin) else { return Ok(None) };
        if !self.may_ask {
            return Err(CliError::usage("nothing may be asked: give the answer on standard input"));
        }
        self.flush()?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &hidden).map_err(io::Error::from)?;
        // Asked for only now: what is typed from here on is not shown.
        self.to_stderr(&super::escape(question));
        Ok(Some(Hidden { ui: self, shown }))
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
        let answer = self.ask(lines, &format!("{question} (y/N): "))?;
        Ok(matches!(answer.as_str(), "y" | "Y" | "yes"))
    }

    /// Shows the lines and asks; answers what was typed. Only for who has seen that somebody [can](Ui::can_ask) answer.
    ///
    /// # Errors
    /// Where the terminal cannot be read.
    pub(crate) fn ask(&self, lines: &[String], question: &str) -> Result<String, CliError> {
        self.flush()?;
        for line in lines {
            self.message(line);
        }
        self.to_stderr(&super::escape(question));
        Ok(first_line()?)
    }
}
