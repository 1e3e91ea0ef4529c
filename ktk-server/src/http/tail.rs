//! Where a log is begun: at the place that was asked for, the last lines, or the start of an attempt.

use ktk_client::api::{ApiError, ErrorReason, log::LogParams};

use super::place::Place;
use super::refusal::Refusal;
use super::{Backend, LogTarget, query};
use crate::logs::{Cursor, LineReader, LogError};

/// The first place of a reader.
pub(super) async fn first_place(
    backend: &dyn Backend,
    params: &LogParams,
    target: &LogTarget,
    resumed: Option<Place>,
) -> Result<Place, Refusal> {
    if let Some(place) = resumed {
        if place.task != target.task {
            return Err(query::bad_last_event_id());
        }
        return Ok(place);
    }
    let attempt = match params.attempt {
        None => target.attempt.max(1),
        Some(attempt) if (1..=target.attempt).contains(&attempt) => attempt,
        Some(attempt) => {
            let message = format!("attempt {attempt} of Task {:?} not found", params.name);
            return Err(ApiError::new(ErrorReason::NotFound, message).into());
        }
    };
    let mut place = Place::start_of(target.task, attempt);
    if let Some(lines) = params.tail.filter(|_| target.attempt > 0) {
        let lines = usize::try_from(lines).unwrap_or(usize::MAX);
        let last = LineReader::tail(backend.logs(), place.key(), lines).await.map_err(unreadable)?;
        place.cursor = Cursor::at(last.begins_after());
    }
    Ok(place)
}

/// A log that cannot be read, as the caller is told.
pub(super) fn unreadable(error: LogError) -> ApiError {
    let source = std::error::Error::source(&error).map(ToString::to_string);
    tracing::error!(%error, source, "a log cannot be read");
    ApiError::new(ErrorReason::Internal, "the log cannot be read; the server's log says more")
}

/// Where to read from, and whose it is: parameters that mean one task, whatever is named like it later.
pub(super) fn pinned(params: LogParams, target: &LogTarget) -> LogParams {
    LogParams { name: target.task.to_string(), ..params }
}
