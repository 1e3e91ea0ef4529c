//! The user's pager (`KTK_PAGER`, `PAGER`): between the results and a person, where there are more lines than the terminal
//! has.

use std::{
    io::{self, Write},
    process::{Child, Command, Stdio},
};

use rustix::termios::tcgetwinsize;
use unicode_width::UnicodeWidthStr;

use super::Ui;
use crate::{env, error::CliError};

/// Lines and columns of a terminal that does not say how many it has.
const SIZE: (usize, usize) = (24, 80);

/// The most that is held back before the pager is started.
const HELD_BYTES: usize = 1 << 20;

/// With this a shell says that there is no such program.
const NO_SUCH_PROGRAM: i32 = 127;

/// Where results go.
pub(super) enum Sink {
    /// Straight out.
    Stdout(io::Stdout),
    /// Nowhere yet: whether they need a pager is not known.
    Held { text: Vec<u8>, pager: String },
    /// Into the pager; with a copy, as long as it is small, for where there is no such program.
    Pager { child: Child, copy: Option<Vec<u8>> },
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::Held { text, .. } => {
                text.extend_from_slice(bytes);
                if text.len() > HELD_BYTES || lines(text) >= size().0 {
                    self.start()?;
                }
                Ok(bytes.len())
            }
            Self::Pager { child, copy } => {
                if let Some(text) = copy {
                    text.extend_from_slice(bytes);
                    *copy = copy.take().filter(|text| text.len() <= HELD_BYTES);
                }
                let written = child.stdin.as_mut().map_or(Ok(()), |pipe| pipe.write_all(bytes));
                match written {
                    // Left, or never there: its end says which.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe && copy.is_some() => {
                        Ok(bytes.len())
                    }
                    written => written.map(|()| bytes.len()),
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::Held { .. } => Ok(()),
            Self::Pager { child, .. } => child.stdin.as_mut().map_or(Ok(()), Write::flush),
        }
    }
}

impl Sink {
    /// Starts the pager with what was held back; without one it goes straight out.
    fn start(&mut self) -> io::Result<()> {
        let Self::Held { text, pager } = self else { return Ok(()) };
        let text = std::mem::take(text);
        let mut command = Command::new("sh");
        command.args(["-c", pager]).stdin(Stdio::piped());
        if env::var("LESS").is_none() {
            command.env("LESS", "FRX");
        }
        *self = match command.spawn() {
            Ok(child) => {
                leave_interrupts_to_the_pager();
                Self::Pager { child, copy: Some(Vec::new()) }
            }
            Err(_) => Self::Stdout(io::stdout()),
        };
        self.write_all(&text)
    }

    /// Writes out what is held, and waits until the pager has been left.
    pub(super) fn end(&mut self) -> io::Result<()> {
        match std::mem::replace(self, Self::Stdout(io::stdout())) {
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::Held { text, .. } => straight_out(&text),
            Self::Pager { mut child, copy } => {
                drop(child.stdin.take());
                match (child.wait()?.code(), copy) {
                    (Some(NO_SUCH_PROGRAM), Some(text)) => straight_out(&text),
                    _ => Ok(()),
                }
            }
        }
    }
}

fn straight_out(text: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout();
    stdout.write_all(text)?;
    stdout.flush()
}

/// The pager is interrupted by Ctrl-C, as it likes; ktk stays until it is left, and keeps the terminal for it.
fn leave_interrupts_to_the_pager() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    {
        let _inside = runtime.enter();
        // Once somebody has listened, the signal no longer ends the process.
        drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()));
    }
    runtime.shutdown_background();
}

/// Lines and columns of the terminal.
fn size() -> (usize, usize) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => (size.ws_row.into(), size.ws_col.into()),
        _ => SIZE,
    }
}

/// The lines of the terminal that the text fills.
fn lines(text: &[u8]) -> usize {
    let columns = size().1;
    String::from_utf8_lossy(text).lines().map(|line| line.width().div_ceil(columns).max(1)).sum()
}

/// What `KTK_PAGER` or `PAGER` asks for; nothing where it is empty or `cat`.
fn pager() -> Option<String> {
    let pager = env::given("KTK_PAGER").or_else(|| env::given("PAGER"))?;
    Some(pager).filter(|pager| !matches!(pager.trim(), "" | "cat"))
}

impl Ui {
    /// From here on results are read in the user's pager, where there are too many for a person's terminal. For text that
    /// is read once from its beginning: nothing that goes on, and no format for programs.
    pub(crate) fn page(&self) {
        if !self.stdout_is_terminal {
            return;
        }
        let mut stdout = self.stdout();
        if let Some(pager) = pager()
            && matches!(stdout.get_ref(), Sink::Stdout(_))
        {
            *stdout.get_mut() = Sink::Held { text: Vec::new(), pager };
        }
    }

    /// Writes out all results, and waits for whoever reads them in a pager.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub(crate) fn finish(&self) -> Result<(), CliError> {
        let flushed = self.flush();
        self.stdout().get_mut().end()?;
        flushed
    }
}
