//! Deleting: what runs goes at its end, what is waited for stays, names begin anew.

use ktk_client::api::{
    ErrorReason, Task,
    restart::RestartParams,
    task::{DeleteParams, Deleted},
};
use serde_json::json;

use super::{
    build::{job, pipeline, success},
    calls::{named, restart},
    lab::Lab,
};
use crate::{
    engine::{
        delete::{DeletePipeline, DeleteTask},
        remove::FindGone,
    },
    store::Store,
};

pub async fn an_ended_task<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    let answer = lab.delete("a").await.unwrap();
    assert!(answer.gone);
    assert_eq!(lab.state("a").await, "NotFound");
    assert!(lab.dump.tasks.is_empty() && lab.dump.attempts.is_empty() && lab.dump.results.is_empty());
    lab.make(job("b")).await;
    assert!(lab.delete("b").await.unwrap().gone, "a pending one goes at once");
    assert_eq!(lab.delete("b").await.unwrap_err().reason, ErrorReason::NotFound);
}

pub async fn a_running_task_goes_at_its_end<S: Store>(store: S) {
    for is_lost in [false, true] {
        let mut lab = Lab::new(store.clone()).await;
        lab.make(job("a")).await;
        let grant = lab.running("a").await;
        assert!(!lab.delete("a").await.unwrap().gone);
        assert!(!lab.delete("a").await.unwrap().gone, "twice is as once");
        assert_eq!(lab.state("a").await, "Running/Stopping");
        assert!(lab.get("a").await.unwrap().metadata.deleted_at.is_some());
        if is_lost {
            lab.register().await;
        } else {
            assert!(lab.report(grant.clone(), success()).await);
        }
        assert_eq!(lab.state("a").await, "NotFound");
        assert!(!lab.report(grant, success()).await, "a result of what is gone");
    }
}

pub async fn refused_while_others_wait<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    let refused = lab.delete("a").await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    assert!(refused.message.contains('b'), "{}", refused.message);
    lab.fail("a").await;
    assert_eq!(lab.delete("a").await.unwrap_err().reason, ErrorReason::Conflict, "it waits behind a failure");
    lab.cancel("b").await.unwrap();
    assert!(lab.delete("a").await.unwrap().gone);
    assert_eq!(lab.state("b").await, "Cancelled/ByUser");
}

pub async fn a_pipeline_goes_whole<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"])])).await;
    assert_eq!(lab.delete("p.a").await.unwrap_err().reason, ErrorReason::Conflict, "never alone");
    lab.fail("p.a").await;
    lab.restart("p.a").await.unwrap();
    lab.fail("p.a").await;
    lab.make(job("outside")).await;
    assert!(lab.delete_pipeline("p", false).await.unwrap().gone);
    assert!(lab.dump.pipelines.is_empty());
    assert_eq!(lab.dump.tasks.len(), 1);
    assert!(lab.dump.needs.is_empty());
}

pub async fn a_running_pipeline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("z").needs(["a"]).always()])).await;
    let grant = lab.running("p.a").await;
    let force = RestartParams { force: true, ..restart("p.a") };
    lab.restart_with(force).await.unwrap();
    assert!(!lab.delete_pipeline("p", false).await.unwrap().gone);
    lab.report(grant, success()).await;
    assert_eq!(lab.pipeline_state("p").await, "Running/Stopping", "always steps still run");
    assert_eq!(lab.tree("p.a").await.len(), 1, "a wish is forgotten");
    lab.succeed("p.z").await;
    assert_eq!(lab.pipeline_state("p").await, "NotFound");
    lab.make_pipeline(pipeline("p", [job("a"), job("z").needs(["a"]).always()])).await;
    lab.running("p.a").await;
    lab.delete_pipeline("p", true).await.unwrap();
    assert_eq!(lab.state("p.z").await, "Cancelled/PipelineCancelled");
    lab.register().await;
    assert!(lab.dump.tasks.is_empty());
}

/// Who cancels what is about to go gets an answer, also when that was its end.
pub async fn cancelled_while_it_goes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["p", "q"] {
        let steps = [job("a"), job("z").needs(["a"]).always()];
        lab.make_pipeline(pipeline(name, steps)).await;
        lab.delete_pipeline(name, false).await.unwrap();
        assert_eq!(lab.pipeline_state(name).await, "Pending", "an always step is left");
    }
    assert!(lab.cancel_pipeline("p", true).await.unwrap().metadata.deleted_at.is_some());
    assert_eq!(lab.cancel("q.z").await.unwrap().metadata.name(), "q.z");
    assert!(lab.dump.tasks.is_empty() && lab.dump.pipelines.is_empty());
}

