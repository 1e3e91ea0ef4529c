//! Tokens of attempts: whom they let speak, for how long, and what they let see.

use ktk_client::api::{
    ErrorReason, Secret, Task,
    attempt::{KeepaliveParams, ProgressParams},
    task::CreateParams,
    worker::{Report, SyncParams},
};

use super::{
    build::{exit, job, success},
    calls::named,
    lab::{Answer, Lab},
};
use crate::{
    engine::{
        attempt::{KeepAlive, TellProgress},
        attempt_token::Identify,
        create_task::CreateTask,
        operation::By,
        read::{GetTask, ListTasks},
        why::TaskWhy,
    },
    store::Store,
};

async fn identify<S: Store>(lab: &Lab<S>, token: &Secret) -> Answer<By> {
    lab.read(Identify { token: token.clone() }).await
}

async fn create_by<S: Store>(lab: &mut Lab<S>, by: &By, object: Task) -> Answer<Task> {
    let params = CreateParams { object, request_id: None, caller_env: None, dry_run: false };
    let operation = CreateTask::new(lab.engine.ask(by.clone()), params, lab.engine.types(), Vec::new());
    Ok(lab.write(operation.map_err(ktk_client::api::ApiError::from)?).await?.object)
}

pub async fn it_speaks_while_its_attempt_runs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").limit(1).backoff(10)).await;
    let first = lab.running("a").await;
    let token = first.token.clone().unwrap();
    let by = identify(&lab, &token).await.unwrap();
    assert_eq!((by.name.as_str(), by.scope.as_ref().unwrap().attempt), ("task/a", 1));
    let text = token.expose();
    let others = [
        "".to_owned(),
        "ktka_".to_owned(),
        text[..text.len() - 1].to_owned(),
        format!("{text}0"),
        format!("{}{}", &text[..37], "0".repeat(64)),
        "ä".repeat(40),
    ];
    for other in others {
        let refused = identify(&lab, &Secret::new(other)).await.unwrap_err();
        assert_eq!(refused.reason, ErrorReason::Unauthorized);
    }
    lab.report(first, exit(1)).await;
    // Its token was looked at while it ran.
    let late = create_by(&mut lab, &by, job("late").task()).await.unwrap_err();
    assert_eq!(late.reason, ErrorReason::Fenced);
    assert_eq!(identify(&lab, &token).await.unwrap_err().reason, ErrorReason::Unauthorized);
    lab.advance(std::time::Duration::from_secs(10)).await;
    let second = lab.running("a").await.token.unwrap();
    assert_ne!(token, second);
    assert_eq!(identify(&lab, &token).await.unwrap_err().reason, ErrorReason::Unauthorized);
    assert!(identify(&lab, &second).await.is_ok());
    lab.register().await;
    assert_eq!(identify(&lab, &second).await.unwrap_err().reason, ErrorReason::Unauthorized, "lost");
}

pub async fn one_that_was_lost_on_its_way_is_drawn_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let lost = lab.sync(SyncParams { free: 1, ..SyncParams::default() }).await.grants.remove(0);
    let again = lab.sync(SyncParams { resync: true, ..SyncParams::default() }).await.grants.remove(0);
    assert_eq!(again.fence, lost.fence);
    assert!(identify(&lab, &lost.token.unwrap()).await.is_err());
    assert!(identify(&lab, &again.token.unwrap()).await.is_ok());
}

pub async fn what_it_makes_is_its_child<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(super::build::pipeline("p", [job("a")])).await;
    let grant = lab.running("p.a").await;
    let by = identify(&lab, &grant.token.clone().unwrap()).await.unwrap();
    let child = create_by(&mut lab, &by, job("child").task()).await.unwrap();
    let parent = lab.get("p.a").await.unwrap();
    assert_eq!(child.metadata.spawned_by, parent.metadata.id);
    assert_eq!(child.metadata.execution_id, parent.metadata.execution_id);
    assert_eq!(lab.get("child").await.unwrap().metadata.created_by.as_deref(), Some("task/p.a"));
    // A child's child begins with the same pipeline, and so does a restart.
    let grant = lab.running("child").await;
    let child_by = identify(&lab, &grant.token.unwrap()).await.unwrap();
    let grandchild = create_by(&mut lab, &child_by, job("grandchild").task()).await.unwrap();
    assert_eq!(grandchild.metadata.execution_id, parent.metadata.execution_id);
    assert_eq!(grandchild.metadata.spawned_by, child.metadata.id);
    lab.fail("child").await;
    let again = lab.restart("child").await.unwrap().object;
    assert_eq!(again.metadata.spawned_by, parent.metadata.id);
    assert_eq!(again.metadata.execution_id, parent.metadata.execution_id);
}

