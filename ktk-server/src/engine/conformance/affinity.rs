//! `affinity: execution`: a task goes to the node that ran what comes before it, where that one waits for work; nobody
//! waits for it.

use std::time::Duration;

use ktk_client::api::{meta::StringMap, task::Affinity, worker::RegisterParams};
use uuid::Uuid;

use super::{
    build::{HANDLER, exit, job, outputs, pipeline, success},
    lab::Lab,
};
use crate::{
    engine::nodes::{LoseNode, RegisterNode},
    model::lane::PLAIN,
    store::Store,
};

/// A node beside the lab's own.
const SECOND: Uuid = Uuid::from_u128(0xcd);

/// Whose turn it is: a node and its generation.
type Turn = (Uuid, u32);

/// A lab with two nodes: the turns of the first, which is `lab`, and of the second.
async fn two<S: Store>(store: S, types: &[&str]) -> (Lab<S>, Turn, Turn) {
    let mut lab = Lab::new(store).await;
    let params = RegisterParams {
        id: SECOND,
        name: "second".into(),
        role: "worker".into(),
        slots: 8,
        types: types.iter().map(|name| (*name).to_owned()).collect(),
        labels: StringMap::from([("zone".into(), "eu".into())]),
        ..RegisterParams::default()
    };
    let store_id = lab.engine.store.info().id;
    let ask = lab.engine.ask("lab");
    let generation = lab.write(RegisterNode { ask, params, store_id }).await.unwrap().generation;
    lab.engine.add_types(&types.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let first = (lab.node, lab.generation);
    (lab, first, (SECOND, generation))
}

impl<S: Store> Lab<S> {
    /// From now on this node calls.
    fn turn(&mut self, turn: Turn) {
        (self.node, self.generation) = turn;
    }

    /// A call of this node is open, with so many free slots.
    fn sits(&self, turn: Turn, free: u32) {
        self.engine.shared.nearby.sit(turn.0, 1, free);
    }

    /// It is closed. Says whether something was kept for it.
    fn leaves(&self, turn: Turn) -> bool {
        self.engine.shared.nearby.leave(turn.0, 1)
    }
}

pub async fn who_ran_it_and_waits_gets_it<S: Store>(store: S) {
    let (mut lab, first, second) = two(store, &[HANDLER]).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"]).near()).await;
    lab.make(job("c").needs(["b"]).near()).await;
    lab.succeed("a").await;
    lab.sits(first, 1);
    lab.sits(second, 1);
    lab.turn(second);
    let mut work = lab.engine.hub.work();
    work.borrow_and_update();
    assert!(lab.claim_names(1).await.is_empty(), "it is kept for the first");
    assert!(work.has_changed().unwrap(), "and that one is told");
    work.borrow_and_update();
    assert!(lab.claim_names(1).await.is_empty(), "it has not looked yet");
    assert!(!work.has_changed().unwrap(), "nobody is told twice");
    lab.turn(first);
    assert_eq!(lab.claim_names(1).await, ["b"]);
    assert!(!lab.engine.shared.nearby.looked(first.0), "nothing is left that was kept");
    assert_eq!(lab.get("b").await.unwrap().status.unwrap().node.as_deref(), Some("lab.g1"));
    lab.succeed("b").await;
    // The same again, the other way round: whoever ran it takes it at once.
    assert_eq!(lab.claim_names(1).await, ["c"]);
}

pub async fn nobody_is_waited_for<S: Store>(store: S) {
    let (mut lab, first, second) = two(store, &[HANDLER]).await;
    lab.make(job("a")).await;
    lab.succeed("a").await;
    for name in ["full", "gone", "lost"] {
        lab.line_up(job(name).needs(["a"]).near()).await;
    }
    lab.sits(second, 8);
    lab.turn(second);
    // The first has no free slot: its call waits for no work.
    assert_eq!(lab.claim_names(1).await, ["full"]);
    lab.sits(first, 1);
    assert!(!lab.leaves(first));
    assert_eq!(lab.claim_names(1).await, ["gone"]);
    lab.sits(first, 1);
    let ask = lab.engine.ask("ktk");
    lab.write(LoseNode { ask, node: first.0, generation: first.1 }).await.unwrap();
    assert_eq!(lab.claim_names(1).await, ["lost"]);
}

pub async fn kept_once_for_each_attempt<S: Store>(store: S) {
    let (mut lab, first, second) = two(store, &[HANDLER]).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"]).near().limit(1).backoff(0)).await;
    lab.succeed("a").await;
    for _ in 0..2 {
        lab.sits(first, 1);
        lab.sits(second, 1);
        lab.turn(second);
        assert!(lab.claim_names(1).await.is_empty(), "it is kept for the first");
        // The first leaves without a look: whoever still waits is told, and takes it.
        assert!(lab.leaves(first));
        lab.sits(first, 1);
        assert_eq!(lab.claim_names(1).await, ["b"]);
        lab.end("b", exit(1)).await;
        lab.advance(Duration::from_secs(1)).await;
    }
    assert_eq!(lab.state("b").await, "Failed/ExitCode");
    // So with one that looked and was given something else meanwhile.
    lab.restart("b").await.unwrap();
    assert!(lab.claim_names(1).await.is_empty());
    assert!(lab.engine.shared.nearby.looked(first.0));
    assert_eq!(lab.claim_names(1).await, ["b"]);
}

pub async fn what_comes_behind_goes_on<S: Store>(store: S) {
    let (mut lab, first, second) = two(store, &[HANDLER]).await;
    lab.make(job("a")).await;
    lab.succeed("a").await;
    for name in ["n1", "n2", "n3"] {
        lab.line_up(job(name).needs(["a"]).near()).await;
    }
    lab.line_up(job("plain")).await;
    lab.sits(first, 2);
    lab.sits(second, 2);
    lab.turn(second);
    // Two are kept for the first, which has room for no more.
    assert_eq!(lab.claim_names(2).await, ["n3", "plain"]);
    lab.turn(first);
    assert_eq!(lab.claim_names(2).await, ["n1", "n2"]);
}

pub async fn where_earlier_tasks_ran<S: Store>(store: S) {
    let (mut lab, first, second) = two(store, &[HANDLER]).await;
    lab.sits(first, 8);
    lab.sits(second, 8);
    // Without needs: other tasks of the pipeline.
    lab.make_pipeline(pipeline("p", [job("a"), job("b").near().held()])).await;
    lab.succeed("p.a").await;
    lab.hold("p.b", false).await.unwrap();
    lab.turn(second);
    assert!(lab.claim_names(8).await.is_empty());
    lab.turn(first);
    assert_eq!(lab.claim_names(8).await, ["p.b"]);
    lab.succeed("p.b").await;
    // Items: what their step needs.
    let each = job("e").needs(["x"]).each(".x.list[]").near();
    lab.make_pipeline(pipeline("q", [job("x"), each])).await;
    lab.give("q.x", serde_json::json!({"list": [1, 2]})).await;
    lab.turn(second);
    assert!(lab.claim_names(8).await.is_empty());
    lab.turn(first);
    let mut names = lab.claim_names(8).await;
    names.sort_unstable();
    assert_eq!(names, ["q.e.0", "q.e.1"]);
    lab.end("q.e.0", outputs(serde_json::json!({}))).await;
    lab.succeed("q.e.1").await;
    // A restart: where its parent ran.
    lab.make(job("alone").near()).await;
    lab.fail("alone").await;
    lab.restart("alone").await.unwrap();
    lab.turn(second);
    assert!(lab.claim_names(8).await.is_empty());
    lab.turn(first);
    lab.succeed("alone").await;
    // Nothing came before it: whoever asks first.
    lab.make(job("new").near()).await;
    lab.turn(second);
    assert_eq!(lab.claim_names(8).await, ["new"]);
}

pub async fn only_who_can_run_it<S: Store>(store: S) {
    let (mut lab, first, second) = two(store, &[HANDLER, "other"]).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"]).of_type("other").near()).await;
    lab.make(job("c").needs(["a"]).on_nodes("zone=eu").near()).await;
    lab.succeed("a").await;
    lab.sits(first, 8);
    lab.sits(second, 8);
    lab.turn(second);
    let mut names = lab.claim_names(8).await;
    names.sort_unstable();
    assert_eq!(names, ["b", "c"]);
}

pub async fn what_runs_on_no_node<S: Store>(store: S) {
    let (mut lab, first, second) = two(store, &[HANDLER]).await;
    lab.sits(first, 8);
    lab.sits(second, 8);
    lab.make(job("x").external().near()).await;
    assert_eq!(lab.state("x").await, "Running");
    assert!(lab.dump.tasks.values().all(|row| row.lane == PLAIN), "it costs nothing more");
    let spec = lab.get("x").await.unwrap().spec;
    assert_eq!(spec.affinity, Some(Affinity::Execution));
}

pub async fn permits_are_kept_with_it<S: Store>(store: S) {
    let (mut lab, first, second) = two(store, &[HANDLER]).await;
    lab.make_semaphore("gpu", 1).await;
    lab.make(job("a")).await;
    lab.succeed("a").await;
    lab.line_up(job("b").needs(["a"]).near().permits("gpu", 1)).await;
    lab.line_up(job("c").permits("gpu", 1)).await;
    lab.sits(first, 1);
    lab.sits(second, 1);
    lab.turn(second);
    assert!(lab.claim_names(1).await.is_empty(), "c does not take them from b");
    lab.turn(first);
    let grants = lab.claim(1).await;
    assert_eq!(grants[0].name, "b");
    assert!(lab.report(grants[0].clone(), success()).await);
    assert_eq!(lab.claim_names(1).await, ["c"]);
}
