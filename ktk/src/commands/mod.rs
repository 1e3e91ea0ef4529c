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

use clap::{Args, Subcommand};

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// The list of verbs: as an enum, and by name, so that one can be defined without the others.
macro_rules! verbs {
    ($($name:literal $verb:ident($args:ty),)*) => {
        /// The verbs.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $(#[command(name = $name)] $verb($args),)*
        }

        const VERBS: &[Verb] = &[$(Verb { name: $name, define: <$args as Args>::augment_args },)*];
    };
}

verbs! {
    "get" Get(get::GetArgs),
    "describe" Describe(describe::DescribeArgs),
    "explain" Explain(explain::ExplainArgs),
    "api-resources" ApiResources(api_resources::ApiResourcesArgs),
    "tree" Tree(tree::TreeArgs),
    "diff" Diff(diff::DiffArgs),
    "top" Top(top::TopArgs),
    "events" Events(events::EventsArgs),
    "logs" Logs(logs::LogsArgs),
    "run" Run(Box<run::RunArgs>),
    "create" Create(create::CreateArgs),
    "apply" Apply(apply::ApplyArgs),
    "replace" Replace(replace::ReplaceArgs),
    "restart" Restart(restart::RestartArgs),
    "adopt" Adopt(adopt::AdoptArgs),
    "cancel" Cancel(cancel::CancelArgs),
    "complete" Complete(complete::CompleteArgs),
    "fail" Fail(fail::FailArgs),
    "keepalive" Keepalive(keepalive::KeepaliveArgs),
    "progress" Progress(progress::ProgressArgs),
    "pause" Pause(hold::PauseArgs),
    "resume" Resume(hold::ResumeArgs),
    "scale" Scale(scale::ScaleArgs),
    "patch" Patch(patch::PatchArgs),
    "label" Label(label::LabelArgs),
    "annotate" Annotate(label::AnnotateArgs),
    "edit" Edit(edit::EditArgs),
    "delete" Delete(delete::DeleteArgs),
    "gc" Gc(gc::GcArgs),
    "wait" Wait(wait::WaitArgs),
    "why" Why(why::WhyArgs),
    "login" Login(login::LoginArgs),
    "auth" Auth(auth::AuthArgs),
    "config" Config(config::ConfigArgs),
    "server" Server(server::ServerArgs),
    "completion" Completion(completion::CompletionArgs),
    "help" Help(help::HelpArgs),
    "version" Version(version::VersionArgs),
    "plugin" Plugin(plugin::PluginArgs),
    "internal" Internal(internal::InternalArgs),
}

/// A verb of the command line.
struct Verb {
    name: &'static str,
    define: fn(clap::Command) -> clap::Command,
}

pub(crate) fn is_verb(word: &str) -> bool {
    VERBS.iter().any(|verb| verb.name == word)
}

/// The verbs of which this is true.
pub(crate) fn defined(is_wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = clap::Command> {
    let wanted = VERBS.iter().filter(move |verb| is_wanted(verb.name));
    wanted.map(|verb| (verb.define)(clap::Command::new(verb.name)))
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
            Self::Get(args) => block_on(|| get::run(args, cx)),
            Self::Describe(args) => block_on(|| describe::run(args, cx)),
            Self::Explain(args) => explain::run(args, cx),
            Self::ApiResources(args) => api_resources::run(args, cx),
            Self::Tree(args) => block_on(|| tree::run(args, cx)),
            Self::Diff(args) => block_on(|| diff::run(args, cx)),
            Self::Top(args) => block_on(|| top::run(args, cx)),
            Self::Events(args) => block_on(|| events::run(args, cx)),
            Self::Logs(args) => block_on(|| logs::run(args, cx)),
            Self::Run(args) => block_on(|| run::run(*args, cx)),
            Self::Create(args) => block_on(|| create::run(args, cx)),
            Self::Apply(args) => block_on(|| apply::run(args, cx)),
            Self::Replace(args) => block_on(|| replace::run(args, cx)),
            Self::Restart(args) => block_on(|| restart::run(args, cx)),
            Self::Adopt(args) => block_on(|| adopt::run(args, cx)),
            Self::Cancel(args) => block_on(|| cancel::run(args, cx)),
            Self::Complete(args) => block_on(|| complete::run(args, cx)),
            Self::Fail(args) => block_on(|| fail::run(args, cx)),
            Self::Keepalive(args) => block_on(|| keepalive::run(args, cx)),
            Self::Progress(args) => block_on(|| progress::run(args, cx)),
            Self::Pause(args) => block_on(|| hold::pause(args, cx)),
            Self::Resume(args) => block_on(|| hold::resume(args, cx)),
            Self::Scale(args) => block_on(|| scale::run(args, cx)),
            Self::Patch(args) => block_on(|| patch::run(args, cx)),
            Self::Label(args) => block_on(|| label::label(args, cx)),
            Self::Annotate(args) => block_on(|| label::annotate(args, cx)),
            Self::Edit(args) => block_on(|| edit::run(args, cx)),
            Self::Delete(args) => block_on(|| delete::run(args, cx)),
            Self::Gc(args) => block_on(|| gc::run(args, cx)),
            Self::Wait(args) => block_on(|| wait::run(args, cx)),
            Self::Why(args) => block_on(|| why::run(args, cx)),
            Self::Login(args) => block_on(|| login::run(args, cx)),
            Self::Auth(args) => block_on(|| auth::run(args, cx)),
            Self::Config(args) => config::run(args, cx),
            Self::Server(args) => server::run(args, cx),
            Self::Completion(args) => completion::run(args, cx),
            Self::Help(args) => help::run(args, cx),
            Self::Version(args) => block_on(|| version::run(args, cx)),
            Self::Plugin(args) => plugin::run(args, cx),
            Self::Internal(args) => internal::run(args, cx),
        }
    }
}

/// Runs a client's command: on this thread, with timers and sockets.
///
/// Never inlined: what a command keeps while it waits is then in its own frame, and not in one that has room for all of them.
#[inline(never)]
pub(crate) fn block_on<F>(command: impl FnOnce() -> F) -> Result<Exit, CliError>
where
    F: Future<Output = Result<Exit, CliError>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(command());
    // A thread that still reads stdin must not keep the process.
    runtime.shutdown_background();
    result
}
