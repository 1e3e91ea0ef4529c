//! `ktk auth`.

use clap::{Args, Subcommand};

use super::{completion, made};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{DOCUMENT, Document, OutputFormat},
    ui::escape,
};

/// Say who you are for the server, and what you may do
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Who you are
  ktk auth whoami

  # What you may do
  ktk auth can-i create tasks -n ci")]
pub(crate) struct AuthArgs {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    CanI(CanIArgs),
    Whoami(WhoamiArgs),
}

/// Say whether you may do something: yes, or no with code 1
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # In the namespace that commands are for
  ktk auth can-i create tasks
  ktk auth can-i logs task -n ci

  # For scripts
  if ktk auth can-i restart pipelines -q; then ktk restart pipeline/nightly; fi")]
struct CanIArgs {
    /// What: get, list, watch, create, restart, delete, logs …
    #[arg(value_name = "VERB")]
    verb: String,

    /// To what: tasks, pipelines, tokens … or server
    #[arg(value_name = "TYPE")]
    kind: String,

    /// Say it with the exit code alone
    #[arg(short, long)]
    quiet: bool,
}

/// Say who you are for the server
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # The name that objects show, the role, the namespaces
  ktk auth whoami

  # For programs
  ktk auth whoami -o json")]
struct WhoamiArgs {
    /// Format: json, yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(DOCUMENT))]
    output: Option<String>,
}

pub(crate) async fn run(args: AuthArgs, cx: &Context) -> Result<Exit, CliError> {
    match args.question {
        Question::CanI(args) => can_i(args, cx).await,
        Question::Whoami(args) => whoami(args, cx).await,
    }
}

/// The method or stream that a verb on a kind needs.
fn method(verb: &str, kind: &str) -> Result<(String, bool), CliError> {
    let verb = verb.to_lowercase();
    if kind.eq_ignore_ascii_case("server") {
        return Ok((format!("server.{verb}"), false));
    }
    let kind = Kind::parse(kind, "get")?;
    let name = match (&*verb, kind) {
        ("watch" | "wait", _) => "/watch".to_owned(),
        ("logs", Kind::Task | Kind::Pipeline) => "/logs".to_owned(),
        ("get" | "describe" | "list" | "events", Kind::Event) => "event.list".to_owned(),
        ("describe", _) => format!("{kind}.get"),
        ("run", Kind::Task | Kind::Pipeline) => format!("{kind}.create"),
        _ => format!("{kind}.{verb}"),
    };
    Ok((name, kind.is_namespaced()))
}

async fn can_i(args: CanIArgs, cx: &Context) -> Result<Exit, CliError> {
    let (method, is_namespaced) = method(&args.verb, &args.kind)?;
    let namespace = is_namespaced.then(|| cx.namespace());
    let verdict = match cx.client().await?.auth().can(method, namespace).await {
        Err(error) if error.is_invalid() => {
            return Err(CliError::usage(format!(
                "nobody can {} {}: there is no such thing",
                args.verb, args.kind
            )));
        }
        verdict => verdict?,
    };
    if !args.quiet {
        let why = verdict.reason.map(|reason| format!(" - {}", escape(&reason))).unwrap_or_default();
        cx.ui.println(&if verdict.allowed { "yes".to_owned() } else { format!("no{why}") })?;
    }
    Ok(if verdict.allowed { Exit::Done } else { Exit::Failed })
}

async fn whoami(args: WhoamiArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), DOCUMENT)?;
    let whois = cx.client().await?.auth().whoami().await?;
    if let Some(machine) = format.machine() {
        cx.ui.print_document(&machine.write(Document::One(made::value(&whois)?))?)?;
        return Ok(Exit::Done);
    }
    let of =
        if whois.namespaces.is_empty() { "all namespaces".to_owned() } else { whois.namespaces.join(", ") };
    let until = whois.expires_at.map(|end| format!(", until {end}")).unwrap_or_default();
    cx.ui.println(&escape(&format!("{}: {} of {of}{until}", whois.name, whois.role)))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_and_kinds_are_methods() {
        for (verb, kind, name, is_namespaced) in [
            ("create", "tasks", "task.create", true),
            ("Describe", "pl", "pipeline.get", true),
            ("get", "tokens", "token.get", false),
            ("list", "events", "event.list", true),
            ("logs", "t", "/logs", true),
            ("watch", "queues", "/watch", false),
            ("stop", "server", "server.stop", false),
        ] {
            assert_eq!(method(verb, kind), Ok((name.to_owned(), is_namespaced)), "{verb} {kind}");
        }
        assert!(method("get", "nosuch").is_err());
    }
}