pub async fn it_reaches_nothing_else<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("other")).await;
    let grant = lab.running("a").await;
    let by = identify(&lab, &grant.token.clone().unwrap()).await.unwrap();
    create_by(&mut lab, &by, job("child").task()).await.unwrap();
    create_by(&mut lab, &by, job("next").needs(["child"]).task()).await.unwrap();
    let refused = create_by(&mut lab, &by, job("x").needs(["other"]).task()).await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Invalid);
    let mut elsewhere = job("x").task();
    elsewhere.metadata.namespace = Some("other".into());
    assert_eq!(create_by(&mut lab, &by, elsewhere).await.unwrap_err().reason, ErrorReason::Forbidden);
    for (name, is_seen) in [("a", true), ("child", true), ("next", true), ("other", false)] {
        let reference = named(name);
        let answer = lab.read(GetTask { ask: lab.engine.ask(by.clone()), reference }).await;
        match is_seen {
            true => drop(answer.unwrap()),
            false => assert_eq!(answer.unwrap_err().reason, ErrorReason::Forbidden),
        }
    }
    let list =
        lab.read(ListTasks { ask: lab.engine.ask(by.clone()), params: Default::default() }).await.unwrap();
    let names: Vec<&str> = list.items.iter().map(|task| task.metadata.name()).collect();
    assert_eq!(names, ["a", "child", "next"]);
    lab.claim(64).await;
    for name in ["other", "child"] {
        let params = KeepaliveParams { reference: Some(named(name)), ..KeepaliveParams::default() };
        let answer = lab.write(KeepAlive { ask: lab.engine.ask(by.clone()), params }).await;
        assert_eq!(answer.unwrap_err().reason, ErrorReason::Forbidden, "{name}");
    }
    let params = KeepaliveParams::default();
    lab.write(KeepAlive { ask: lab.engine.ask(by.clone()), params }).await.unwrap();
    let params = ProgressParams { percent: 1.0, ..ProgressParams::default() };
    lab.write(TellProgress::new(lab.engine.ask(by), params).unwrap()).await.unwrap();
    assert_eq!(lab.get("a").await.unwrap().status.unwrap().progress.unwrap().percent, 1.0);
}

pub async fn a_slot_is_lent_while_it_waits<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.slots = 1;
    lab.register().await;
    lab.make_semaphore("gpu", 1).await;
    lab.make(job("parent").permits("gpu", 1)).await;
    let parent = lab.claim(1).await.remove(0);
    let by = identify(&lab, &parent.token.clone().unwrap()).await.unwrap();
    create_by(&mut lab, &by, job("child").task()).await.unwrap();
    create_by(&mut lab, &by, job("never").permits("gpu", 1).task()).await.unwrap();
    lab.line_up(job("other")).await;
    let full = |running, lent, free| SyncParams { running, lent, free, ..SyncParams::default() };
    assert_eq!(lab.sync(full(1, 0, 0)).await.lent, 0, "it does not wait");
    let stream = lab.engine.lending.begin(parent.task);
    let told = lab.sync(full(1, 0, 0)).await;
    assert_eq!((told.lent, told.grants.len()), (1, 0));
    let granted = lab.sync(full(1, 1, 1)).await;
    assert_eq!((granted.lent, granted.grants.len()), (1, 1));
    let child = granted.grants[0].clone();
    assert_eq!(child.name, "child");
    let waits =
        lab.read(TaskWhy { ask: lab.engine.ask("tester"), reference: named("never") }).await.unwrap().waits;
    assert!(
        waits[0].message.ends_with("held by your parent, task/parent, which lends its slot alone"),
        "{waits:?}"
    );
    lab.cancel("never").await.unwrap();
    let report = Report { task: child.task, attempt: 1, fence: child.fence, outcome: success() };
    let ended = lab.sync(SyncParams { reports: vec![report], ..full(1, 1, 1) }).await;
    assert_eq!((ended.lent, ended.grants.len()), (0, 0), "its slot comes back with the end of the last");
    create_by(&mut lab, &by, job("second").task()).await.unwrap();
    assert_eq!(lab.sync(full(1, 0, 0)).await.lent, 1);
    drop(stream);
    assert_eq!(lab.sync(full(1, 1, 1)).await.lent, 0, "it waits no longer");
    assert!(lab.sync(full(1, 1, 1)).await.grants.is_empty());
}
