//! The server of this process: the one place of the command line that runs it.

use std::{collections::BTreeMap, convert::Infallible, ffi::OsString, path::PathBuf, time::Duration};

use ktk_client::api::Secret;
use ktk_server::server::{self, AllowedPeers, PortConfig, Retention, ServerConfig, StoreKind};
use rustix::{
    io::Errno,
    process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit},
};
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::run::Store;
use crate::{
    context::Context,
    env,
    error::{CliError, Exit},
};

/// How long running work goes on after the first signal.
const DRAIN: Duration = Duration::from_secs(60);

/// How the server is to run.
pub(super) struct Options {
    /// Where it keeps everything.
    pub(super) data_dir: PathBuf,
    /// Where it listens; found from the data directory when absent.
    pub(super) socket: Option<PathBuf>,
    /// Where it listens for the network.
    pub(super) port: Option<PortConfig>,
    /// Where it keeps objects.
    pub(super) store: Store,
    /// How many attempts it runs at once; the cores when absent.
    pub(super) slots: Option<usize>,
    /// Labels of its node.
    pub(super) labels: BTreeMap<String, String>,
    /// How long what has ended is kept.
    pub(super) retention: Retention,
    /// Variables of its own that tasks may ask for.
    pub(super) secret_env: Vec<String>,
    /// Where its requests may go besides public addresses.
    pub(super) allow_http_to: AllowedPeers,
    /// After what time without anything to do it ends.
    pub(super) idle_exit: Option<Duration>,
    /// Whether a command started it by itself.
    pub(super) auto_started: bool,
}

/// Serves until somebody stops it.
pub(super) fn serve(options: Options, cx: &Context) -> Result<Exit, CliError> {
    let auto_started = options.auto_started;
    let config = config(options)?;
    keep_memory_private()
        .map_err(|error| CliError::failed(format!("cannot turn core dumps off: {error}")))?;
    server::log_to_stderr();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = runtime::Builder::new_multi_thread()
        // The store, its readers and the tasks themselves have the other half; more threads here wake each other.
        .worker_threads((cores / 2).max(1))
        .enable_all()
        .thread_name("ktk-server")
        .build()
        .map_err(|error| CliError::failed(format!("cannot start the runtime: {error}")))?;
    let served = runtime.block_on(async {
        let (stop, stopped) = watch::channel(None);
        let mut signals = StopSignals::listen(auto_started)?;
        tokio::select! {
            served = server::run(config, stopped) => {
                served.map_err(|error| CliError::failed(format!("{error:#}")))
            }
            never = pass_signals_on(&mut signals, &stop, cx) => match never {},
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map(|()| Exit::Done)
}

/// Tokens and secrets of tasks are in this process's memory: no core dump of it is written, and no other process of
/// this user may look into it. A task may raise its own limit again.
fn keep_memory_private() -> Result<(), Errno> {
    let limit = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    setrlimit(Resource::Core, limit)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

fn config(options: Options) -> Result<ServerConfig, CliError> {
    let own =
        env::current_exe().map_err(|error| CliError::failed(format!("cannot find this binary: {error}")))?;
    let own = own_program(own);
    Ok(ServerConfig {
        data_dir: options.data_dir,
        socket: options.socket,
        port: options.port,
        slots: options.slots,
        labels: options.labels,
        retention: options.retention,
        allow_http_to: options.allow_http_to,
        store: match options.store {
            Store::Sqlite => StoreKind::Sqlite,
            Store::Memory => StoreKind::Memory,
        },
        idle_exit: options.idle_exit,
        auto_started: options.auto_started,
        ready_stdout: options.auto_started,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: env::build(),
        secrets: options
            .secret_env
            .into_iter()
            .map(|name| (name.clone(), env::var(&name).map(Secret::new)))
            .collect(),
        environment: ktk_client::env::caller_env(),
        launcher: (own.clone(), ["internal", "launcher"].map(OsString::from).to_vec()),
        jq: (own, ["internal", "jq"].map(OsString::from).to_vec()),
    })
}

/// This binary, also where its file has been replaced since.
fn own_program(own: PathBuf) -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { running } else { own }
}

/// The signals that a server knows.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    auto_started: bool,
}

impl StopSignals {
    fn listen(auto_started: bool) -> Result<Self, CliError> {
        let listen = |kind| {
            signal(kind).map_err(|error| CliError::failed(format!("cannot listen to signals: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
            auto_started,
        })
    }

    /// The next signal that means stop. Ctrl-C and a closed terminal are not meant for a server
    /// that a command started.
    async fn next(&mut self) {
        loop {
            let (signal, is_for_terminals) = tokio::select! {
                signal = self.terminate.recv() => (signal, false),
                signal = self.interrupt.recv() => (signal, true),
                signal = self.hang_up.recv() => (signal, true),
            };
            if signal.is_some() && !(is_for_terminals && self.auto_started) {
                return;
            }
        }
    }
}

/// The first signal asks for a graceful stop, the second for one at once.
async fn pass_signals_on(
    signals: &mut StopSignals,
    stop: &watch::Sender<Option<Duration>>,
    cx: &Context,
) -> Infallible {
    signals.next().await;
    stop.send_replace(Some(DRAIN));
    cx.ui.message(&format!(
        "stopping: what runs may go on for {} s; another signal stops it now",
        DRAIN.as_secs()
    ));
    loop {
        signals.next().await;
        stop.send_replace(Some(Duration::ZERO));
        cx.ui.message("stopping now; what did not end goes on with the next start");
    }
}
