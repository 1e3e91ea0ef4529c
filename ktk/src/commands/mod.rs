//! One file for each verb, and the list of them. A verb exists when it works: there are no stubs.

mod adopt;
mod amend;
mod api_resources;
mod apply;
pub(crate) mod asked;
mod auth;
mod bulk;
mod cancel;
mod complete;
pub(crate) mod completion;
mod config;
mod create;
mod delete;
mod describe;
mod diff;
mod dry_run;
mod edit;
mod editor;
mod events;
mod explain;
mod fail;
mod fetch;
mod filed;
mod gc;
mod get;
pub(crate) mod help;
mod hold;
mod internal;
mod interrupts;
mod jq;
mod keepalive;
mod label;
mod login;
mod logs;
mod made;
mod manifests;
mod missing;
mod new_task;
mod patch;
mod pick;
mod plan;
pub(crate) mod plugin;
mod progress;
mod replace;
mod restart;
mod run;
mod running;
mod scale;
mod selection;
mod server;
mod stdin;
mod suspect;
mod top;
mod tree;
mod version;
mod wait;
mod why;

use std::future::Future;

use clap::Subcommand;

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Get(get::GetArgs),
    Describe(describe::DescribeArgs),
    Explain(explain::ExplainArgs),
    ApiResources(api_resources::ApiResourcesArgs),
    Tree(tree::TreeArgs),
    Diff(diff::DiffArgs),
    Top(top::TopArgs),
    Events(events::EventsArgs),
    Logs(logs::LogsArgs),
    Run(Box<run::RunArgs>),
    Create(create::CreateArgs),
    Apply(apply::ApplyArgs),
    Replace(replace::ReplaceArgs),
    Restart(restart::RestartArgs),
    Adopt(adopt::AdoptArgs),
    Cancel(cancel::CancelArgs),
    Complete(complete::CompleteArgs),
    Fail(fail::FailArgs),
    Keepalive(keepalive::KeepaliveArgs),
    Progress(progress::ProgressArgs),
    Pause(hold::PauseArgs),
    Resume(hold::ResumeArgs),
    Scale(scale::ScaleArgs),
    Patch(patch::PatchArgs),
    Label(label::LabelArgs),
    Annotate(label::AnnotateArgs),
    Edit(edit::EditArgs),
    Delete(delete::DeleteArgs),
    Gc(gc::GcArgs),
    Wait(wait::WaitArgs),
    Why(why::WhyArgs),
    Login(login::LoginArgs),
    Auth(auth::AuthArgs),
    Config(config::ConfigArgs),
    Server(server::ServerArgs),
    Completion(completion::CompletionArgs),
    Help(help::HelpArgs),
    Version(version::VersionArgs),
    Plugin(plugin::PluginArgs),
    #[command(hide = true)]
    Internal(internal::InternalArgs),
}

impl Command {
    /// Whether it may speak to a server: only then contexts are read.
    pub(crate) fn speaks(&self) -> bool {
        let is_client = matches!(self, Self::Version(args) if args.is_client());
        let is_alone = matches!(
            self,
            Self::Internal(_)
                | Self::Config(_)
                | Self::Plugin(_)
                | Self::Completion(_)
                | Self::Help(_)
                | Self::Explain(_)
                | Self::ApiResources(_)
        );
        !is_client && !is_alone
    }

    /// Runs the command. A verb that needs a runtime of another form is matched before
    /// [`block_on`] is called.
    pub(crate) fn run(self, cx: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Get(args) => block_on(get::run(args, cx)),
            Self::Describe(args) => block_on(describe::run(args, cx)),
            Self::Explain(args) => explain::run(args, cx),
            Self::ApiResources(args) => api_resources::run(args, cx),
            Self::Tree(args) => block_on(tree::run(args, cx)),
            Self::Diff(args) => block_on(diff::run(args, cx)),
            Self::Top(args) => block_on(top::run(args, cx)),
            Self::Events(args) => block_on(events::run(args, cx)),
            Self::Logs(args) => block_on(logs::run(args, cx)),
            Self::Run(args) => block_on(run::run(*args, cx)),
            Self::Create(args) => block_on(create::run(args, cx)),
            Self::Apply(args) => block_on(apply::run(args, cx)),
            Self::Replace(args) => block_on(replace::run(args, cx)),
            Self::Restart(args) => block_on(restart::run(args, cx)),
            Self::Adopt(args) => block_on(adopt::run(args, cx)),
            Self::Cancel(args) => block_on(cancel::run(args, cx)),
            Self::Complete(args) => block_on(complete::run(args, cx)),
            Self::Fail(args) => block_on(fail::run(args, cx)),
            Self::Keepalive(args) => block_on(keepalive::run(args, cx)),
            Self::Progress(args) => block_on(progress::run(args, cx)),
            Self::Pause(args) => block_on(hold::pause(args, cx)),
            Self::Resume(args) => block_on(hold::resume(args, cx)),
            Self::Scale(args) => block_on(scale::run(args, cx)),
            Self::Patch(args) => block_on(patch::run(args, cx)),
            Self::Label(args) => block_on(label::label(args, cx)),
            Self::Annotate(args) => block_on(label::annotate(args, cx)),
            Self::Edit(args) => block_on(edit::run(args, cx)),
            Self::Delete(args) => block_on(delete::run(args, cx)),
            Self::Gc(args) => block_on(gc::run(args, cx)),
            Self::Wait(args) => block_on(wait::run(args, cx)),
            Self::Why(args) => block_on(why::run(args, cx)),
            Self::Login(args) => block_on(login::run(args, cx)),
            Self::Auth(args) => block_on(auth::run(args, cx)),
            Self::Config(args) => config::run(args, cx),
            Self::Server(args) => server::run(args, cx),
            Self::Completion(args) => completion::run(args, cx),
            Self::Help(args) => help::run(args, cx),
            Self::Version(args) => block_on(version::run(args, cx)),
            Self::Plugin(args) => plugin::run(args, cx),
            Self::Internal(args) => internal::run(args, cx),
        }
    }
}

/// Runs a client's command: on this thread, with timers and sockets.
pub(crate) fn block_on<F>(command: F) -> Result<Exit, CliError>
where
    F: Future<Output = Result<Exit, CliError>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(command);
    // A thread that still reads stdin must not keep the process.
    runtime.shutdown_background();
    result
}
