//! Signals to a command that follows something.

use std::{future::pending, time::Duration};

use futures_util::pin_mut;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{CliError, Exit};

/// What somebody wants of a command that follows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Ctrl-C or SIGTERM: end what runs.
    Stop,
    /// The terminal went away: leave, the work goes on.
    HangUp,
}

/// The signals that come from here on.
pub(crate) struct Interrupts {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hang_up: Option<Signal>,
    has_come: bool,
    put_back: Option<Interrupt>,
}

impl Interrupts {
    /// Takes the signals over: from here on they do not end the process. One that the caller
    /// has this process ignore (`nohup`) stays ignored.
    pub(crate) fn listen() -> Result<Self, CliError> {
        let ignored = ignored_signals();
        let listen = |kind: SignalKind| {
            if ignored >> (kind.as_raw_value() - 1) & 1 == 1 {
                return Ok(None);
            }
            let listening = signal(kind).map(Some);
            listening.map_err(|error| CliError::failed(format!("cannot listen to signals: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            has_come: false,
            put_back: None,
        })
    }

    /// Whether one has come so far.
    pub(crate) fn has_come(&self) -> bool {
        self.has_come
    }

    /// The next one. A call that is dropped loses none.
    pub(crate) async fn next(&mut self) -> Interrupt {
        if let Some(interrupt) = self.put_back.take() {
            return interrupt;
        }
        let interrupt = tokio::select! {
            () = next_of(&mut self.interrupt) => Interrupt::Stop,
            () = next_of(&mut self.terminate) => Interrupt::Stop,
            () = next_of(&mut self.hang_up) => Interrupt::HangUp,
        };
        self.has_come = true;
        interrupt
    }

    /// What a request answers, for whoever has to know it before an interrupt can be heeded. One that comes meanwhile
    /// is the next again, once there is an answer; without an answer it ends the command a moment later.
    ///
    /// # Errors
    /// Code 130 where there is no answer in that moment. `what` names what may have been done.
    pub(crate) async fn before_next<T>(
        &mut self,
        answer: impl Future<Output = T>,
        what: &str,
    ) -> Result<T, CliError> {
        const MOMENT: Duration = Duration::from_secs(2);
        pin_mut!(answer);
        let interrupt = tokio::select! {
            biased;
            answer = &mut answer => return Ok(answer),
            interrupt = self.next() => interrupt,
        };
        let answer = tokio::select! {
            biased;
            answer = &mut answer => Some(answer),
            // Somebody who is in a hurry presses twice.
            _ = self.next() => None,
            () = tokio::time::sleep(MOMENT) => None,
        };
        self.put_back = Some(interrupt);
        answer.ok_or_else(|| {
            let error = CliError::new(Exit::Interrupted, "interrupted before the server answered");
            error.with_hint(format!("it may have been made all the same: ktk get {what}"))
        })
    }
}

async fn next_of(signal: &mut Option<Signal>) {
    let Some(signal) = signal else { return pending().await };
    if signal.recv().await.is_none() {
        pending().await
    }
}

/// A bit for each signal that this process was started to ignore; none where nobody can tell.
fn ignored_signals() -> u64 {
    std::fs::read_to_string("/proc/self/status").map_or(0, |status| ignored_in(&status))
}

fn ignored_in(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read() {
        let status = "Name:\tktk\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000440\n";
        assert_eq!(ignored_in(status), 1);
        assert_eq!(ignored_in("Name:\tktk\n"), 0);
    }
}
