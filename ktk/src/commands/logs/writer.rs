//! Writes the events of a log: the lines of both streams whole, but for whoever looks on while they are written;
//! colours only where somebody looks.

use ktk_client::{
    api::log::{LogEvent, Stream},
    client::log::chunk_bytes,
};

use crate::{
    error::CliError,
    ui::{LogFilter, Ui, escape},
};

/// A begun line that is longer is not held any more.
const HELD_BYTES: usize = 64 << 10;

/// How logs are written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// Each line with its time.
    pub(super) has_timestamps: bool,
    /// Each line with the name of its task.
    pub(super) has_prefix: bool,
    /// The most bytes of each log.
    pub(super) limit: Option<u64>,
    /// Whether others write between its lines, or after it.
    pub(super) is_shared: bool,
    /// Whether it is written as it grows.
    pub(super) is_following: bool,
}

/// Writes one log. Both streams go to stdout.
pub(super) struct LogWriter<'a> {
    ui: &'a Ui,
    manner: Manner,
    prefix: String,
    filter: Option<LogFilter>,
    left: Option<u64>,
    /// Whether a begun line waits for its end, so that no other stream's comes into it.
    holds_lines: bool,
    streams: [Begun; 2],
    /// The stream whose line was written without its end.
    open: Option<usize>,
}

/// What a stream has begun.
#[derive(Default)]
struct Begun {
    is_in_line: bool,
    /// The beginning of a line that is not written yet.
    held: Vec<u8>,
}

impl<'a> LogWriter<'a> {
    /// A writer for the log of a task.
    pub(super) fn new(manner: Manner, name: &str, ui: &'a Ui) -> Self {
        let prefix = if manner.has_prefix { format!("[task/{}] ", escape(name)) } else { String::new() };
        let filter = ui.stdout_is_terminal().then(LogFilter::default);
        let holds_lines = manner.is_shared || !(manner.is_following && ui.stdout_is_terminal());
        Self {
            ui,
            manner,
            prefix,
            filter,
            left: manner.limit,
            holds_lines,
            streams: Default::default(),
            open: None,
        }
    }

    /// Whether nothing more is to be written.
    pub(super) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    pub(super) fn write(&mut self, event: &LogEvent) -> Result<(), CliError> {
        match event {
            LogEvent::Chunk { time, stream, .. } => {
                let bytes = chunk_bytes(event);
                let taken = self
                    .left
                    .map_or(bytes.len(), |left| bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
                self.left = self.left.map(|left| left - taken as u64);
                let stamp = match self.manner.has_timestamps {
                    true => format!("{}{time:.9} ", self.prefix),
                    false => self.prefix.clone(),
                };
                let stream = usize::from(*stream == Stream::Stderr);
                match stamp.is_empty() {
                    true => self.emit(stream, &bytes[..taken]),
                    false => {
                        let is_in_line = &mut self.streams[stream].is_in_line;
                        let stamped = stamped(&bytes[..taken], &stamp, is_in_line);
                        self.emit(stream, &stamped)
                    }
                }
            }
            LogEvent::Dropped { bytes, .. } => {
                self.give_up_lines()?;
                self.break_line(None)?;
                self.ui.flush()?;
                let text = format!("({bytes} bytes of the log are missing here: it is over its limit)");
                self.ui.message(&format!("{}{text}", self.prefix));
                Ok(())
            }
            LogEvent::AttemptEnded { .. } | LogEvent::End | LogEvent::Stopping => Ok(()),
        }
    }

    fn emit(&mut self, stream: usize, bytes: &[u8]) -> Result<(), CliError> {
        if !self.holds_lines {
            return self.put(stream, bytes);
        }
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let (whole, rest) = bytes.split_at(end);
        let held = &mut self.streams[stream].held;
        if whole.is_empty() && held.len() + rest.len() <= HELD_BYTES {
            held.extend_from_slice(rest);
            return Ok(());
        }
        let mut lines = std::mem::take(held);
        match whole.is_empty() {
            true => lines.extend_from_slice(rest),
            false => {
                lines.extend_from_slice(whole);
                held.extend_from_slice(rest);
            }
        }
        self.put(stream, &lines)
    }

    /// Ends a line whose end has not come, where what is next does not go on with it.
    fn break_line(&mut self, next: Option<usize>) -> Result<(), CliError> {
        match self.open {
            Some(stream) if self.open != next => {
                self.streams[stream].is_in_line = false;
                self.open = None;
                self.pass(b"\n")
            }
            _ => Ok(()),
        }
    }

    /// Writes the lines whose ends will not come.
    fn give_up_lines(&mut self) -> Result<(), CliError> {
        let [first, second] = [0, 1].map(|stream| std::mem::take(&mut self.streams[stream].held));
        for (stream, line) in [first, second].into_iter().enumerate() {
            if !line.is_empty() {
                self.put(stream, &line)?;
            }
        }
        if self.manner.is_shared { self.break_line(None) } else { Ok(()) }
    }

    fn put(&mut self, stream: usize, bytes: &[u8]) -> Result<(), CliError> {
        if !bytes.is_empty() {
            self.break_line(Some(stream))?;
            self.open = (!bytes.ends_with(b"\n")).then_some(stream);
        }
        self.pass(bytes)
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        match &mut self.filter {
            Some(filter) => self.ui.print(&filter.filter(bytes)),
            None => self.ui.print_bytes(bytes),
        }
    }

    /// Writes what is left of it.
    pub(super) fn finish(&mut self) -> Result<(), CliError> {
        self.give_up_lines()?;
        if let Some(filter) = &mut self.filter {
            self.ui.print(&filter.finish())?;
        }
        self.ui.flush()
    }
}

/// The bytes with something before each line that begins in them.
fn stamped(bytes: &[u8], stamp: &str, is_in_line: &mut bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + stamp.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if !*is_in_line {
            out.extend_from_slice(stamp.as_bytes());
        }
        out.extend_from_slice(line);
        *is_in_line = !line.ends_with(b"\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_the_stamp_with_which_it_began() {
        let mut is_in_line = false;
        let mut out = stamped(b"one\ntw", "[a] 1 ", &mut is_in_line);
        out.extend(stamped(b"o\nthree", "[a] 2 ", &mut is_in_line));
        assert_eq!(String::from_utf8(out).expect("text"), "[a] 1 one\n[a] 1 two\n[a] 2 three");
    }
}
