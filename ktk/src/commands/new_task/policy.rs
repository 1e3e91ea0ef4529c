//! Flags that say when a task runs, how long, and how often it is tried.

use clap::Args;
use jiff::Timestamp;
use ktk_client::api::{
    Duration,
    task::{RetrySpec, RunIf, TaskSpec},
};

use super::word;

/// The flags of time and of further attempts.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct PolicyFlags {
    /// Longest time for one attempt
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    timeout: Option<Duration>,

    /// Time between SIGTERM and SIGKILL [default: 10s]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    grace_period: Option<Duration>,

    /// How often a running attempt must say that it is alive, with ktk keepalive
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    keepalive: Option<Duration>,

    /// Time from now on, past which the task fails, whatever it does then
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    deadline: Option<Duration>,

    /// How long it is kept after its end
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    ttl_after_finished: Option<Duration>,

    /// Not before this time
    #[arg(long, value_name = "RFC3339")]
    run_after: Option<Timestamp>,

    /// It does not start until `ktk resume task/NAME`
    #[arg(long)]
    hold: bool,

    /// How many further attempts after a failed one
    #[arg(long, value_name = "TIMES", allow_negative_numbers = true)]
    retry: Option<u32>,

    /// Pause before the second attempt [default: 1s]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    retry_backoff: Option<Duration>,

    /// What each pause is longer than the one before [default: 2]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    retry_factor: Option<f64>,

    /// Longest pause [default: 1m]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    retry_max_backoff: Option<Duration>,

    /// Share by which a pause is longer by chance, at most [default: 0.2]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    retry_jitter: Option<f64>,

    /// Only these exit codes are tried again; repeatable [default: all]
    #[arg(long, value_name = "CODE", value_delimiter = ',', allow_negative_numbers = true)]
    retry_on: Vec<i32>,

    /// Task that must have succeeded first; repeatable
    #[arg(long = "need", value_name = "TASK")]
    needs: Vec<String>,

    /// What its needs must have come to: success, failure or always [default: success]
    #[arg(long, value_name = "WHEN", value_parser = word::<RunIf>)]
    run_if: Option<RunIf>,
}

impl PolicyFlags {
    /// The spec with what they say.
    pub(super) fn fill(self, spec: TaskSpec) -> TaskSpec {
        let on_exit_codes = (!self.retry_on.is_empty()).then_some(self.retry_on);
        let retry = RetrySpec {
            limit: self.retry,
            backoff: self.retry_backoff,
            factor: self.retry_factor,
            max_backoff: self.retry_max_backoff,
            jitter: self.retry_jitter,
            on_exit_codes,
        };
        TaskSpec {
            timeout: self.timeout,
            grace_period: self.grace_period,
            keepalive: self.keepalive,
            deadline: self.deadline,
            ttl_after_finished: self.ttl_after_finished,
            run_after: self.run_after,
            hold: self.hold,
            retry: (retry != RetrySpec::default()).then_some(retry),
            needs: self.needs,
            run_if: self.run_if.unwrap_or_default(),
            ..spec
        }
    }
}
