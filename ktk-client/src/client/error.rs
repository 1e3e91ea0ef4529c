//! What can go wrong between a program and its server, as errors that one can ask.

use std::{io, path::PathBuf, time::Duration};

use super::object::Object;
use crate::api::{ApiError, Cause, ErrorReason, Phase};

/// The result of whatever asks a server.
///
/// ```
/// use ktk_client::{Client, client::Result};
/// async fn is_there(client: &Client, name: &str) -> Result<bool> {
///     Ok(client.tasks().get_opt(name).await?.is_some())
/// }
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call, a stream or a start of the local server failed.
///
/// `Display` says what this layer was doing; `source()` says why that failed.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use ktk_client::Error;
/// match client.tasks().get("thumbnails").await {
///     Ok(task) => println!("{}", task.incarnation_name()),
///     Err(error) if error.is_not_found() => println!("there is none"),
///     Err(Error::Unreachable { address, .. }) => println!("nobody answers at {address}"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Nobody answers there; nothing was sent.
    #[error("cannot reach the server at {address}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// What connecting failed with.
        source: Source,
    },
    /// The connection ended before the answer came: whether the call was carried out is unknown.
    #[error("lost the connection to the server at {address}")]
    Disconnected {
        /// Where it was.
        address: String,
        /// What reading or writing failed with.
        source: Source,
    },
    /// No answer in time: whether the call was carried out is unknown.
    #[error("no answer to {call} within {}", crate::api::Duration::new(*.after))]
    Timeout {
        /// What was called.
        call: String,
        /// How long the answer was waited for.
        after: Duration,
    },
    /// An answer that is none of ktk's.
    #[error("unexpected answer of the server: {0}")]
    Protocol(String),
    /// The local server could not be started, or did not answer in time.
    #[error("cannot start the local server: {reason}")]
    Autostart {
        /// Why.
        reason: String,
        /// The server's log, where it got as far as having one.
        log: Option<PathBuf>,
        /// The log's last lines, oldest first.
        log_tail: Vec<String>,
    },
    /// What was waited for will not come, unless somebody restarts something.
    #[error(
        "{} {:?} is {}: what is waited for will not come",
        .object.kind(),
        .object.metadata().name(),
        .object.phase().map_or("gone", Phase::as_str)
    )]
    Unmet {
        /// The object as it is.
        object: Box<Object>,
    },
    /// The server is being stopped: what runs goes on with its next start.
    #[error("the server is being stopped; the work goes on with its next start")]
    ServerStopping,
    /// A setting that cannot be used.
    #[error("{0}")]
    Config(String),
}

impl Error {
    pub(crate) fn autostart(reason: impl Into<String>) -> Self {
        Self::Autostart { reason: reason.into(), log: None, log_tail: Vec::new() }
    }

    /// The word that the server refused with; none where it was not the server that failed.
    ///
    /// ```
    /// use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// assert_eq!(Error::from(ApiError::not_found("Task", "x")).reason(), Some(ErrorReason::NotFound));
    /// assert_eq!(Error::ServerStopping.reason(), None);
    /// ```
    pub fn reason(&self) -> Option<ErrorReason> {
        self.api().map(|error| error.reason)
    }

