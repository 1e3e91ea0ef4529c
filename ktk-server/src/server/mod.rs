//! The server as a whole: what is started, in which order, what its end means, and how it stops.
//!
//! Start: data directory, store (with its lock), what an earlier server left behind, worker; once
//! that is registered, the socket is answered. Stop: claims end, running work goes on for the drain, what is left goes back to the
//! queue, then the socket, the launcher and the store.

mod backend;
mod config;
mod files;
mod hooks;
mod idle;
mod kept;
mod port;
mod resident;
mod unsafe_pages;

use std::{io::Write as _, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use jiff::Timestamp;
use ktk_client::{
    Client,
    api::{
        server::{Counts, ServerStatus},
        worker::Registered,
    },
    client::local::{prepare_data_dir, socket_path},
    worker::{Shutdown, Worker},
};
use tokio::sync::{oneshot, watch};

pub use self::config::{AllowedPeers, PortConfig, Retention, ServerConfig, StoreKind, TlsConfig};
use self::{backend::Host, kept::Kept};
use crate::{
    clock::Clock,
    engine::{Engine, Removed, collector, evaluator, expire::Outlook, shared::Shared, timer},
    entropy::Entropy,
    exec::{
        environment::Surroundings,
        http::{HttpExecutor, Sender},
        launcher::LauncherConfig,
        place::Places,
        process::ProcessExecutor,
        starter::Starter,
        usage::Roster,
    },
    http::{self, Identity, Lifecycle, Listener},
    jq::{Jq, JqConfig, Pool},
    logs::LogStore,
    rpc::{self, Caller, LocalTransport, Router, RouterBuilder, server::About},
    store::Store as _,
    task_group::TaskGroup,
};

/// A server at work. Behind a pointer, because the body of an `async fn` is compiled in each crate that awaits it:
/// that would be all of the engine, a second time.
pub type Serving = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// Serves until `stop` (or `server.stop`) says for how long running work may still go on, and
/// that work has ended or been put back.
///
/// # Errors
/// When the server cannot start, or a part of it that it cannot do without has died.
#[inline(never)]
pub fn run(config: ServerConfig, stop: watch::Receiver<Option<Duration>>) -> Serving {
    let filters = Filters::Apart;
    Box::pin(open_and_serve(config, Clock::System, filters, stop))
}

/// The same on another clock, with filters in this process: for tests, which have no program to start.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn run_on(config: ServerConfig, clock: Clock, stop: watch::Receiver<Option<Duration>>) -> Serving {
    Box::pin(open_and_serve(config, clock, Filters::Here, stop))
}

/// Where filters are evaluated.
enum Filters {
    /// In processes of their own.
    Apart,
    /// Here, without protection.
    #[cfg(any(test, feature = "testing"))]
    Here,
}

async fn open_and_serve(
    config: ServerConfig,
    clock: Clock,
    filters: Filters,
    stop: watch::Receiver<Option<Duration>>,
) -> anyhow::Result<()> {
    prepare_data_dir(&config.data_dir).map_err(|error| anyhow!(error))?;
    let (store, logs) = Kept::open(config.store, &config.data_dir)?;
    let served = serve(config, (clock, filters), store.clone(), logs, stop).await;
    store.close().await;
    served
}

