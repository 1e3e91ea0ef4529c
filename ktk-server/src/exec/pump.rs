//! From a process's pipes into its log, as it comes.

use std::io;

use ktk_client::api::{Secret, log::Stream};

use super::{launcher::Output, mask::Mask};
use crate::{clock::Clock, logs::LogWriter};

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// Reads both pipes into the log.
pub struct Pump {
    writer: LogWriter,
    clock: Clock,
    buffer: Vec<u8>,
    is_open: [bool; 2],
    /// Of each stream.
    masks: [Mask; 2],
}

impl Pump {
    /// A pump into a log, which shows none of these secrets.
    pub fn new(writer: LogWriter, clock: Clock, secrets: &[Secret]) -> Self {
        let masks = [Mask::new(secrets), Mask::new(secrets)];
        Self { writer, clock, buffer: Vec::new(), is_open: [true, true], masks }
    }

    /// Waits until there is something to read on either pipe, and reads it. Never resolves once
    /// both are at their ends. Nothing is lost when the future is dropped.
    pub async fn step(&mut self, stdout: &mut Output, stderr: &mut Output) {
        let [out_open, err_open] = self.is_open;
        tokio::select! {
            ready = stdout.readable(), if out_open => {
                if ready.is_err() { self.is_open[0] = false; }
            }
            ready = stderr.readable(), if err_open => {
                if ready.is_err() { self.is_open[1] = false; }
            }
            else => std::future::pending().await,
        }
    }

    /// Takes what the pipes hold now.
    pub async fn drain(&mut self, stdout: &Output, stderr: &Output) {
        self.buffer.resize(READ_BYTES, 0);
        for (index, stream, pipe) in [(0, Stream::Stdout, stdout), (1, Stream::Stderr, stderr)] {
            if !self.is_open[index] {
                continue;
            }
            match pipe.try_read(&mut self.buffer) {
                Ok(0) => self.is_open[index] = false,
                Ok(count) => {
                    self.write(index, stream, count).await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.is_open[index] = false,
            }
        }
        let _ = self.writer.flush().await;
    }

    /// Writes what was read. A log that cannot be written keeps what it can and marks what it cannot.
    async fn write(&mut self, index: usize, stream: Stream, count: usize) {
        let (bytes, now) = (&self.buffer[..count], self.clock.now());
        let _ = match &mut self.masks[index] {
            mask if mask.is_empty() => self.writer.write(stream, bytes, now).await,
            mask => self.writer.write(stream, &mask.pass(bytes), now).await,
        };
    }

    /// Takes what is left after the last process has ended: all that the log gets. A stranger that
    /// holds a pipe open is not waited for.
    pub async fn rest(mut self, stdout: &Output, stderr: &Output) -> LogWriter {
        self.buffer.resize(READ_BYTES, 0);
        for (index, stream, pipe) in [(0, Stream::Stdout, stdout), (1, Stream::Stderr, stderr)] {
            while self.is_open[index] {
                match pipe.read_rest(&mut self.buffer) {
                    Ok(count) if count > 0 => {
                        self.write(index, stream, count).await;
                    }
                    _ => break,
                }
            }
        }
        for (index, stream) in [(0, Stream::Stdout), (1, Stream::Stderr)] {
            let rest = self.masks[index].rest();
            if !rest.is_empty() {
                let _ = self.writer.write(stream, &rest, self.clock.now()).await;
            }
        }
        self.writer
    }
}
