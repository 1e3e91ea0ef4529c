//! A server inside a test: the whole of it, on the memory store, with a clock that the test moves.
//!
//! With the feature `testing`, for the tests of programs that speak to ktk:
//!
//! ```toml
//! [dev-dependencies]
//! ktk-server = { version = "0.1", features = ["testing"] }
//! ```
//!
//! ```
//! use std::time::Duration;
//!
//! use ktk_client::{api::{Phase, Task, task::TaskSpec}, client::wait::Condition};
//! use ktk_server::testing::TestServer;
//!
//! # #[tokio::main]
//! # async fn main() -> anyhow::Result<()> {
//! let server = TestServer::start().await?;
//! let tasks = server.client().tasks();
//! let mut spec = TaskSpec::external();
//! spec.timeout = Some(Duration::from_secs(3600).into());
//! tasks.create(&Task::new("approval", spec)).await?;
//!
//! server.advance(Duration::from_secs(3601));
//! let task = tasks.wait("approval", Condition::Finished).await?;
//! assert_eq!(task.status.expect("a server gives it one").phase, Phase::Failed);
//! # server.stop().await
//! # }
//! ```
//!
//! It listens on a socket in a directory of its own and starts nothing outside of the test: tasks are external, or
//! done by a [`Worker`](ktk_client::worker::Worker) with handlers in the test. Tasks that run a program need one that
//! can start it, [`TestServerBuilder::program`].

use std::{ffi::OsString, path::PathBuf, time::Duration};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use ktk_client::{
    Client,
    client::{Autostart, ServerAddress, local::socket_path},
};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};

use crate::{
    clock::Clock,
    server::{self, AllowedPeers, Retention, ServerConfig, StoreKind},
    task_group::TaskGroup,
};

/// When a manual clock begins, unless said otherwise.
const BEGIN: &str = "2026-01-01T00:00:00Z";

/// How long a server may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// A server inside a test. Dropping it ends it at once.
#[derive(Debug)]
pub struct TestServer {
    client: Client,
    clock: Clock,
    stop: watch::Sender<Option<Duration>>,
    ended: oneshot::Receiver<anyhow::Result<()>>,
    /// What it runs in; gone with it.
    _tasks: TaskGroup,
    directory: TempDir,
}

/// How a [`TestServer`] is to be.
#[derive(Clone, Debug)]
#[must_use = "nothing is started before `start`"]
pub struct TestServerBuilder {
    program: Option<PathBuf>,
    now: Option<Timestamp>,
    slots: usize,
}

impl TestServerBuilder {
    /// The program `ktk`: it starts the processes of tasks that run one.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// Where the clock stands at first; 2026-01-01 when not set.
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// How many processes it runs at once; 2 when not set.
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = slots;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// Where it cannot have a directory and a socket of its own.
    pub async fn start(self) -> anyhow::Result<TestServer> {
        let directory = TempDir::new().context("a directory for the server")?;
        let begin = || BEGIN.parse().expect("a constant time");
        let clock = Clock::manual(self.now.unwrap_or_else(begin));
        let program = self.program.unwrap_or_else(|| "ktk".into());
        let part = |name: &str| (program.clone(), ["internal", name].map(OsString::from).to_vec());
        let config = ServerConfig {
            data_dir: directory.path().to_owned(),
            socket: None,
            port: None,
            slots: Some(self.slots),
            labels: Default::default(),
            allow_http_to: AllowedPeers::default(),
            store: StoreKind::Memory,
            retention: Retention::default(),
            idle_exit: None,
            auto_started: false,
            ready_stdout: false,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: String::new(),
            launcher: part("launcher"),
            jq: part("jq"),
            secrets: Default::default(),
            environment: Default::default(),
        };
        let socket = socket_path(directory.path());
        let (stop, stopped) = watch::channel(None);
        let (end, ended) = oneshot::channel();
        let tasks = TaskGroup::new();
        let serving = server::run_on(config, clock.clone(), stopped);
        tasks.spawner().passing("server", async move {
            // Nobody listens where the test has ended.
            let _ = end.send(serving.await);
        });
        let client = Client::builder()
            .address(ServerAddress::Unix(socket))
            .autostart(Autostart::Never)
            .namespace(ktk_client::api::DEFAULT_NAMESPACE)
            .build()?;
        let mut server = TestServer { client, clock, stop, ended, _tasks: tasks, directory };
        server.answers().await?;
        Ok(server)
    }
}

