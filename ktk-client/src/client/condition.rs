//! Conditions: what a task or pipeline can be waited to become.

use std::{fmt, sync::Arc};

use super::object::Object;
use crate::api::{Phase, Reason};

/// What is waited for.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use std::sync::Arc;
/// use ktk_client::client::wait::Condition;
/// let is_long = Condition::Test(Arc::new(|object| object.metadata().name().len() > 5));
/// client.tasks().wait("thumbnails", is_long).await?;
/// client.tasks().wait("thumbnails", Condition::Finished).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Condition {
    /// It succeeded or was skipped. Not any more once it failed, was cancelled, or waits behind
    /// something that did.
    Succeeded,
    /// It failed, or waits behind something that did.
    Failed,
    /// It has ended, whatever the result.
    Finished,
    /// It runs.
    Running,
    /// It is gone.
    Deleted,
    /// It is there.
    Created,
    /// Whatever else: a test of the object.
    Test(Arc<dyn Fn(&Object) -> bool + Send + Sync>),
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Finished => "Finished",
            Self::Running => "Running",
            Self::Deleted => "Deleted",
            Self::Created => "Created",
            Self::Test(_) => "Test",
        })
    }
}

/// How an object stands to a condition.
///
/// ```
/// use ktk_client::client::wait::{Condition, Verdict};
/// assert_eq!(Condition::Created.judge(None), Verdict::Open);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is so; that stays so for a wait, whatever comes.
    Met,
    /// It is not and, unless somebody restarts something, will not be.
    Never,
    /// It may come.
    Open,
}

impl Condition {
    /// How an object, or the lack of one, stands to this condition.
    ///
    /// ```
    /// use ktk_client::{api::Task, client::{object::Object, wait::{Condition, Verdict}}};
    /// let task: Task = serde_json::from_value(serde_json::json!({
    ///     "apiVersion": "ktk/v1", "kind": "Task", "metadata": {"name": "x"}, "spec": {"external": {}},
    ///     "status": {"phase": "Failed", "reason": "Reported"},
    /// })).unwrap();
    /// let task = Object::Task(Box::new(task));
    /// assert_eq!(Condition::Succeeded.judge(Some(&task)), Verdict::Never);
    /// assert_eq!(Condition::Finished.judge(Some(&task)), Verdict::Met);
    /// ```
    pub fn judge(&self, object: Option<&Object>) -> Verdict {
        let met_if = |is_met: bool| if is_met { Verdict::Met } else { Verdict::Open };
        let Some(object) = object else { return met_if(matches!(self, Self::Deleted)) };
        let Some(phase) = object.phase() else { return met_if(matches!(self, Self::Created)) };
        let is_blocked = phase == Phase::Pending && object.reason() == Some(Reason::UpstreamFailed);
        match self {
            Self::Succeeded => match phase {
                Phase::Succeeded | Phase::Skipped => Verdict::Met,
                Phase::Failed | Phase::Cancelled => Verdict::Never,
                _ if is_blocked => Verdict::Never,
                _ => Verdict::Open,
            },
            Self::Failed => match phase {
                Phase::Failed => Verdict::Met,
                _ if is_blocked => Verdict::Met,
                _ if phase.is_terminal() => Verdict::Never,
                _ => Verdict::Open,
            },
            Self::Finished => met_if(phase.is_terminal()),
            Self::Running => match phase {
                Phase::Running => Verdict::Met,
                _ if phase.is_terminal() || is_blocked => Verdict::Never,
                _ => Verdict::Open,
            },
            Self::Deleted => Verdict::Open,
            Self::Created => Verdict::Met,
            Self::Test(test) => met_if(test(object)),
        }
    }
}
