//! Bytes of a process that go to stderr as they came.

use std::io::{self, Write};

use super::Ui;

impl Ui {
    /// Adds bytes to stderr, as they are. On a terminal they must have been filtered.
    pub(crate) fn print_error_bytes(&self, bytes: &[u8]) {
        self.progress.suspend(|| {
            // Nothing is left to say where stderr cannot be written.
            let _ = io::stderr().lock().write_all(bytes);
        });
    }
}
