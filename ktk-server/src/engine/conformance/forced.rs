//! `--force`: what lives is cancelled, the wish is stored with the cancel, and the restart happens when the
//! old one has ended, whoever still listens.

use ktk_client::api::{
    ErrorReason,
    restart::{Cascade, RestartParams},
};

use super::{
    build::{job, success},
    calls::{plan_text, restart},
    lab::Lab,
};
use crate::store::Store;

fn force(name: &str) -> RestartParams {
    RestartParams { force: true, ..restart(name) }
}

pub async fn a_pending_task<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let answer = lab.restart_with(force("a")).await.unwrap();
    assert!(answer.created);
    assert_eq!(answer.object.metadata.incarnation(), 2);
    assert_eq!(lab.tree("a").await, ["a@1 <- - Cancelled/ByUser", "a@2 <- a@1 Pending/Queued"]);
}

pub async fn a_running_task<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let grant = lab.running("a").await;
    let answer = lab.restart_with(force("a")).await.unwrap();
    assert!(!answer.created);
    assert_eq!(lab.tree("a").await, ["a@1 <- - Running/Stopping"]);
    assert!(!lab.restart_with(force("a")).await.unwrap().created, "twice is as once");
    assert!(lab.report(grant, success()).await);
    assert_eq!(lab.tree("a").await, ["a@1 <- - Cancelled/ByUser", "a@2 <- a@1 Pending/Queued"]);
}

pub async fn also_when_the_worker_is_lost<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.running("a").await;
    lab.restart_with(force("a")).await.unwrap();
    lab.register().await;
    assert_eq!(lab.tree("a").await, ["a@1 <- - Cancelled/ByUser", "a@2 <- a@1 Pending/Queued"]);
}

pub async fn an_older_incarnation<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    let grant = lab.running("a").await;
    lab.restart_with(force("a@1")).await.unwrap();
    lab.report(grant, success()).await;
    assert_eq!(lab.tree("a").await[2], "a@3 <- a@1 Pending/Queued");
}

/// Whoever cancels after that wants nothing to start.
pub async fn a_cancel_takes_the_wish_back<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let grant = lab.running("a").await;
    lab.restart_with(force("a")).await.unwrap();
    lab.cancel("a").await.unwrap();
    lab.report(grant, success()).await;
    assert_eq!(lab.tree("a").await, ["a@1 <- - Cancelled/ByUser"]);
}

pub async fn with_cascade_all<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.succeed("a").await;
    lab.succeed("b").await;
    lab.restart("a").await.unwrap();
    let grant = lab.running("a").await;
    let params = RestartParams { cascade: Cascade::All, ..force("a") };
    let answer = lab.restart_with(params).await.unwrap();
    assert_eq!(plan_text(&answer.plan), ["a restart", "b restart"]);
    lab.report(grant, success()).await;
    assert_eq!(lab.tree("a").await[2], "a@3 <- a@2 Pending/Queued");
    assert_eq!(lab.tree("b").await[1], "b@2 <- b@1 Pending/WaitingForUpstream");
}

pub async fn its_parent_is_not_deleted_meanwhile<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart("a@1").await.unwrap();
    lab.fail("a").await;
    lab.restart("a@1").await.unwrap();
    let grant = lab.running("a").await;
    lab.restart_with(force("a@2")).await.unwrap();
    assert_eq!(lab.delete("a@2").await.unwrap_err().reason, ErrorReason::Conflict);
    lab.report(grant, success()).await;
    assert_eq!(lab.tree("a").await[3], "a@4 <- a@2 Pending/Queued");
}
