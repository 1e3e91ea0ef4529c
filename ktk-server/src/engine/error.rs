//! How an operation fails: refused, with words for the caller, or because of the store.

use ktk_client::api::{ApiError, Cause, ErrorReason};

use crate::{model::phase::Refused, store::StoreError};

/// Why an operation failed. It changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Refused; the caller is told why.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A state that must not be: a bug, told to the log and not to the caller.
    #[error("{0}")]
    Bug(String),
    /// A dry run, with what it answers as JSON: it fails so that nothing is kept.
    #[error("this was a dry run")]
    Rehearsed(String),
}

/// Shorthand for what operations return.
pub type EngineResult<T> = Result<T, EngineError>;

impl From<Refused> for EngineError {
    fn from(refused: Refused) -> Self {
        Self::Refused(ApiError::conflict(refused.to_string()))
    }
}

impl EngineError {
    /// `Invalid` with one cause.
    pub fn invalid(what: &str, field: &str, message: impl Into<String>) -> Self {
        Self::Refused(ApiError::invalid(what, vec![Cause::new(field, message)]))
    }

    /// `Conflict`.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Refused(ApiError::conflict(message))
    }
}

/// The border to the API: what the caller is told.
impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(error) => error,
            EngineError::Store(StoreError::Unavailable(text)) => {
                Self::new(ErrorReason::Unavailable, format!("the store takes no changes now: {text}"))
                    .with_hint("free some room and try again; nothing was changed")
            }
            EngineError::Store(StoreError::Duplicate(_)) => {
                Self::new(ErrorReason::Conflict, "somebody else was faster: look again and retry")
            }
            EngineError::Store(error) => {
                tracing::error!(%error, "the store failed");
                Self::new(ErrorReason::Internal, "the store failed; the server's log says more")
            }
            EngineError::Rehearsed(_) => {
                Self::new(ErrorReason::Internal, "a dry run was taken for something else")
            }
            EngineError::Bug(text) => {
                tracing::error!(bug = %text, "an operation met a state that must not be");
                Self::new(ErrorReason::Internal, "an internal error; the server's log says more")
            }
        }
    }
}
