//! What an attempt may call with its own token: make tasks, read them, speak of itself. Nothing else.

use ktk_client::api::{
    ApiError, ErrorReason, Method,
    attempt::{Keepalive, Progress},
    table::TaskTable,
    task::{Create, Get, ListTasks, Tree},
};

use super::Caller;

/// What each of these gives an attempt to see is the engine's to cut down.
const OPEN: [&str; 7] =
    [Create::NAME, Get::NAME, ListTasks::NAME, TaskTable::NAME, Tree::NAME, Keepalive::NAME, Progress::NAME];

/// Refuses what this caller may not call.
///
/// # Errors
/// `Forbidden`.
pub(super) fn check(caller: &Caller, method: &str) -> Result<(), ApiError> {
    if caller.by.scope.is_none() || OPEN.contains(&method) {
        return Ok(());
    }
    let words = format!("a running attempt may not call {method}: its token is for sub-tasks and for itself");
    Err(ApiError::new(ErrorReason::Forbidden, words))
}