pub async fn older_incarnations<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    for parent in ["a@1", "a@1", "a@3"] {
        lab.restart(parent).await.unwrap();
        lab.fail("a").await;
    }
    assert_eq!(
        lab.delete("a@4").await.unwrap_err().reason,
        ErrorReason::Conflict,
        "the newest goes with all"
    );
    assert!(lab.delete("a@2").await.unwrap().gone);
    let left = ["a@1 <- - Failed/ExitCode", "a@3 <- a@1 Failed/ExitCode", "a@4 <- a@3 Failed/ExitCode"];
    assert_eq!(lab.tree("a").await, left);
    lab.restart("a").await.unwrap();
    assert_eq!(lab.tree("a").await[3], "a@5 <- a@4 Pending/Queued", "no number is used again");
    lab.succeed("a").await;
    assert!(lab.delete("a").await.unwrap().gone);
}

pub async fn names_begin_anew<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let first = lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    lab.delete("a").await.unwrap();
    let second = lab.create(job("a")).await.unwrap();
    let place = second.metadata.restart.unwrap();
    assert_eq!(place.incarnation, 1);
    assert_ne!(place.context_id, first);
    assert_eq!(Some(place.context_id), second.metadata.id);
    // A single incarnation is named by its id as well.
    let id = second.metadata.id.unwrap().to_string();
    assert!(lab.delete(&id).await.unwrap().gone);
}

pub async fn nothing_new_while_it_goes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.succeed("a").await;
    lab.succeed("b").await;
    lab.restart("a").await.unwrap();
    lab.running("a").await;
    lab.delete("a").await.unwrap();
    for name in ["a", "a@1", "b"] {
        assert_eq!(lab.restart(name).await.unwrap_err().reason, ErrorReason::Conflict, "{name}");
    }
    for name in ["a", "a@1"] {
        assert_eq!(
            lab.create(job("c").needs([name])).await.unwrap_err().reason,
            ErrorReason::Invalid,
            "{name}"
        );
    }
    assert_eq!(lab.create(job("a")).await.unwrap_err().reason, ErrorReason::AlreadyExists);
    lab.make_pipeline(pipeline("p", [job("x"), job("y")])).await;
    lab.fail("p.x").await;
    lab.running("p.y").await;
    lab.delete_pipeline("p", false).await.unwrap();
    assert_eq!(lab.restart("p.x").await.unwrap_err().reason, ErrorReason::Conflict);
    assert_eq!(lab.restart_pipeline(restart("p")).await.unwrap_err().reason, ErrorReason::Conflict);
    assert_eq!(lab.create(job("d").needs(["p.x"])).await.unwrap_err().reason, ErrorReason::Invalid);
    lab.register().await;
    assert_eq!(lab.state("a").await, "NotFound");
    assert_eq!(lab.pipeline_state("p").await, "NotFound");
}

/// One that others descend from stays as a stub, and goes with the last of them.
pub async fn stubs_keep_the_tree_whole<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let root = lab.make(job("a")).await;
    lab.give("a", json!({"n": 1})).await;
    for parent in ["a@1", "a@2", "a@1"] {
        lab.restart(parent).await.unwrap();
        lab.fail("a").await;
    }
    let asked = DeleteParams { dry_run: true, ..delete("a@2") };
    let before = lab.dump.clone();
    assert!(!lab.delete_with(asked).await.unwrap().gone);
    assert_eq!(lab.dump, before, "a plan changes nothing");
    for _ in 0..2 {
        assert!(lab.delete("a@2").await.unwrap().gone, "twice is as once");
        assert!(lab.delete("a@1").await.unwrap().gone);
    }
    assert_eq!(lab.tree("a").await.len(), 4, "the tree is whole");
    let stub = lab.get("a@1").await.unwrap();
    let status = stub.status.unwrap();
    assert!(stub.metadata.deleted_at.is_some() && status.outputs.is_none() && status.attempts.is_empty());
    assert!(status.message.unwrap().starts_with("deleted"));
    for refused in [lab.restart("a@1").await.unwrap_err(), lab.adopt("a@1").await.unwrap_err()] {
        assert_eq!(refused.reason, ErrorReason::Conflict);
        assert!(refused.message.contains("deleted"), "{refused:?}");
    }
    lab.delete("a@3").await.unwrap();
    assert_eq!(lab.tree("a").await.len(), 2, "and the stub above it, from which nothing descends now");
    assert_eq!(lab.dump.tasks.len(), 2);
    assert!(lab.dump.tasks[&root].rare.stub);
    assert!(lab.delete("a").await.unwrap().gone);
    assert!(lab.dump.tasks.is_empty());
}