    /// The server's refusal, where it is one.
    ///
    /// ```
    /// use ktk_client::{Error, api::ApiError};
    /// let error = Error::from(ApiError::not_found("Task", "x"));
    /// assert_eq!(error.api().unwrap().message, "Task \"x\" not found");
    /// ```
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }

    /// Everything that is wrong with a request or manifest, where the server refused it for that.
    ///
    /// ```
    /// use ktk_client::{Error, api::{ApiError, Cause}};
    /// let error = Error::from(ApiError::invalid("Task \"x\"", vec![Cause::new("spec.queue", "there is no queue \"q\"")]));
    /// assert_eq!(error.causes()[0].field, "spec.queue");
    /// ```
    pub fn causes(&self) -> &[Cause] {
        self.api().map_or(&[], |error| &error.causes)
    }

    /// What to do about it, where the server knows.
    ///
    /// ```
    /// use ktk_client::{Error, api::ApiError};
    /// let error = Error::from(ApiError::conflict("Task \"x\" runs").with_hint("cancel it first"));
    /// assert_eq!(error.hint(), Some("cancel it first"));
    /// ```
    pub fn hint(&self) -> Option<&str> {
        self.api()?.hint.as_deref()
    }

    /// By what the server's log can be searched, where the server itself failed.
    ///
    /// ```
    /// use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// let error = ApiError::new(ErrorReason::Internal, "the server failed").with_request_id("r-17");
    /// assert_eq!(Error::from(error).request_id(), Some("r-17"));
    /// ```
    pub fn request_id(&self) -> Option<&str> {
        self.api()?.request_id.as_deref()
    }

    /// Whether there is no such object.
    ///
    /// ```
    /// # use ktk_client::{Error, api::ApiError};
    /// assert!(Error::from(ApiError::not_found("Task", "x")).is_not_found());
    /// ```
    pub fn is_not_found(&self) -> bool {
        self.reason() == Some(ErrorReason::NotFound)
    }

    /// Whether the name is taken.
    ///
    /// ```
    /// # use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// assert!(Error::from(ApiError::new(ErrorReason::AlreadyExists, "Task \"x\" exists")).is_already_exists());
    /// ```
    pub fn is_already_exists(&self) -> bool {
        self.reason() == Some(ErrorReason::AlreadyExists)
    }

    /// Whether the object's state does not allow it.
    ///
    /// ```
    /// # use ktk_client::{Error, api::ApiError};
    /// assert!(Error::from(ApiError::conflict("Task \"x\" has ended")).is_conflict());
    /// ```
    pub fn is_conflict(&self) -> bool {
        self.reason() == Some(ErrorReason::Conflict)
    }

    /// Whether the request or manifest is wrong.
    ///
    /// ```
    /// # use ktk_client::{Error, api::ApiError};
    /// assert!(Error::from(ApiError::invalid("Task \"x\"", vec![])).is_invalid());
    /// ```
    pub fn is_invalid(&self) -> bool {
        self.reason() == Some(ErrorReason::Invalid)
    }

    /// Whether the version asked for is older than the kept history: list again.
    ///
    /// ```
    /// # use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// assert!(Error::from(ApiError::new(ErrorReason::Expired, "version 7 is not kept")).is_expired());
    /// ```
    pub fn is_expired(&self) -> bool {
        self.reason() == Some(ErrorReason::Expired)
    }

    /// Whether the reference fits several objects.
    ///
    /// ```
    /// # use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// assert!(Error::from(ApiError::new(ErrorReason::Ambiguous, "ab12 fits two tasks")).is_ambiguous());
    /// ```
    pub fn is_ambiguous(&self) -> bool {
        self.reason() == Some(ErrorReason::Ambiguous)
    }

    /// Whether the attempt is not the current one any more.
    ///
    /// ```
    /// # use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// assert!(Error::from(ApiError::new(ErrorReason::Fenced, "attempt 2 runs")).is_fenced());
    /// ```
    pub fn is_fenced(&self) -> bool {
        self.reason() == Some(ErrorReason::Fenced)
    }

    /// Whether the credentials are missing or wrong.
    ///
    /// ```
    /// # use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// assert!(Error::from(ApiError::new(ErrorReason::Unauthorized, "no such token")).is_unauthorized());
    /// ```
    pub fn is_unauthorized(&self) -> bool {
        self.reason() == Some(ErrorReason::Unauthorized)
    }

    /// Whether it is not allowed.
    ///
    /// ```
    /// # use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// assert!(Error::from(ApiError::new(ErrorReason::Forbidden, "a viewer only reads")).is_forbidden());
    /// ```
    pub fn is_forbidden(&self) -> bool {
        self.reason() == Some(ErrorReason::Forbidden)
    }

    /// Whether it is over a limit.
    ///
    /// ```
    /// # use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// assert!(Error::from(ApiError::new(ErrorReason::TooLarge, "outputs of 2 MiB")).is_too_large());
    /// ```
    pub fn is_too_large(&self) -> bool {
        self.reason() == Some(ErrorReason::TooLarge)
    }

    /// Whether the server cannot do it now: it is stopping, or its store takes nothing.
    ///
    /// ```
    /// # use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// assert!(Error::from(ApiError::new(ErrorReason::Unavailable, "the server is stopping")).is_unavailable());
    /// ```
    pub fn is_unavailable(&self) -> bool {
        self.reason() == Some(ErrorReason::Unavailable)
    }

    /// Whether a time limit ran out: the caller's or the server's.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use ktk_client::Error;
    /// assert!(Error::Timeout { call: "task.get".into(), after: Duration::from_secs(60) }.is_timeout());
    /// ```
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. }) || self.reason() == Some(ErrorReason::Timeout)
    }

    /// Whether no server could be spoken to: unreachable, lost, or not to be started.
    ///
    /// ```
    /// # use ktk_client::Error;
    /// let nobody = std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into();
    /// assert!(Error::Unreachable { address: "unix:///run/ktk.sock".into(), source: nobody }.is_unreachable());
    /// ```
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Disconnected { .. } | Self::Autostart { .. })
    }

    /// Whether the server said that it is being stopped.
    ///
    /// ```
    /// # use ktk_client::Error;
    /// assert!(Error::ServerStopping.is_stopping());
    /// ```
    pub fn is_stopping(&self) -> bool {
        matches!(self, Self::ServerStopping)
    }

    /// Whether the same call may succeed later. A call that changes something is repeated
    /// safely with the same request id only.
    ///
    /// ```
    /// # use ktk_client::{Error, api::{ApiError, ErrorReason}};
    /// let refused = |reason| Error::from(ApiError::new(reason, "because"));
    /// assert!(refused(ErrorReason::Unavailable).is_retryable());
    /// assert!(!refused(ErrorReason::Unauthorized).is_retryable());
    /// ```
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Disconnected { .. } | Self::Timeout { .. } => true,
            Self::ServerStopping => true,
            Self::Api(error) => matches!(error.reason, ErrorReason::Unavailable | ErrorReason::Timeout),
            _ => false,
        }
    }

    /// The kind of the I/O error at the bottom, where there is one.
    pub(crate) fn io_kind(&self) -> Option<io::ErrorKind> {
        io_error_in(self).map(io::Error::kind)
    }
}

/// The first I/O error in a chain of sources.
pub(crate) fn io_error_in<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error);
        }
        current = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_answer_what_they_are() {
        let missing = Error::from(ApiError::not_found("Task", "x"));
        assert!(missing.is_not_found() && !missing.is_conflict() && !missing.is_unreachable());
        assert_eq!(missing.reason(), Some(ErrorReason::NotFound));
        assert_eq!(missing.to_string(), "Task \"x\" not found");

        let away = Error::Unreachable {
            address: "unix:///s".into(),
            source: io::Error::from(io::ErrorKind::ConnectionRefused).into(),
        };
        assert!(away.is_unreachable() && away.is_retryable() && away.reason().is_none());
        assert_eq!(away.io_kind(), Some(io::ErrorKind::ConnectionRefused));
        assert_eq!(away.to_string(), "cannot reach the server at unix:///s");
    }

    #[test]
    fn a_timeout_says_how_long_it_was() {
        let error = Error::Timeout { call: "task.get".into(), after: Duration::from_secs(90) };
        assert_eq!(error.to_string(), "no answer to task.get within 1m30s");
    }
}
