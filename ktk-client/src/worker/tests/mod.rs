//! The runtime against a server that the test plays: every call is looked at and answered.
#![expect(clippy::disallowed_methods, reason = "tests start tasks and make ids by hand")]

mod ending;
mod leases;
mod working;

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

use super::{HandlerContext, HandlerError, Outputs, Shutdown, Worker, WorkerBuilder};
use crate::{
    api::{
        Reason,
        worker::{Fence, Grant, Report, StopOrder, SyncParams, Synced},
    },
    client::{
        Result,
        fake::{self, FakeCall, FakeServer},
    },
};

const LEASE: Duration = Duration::from_secs(15);

/// A running worker and the server it speaks to.
struct Stage {
    server: FakeServer,
    shutdown: Shutdown,
    running: JoinHandle<Result<()>>,
    generation: u32,
}

impl Stage {
    /// A worker that has registered.
    async fn set(slots: u32, build: impl FnOnce(WorkerBuilder) -> WorkerBuilder) -> Self {
        let (client, server) = fake::pair();
        let builder = Worker::builder(client).id(Uuid::from_u128(1)).name("test").slots(slots);
        let (shutdown, signal) = Shutdown::new();
        let running = tokio::spawn(build(builder).build().run(signal));
        let mut stage = Self { server, shutdown, running, generation: 0 };
        stage.register().await;
        stage
    }

    async fn register(&mut self) {
        let call = self.server.next().await;
        assert_eq!(call.method(), "worker.register");
        self.generation += 1;
        call.answer(json!({"generation": self.generation, "lease": "15s", "storeId": Uuid::nil()}));
    }

    async fn next(&mut self) -> SyncCall {
        let call = self.server.next().await;
        assert_eq!(call.method(), "worker.sync");
        let params: SyncParams = serde_json::from_value(call.params().clone()).expect("parameters");
        assert_eq!((params.node, params.generation), (Uuid::from_u128(1), self.generation));
        SyncCall { call, params }
    }

    /// The next call that was not given up.
    async fn next_wanted(&mut self) -> SyncCall {
        loop {
            let call = self.next().await;
            settle().await;
            if !call.call.is_given_up() {
                return call;
            }
        }
    }

    async fn end(self) -> Result<()> {
        self.running.await.expect("no panic")
    }
}

struct SyncCall {
    call: FakeCall,
    params: SyncParams,
}

impl SyncCall {
    fn grant(self, grants: impl IntoIterator<Item = Grant>) {
        let accepted = self.params.reports.iter().map(|_| true).collect();
        self.call.answer(Synced { accepted, grants: grants.into_iter().collect(), ..Synced::default() });
    }

    fn stop(self, stops: Vec<StopOrder>) {
        self.call.answer(Synced { stops, ..Synced::default() });
    }

    fn ends(&self) -> Vec<(u64, Option<Reason>)> {
        let end = |report: &Report| (report.fence.counter, report.outcome.reason);
        let mut ends: Vec<_> = self.params.reports.iter().map(end).collect();
        ends.sort_unstable();
        ends
    }
}

/// Lets everything that can go on go on.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn fence(counter: u64) -> Fence {
    Fence { epoch: 1, counter }
}

fn grant(counter: u64, type_name: &str) -> Grant {
    Grant {
        task: Uuid::from_u128(u128::from(counter)),
        attempt: 1,
        fence: fence(counter),
        name: format!("t{counter}"),
        namespace: "default".into(),
        context: Uuid::nil(),
        directory_owner: Uuid::nil(),
        run: None,
        http: None,
        type_name: Some(type_name.into()),
        caller_env: None,
        inputs: BTreeMap::new(),
        needs: BTreeMap::new(),
        timeout: None,
        token: None,
        grace_period: Duration::from_secs(10).into(),
        granted_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Handlers whose attempts the test ends by hand: started fences come out, ends go in.
fn by_hand() -> (impl Fn(HandlerContext) -> ByHand + Send + Sync + 'static, mpsc::UnboundedReceiver<Attempt>)
{
    let (sender, receiver) = mpsc::unbounded_channel();
    let handler = move |context: HandlerContext| {
        let (end, ended) = tokio::sync::oneshot::channel();
        let attempt = Attempt { fence: context.grant.fence, context, end };
        let _ = sender.send(attempt);
        let running: ByHand =
            Box::pin(
                async move { ended.await.unwrap_or_else(|_| Err(HandlerError::new("the test has ended"))) },
            );
        running
    };
    (handler, receiver)
}

type ByHand = super::BoxFuture<'static, Result<Outputs, HandlerError>>;

struct Attempt {
    fence: Fence,
    context: HandlerContext,
    end: tokio::sync::oneshot::Sender<Result<Outputs, HandlerError>>,
}

impl Attempt {
    fn succeed(self) {
        let _ = self.end.send(Ok(Outputs::from(())));
    }
}

async fn noop(_: HandlerContext) -> Result<(), HandlerError> {
    Ok(())
}
