//! What a command can end with: exit codes, and errors as users see them. Here errors of the
//! client and of the server become a text, a hint and a code.

use std::{fmt, io, process::ExitCode};

use ktk_client::api::{ApiError, ErrorReason};

/// Exit codes, as `ktk help exit-codes` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: what was asked about failed, or any other error.
    Failed,
    /// 2: wrong usage, or a prompt that was declined or could not be shown.
    Usage,
    /// 3: not found.
    NotFound,
    /// 4: not authenticated or not allowed.
    Denied,
    /// 5: conflict, or already exists.
    Conflict,
    /// 6: server not reachable.
    Unreachable,
    /// 7: the manifest or request was refused.
    Invalid,
    /// 124: a timeout ran out.
    TimedOut,
    /// 130: interrupted.
    Interrupted,
    /// A process's own code, passed on.
    Code(u8),
}

impl Exit {
    /// The number itself.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Denied => 4,
            Self::Conflict => 5,
            Self::Unreachable => 6,
            Self::Invalid => 7,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
            Self::Code(code) => code,
        }
    }

    /// The code of a command that met several failures: theirs if they agree, else 1.
    pub(crate) fn of_several(exits: impl IntoIterator<Item = Exit>) -> Exit {
        let mut exits = exits.into_iter().filter(|exit| exit.code() != 0);
        match exits.next() {
            None => Self::Done,
            Some(first) if exits.all(|exit| exit.code() == first.code()) => first,
            Some(_) => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error as the user sees it: one line, perhaps one line for each cause, perhaps a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CliError {
    exit: Exit,
    lines: Vec<String>,
    hint: Option<String>,
    others: Vec<CliError>,
}

impl CliError {
    /// An error that the client found: `error: text`, with the code given.
    pub(crate) fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self { exit, lines: vec![format!("error: {text}")], hint: None, others: Vec::new() }
    }

    /// Wrong usage: code 2.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// Wrong usage that has its lines already: code 2.
    pub(crate) fn usage_lines(lines: Vec<String>) -> Self {
        Self { exit: Exit::Usage, lines, hint: None, others: Vec::new() }
    }

    /// Any error without a code of its own: code 1.
    pub(crate) fn failed(text: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, text)
    }

    /// An end of which everything has been said.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self { exit, lines: Vec::new(), hint: None, others: Vec::new() }
    }

    /// Several failures of one command, each on its own lines.
    pub(crate) fn several(errors: Vec<CliError>) -> Self {
        let exit = Exit::of_several(errors.iter().map(CliError::exit));
        Self { exit, lines: Vec::new(), hint: None, others: errors }
    }

    /// `Ok` where nothing failed, the one failure, or all of them together.
    pub(crate) fn of_all(mut errors: Vec<CliError>) -> Result<(), CliError> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::several(errors)),
        }
    }

    /// The same error with advice.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with another exit code.
    #[must_use]
    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The code to leave with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The lines to print, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.lines.clone();
        lines.extend(self.hint.iter().map(|hint| format!("hint: {hint}")));
        lines.extend(self.others.iter().flat_map(CliError::lines));
        lines
    }
}

impl From<ApiError> for CliError {
    fn from(error: ApiError) -> Self {
        let mut lines = vec![format!("Error from server ({}): {}", error.reason, error.message)];
        if error.causes.len() > 1 {
            lines.extend(error.causes.iter().map(|cause| format!("* {}: {}", cause.field, cause.message)));
        }
        let token = || "a token is in a context (ktk login), or in KTK_TOKEN".to_owned();
        let hint = error.hint.or_else(|| (error.reason == ErrorReason::Unauthorized).then(token));
        Self { exit: exit_of(error.reason), lines, hint, others: Vec::new() }
    }
}

