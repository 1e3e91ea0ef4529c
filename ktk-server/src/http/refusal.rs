//! Requests that are not carried out: an error, the status that goes with it, and whether the connection ends.

use hyper::{Response, StatusCode, header};
use ktk_client::api::{ApiError, ErrorReason};

use super::answer::{self, Body};

/// A request that is not carried out.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    error: Box<ApiError>,
    allow: Option<&'static str>,
    /// Seconds after which it is worth another try.
    retry_after: Option<u64>,
    closes: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: ErrorReason, message: impl Into<String>) -> Self {
        Self {
            status,
            error: Box::new(ApiError::new(reason, message)),
            allow: None,
            retry_after: None,
            closes: false,
        }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorReason::Forbidden, message)
    }

    pub(super) fn too_often(wait: std::time::Duration) -> Self {
        let seconds = wait.as_secs() + 1;
        let message = format!("too many requests: try again in {seconds} s");
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorReason::Unavailable, message);
        Self { retry_after: Some(seconds), ..refusal }
    }

    pub(super) fn not_found(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorReason::NotFound, format!("there is nothing at {path:?}"))
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("only {allow} is answered here");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self { allow: Some(allow), ..Self::new(status, ErrorReason::Invalid, message) }
    }

    /// The same with another status.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The same, and the end of the connection: what follows on it is not read.
    pub(super) fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    /// Whether a part of the request may be left unread.
    pub(super) fn closes(&self) -> bool {
        self.closes
    }

    pub(super) fn response(&self) -> Response<Body> {
        let json = serde_json::to_vec(&self.error).expect("an error of strings is JSON");
        let mut response = answer::json(self.status, json.into());
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, header::HeaderValue::from_static(allow));
        }
        if self.closes {
            headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let status = match error.reason {
            ErrorReason::NotFound => StatusCode::NOT_FOUND,
            ErrorReason::AlreadyExists
            | ErrorReason::Conflict
            | ErrorReason::Fenced
            | ErrorReason::Ambiguous => StatusCode::CONFLICT,
            ErrorReason::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorReason::Unauthorized => StatusCode::UNAUTHORIZED,
            ErrorReason::Forbidden => StatusCode::FORBIDDEN,
            ErrorReason::Expired => StatusCode::GONE,
            ErrorReason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorReason::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorReason::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ErrorReason::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, error: Box::new(error), allow: None, retry_after: None, closes: false }
    }
}
