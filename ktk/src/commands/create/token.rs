//! `ktk create token`.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use ktk_client::api::{
    Duration, Token,
    token::{Role, TokenSpec},
};

use crate::{
    clock,
    commands::{completion, made},
    context::Context,
    error::{CliError, Exit},
    output::{DOCUMENT, OutputFormat},
};

/// Create a token: it is shown this once, and stored nowhere
///
/// It goes to standard output alone, all else to standard error.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # For a program that makes tasks in one namespace
  ktk create token ci --role operator --namespaces ci > token

  # For somebody who looks, for a week
  ktk create token dashboard --role viewer --expires 7d")]
pub(super) struct TokenArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,

    /// What whoever has it may do
    #[arg(long, value_enum)]
    role: RoleWord,

    /// The namespaces that it is for [default: all, or the one of -n]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    namespaces: Vec<String>,

    /// How long it holds, or until what time; never for no end
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    expires: Expiry,

    /// Output format: json or yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(DOCUMENT))]
    output: Option<String>,
}

/// The roles that can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleWord {
    /// Everything
    Admin,
    /// Makes, changes and deletes; makes no tokens and does not end the server
    Operator,
    /// Looks
    Viewer,
    /// Takes work and reports on it
    Worker,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Admin => Self::Admin,
            RoleWord::Operator => Self::Operator,
            RoleWord::Viewer => Self::Viewer,
            RoleWord::Worker => Self::Worker,
        }
    }
}

/// `--expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    Never,
    After(Duration),
    At(Timestamp),
}

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Never);
        }
        if let Ok(time) = text.parse() {
            return Ok(Self::At(time));
        }
        text.parse().map(Self::After).map_err(|_| format!("{text:?} is neither 90d, nor a time, nor never"))
    }
}

impl Expiry {
    fn end(self, now: Timestamp) -> Result<Option<Timestamp>, CliError> {
        match self {
            Self::Never => Ok(None),
            Self::At(time) => Ok(Some(time)),
            Self::After(duration) => {
                let end = now.checked_add(duration.get()).and_then(|end| end.round(jiff::Unit::Second));
                end.map(Some).map_err(|_| CliError::usage("--expires: that is too far away"))
            }
        }
    }
}

pub(super) async fn run(args: TokenArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), DOCUMENT)?;
    let mut namespaces = args.namespaces;
    if let Some(typed) = cx.settings.typed_namespace.clone().filter(|_| namespaces.is_empty()) {
        namespaces.push(typed);
    }
    let expires_at = args.expires.end(clock::now())?;
    let spec = TokenSpec { role: args.role.into(), namespaces, expires_at };
    let issued = cx.client().await?.tokens().create(&Token::new(args.name, spec)).await?;
    let token = issued.token.as_ref().map(|token| token.expose()).unwrap_or_default();
    if format != OutputFormat::Human {
        let mut object = made::value(&issued.object)?;
        object["token"] = token.into();
        let mut made = made::Made::default();
        made.add(object, Some(issued.created));
        made.print(format, cx)?;
        return Ok(Exit::Done);
    }
    cx.ui.message(&format!("token/{} created: {}", issued.object.metadata.name(), summary(&issued.object)));
    cx.ui.message("It is shown this once:");
    cx.ui.println(token)?;
    Ok(Exit::Done)
}

/// `operator of ci, until 2026-11-29T12:00:00Z`
fn summary(token: &Token) -> String {
    let spec = &token.spec;
    let of = match spec.namespaces.as_slice() {
        [] => "all namespaces".to_owned(),
        own => own.join(", "),
    };
    let until = spec.expires_at.map_or("without an end".to_owned(), |end| format!("until {end}"));
    format!("{} of {of}, {until}", spec.role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_duration_a_time_or_none() {
        let now: Timestamp = "2026-11-22T12:00:00.5Z".parse().expect("a time");
        let end = |text: &str| text.parse::<Expiry>().map(|expiry| expiry.end(now).expect("not far"));
        assert_eq!(end("never"), Ok(None));
        assert_eq!(end("1d"), Ok(Some("2026-11-23T12:00:01Z".parse().expect("a time"))));
        assert_eq!(end("2027-01-01T00:00:00Z"), Ok(Some("2027-01-01T00:00:00Z".parse().expect("a time"))));
        assert!(end("soon").is_err());
    }
}
