//! One bad object stops nobody else: a stored manifest that cannot be read is a trouble of that task alone.

use ktk_client::api::{
    ErrorReason, ListParams,
    restart::{Cascade, RestartParams},
    worker::SyncParams,
};

use super::{
    build::{exit, job, pipeline, success},
    calls::restart,
    lab::Lab,
};
use crate::{engine::read::ListTasks, store::Store};

pub async fn its_end_is_taken<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["good", "failed", "done", "lost"] {
        lab.make(job(name).limit(3)).await;
    }
    lab.claim(64).await;
    for name in ["failed", "done", "lost"] {
        lab.break_body(name).await;
    }
    let mut ends = Vec::new();
    for (name, outcome) in [("failed", exit(1)), ("good", success()), ("done", success())] {
        ends.push((lab.running(name).await, outcome));
    }
    assert_eq!(lab.report_all(ends).await, [true; 3]);
    assert_eq!(lab.state("failed").await, "Failed/ExitCode", "nobody knows whether it was to be tried again");
    assert_eq!(lab.state("done").await, "Succeeded");
    assert_eq!(lab.state("good").await, "Succeeded");
    lab.register().await;
    assert_eq!(lab.state("lost").await, "Pending/Queued");
    lab.claim(64).await;
    assert_eq!(lab.state("lost").await, "Failed/InvalidInput");
}

pub async fn it_is_shown_and_can_go<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b")).await;
    lab.break_body("a").await;
    let message = lab.get("a").await.unwrap().status.unwrap().message.unwrap();
    assert!(message.contains("cannot be read"), "{message}");
    let params = ListParams::default();
    let list = lab.read(ListTasks { ask: lab.engine.ask("tester"), params }).await.unwrap();
    assert_eq!(list.items.len(), 2);
    lab.cancel("a").await.unwrap();
    assert!(lab.delete("a").await.unwrap().gone);
}

pub async fn granted_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b")).await;
    lab.claim(64).await;
    lab.break_body("a").await;
    let again = lab.sync(SyncParams { resync: true, ..SyncParams::default() }).await.grants;
    assert_eq!(again.iter().map(|grant| grant.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(lab.state("a").await, "Failed/InvalidInput");
}

pub async fn no_restart_of_it<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("z").needs(["a"]).always(), job("b").needs(["a"])])).await;
    for name in ["p.a", "p.z", "p.b"] {
        lab.succeed(name).await;
    }
    lab.break_body("p.z").await;
    assert_eq!(lab.restart("p.z").await.unwrap_err().reason, ErrorReason::Conflict);
    lab.restart("p.a").await.unwrap();
    lab.fail("p.a").await;
    assert_eq!(lab.tree("p.z").await.len(), 1, "it would run again, if anyone knew what");
    let all = RestartParams { cascade: Cascade::All, ..restart("p.a") };
    lab.restart_with(all).await.unwrap();
    assert_eq!((lab.tree("p.z").await.len(), lab.tree("p.b").await.len()), (1, 2));
    let grant = lab.running("p.a").await;
    let force = RestartParams { force: true, ..restart("p.a") };
    lab.restart_with(force).await.unwrap();
    lab.break_body("p.a").await;
    assert!(lab.report(grant, success()).await);
    assert_eq!(lab.state("p.a").await, "Cancelled/ByUser");
}
