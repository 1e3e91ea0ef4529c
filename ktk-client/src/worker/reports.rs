//! Reports on their way: kept until the server has answered them, cut into bodies it takes.

use std::{collections::VecDeque, io};

use crate::{
    api::{
        Reason,
        worker::{Outcome, Report},
    },
    limits,
};

/// What a report takes besides its outputs and message, at most.
const FRAME_BYTES: usize = 512;

/// Reports that no call carries, oldest first.
#[derive(Debug, Default)]
pub(super) struct Reports {
    waiting: VecDeque<(Report, usize)>,
    /// The sizes of those that the newest call carries.
    sent: Vec<usize>,
}

impl Reports {
    /// Adds a report; outputs over the limit make it a failure.
    pub(super) fn push(&mut self, mut report: Report) {
        let mut bytes = FRAME_BYTES;
        if let Some(outputs) = &report.outcome.outputs {
            let mut count = Count(0);
            let is_counted = serde_json::to_writer(&mut count, outputs).is_ok();
            if !is_counted || count.0 > limits::OUTPUT_BYTES {
                let words = format!("its outputs take {} bytes, over the limit of 1 MiB", count.0);
                report.outcome = Outcome {
                    reason: Some(Reason::InvalidOutput),
                    message: Some(words),
                    outputs: None,
                    ..report.outcome
                };
            } else {
                bytes += count.0;
            }
        }
        if let Some(message) = &mut report.outcome.message {
            message.truncate(message.floor_char_boundary(limits::MESSAGE_BYTES));
            bytes += 2 * message.len();
        }
        self.waiting.push_back((report, bytes));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes as many as one call carries.
    pub(super) fn send(&mut self) -> Vec<Report> {
        let mut total = 0;
        let fitting = self.waiting.iter().take(limits::BATCH_CALLS).take_while(|(_, bytes)| {
            total += bytes;
            total <= limits::BATCH_BYTES
        });
        let count = fitting.count();
        let (reports, sizes) = self.waiting.drain(..count).unzip();
        self.sent = sizes;
        reports
    }

    /// Takes back what the newest call carried: its answer was lost.
    pub(super) fn put_back(&mut self, reports: Vec<Report>) {
        let sizes = std::mem::take(&mut self.sent);
        for pair in reports.into_iter().zip(sizes).rev() {
            self.waiting.push_front(pair);
        }
    }

    /// The attempts are not this worker's any more.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(attempt: u32, output_bytes: usize) -> Report {
        let outputs = [("x".to_owned(), "y".repeat(output_bytes).into())].into();
        Report {
            task: uuid::Uuid::nil(),
            attempt,
            fence: Default::default(),
            outcome: Outcome { outputs: Some(outputs), ..Outcome::default() },
        }
    }

    fn numbers(reports: &[Report]) -> Vec<u32> {
        reports.iter().map(|report| report.attempt).collect()
    }

    #[test]
    fn a_call_takes_what_fits_and_what_was_lost_is_sent_again() {
        let mut reports = Reports::default();
        for number in 0..20 {
            reports.push(report(number, 1_000_000));
        }
        let first = reports.send();
        assert_eq!(numbers(&first), (0..12).collect::<Vec<_>>());
        reports.push(report(20, 1));
        reports.put_back(first);
        assert_eq!(numbers(&reports.send()), (0..12).collect::<Vec<_>>());
        assert_eq!(numbers(&reports.send()), (12..21).collect::<Vec<_>>());
        assert!(reports.is_empty());
    }

    #[test]
    fn outputs_over_the_limit_are_a_failure() {
        let mut reports = Reports::default();
        reports.push(report(1, 2 << 20));
        let sent = reports.send();
        assert_eq!(sent[0].outcome.reason, Some(Reason::InvalidOutput));
        assert_eq!(sent[0].outcome.outputs, None);
    }
}
