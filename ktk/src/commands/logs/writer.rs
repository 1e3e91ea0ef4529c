//! Writes the events of a log: as they came where nobody looks, colours only where somebody does.

use ktk_client::{api::log::LogEvent, client::log::chunk_bytes};

use crate::{
    error::CliError,
    ui::{LogFilter, Ui, escape},
};

/// How logs are written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// Each line with its time.
    pub(super) has_timestamps: bool,
    /// Each line with the name of its task.
    pub(super) has_prefix: bool,
    /// The most bytes of each log.
    pub(super) limit: Option<u64>,
    /// Whether others write between its lines: only whole lines are written.
    pub(super) is_shared: bool,
}

/// Writes one log. Both streams go to stdout.
pub(super) struct LogWriter<'a> {
    ui: &'a Ui,
    manner: Manner,
    prefix: String,
    filter: Option<LogFilter>,
    left: Option<u64>,
    is_in_line: bool,
    /// A line whose end has not come.
    held: Vec<u8>,
}

impl<'a> LogWriter<'a> {
    /// A writer for the log of a task.
    pub(super) fn new(manner: Manner, name: &str, ui: &'a Ui) -> Self {
        let prefix = if manner.has_prefix { format!("[task/{}] ", escape(name)) } else { String::new() };
        let filter = ui.stdout_is_terminal().then(LogFilter::default);
        Self { ui, manner, prefix, filter, left: manner.limit, is_in_line: false, held: Vec::new() }
    }

    /// Whether nothing more is to be written.
    pub(super) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    pub(super) fn write(&mut self, event: &LogEvent) -> Result<(), CliError> {
        match event {
            LogEvent::Chunk { time, .. } => {
                let bytes = chunk_bytes(event);
                let taken = self
                    .left
                    .map_or(bytes.len(), |left| bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
                self.left = self.left.map(|left| left - taken as u64);
                let stamp = match self.manner.has_timestamps {
                    true => format!("{}{time:.9} ", self.prefix),
                    false => self.prefix.clone(),
                };
                match stamp.is_empty() {
                    true => self.emit(&bytes[..taken]),
                    false => {
                        let stamped = stamped(&bytes[..taken], &stamp, &mut self.is_in_line);
                        self.emit(&stamped)
                    }
                }
            }
            LogEvent::Dropped { bytes, .. } => {
                self.ui.flush()?;
                let text = format!("({bytes} bytes of the log are missing here: it is over its limit)");
                self.ui.message(&format!("{}{text}", self.prefix));
                Ok(())
            }
            LogEvent::AttemptEnded { .. } | LogEvent::End | LogEvent::Stopping => Ok(()),
        }
    }

    fn emit(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        if !self.manner.is_shared {
            return self.put(bytes);
        }
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            self.held.extend_from_slice(bytes);
            return Ok(());
        };
        let (whole, rest) = bytes.split_at(end + 1);
        let mut lines = std::mem::replace(&mut self.held, rest.to_vec());
        lines.extend_from_slice(whole);
        self.put(&lines)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        match &mut self.filter {
            Some(filter) => self.ui.print(&filter.filter(bytes)),
            None => self.ui.print_bytes(bytes),
        }
    }

    /// Writes what is left of it.
    pub(super) fn finish(&mut self) -> Result<(), CliError> {
        if !self.held.is_empty() {
            let mut last = std::mem::take(&mut self.held);
            last.push(b'\n');
            self.put(&last)?;
        }
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
