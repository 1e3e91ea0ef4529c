//! The one object through which everything is printed: results to stdout, all else to stderr.
//! Whatever came from a user or a task is escaped here or in `output` before it is shown.

mod color;
mod escape;
mod pager;
mod pick;
mod progress;
mod prompt;
mod raw;
mod reader;
mod screen;
mod table;

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use indicatif::MultiProgress;

pub(crate) use self::{
    color::{ColorChoice, Tone},
    escape::{LogFilter, escape, escape_json, escape_lines, is_dangerous},
    progress::Bar,
    prompt::first_line,
    screen::Screen,
    table::{Cell, Widths, lay_out},
};
use crate::error::CliError;

/// Bytes of results that are gathered before they are written.
const BUFFER_BYTES: usize = 64 * 1024;

/// The terminal, or what stands for it.
pub(crate) struct Ui {
    stdout: Mutex<BufWriter<pager::Sink>>,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    stdout_has_color: bool,
    stderr_has_color: bool,
    progress: MultiProgress,
    may_ask: bool,
    warnings: AtomicUsize,
}

impl Ui {
    /// Looks at the streams, each for itself.
    pub(crate) fn new(choice: ColorChoice) -> Self {
        let (stdout_is_terminal, stderr_is_terminal) =
            (io::stdout().is_terminal(), io::stderr().is_terminal());
        let asked = color::Asked::from_env();
        Self {
            stdout: Mutex::new(BufWriter::with_capacity(BUFFER_BYTES, pager::Sink::Stdout(io::stdout()))),
            stdout_is_terminal,
            stderr_is_terminal,
            stdout_has_color: color::decide(choice, &asked, stdout_is_terminal),
            stderr_has_color: color::decide(choice, &asked, stderr_is_terminal),
            progress: progress::on_stderr(stderr_is_terminal),
            may_ask: true,
            warnings: AtomicUsize::new(0),
        }
    }

    /// The same, asking nobody anything where it must not.
    pub(crate) fn asking(mut self, may_ask: bool) -> Self {
        self.may_ask = may_ask;
        self
    }

    /// Adds text to the results, as it is. It must have been escaped.
    pub(crate) fn print(&self, text: &str) -> Result<(), CliError> {
        self.print_bytes(text.as_bytes())
    }

    /// Adds a document to the results. Only on a terminal characters that it would act upon are escaped: a program
    /// gets what there is.
    pub(crate) fn print_document(&self, text: &str) -> Result<(), CliError> {
        match self.stdout_is_terminal {
            true => self.print(&escape_lines(text)),
            false => self.print(text),
        }
    }

    /// Adds a line to the results, as it is. It must have been escaped.
    pub(crate) fn println(&self, line: &str) -> Result<(), CliError> {
        let mut stdout = self.stdout();
        stdout.write_all(line.as_bytes())?;
        stdout.write_all(b"\n")?;
        Ok(())
    }

    /// Adds bytes to the results, as they are.
    pub(crate) fn print_bytes(&self, bytes: &[u8]) -> Result<(), CliError> {
        self.stdout().write_all(bytes)?;
        Ok(())
    }

    /// Writes out what was gathered: whoever follows something calls this after each piece.
    pub(crate) fn flush(&self) -> Result<(), CliError> {
        self.progress.suspend(|| self.stdout().flush())?;
        Ok(())
    }

    /// A line on stderr, escaped.
    pub(crate) fn message(&self, line: &str) {
        self.to_stderr(&format!("{}\n", escape(line)));
    }

    /// `Warning: text` on stderr, escaped.
    pub(crate) fn warning(&self, text: &str) {
        self.warnings.fetch_add(1, Ordering::Relaxed);
        let word = Tone::Waiting.paint("Warning:", self.stderr_has_color);
        self.to_stderr(&format!("{word} {}\n", escape(text)));
    }

    /// How many warnings there were.
    pub(crate) fn warnings(&self) -> usize {
        self.warnings.load(Ordering::Relaxed)
    }

    /// An error with its causes and its hint, escaped.
    pub(crate) fn error(&self, error: &CliError) {
        for line in error.lines() {
            let shown = match line.split_once(": ") {
                Some((word, text)) if word == "error" || word.starts_with("Error from server") => {
                    let word = Tone::Bad.paint(&format!("{}:", escape(word)), self.stderr_has_color);
                    format!("{word} {}", escape(text))
                }
                _ => escape(&line).into_owned(),
            };
            self.to_stderr(&format!("{shown}\n"));
        }
    }

    /// The help of a command that was used wrongly.
    pub(crate) fn print_help_to_stderr(&self, help: &str) {
        self.to_stderr(help);
    }

    /// Whether results are read by a person.
    pub(crate) fn stdout_is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// Whether messages are read by a person.
    pub(crate) fn stderr_is_terminal(&self) -> bool {
        self.stderr_is_terminal
    }

    /// Whether results are coloured.
    pub(crate) fn stdout_has_color(&self) -> bool {
        self.stdout_has_color
    }

    /// Whether messages are coloured.
    pub(crate) fn stderr_has_color(&self) -> bool {
        self.stderr_has_color
    }

    fn stdout(&self) -> MutexGuard<'_, BufWriter<pager::Sink>> {
        self.stdout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is left to say where stderr cannot be written.
    fn to_stderr(&self, text: &str) {
        self.progress.suspend(|| {
            let _ = io::stderr().lock().write_all(text.as_bytes());
        });
    }
}