pub async fn not_while_somebody_runs_on_it<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.give("a", json!({"n": 1})).await;
    lab.running("b").await;
    lab.restart("a").await.unwrap();
    let refused = lab.delete("a@1").await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    assert!(refused.message.contains("b@1 runs on the outputs of a@1"), "{refused:?}");
    lab.succeed("b").await;
    assert!(lab.delete("a@1").await.unwrap().gone);
}

/// With `cascade` those who wait go too, and nothing goes before who needs it.
pub async fn a_cascade_takes_who_waits<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for (name, needs) in [("a", ""), ("b", "a"), ("c", "b"), ("done", "a")] {
        let job = if needs.is_empty() { job(name) } else { job(name).needs([needs]) };
        lab.make(job).await;
        if name == "a" || name == "done" {
            lab.succeed(name).await;
        }
        if name == "b" {
            lab.running("b").await;
        }
    }
    let cascade = DeleteParams { cascade: true, ..delete("a") };
    let asked = DeleteParams { dry_run: true, ..cascade.clone() };
    let names = |deleted: Deleted<Task>| deleted.also.into_iter().map(|also| also.name).collect::<Vec<_>>();
    assert_eq!(names(lab.delete_with(asked).await.unwrap()), ["b", "c"]);
    assert_eq!(lab.dump.tasks.len(), 4, "a plan changes nothing");
    let answer = lab.delete_with(cascade.clone()).await.unwrap();
    assert!(!answer.gone, "b still runs on it");
    assert_eq!(names(answer), ["b", "c"]);
    assert_eq!((lab.state("c").await.as_str(), lab.state("a").await.as_str()), ("NotFound", "Succeeded"));
    assert_eq!(lab.restart("a").await.unwrap_err().reason, ErrorReason::Conflict);
    let b = lab.running("b").await;
    assert!(lab.report(b, success()).await);
    assert_eq!(lab.dump.tasks.len(), 1, "a went with b; what had ended stays");
    assert_eq!(lab.delete_with(cascade).await.unwrap_err().reason, ErrorReason::NotFound);
}

pub async fn a_cascade_of_a_pipeline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a")])).await;
    lab.make(job("outside").needs(["p.a"])).await;
    lab.succeed("p.a").await;
    let grant = lab.running("outside").await;
    assert_eq!(lab.delete_pipeline("p", false).await.unwrap_err().reason, ErrorReason::Conflict);
    let params = DeleteParams { cascade: true, ..delete("p") };
    let ask = lab.engine.ask("tester");
    let answer = lab.write(DeletePipeline { ask, params }).await.unwrap();
    assert_eq!((answer.gone, answer.also[0].name.as_str()), (false, "outside"));
    assert_eq!(lab.pipeline_state("p").await, "Succeeded", "somebody still needs it");
    lab.report(grant, success()).await;
    assert!(lab.dump.tasks.is_empty() && lab.dump.pipelines.is_empty());
}

/// Whoever owns the files is told of what is gone, with the commit.
pub async fn files_are_announced<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let root = lab.make(job("a")).await;
    lab.fail("a").await;
    let second = lab.restart("a").await.unwrap().object.metadata.id.unwrap();
    lab.fail("a").await;
    let pipeline = lab.make_pipeline(pipeline("p", [job("x")])).await.metadata.id.unwrap();
    let step = lab.get("p.x").await.unwrap().metadata.id.unwrap();
    lab.succeed("p.x").await;
    let effects = async |lab: &Lab<S>, name: &str| {
        let operation = DeleteTask { ask: lab.engine.ask("tester"), params: delete(name) };
        lab.engine.store.write(operation).await.unwrap().effects
    };
    let stub = effects(&lab, "a@1").await;
    assert_eq!(
        (stub.removed_tasks, stub.removed_owners),
        (vec![root], vec![]),
        "its log; the directory is shared"
    );
    let whole = effects(&lab, "a").await;
    assert_eq!((whole.removed_tasks, whole.removed_owners), (vec![root, second], vec![root]));
    let operation = DeletePipeline { ask: lab.engine.ask("tester"), params: delete("p") };
    let whole = lab.engine.store.write(operation).await.unwrap().effects;
    assert_eq!((whole.removed_tasks, whole.removed_owners), (vec![step], vec![pipeline]));
    let ids = vec![root, second, step, pipeline];
    assert_eq!(lab.read(FindGone { ids: ids.clone() }).await.unwrap(), ids);
    let there = lab.make(job("b")).await;
    assert_eq!(lab.read(FindGone { ids: vec![there, root] }).await.unwrap(), [root]);
}

fn delete(name: &str) -> DeleteParams {
    DeleteParams { reference: named(name), ..DeleteParams::default() }
}