impl TestServer {
    /// Starts a server as it is without settings.
    ///
    /// # Errors
    /// As [`TestServerBuilder::start`].
    pub async fn start() -> anyhow::Result<Self> {
        Self::builder().start().await
    }

    /// A server with settings.
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder { program: None, now: None, slots: 2 }
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Where it listens, for `KTK_SERVER`.
    pub fn address(&self) -> String {
        format!("unix://{}", socket_path(self.directory.path()).display())
    }

    /// What time it is for the server.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time passes for the server: timeouts, retries, deadlines, what is to run later. What follows from it happens
    /// soon after, so wait for it.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX));
    }

    /// Stops it and waits for its end.
    ///
    /// # Errors
    /// Where a part of it failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(Some(Duration::ZERO));
        tokio::time::timeout(GRACE, self.ended)
            .await
            .context("the server does not end")?
            .context("it panicked")?
    }

    /// Waits until it answers, or has ended instead.
    async fn answers(&mut self) -> anyhow::Result<()> {
        let status = async {
            loop {
                match self.client.server().status().await {
                    Err(error) if error.is_unreachable() => {
                        tokio::time::sleep(Duration::from_millis(1)).await
                    }
                    answer => return answer,
                }
            }
        };
        tokio::select! {
            status = status => { status?; }
            ended = &mut self.ended => ended.context("it panicked")??,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ktk_client::{
        api::{Phase, Pipeline, Task, pipeline::PipelineSpec, task::TaskSpec},
        client::wait::Condition,
        worker::{HandlerError, Outputs, Shutdown, Worker},
    };

    use super::*;

    #[tokio::test]
    async fn time_is_the_test_s() {
        let server = TestServer::start().await.expect("a server");
        let tasks = server.client().tasks();
        let later = TaskSpec {
            run_after: Some(server.now() + SignedDuration::from_hours(5)),
            ..TaskSpec::external()
        };
        tasks.create(&Task::new("later", later)).await.expect("it is made");
        assert_eq!(tasks.get("later").await.unwrap().status.unwrap().phase, Phase::Pending);
        server.advance(Duration::from_secs(5 * 3600));
        let task = tasks.wait("later", Condition::Running).await.expect("it starts");
        assert_eq!(task.status.unwrap().phase, Phase::Running);
        server.stop().await.expect("it ends well");
    }

    #[tokio::test]
    async fn handlers_expressions_and_pipelines_work() {
        let server = TestServer::start().await.expect("a server");
        let worker = Worker::builder(server.client())
            .name("doubling")
            .handler("double", |context| async move {
                let number = context.grant.inputs["n"].as_u64().ok_or("n is missing")?;
                Ok::<_, HandlerError>(Outputs::from_iter([("n", number * 2)]))
            })
            .build();
        let (shutdown, signal) = Shutdown::new();
        let tasks = TaskGroup::new();
        tasks.spawner().passing("worker", async move {
            worker.run(signal).await.expect("the server is there");
        });
        let spec: PipelineSpec = serde_json::from_value(serde_json::json!({"steps": [
            {"name": "one", "type": "double", "inputs": {"n": 21}},
            {"name": "two", "type": "double", "inputs": {"n": {"jq": ".one.n"}}, "needs": ["one"]},
        ]}))
        .expect("a pipeline");
        let client = server.client();
        // A handler is known once its worker has registered.
        let pipeline = Pipeline::new("p", spec);
        while client.pipelines().create(&pipeline).await.is_err() {
            tokio::task::yield_now().await;
        }
        client.pipelines().wait("p", Condition::Succeeded).await.expect("it succeeds");
        let task = client.tasks().get("p.two").await.expect("it is there");
        assert_eq!(task.status.unwrap().outputs.unwrap()["n"], 84);
        shutdown.stop(None);
    }

    /// The promise is 20 ms; who runs beside other tests may be held up, so the best of several counts.
    #[tokio::test]
    async fn it_starts_in_no_time() {
        let mut best = Duration::MAX;
        for _ in 0..20 {
            let begin = tokio::time::Instant::now();
            let server = TestServer::start().await.expect("a server");
            best = best.min(begin.elapsed());
            drop(server);
        }
        assert!(best < Duration::from_millis(20), "{best:?}");
    }
}
