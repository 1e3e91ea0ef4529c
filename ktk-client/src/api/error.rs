//! Errors as they cross the wire.
//!
//! ```
//! use ktk_client::api::{ApiError, Cause, ErrorReason};
//! let error = ApiError::invalid("Task \"x\"", vec![Cause::new("spec.queue", "there is no queue \"q\"")]);
//! assert_eq!(error.reason, ErrorReason::Invalid);
//! assert_eq!(error.to_string(), "Task \"x\" is invalid: spec.queue: there is no queue \"q\"");
//! ```

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a request was refused: stable, one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum ErrorReason {
    /// No such object.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// The object's state does not allow it.
    Conflict,
    /// The attempt is not the current one any more.
    Fenced,
    /// The request or manifest is wrong; `causes` has every reason.
    Invalid,
    /// The reference fits several objects; the message lists them.
    Ambiguous,
    /// No or wrong credentials.
    Unauthorized,
    /// Not allowed.
    Forbidden,
    /// The version asked for is older than the kept history.
    Expired,
    /// Over a limit.
    TooLarge,
    /// The server is stopping or cannot store anything now.
    Unavailable,
    /// A time limit ran out.
    Timeout,
    /// A bug or a broken store; the message names a request id, never internals.
    Internal,
}

impl ErrorReason {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::Fenced,
        Self::Invalid,
        Self::Ambiguous,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Expired,
        Self::TooLarge,
        Self::Unavailable,
        Self::Timeout,
        Self::Internal,
    ];

    /// The word itself.
    ///
    /// ```
    /// # use ktk_client::api::ErrorReason;
    /// assert_eq!(ErrorReason::NotFound.as_str(), "NotFound");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Conflict => "Conflict",
            Self::Fenced => "Fenced",
            Self::Invalid => "Invalid",
            Self::Ambiguous => "Ambiguous",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::Expired => "Expired",
            Self::TooLarge => "TooLarge",
            Self::Unavailable => "Unavailable",
            Self::Timeout => "Timeout",
            Self::Internal => "Internal",
        }
    }

    /// The JSON-RPC error code that carries this reason.
    ///
    /// ```
    /// # use ktk_client::api::ErrorReason;
    /// assert_eq!(ErrorReason::Invalid.code(), -32602);
    /// ```
    pub fn code(self) -> i64 {
        match self {
            Self::Invalid => -32602,
            Self::Internal => -32603,
            _ => -32000,
        }
    }
}

impl fmt::Display for ErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with a manifest or request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// The field, as `spec.steps[3].needs[0]`.
    pub field: String,
    /// What is wrong with it, and what to do.
    pub message: String,
}

impl Cause {
    /// A cause from its two parts.
    ///
    /// ```
    /// # use ktk_client::api::Cause;
    /// assert_eq!(Cause::new("spec.queue", "there is no queue \"q\"").field, "spec.queue");
    /// ```
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// A refusal by the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// Why, in a word that programs read.
    pub reason: ErrorReason,
    /// Why, in a sentence that names the object.
    pub message: String,
    /// Every single cause of an `Invalid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// By what the server's log can be searched, where the server itself failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Box<str>>,
}

impl ApiError {
    /// An error with a reason and a message.
    ///
    /// ```
    /// # use ktk_client::api::{ApiError, ErrorReason};
    /// let error = ApiError::new(ErrorReason::Forbidden, "a viewer only reads");
    /// assert_eq!(error.message, "a viewer only reads");
    /// ```
    pub fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), causes: Vec::new(), hint: None, request_id: None }
    }

    /// The same error with advice.
    ///
    /// ```
    /// # use ktk_client::api::ApiError;
    /// let error = ApiError::conflict("Task \"x\" runs").with_hint("cancel it first");
    /// assert_eq!(error.hint.as_deref(), Some("cancel it first"));
    /// ```
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with the request that the server's log tells about.
    ///
    /// ```
    /// # use ktk_client::api::{ApiError, ErrorReason};
    /// let error = ApiError::new(ErrorReason::Internal, "the server failed").with_request_id("r-17");
    /// assert_eq!(error.request_id.as_deref(), Some("r-17"));
    /// ```
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// `Invalid` with all its causes. `what` names the object: `Task "x"`.
    ///
    /// ```
    /// # use ktk_client::api::ApiError;
    /// assert_eq!(ApiError::invalid("Task \"x\"", vec![]).to_string(), "Task \"x\" is invalid");
    /// ```
    pub fn invalid(what: &str, causes: Vec<Cause>) -> Self {
        let message = match causes.as_slice() {
            [cause] => format!("{what} is invalid: {}: {}", cause.field, cause.message),
            _ => format!("{what} is invalid"),
        };
        Self { reason: ErrorReason::Invalid, message, causes, hint: None, request_id: None }
    }

    /// `NotFound`, in the words that every kind shares.
    ///
    /// ```
    /// # use ktk_client::api::ApiError;
    /// assert_eq!(ApiError::not_found("Task", "x").to_string(), "Task \"x\" not found");
    /// ```
    pub fn not_found(kind: &str, name: &str) -> Self {
        Self::new(ErrorReason::NotFound, format!("{kind} {name:?} not found"))
    }

    /// `Conflict` with its explanation.
    ///
    /// ```
    /// # use ktk_client::api::{ApiError, ErrorReason};
    /// assert_eq!(ApiError::conflict("Task \"x\" has ended").reason, ErrorReason::Conflict);
    /// ```
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorReason::Conflict, message)
    }
}