async fn serve(
    config: ServerConfig,
    (clock, place): (Clock, Filters),
    store: Kept,
    logs: Arc<dyn LogStore>,
    mut stop: watch::Receiver<Option<Duration>>,
) -> anyhow::Result<()> {
    if rustix::process::geteuid().is_root() {
        tracing::warn!("running as root: each task runs as root, with all its rights");
    }
    let info = store.info();
    let failing = store.clone();
    let socket = config.socket.clone().unwrap_or_else(|| socket_path(&config.data_dir));
    let places = Places::open(&config.data_dir).context("the data directory cannot be written")?;
    let shared = Shared::new(Entropy::system(), Some(places.work().to_owned()));
    let filters = Arc::new(Pool::new(JqConfig { program: config.jq.0.clone(), args: config.jq.1.clone() }));
    let jq = match place {
        Filters::Apart => Jq::new(Arc::clone(&filters)),
        #[cfg(any(test, feature = "testing"))]
        Filters::Here => Jq::here(),
    };
    let (engine, removed) = Engine::new(store, clock.clone(), shared, jq);
    engine.hub.begin(engine.read(Outlook).await.context("the store cannot be read")?.version);

    engine.load_credentials().await.context("the tokens cannot be read")?;
    engine.set_retention(config.retention.clone());

    let starter = Arc::new(Starter::new(launcher_config(&config), info.id).await);
    let executor = ProcessExecutor {
        starter: Arc::clone(&starter),
        places: places.clone(),
        logs: Arc::clone(&logs),
        clock: clock.clone(),
        surroundings: Arc::new(Surroundings {
            server: format!("unix://{}", socket.display()),
            own: config.environment.clone(),
            secrets: config.secrets.clone(),
        }),
        store_id: info.id.to_string(),
        roster: Arc::default(),
    };

    // Who reaches this server from elsewhere must not reach through it what listens here for itself.
    let peers = match &config.port {
        None => config.allow_http_to.clone().with_loopback(),
        Some(_) => config.allow_http_to.clone(),
    };
    let sender = Sender::new(peers, &config.version);
    let requests = HttpExecutor { sender: sender.clone(), logs: Arc::clone(&logs), clock: clock.clone() };

    let (stop_asked, mut stop_wanted) = watch::channel(None);
    let (lifecycle, lifecycle_seen) = watch::channel(Lifecycle::Running);
    let net = match &config.port {
        Some(port) => Some(port::open(port, &config.data_dir).await?),
        None => None,
    };
    let mut about = About {
        status: status(&config, &socket, info.kind, clock.now()),
        stop: stop_asked.clone(),
        meter: meter(&executor),
    };
    about.status.listen = net.as_ref().map(|net| {
        let scheme = if net.has_tls() { "https" } else { "http" };
        format!("{scheme}://{}", net.address())
    });
    let host = Arc::new(Host {
        engine: Arc::clone(&engine),
        router: Arc::new(router(&engine, &about)),
        logs: Arc::clone(&logs),
        lifecycle: lifecycle_seen,
        identity: Identity {
            version: config.version.clone(),
            build: config.build.clone(),
            is_auto_started: config.auto_started,
        },
        calls: watch::Sender::new(tokio::time::Instant::now()),
    });
    let listener =
        Listener::bind(&socket).with_context(|| format!("cannot listen on {}", socket.display()))?;

    let http_config = http_config(&config);
    let mut parts = TaskGroup::new();
    let spawner = parts.spawner();
    let (registered, is_registered) = tokio::sync::oneshot::channel();
    spawner.critical("socket", {
        let (host, closed, ready_stdout) = (Arc::clone(&host), host.closed(), config.ready_stdout);
        async move {
            // Who connects earlier waits: whoever is answered finds a node that takes work.
            tokio::select! {
                Ok(()) = is_registered => {}
                () = host.closed() => return Ok(()),
            }
            if ready_stdout {
                say_ready();
            }
            http::serve(listener, net, http_config, host as _, closed).await
        }
    });
    spawner.critical("timer", {
        let (engine, closed) = (Arc::clone(&engine), host.closed());
        async move {
            tokio::select! {
                () = timer::run(engine) => {}
                () = closed => {}
            }
            anyhow::Ok(())
        }
    });
    spawner.passing("jq", {
        let closed = host.closed();
        async move {
            tokio::select! {
                () = filters.retire() => {}
                () = closed => {}
            }
        }
    });
    spawner.critical("evaluator", {
        let (engine, closed) = (Arc::clone(&engine), host.closed());
        async move {
            tokio::select! {
                () = evaluator::run(engine) => {}
                () = closed => {}
            }
            anyhow::Ok(())
        }
    });
    spawner.critical("collector", {
        let (engine, closed) = (Arc::clone(&engine), host.closed());
        async move {
            tokio::select! {
                () = collector::run(engine) => {}
                () = closed => {}
            }
            anyhow::Ok(())
        }
    });
    spawner.critical("hooks", {
        let caller = hooks::HookCaller {
            starter: Arc::clone(&starter),
            surroundings: Arc::clone(&executor.surroundings),
            work_dir: places.work().to_owned(),
            store_id: info.id.to_string(),
            sender,
        };
        let (engine, closed) = (Arc::clone(&engine), host.closed());
        async move {
            tokio::select! {
                () = hooks::call_all(engine, caller) => {}
                () = closed => {}
            }
            anyhow::Ok(())
        }
    });
    spawner.passing(
        "files",
        files::remove_what_is_gone(Arc::clone(&engine), removed, logs, places, host.closed()),
    );
    spawner.passing("resident", {
        let (calls, versions, closed) = (host.calls.subscribe(), engine.hub.versions(), host.closed());
        async move {
            tokio::select! {
                () = resident::keep_small(calls, versions) => {}
                () = closed => {}
            }
        }
    });
    if let Some(limit) = config.idle_exit {
        let watch = idle::watch(Arc::clone(&engine), Arc::clone(&host), limit, stop_asked.clone());
        let closed = host.closed();
        spawner.passing("idle", async move {
            tokio::select! {
                () = watch => {}
                () = closed => {}
            }
        });
    }
    let slots = config.slots.unwrap_or_else(cores);
    let client =
        Client::with_transport(Arc::new(LocalTransport::new(Arc::clone(&host.router), Caller::own_worker())));
    tracing::info!(socket = %socket.display(), version = %config.version, slots, store = info.kind, "serving");
    let (shutdown, signal) = Shutdown::new();
    let worker = Worker::builder(client)
        .id(info.id)
        .name("local")
        .role("server")
        .embedded()
        .slots(slots as u32)
        .labels(config.labels.clone())
        .process_executor(Arc::new(executor))
        .http_executor(Arc::new(requests))
        .on_registered(once(registered))
        .build();
    // Among the tasks that it speaks with: on the main thread, each of its turns would wake two threads.
    let (worker_end, ended) = oneshot::channel();
    spawner.passing("worker", async move {
        // Nobody listens only when the server is on its way out.
        let _ = worker_end.send(worker.run(signal).await.map_err(anyhow::Error::from));
    });
    let worker = async { ended.await.map_err(|_| anyhow!("the worker panicked"))? };
    tokio::pin!(worker);

    // Until somebody wants it to stop.
    tokio::select! {
        ended = &mut worker => { ended.context("the worker ended")?; bail!("the worker ended by itself") }
        part = parts.failure() => return Err(part.into()),
        why = failing.failed() => bail!("the store failed, nothing more is acknowledged: {why}"),
        drain = wanted(&mut stop) => { stop_asked.send_replace(Some(drain)); }
        _ = wanted(&mut stop_wanted) => {}
    }
    engine.refuse_new_work();
    tracing::info!("stopping: no more claims");
    lifecycle.send_replace(Lifecycle::Stopping);
    drain_worker(&shutdown, &mut stop, &stop_asked, worker).await?;
    lifecycle.send_replace(Lifecycle::Gone);
    drop(engine);
    if let Err(error) = parts.shutdown(GOODBYE).await {
        tracing::warn!(%error, "a part did not end well");
    }
    starter.shut_down().await;
    tracing::info!("stopped");
    Ok(())
}