impl From<ktk_client::Error> for CliError {
    fn from(error: ktk_client::Error) -> Self {
        use ktk_client::Error;
        match error {
            Error::Api(refused) => refused.into(),
            Error::Config(text) => Self::usage(text),
            Error::Timeout { .. } => Self::new(Exit::TimedOut, error),
            Error::ServerStopping => Self::new(Exit::Unreachable, error),
            // Exactly one line: what was tried, and what it failed with at the bottom.
            Error::Unreachable { .. } | Error::Disconnected { .. } => {
                Self::new(Exit::Unreachable, format!("{error}{}", root_cause(&error)))
            }
            Error::Autostart { reason, log, log_tail } => {
                let mut failed =
                    Self::new(Exit::Unreachable, format!("cannot start the local server: {reason}"));
                failed.lines.extend(log_tail.iter().map(|line| format!("  {line}")));
                match log {
                    Some(log) => failed.with_hint(format!("its log is {}", log.display())),
                    None => failed,
                }
            }
            other => Self::failed(format!("{other}{}", root_cause(&other))),
        }
    }
}

/// `: why`, with the last of an error's sources.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map(|cause| format!(": {cause}")).unwrap_or_default()
}

fn exit_of(reason: ErrorReason) -> Exit {
    match reason {
        ErrorReason::NotFound => Exit::NotFound,
        ErrorReason::AlreadyExists | ErrorReason::Conflict | ErrorReason::Fenced => Exit::Conflict,
        ErrorReason::Invalid | ErrorReason::TooLarge => Exit::Invalid,
        ErrorReason::Unauthorized | ErrorReason::Forbidden => Exit::Denied,
        ErrorReason::Unavailable => Exit::Unreachable,
        ErrorReason::Timeout => Exit::TimedOut,
        _ => Exit::Failed,
    }
}

impl From<io::Error> for CliError {
    /// A stream that nobody reads any more ends the command without a word; anything else has
    /// a sentence.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(Exit::Done),
            _ => Self::failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use ktk_client::api::Cause;

    use super::*;

    #[test]
    fn a_refusal_names_its_reason_its_causes_and_its_advice() {
        let refused = ApiError::invalid(
            "Task \"x\"",
            vec![Cause::new("metadata.name", "no DNS label"), Cause::new("spec.run", "is missing")],
        )
        .with_hint("see the README");
        let error = CliError::from(refused);
        assert_eq!(
            error.lines(),
            [
                "Error from server (Invalid): Task \"x\" is invalid",
                "* metadata.name: no DNS label",
                "* spec.run: is missing",
                "hint: see the README",
            ]
        );
        assert_eq!(error.exit(), Exit::Invalid);
    }

    #[test]
    fn one_cause_stays_on_the_first_line() {
        let error =
            CliError::from(ApiError::invalid("Task \"x\"", vec![Cause::new("spec.run", "is missing")]));
        assert_eq!(
            error.lines(),
            ["Error from server (Invalid): Task \"x\" is invalid: spec.run: is missing"]
        );
    }

    #[test]
    fn failures_of_one_code_give_that_code() {
        let not_found = |name: &str| CliError::from(ApiError::not_found("task", name));
        let both = CliError::several(vec![not_found("a"), not_found("b")]);
        assert_eq!(both.exit(), Exit::NotFound);
        assert_eq!(both.lines().len(), 2);
        let mixed = CliError::several(vec![not_found("a"), CliError::from(ApiError::conflict("runs"))]);
        assert_eq!(mixed.exit(), Exit::Failed);
        assert_eq!(CliError::of_all(Vec::new()), Ok(()));
    }

    #[test]
    fn unreachable_is_one_line() {
        let away = ktk_client::Error::Unreachable {
            address: "unix:///s".into(),
            source: io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused").into(),
        };
        let error = CliError::from(away);
        assert_eq!(error.lines(), ["error: cannot reach the server at unix:///s: connection refused"]);
        assert_eq!(error.exit(), Exit::Unreachable);
    }

    #[test]
    fn a_server_that_did_not_start_shows_its_last_words() {
        let failed = ktk_client::Error::Autostart {
            reason: "it ended with code 1".into(),
            log: Some("/d/server.log".into()),
            log_tail: vec!["store is locked".into()],
        };
        assert_eq!(
            CliError::from(failed).lines(),
            [
                "error: cannot start the local server: it ended with code 1",
                "  store is locked",
                "hint: its log is /d/server.log",
            ]
        );
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let error = CliError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((error.exit(), error.lines()), (Exit::Done, Vec::new()));
    }
}
