//! Phases and reasons: the two columns that say what a task is doing.
//!
//! ```
//! use ktk_client::api::{Phase, Reason};
//! assert!(Phase::Skipped.is_terminal() && !Phase::Running.is_terminal());
//! assert_eq!("ExitCode".parse(), Ok(Reason::ExitCode));
//! ```

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $number),* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word on the wire and in tables.
            ///
            /// ```
            /// # use ktk_client::api::{Phase, Reason};
            /// assert_eq!((Phase::Failed.as_str(), Reason::ExitCode.as_str()), ("Failed", "ExitCode"));
            /// ```
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),* }
            }

            /// The number that stores keep; never given to another word.
            ///
            /// ```
            /// # use ktk_client::api::Phase;
            /// assert_eq!(Phase::from_number(Phase::Failed.number()), Some(Phase::Failed));
            /// ```
            pub fn number(self) -> u8 {
                self as u8
            }

            /// The word of a stored number.
            ///
            /// ```
            /// # use ktk_client::api::{Phase, Reason};
            /// assert_eq!((Phase::from_number(200), Reason::from_number(200)), (None, None));
            /// ```
            pub fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|word| word.as_str().eq_ignore_ascii_case(text))
                    .ok_or_else(|| format!("unknown {} {text:?}", stringify!($name).to_lowercase()))
            }
        }
    };
}

words! {
    /// What a task or pipeline is doing. The last four are terminal.
    Phase {
        /// Not started, or waiting for its next attempt.
        Pending = 0,
        /// An attempt runs.
        Running = 1,
        /// Ended well.
        Succeeded = 2,
        /// Ended badly, and nothing will try it again by itself.
        Failed = 3,
        /// Ended because somebody said so.
        Cancelled = 4,
        /// Never needed to run.
        Skipped = 5,
    }
}

words! {
    /// Why a task is in its phase.
    Reason {
        /// Pending: a need has not ended.
        WaitingForUpstream = 0,
        /// Pending: a need ended without success; a restart of it lets this go on.
        UpstreamFailed = 1,
        /// Pending: `runAfter` has not come.
        Scheduled = 2,
        /// Pending: the next attempt waits for its backoff.
        Backoff = 3,
        /// Pending: held by hand.
        Held = 4,
        /// Pending: ready, waits for a slot.
        Queued = 5,
        /// Pending, when read: its queue is paused.
        QueuePaused = 6,
        /// Pending, when read: no present node can run it.
        NoMatchingNode = 7,
        /// Pending, when read: its semaphores are taken.
        WaitingForPermit = 8,
        /// Running: told to stop.
        Stopping = 9,
        /// Succeeded: took an earlier incarnation's outputs.
        Reused = 10,
        /// Failed: exit code other than 0.
        ExitCode = 11,
        /// Failed: ended by a signal.
        Signal = 12,
        /// Failed: an attempt took longer than `timeout`.
        Timeout = 13,
        /// Failed: it did not say that it was alive.
        KeepaliveLost = 14,
        /// Failed: its node went away.
        NodeLost = 15,
        /// Failed: `deadline` passed.
        DeadlineExceeded = 16,
        /// Failed: its inputs could not be made.
        InvalidInput = 17,
        /// Failed: its outputs could not be read.
        InvalidOutput = 18,
        /// Failed: a handler returned an error.
        HandlerError = 19,
        /// Failed: the process could not be started.
        SpawnError = 20,
        /// Failed: somebody reported it so.
        Reported = 21,
        /// Cancelled by a person or program.
        ByUser = 22,
        /// Cancelled with, or by, its pipeline.
        PipelineCancelled = 23,
        /// Cancelled because another took its place.
        Replaced = 24,
        /// Skipped: its `when` was false.
        WhenFalse = 25,
        /// Skipped: a `runIf: failure` step without a failure.
        NotNeeded = 26,
        /// An attempt ended by a stop of its worker: counts for nothing.
        Interrupted = 27,
    }
}

impl Phase {
    /// Whether nothing but a restart follows.
    ///
    /// ```
    /// # use ktk_client::api::Phase;
    /// assert!(Phase::Cancelled.is_terminal() && !Phase::Pending.is_terminal());
    /// ```
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}
