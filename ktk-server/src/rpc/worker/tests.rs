//! What a call looks for, and what becomes of a task that was kept for another call.

use std::{pin::Pin, time::Duration};

use ktk_client::api::{
    ObjectRef, Task,
    task::{Affinity, CreateParams, TaskSpec},
    worker::{Grant, Outcome, Report},
};
use tokio::task::yield_now;

use super::*;
use crate::{
    clock::Clock,
    engine::{create_task::CreateTask, hold::HoldTask, shared::Shared},
    entropy::Entropy,
    jq::Jq,
    store::{Operation, StoreInfo, memory::MemoryStore},
};

fn full_node(generation: u32) -> SyncParams {
    SyncParams { generation, running: 2, ..SyncParams::default() }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_full_node_only_waits_while_the_node_is_known() {
    let mut call = Call::default();
    let params = full_node(3);
    assert!(call.is_worth_a_look(&params, 0), "nobody has looked yet");
    call.looked(&params, 0, false);
    assert!(!call.is_worth_a_look(&params, 0));
    assert!(call.is_worth_a_look(&params, 1), "somebody asked for a stop");
    assert!(call.is_worth_a_look(&full_node(4), 0), "it has started again");
    let others = [
        SyncParams { free: 1, ..params.clone() },
        SyncParams { resync: true, ..params.clone() },
        SyncParams { leaving: true, ..params.clone() },
    ];
    assert!(others.iter().all(|other| call.is_worth_a_look(other, 0)));
    tokio::time::advance(limits::LEASE / 3).await;
    assert!(call.is_worth_a_look(&params, 0), "it may have been lost meanwhile");
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_said_once_more_and_then_taken_for_heard() {
    let mut call = Call::default();
    let params = full_node(1);
    call.looked(&params, 7, true);
    assert!(call.is_worth_a_look(&params, 7), "the first answer may have been given up");
    call.looked(&params, 7, true);
    assert!(!call.is_worth_a_look(&params, 7));
    call.looked(&params, 8, true);
    assert!(call.is_worth_a_look(&params, 8), "another stop");
    call.looked(&params, 8, false);
    assert!(!call.is_worth_a_look(&params, 8));
}

type Server = Arc<Engine<MemoryStore>>;

const FIRST: Uuid = Uuid::from_u128(1);
const SECOND: Uuid = Uuid::from_u128(2);

fn by() -> By {
    "worker".into()
}

/// A worker in a process of its own.
fn elsewhere() -> Caller {
    Caller::bearer(by())
}

/// A server with two nodes; the first ran `a`, and `b` comes after it but is held.
async fn two_nodes(calls: &Calls) -> Server {
    let shared = Shared::new(Entropy::seeded(1), None);
    let store = MemoryStore::new(Uuid::from_u128(7));
    let (engine, _) = Engine::new(store, Clock::manual(jiff::Timestamp::UNIX_EPOCH), shared, Jq::here());
    for (id, name) in [(FIRST, "first"), (SECOND, "second")] {
        let types = vec!["job".to_owned()];
        let params = RegisterParams { id, name: name.into(), slots: 1, types, ..RegisterParams::default() };
        register_node(&engine, by(), params).await.expect("it is registered");
    }
    make(&engine, "a", TaskSpec::handler("job")).await;
    let grants = sync(&engine, calls, elsewhere(), waits(FIRST, None)).await.expect("an answer").grants;
    assert_eq!(sync(&engine, calls, elsewhere(), ends(&grants)).await.expect("an answer").accepted, [true]);
    let affinity = Some(Affinity::Execution);
    let spec = TaskSpec { needs: vec!["a".into()], hold: true, affinity, ..TaskSpec::handler("job") };
    make(&engine, "b", spec).await;
    engine
}

/// A call of the first node that tells of their ends.
fn ends(grants: &[Grant]) -> SyncParams {
    let report = |grant: &Grant| Report {
        task: grant.task,
        attempt: grant.attempt,
        fence: grant.fence,
        outcome: Outcome::default(),
    };
    let reports = grants.iter().map(report).collect();
    SyncParams { node: FIRST, generation: 1, reports, ..SyncParams::default() }
}

async fn make<S: Store>(engine: &Engine<S>, name: &str, spec: TaskSpec) {
    let params =
        CreateParams { object: Task::new(name, spec), request_id: None, caller_env: None, dry_run: false };
    let create = CreateTask::new(engine.ask("tester"), params, engine.types(), Vec::new());
    engine.write(create.expect("it makes sense")).await.expect("it is made");
}

async fn resume(engine: &Server, name: &str) {
    let reference = ObjectRef::new("default", name);
    let hold = HoldTask { ask: engine.ask("tester"), reference, held: false };
    engine.write(hold).await.expect("it is released");
}

/// A call that waits for work.
fn waits(node: Uuid, wait: Option<Duration>) -> SyncParams {
    let wait = Some(wait.unwrap_or_default().into());
    SyncParams { node, generation: 1, free: 1, wait, ..SyncParams::default() }
}

/// Lets all others go on until they only wait.
async fn settle() {
    for _ in 0..200 {
        yield_now().await;
    }
}

fn names(grants: &[Grant]) -> Vec<&str> {
    grants.iter().map(|grant| grant.name.as_str()).collect()
}

type Waiting<'c> = Pin<Box<dyn Future<Output = Result<Synced, ApiError>> + 'c>>;

/// Calls of the second node and of the first, which wait, the second's before the other; then `b` may go.
async fn both_wait<'c>(engine: &'c Server, calls: &'c Calls) -> (Waiting<'c>, Waiting<'c>) {
    let hour = Some(Duration::from_secs(3600));
    let call = |node| -> Waiting<'c> { Box::pin(sync(engine, calls, elsewhere(), waits(node, hour))) };
    let (mut second, mut first) = (call(SECOND), call(FIRST));
    tokio::select! {
        biased;
        _ = &mut second => panic!("there is nothing to answer"),
        _ = &mut first => panic!("there is nothing to answer"),
        () = settle() => {}
    }
    resume(engine, "b").await;
    (second, first)
}

#[tokio::test(start_paused = true)]
async fn of_two_calls_that_wait_the_nearer_one_is_answered() {
    let calls = Calls::default();
    let engine = two_nodes(&calls).await;
    let (mut second, mut first) = both_wait(&engine, &calls).await;
    // The other one looks first.
    let answer = tokio::select! {
        biased;
        _ = &mut second => panic!("it is kept for the first"),
        answer = &mut first => answer.expect("an answer"),
    };
    assert_eq!(names(&answer.grants), ["b"]);
    assert!(engine.shared.nearby.sits(SECOND) && !engine.shared.nearby.sits(FIRST));
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_for_a_call_that_ends_goes_to_another() {
    let calls = Calls::default();
    let engine = two_nodes(&calls).await;
    let (mut second, first) = both_wait(&engine, &calls).await;
    // Of the first call, which is open, nothing is heard any more.
    tokio::select! {
        biased;
        _ = &mut second => panic!("it is kept for the first"),
        () = settle() => {}
    }
    drop(first);
    assert_eq!(names(&second.await.expect("an answer").grants), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_leaves_a_lease_and_an_idle_one_none() {
    let calls = Calls::default();
    let engine = two_nodes(&calls).await;
    sync(&engine, &calls, elsewhere(), waits(SECOND, None)).await.expect("an answer");
    assert_eq!(engine.leases.next_end(), None, "it runs nothing");
    let outcome = Outcome { reason: Some(ktk_client::api::Reason::ByUser), ..Outcome::default() };
    let fence = ktk_client::api::worker::Fence { epoch: 1, counter: 1 };
    let report = Report { task: FIRST, attempt: 1, fence, outcome };
    let wrong = SyncParams { reports: vec![report], ..waits(SECOND, None) };
    sync(&engine, &calls, elsewhere(), wrong).await.expect_err("that is no end of an attempt");
    assert!(engine.leases.next_end().is_some(), "what else was done may be there");
    sync(&engine, &calls, elsewhere(), waits(SECOND, None)).await.expect("an answer");
    assert_eq!(engine.leases.next_end(), None);
}

/// A store that remembers of each write whether it might be answered before the disk had it.
#[derive(Clone)]
struct Watched {
    store: MemoryStore,
    ahead: Arc<Mutex<Vec<bool>>>,
}

impl Store for Watched {
    async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        self.ahead.lock().expect("nobody panics").push(operation.goes_ahead());
        self.store.write(operation).await
    }

    async fn read<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        self.store.read(operation).await
    }

    fn info(&self) -> StoreInfo {
        self.store.info()
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_waits_for_the_disk_unless_a_power_cut_takes_its_worker_too() {
    let ahead = Arc::default();
    let store = Watched { store: MemoryStore::new(Uuid::from_u128(7)), ahead: Arc::clone(&ahead) };
    let shared = Shared::new(Entropy::seeded(1), None);
    let (engine, _) = Engine::new(store, Clock::manual(jiff::Timestamp::UNIX_EPOCH), shared, Jq::here());
    let (calls, types) = (Calls::default(), vec!["job".to_owned()]);
    let params =
        RegisterParams { id: FIRST, name: "first".into(), slots: 1, types, ..RegisterParams::default() };
    register_node(&engine, by(), params).await.expect("it is registered");
    for (name, caller, goes_ahead) in [("a", elsewhere(), false), ("b", Caller::own_worker(), true)] {
        make(&engine, name, TaskSpec::handler("job")).await;
        let seen = || *ahead.lock().expect("nobody panics").last().expect("there was a write");
        assert!(!seen(), "whoever made it was told that it is there");
        let grants =
            sync(&engine, &calls, caller.clone(), waits(FIRST, None)).await.expect("an answer").grants;
        assert!(seen(), "a claim may be taken back");
        assert_eq!(names(&grants), [name]);
        sync(&engine, &calls, caller, ends(&grants)).await.expect("an answer");
        assert_eq!(seen(), goes_ahead, "the end of {name}");
    }
}
