//! Output of processes on its way to this command's own streams.

use futures_util::StreamExt;
use ktk_client::{
    Client,
    api::log::{LogEvent, LogParams, Stream},
    client::log::chunk_bytes,
};

use crate::{context::Context, error::CliError, ui::LogFilter};

/// Writes what a process wrote: byte for byte, but to a terminal nothing that would harm it.
pub(super) struct LogWriter<'a> {
    cx: &'a Context,
    only_stderr: bool,
    stdout: Option<LogFilter>,
    stderr: Option<LogFilter>,
}

impl<'a> LogWriter<'a> {
    /// A writer to stdout and stderr, or to stderr alone.
    pub(super) fn new(only_stderr: bool, cx: &'a Context) -> Self {
        Self {
            cx,
            only_stderr,
            stdout: cx.ui.stdout_is_terminal().then(LogFilter::default),
            stderr: cx.ui.stderr_is_terminal().then(LogFilter::default),
        }
    }

    /// Writes what an event holds.
    pub(super) fn write(&mut self, event: &LogEvent) -> Result<(), CliError> {
        match event {
            LogEvent::Chunk { stream: Stream::Stdout, .. } if !self.only_stderr => {
                let bytes = chunk_bytes(event);
                match &mut self.stdout {
                    Some(filter) => self.cx.ui.print(&filter.filter(&bytes))?,
                    None => self.cx.ui.print_bytes(&bytes)?,
                }
                self.cx.ui.flush()
            }
            LogEvent::Chunk { .. } => {
                let bytes = chunk_bytes(event);
                match &mut self.stderr {
                    Some(filter) => self.cx.ui.print_error_bytes(filter.filter(&bytes).as_bytes()),
                    None => self.cx.ui.print_error_bytes(&bytes),
                }
                Ok(())
            }
            LogEvent::Dropped { bytes, .. } => {
                self.cx
                    .ui
                    .message(&format!("({bytes} bytes of the log are missing here: it is over its limit)"));
                Ok(())
            }
            LogEvent::AttemptEnded { .. } | LogEvent::End | LogEvent::Stopping => Ok(()),
        }
    }

    /// Ends colours that were left on.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        if let Some(filter) = &mut self.stdout {
            self.cx.ui.print(&filter.finish())?;
        }
        if let Some(filter) = &mut self.stderr {
            self.cx.ui.print_error_bytes(filter.finish().as_bytes());
        }
        self.cx.ui.flush()
    }
}

/// Shows the end of a task's log on stderr, below a title; nothing of a log that is empty.
pub(super) async fn show_tail(
    title: &str,
    task: &str,
    lines: u64,
    client: &Client,
    cx: &Context,
) -> Result<(), CliError> {
    let params = LogParams { name: task.to_owned(), tail: Some(lines), ..LogParams::default() };
    let mut log = client.logs(params);
    let mut writer = LogWriter::new(true, cx);
    let mut title = Some(title);
    let mut ends_line = true;
    while let Some(event) = log.next().await {
        let event = event?;
        if let Some(last) = chunk_bytes(&event).last() {
            ends_line = *last == b'\n';
            if let Some(title) = title.take() {
                cx.ui.message(title);
            }
        }
        writer.write(&event)?;
        if event == LogEvent::End {
            break;
        }
    }
    writer.finish()?;
    if !ends_line {
        cx.ui.print_error_bytes(b"\n");
    }
    Ok(())
}
