//! Why a request has no answer. No message holds a header field, a body, or more of a URL than its host.

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// It may not be sent, or cannot be: another try would end alike.
    #[error("{0}")]
    Refused(String),
    /// Nobody answered, or not to the end.
    #[error("{0}")]
    Unanswered(String),
}

impl HttpError {
    pub(super) fn unanswered(what: impl std::fmt::Display, error: &dyn std::error::Error) -> Self {
        let mut words = format!("{what}: {error}");
        let mut source = error.source();
        while let Some(error) = source {
            let more = error.to_string();
            if !words.contains(&more) {
                words = format!("{words}: {more}");
            }
            source = error.source();
        }
        Self::Unanswered(words)
    }
}