/// How long the parts may take to end; longer than the grace of the last connections.
const GOODBYE: Duration = Duration::from_secs(7);

/// Waits for the worker: drains as long as it may, then stops what runs.
async fn drain_worker(
    shutdown: &Shutdown,
    stop: &mut watch::Receiver<Option<Duration>>,
    stop_asked: &watch::Sender<Option<Duration>>,
    worker: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    tokio::pin!(worker);
    let mut asked = stop_asked.subscribe();
    loop {
        let limit = (*asked.borrow_and_update()).unwrap_or_default();
        if limit.is_zero() {
            shutdown.stop(None);
        } else {
            shutdown.drain(Some(limit));
        }
        tokio::select! {
            ended = &mut worker => return ended.context("the worker did not end well"),
            _ = asked.changed() => {}
            drain = wanted_next(stop) => { stop_asked.send_replace(Some(drain)); }
        }
    }
}

/// Resolves with the drain once somebody wants the server to stop.
async fn wanted(stop: &mut watch::Receiver<Option<Duration>>) -> Duration {
    loop {
        if let Some(drain) = *stop.borrow_and_update() {
            return drain;
        }
        if stop.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn wanted_next(stop: &mut watch::Receiver<Option<Duration>>) -> Duration {
    if stop.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    wanted(stop).await
}

fn http_config(config: &ServerConfig) -> http::Config {
    let mut own = http::Config::default();
    // What the socket, the store and the tasks take is theirs.
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let room = descriptors.map_or(usize::MAX, |most| usize::try_from(most / 4 * 3).unwrap_or(usize::MAX));
    own.net_connections = own.net_connections.min(room);
    if let Some(rate) = config.port.as_ref().and_then(|port| port.request_rate) {
        own.callers = http::Rate { per_second: rate.into(), burst: (f64::from(rate) * 5.0).max(10.0) };
    }
    own
}

fn launcher_config(config: &ServerConfig) -> LauncherConfig {
    let (program, args) = config.launcher.clone();
    LauncherConfig { program, args }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn methods(engine: &Arc<Engine<Kept>>, about: &About) -> RouterBuilder {
    let router = Router::builder();
    let router = rpc::task::register(router, engine);
    let router = rpc::attempt::register(router, engine);
    let router = rpc::pipeline::register(router, engine);
    let router = rpc::restart::register(router, engine);
    let router = rpc::queue::register(router, engine);
    let router = rpc::semaphore::register(router, engine);
    let router = rpc::task_type::register(router, engine);
    let router = rpc::token::register(router, engine);
    let router = rpc::auth::register(router);
    let router = rpc::event::register(router, engine);
    let router = rpc::node::register(router, engine);
    let router = rpc::object::register(router, engine);
    let router = rpc::worker::register(router, engine);
    let router = rpc::usage::register(router, engine, &about.meter);
    rpc::server::register(router, engine, about)
}

/// Measures what the executor runs.
fn meter(executor: &ProcessExecutor) -> rpc::usage::Meter {
    let (roster, store_id): (Arc<Roster>, Arc<str>) =
        (Arc::clone(&executor.roster), executor.store_id.as_str().into());
    Arc::new(move |attempts| {
        let (roster, store_id) = (Arc::clone(&roster), Arc::clone(&store_id));
        Box::pin(async move { roster.measure(&store_id, &attempts).await })
    })
}

fn router(engine: &Arc<Engine<Kept>>, about: &About) -> Router {
    rpc::discover::register(methods(engine, about), &about.status.version).build()
}

/// What `rpc.discover` answers, without a server.
pub fn openrpc(version: &str) -> serde_json::Value {
    let filters = Arc::new(Pool::new(JqConfig { program: Default::default(), args: Vec::new() }));
    let shared = Shared::new(Entropy::system(), None);
    let (engine, _) = Engine::new(Kept::in_memory(), Clock::System, shared, Jq::new(filters));
    let counts = Counts::default();
    let status = ServerStatus {
        pid: 0,
        version: version.to_owned(),
        build: String::new(),
        socket: String::new(),
        listen: None,
        data_dir: String::new(),
        store: String::new(),
        since: Timestamp::UNIX_EPOCH,
        auto_started: false,
        stopping: false,
        counts,
    };
    let about = About { status, stop: watch::Sender::new(None), meter: rpc::usage::no_meter() };
    rpc::discover::describe(&methods(&engine, &about), version)
}

fn status(config: &ServerConfig, socket: &std::path::Path, store: &str, since: Timestamp) -> ServerStatus {
    ServerStatus {
        pid: std::process::id(),
        version: config.version.clone(),
        build: config.build.clone(),
        socket: socket.display().to_string(),
        listen: None,
        data_dir: config.data_dir.display().to_string(),
        store: store.to_owned(),
        since,
        auto_started: config.auto_started,
        stopping: false,
        counts: Counts::default(),
    }
}

/// Says so the first time.
fn once(sender: tokio::sync::oneshot::Sender<()>) -> impl Fn(&Registered) + Send + Sync {
    let sender = std::sync::Mutex::new(Some(sender));
    move |_| {
        if let Some(sender) = sender.lock().expect("nobody panics while holding it").take() {
            // The server may have been stopped meanwhile.
            let _ = sender.send(());
        }
    }
}

/// Tells who started this server that it answers, by a line on standard output, which then leads
/// nowhere.
fn say_ready() {
    // Whoever started it may have gone.
    let _ = writeln!(std::io::stdout(), "ready");
    if let Ok(nowhere) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        // Whoever waits reads the end of the pipe only when this process has let go of it.
        let _ = rustix::stdio::dup2_stdout(nowhere);
    }
}

/// Writes what the server has to say to standard error: one line an event, without colours.
/// Called once, by the program.
pub fn log_to_stderr() {
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    // Whoever has set up another log keeps it.
    let _ = lines.with_max_level(tracing::Level::INFO).try_init();
}

/// What is gone leaves files behind.
type RemovedReceiver = tokio::sync::mpsc::UnboundedReceiver<Removed>;
