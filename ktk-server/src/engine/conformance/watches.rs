//! Watches. That a watch from the beginning always knows what is stored is checked after every operation;
//! here are pages, selectors, deletions and history.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ktk_client::api::{
    ErrorReason, Semaphore,
    watch::{WatchEvent, WatchParams},
};

use super::{
    build::{job, pipeline},
    lab::{Answer, Lab},
    mirror::Mirror,
};
use crate::{
    engine::{
        changes::WatchPage,
        expire::Trim,
        operation::{Ask, Scope},
        viewer::{Filter, Viewer},
    },
    limits,
    store::Store,
};

async fn page<S: Store>(lab: &Lab<S>, params: WatchParams, after: u64) -> Answer<(Vec<WatchEvent>, u64)> {
    let filter = Filter::new(params).unwrap();
    let viewers = vec![Viewer::new(lab.engine.ask("watcher"), filter).into()];
    let told = lab.read(WatchPage { viewers, after }).await?;
    let upto = told.upto;
    Ok((told.alone(), upto))
}

/// `+name` for a change, `-name` for a deletion.
fn lines(events: &[WatchEvent]) -> Vec<String> {
    let name = |object: &serde_json::Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    let line = |event: &WatchEvent| match event {
        WatchEvent::Change { object, .. } => format!("+{}", name(object)),
        WatchEvent::Delete { object, .. } => format!("-{}", name(object)),
        other => format!("{other:?}"),
    };
    events.iter().map(line).collect()
}

pub async fn pages_are_whole_and_in_order<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let jobs = (0..limits::WATCH_PAGE + 50).map(|n| job(&format!("s{n}"))).collect();
    lab.make_pipeline(super::build::pipeline_of("p", jobs)).await;
    let listed = Mirror::listed(&lab.dump);
    let (first, upto) = page(&lab, WatchParams::default(), 0).await.unwrap();
    assert_eq!(first.len(), limits::WATCH_PAGE);
    assert_eq!(first.last().unwrap().version(), upto);
    let (second, upto) = page(&lab, WatchParams::default(), upto).await.unwrap();
    assert_eq!(second.len(), 51);
    let versions: Vec<u64> = first.iter().chain(&second).map(WatchEvent::version).collect();
    assert!(versions.is_sorted_by(|a, b| a < b));
    assert_eq!(page(&lab, WatchParams::default(), upto).await.unwrap(), (Vec::new(), upto));
    // From the version of a list on: what changed since, at its latest.
    let mut mirror = listed;
    for _ in 0..2 {
        let name = lab.claim(1).await.remove(0).name;
        lab.succeed(&name).await;
    }
    mirror.follow(&lab.engine).await;
    mirror.check(&lab.dump);
}

pub async fn deletions_are_told<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").label("team", "x")).await;
    lab.make_pipeline(pipeline("p", [job("s")])).await;
    lab.succeed("a").await;
    lab.succeed("p.s").await;
    let before = lab.dump.version;
    lab.delete("a").await.unwrap();
    lab.delete_pipeline("p", false).await.unwrap();
    let (events, _) = page(&lab, WatchParams::default(), before).await.unwrap();
    assert_eq!(lines(&events), ["-a", "-p.s", "-p"]);
    let x = WatchParams { label_selector: Some("team=x".into()), ..WatchParams::default() };
    assert_eq!(lines(&page(&lab, x, before).await.unwrap().0), ["-a"]);
}

pub async fn what_stops_matching_is_gone<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b")).await;
    let params =
        WatchParams { field_selector: Some("status.phase=Pending".into()), ..WatchParams::default() };
    let params = WatchParams { kinds: Some("Task".into()), ..params };
    let (events, upto) = page(&lab, params.clone(), 0).await.unwrap();
    assert_eq!(lines(&events), ["+a", "+b"]);
    lab.claim(1).await;
    let (events, upto) = page(&lab, params.clone(), upto).await.unwrap();
    assert_eq!(events.len(), 1);
    assert!(matches!(events[0], WatchEvent::Delete { .. }));
    lab.register().await;
    let (events, _) = page(&lab, params, upto).await.unwrap();
    assert!(matches!(events[..], [WatchEvent::Change { .. }]), "it matches again");
}

pub async fn history_that_was_trimmed<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b")).await;
    lab.cancel("a").await.unwrap();
    let seen = lab.dump.version;
    lab.delete("a").await.unwrap();
    let after = lab.dump.version;
    lab.advance(limits::HISTORY_KEPT + Duration::from_secs(1)).await;
    let ask = lab.engine.ask("ktk");
    lab.write(Trim { ask }).await.unwrap();
    for version in [0, seen] {
        let refused = page(&lab, WatchParams::default(), version).await.unwrap_err();
        assert_eq!(refused.reason, ErrorReason::Expired);
    }
    assert_eq!(page(&lab, WatchParams::default(), after).await.unwrap(), (Vec::new(), after));
    assert_eq!(lab.dump.version, after, "the newest version is not forgotten with it");
    lab.make(job("c")).await;
    assert_eq!(lines(&page(&lab, WatchParams::default(), after).await.unwrap().0), ["+c"]);
}

pub async fn scopes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let a = lab.make(job("a")).await;
    let p = lab.make_pipeline(pipeline("p", [job("s")])).await.metadata.id;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    let of_pipeline = WatchParams { pipeline: p, ..WatchParams::default() };
    let mut seen = lines(&page(&lab, of_pipeline, 0).await.unwrap().0);
    seen.sort_unstable();
    assert_eq!(seen, ["+p", "+p.s"]);
    let of_context = WatchParams { context: Some(a), ..WatchParams::default() };
    assert_eq!(lines(&page(&lab, of_context, 0).await.unwrap().0), ["+a", "+a"]);
    let elsewhere = WatchParams { namespace: Some("other".into()), ..WatchParams::default() };
    assert!(page(&lab, elsewhere, 0).await.unwrap().0.is_empty());
    for (kinds, selector) in [("Node", None), ("Task", Some("status.colour=red"))] {
        let field_selector = selector.map(str::to_owned);
        let params = WatchParams { kinds: Some(kinds.into()), field_selector, ..WatchParams::default() };
        assert!(Filter::new(params).is_err());
    }
}

/// A store that was restored from a backup, or is another one: what it has never given is no place to go on from.
pub async fn versions_that_were_never_given<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let newest = lab.dump.version;
    assert_eq!(page(&lab, WatchParams::default(), newest).await.unwrap(), (Vec::new(), newest));
    let error = page(&lab, WatchParams::default(), newest + 1).await.unwrap_err();
    assert_eq!(error.reason, ErrorReason::Expired);
}

/// However many look at once, each is told what it is told when it looks alone.
pub async fn many_look_at_once<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.create_entity(Semaphore::new("gpu", 1)).await.unwrap();
    lab.create_entity(Semaphore::new("cpu", 4)).await.unwrap();
    let a = lab.make(job("a").label("team", "x").permits("gpu", 1)).await;
    let p = lab.make_pipeline(pipeline("p", [job("s"), job("t").permits("cpu", 2)])).await.metadata.id;
    lab.fail("a").await;
    lab.succeed("p.s").await;
    lab.claim(1).await;
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    lab.delete("a").await.unwrap();
    let kinds = |kinds: &str| WatchParams { kinds: Some(kinds.into()), ..WatchParams::default() };
    let asked = [
        WatchParams::default(),
        WatchParams { summary: true, ..WatchParams::default() },
        WatchParams { namespace: Some("other".into()), ..WatchParams::default() },
        WatchParams { label_selector: Some("team=x".into()), ..WatchParams::default() },
        WatchParams { field_selector: Some("status.phase=Failed".into()), summary: true, ..kinds("Task") },
        WatchParams { pipeline: p, ..WatchParams::default() },
        WatchParams { context: Some(a), ..WatchParams::default() },
        WatchParams { label_selector: Some("team=x".into()), ..kinds("Semaphore,Queue") },
        kinds("Semaphore,Task"),
    ];
    let whole = lab.engine.ask("watcher");
    let limited = Ask { namespaces: Some(Arc::new(BTreeSet::from(["other".into()]))), ..whole.clone() };
    let attempt = Scope { task: a, attempt: 1, execution: a, namespace: "default".into() };
    let scoped = Ask { scope: Some(attempt), ..whole.clone() };
    let viewers: Vec<Arc<Viewer>> = [whole, limited, scoped]
        .iter()
        .flat_map(|ask| asked.iter().map(|params| (ask.clone(), Filter::new(params.clone()).unwrap())))
        .map(|(ask, filter)| Arc::new(Viewer::new(ask, filter)))
        .collect();
    let views: BTreeSet<String> = viewers.iter().map(|viewer| format!("{:?}", viewer.view())).collect();
    assert_eq!(views.len(), viewers.len(), "each sees something of its own");
    let all = lab.read(WatchPage { viewers: viewers.clone(), after: 0 }).await.unwrap();
    for (index, viewer) in viewers.iter().enumerate() {
        let alone = lab.read(WatchPage { viewers: vec![Arc::clone(viewer)], after: 0 }).await.unwrap();
        let told = all.events.iter().filter(|(place, _)| *place == index).map(|(_, event)| (**event).clone());
        assert_eq!(told.collect::<Vec<_>>(), alone.alone(), "{viewer:?}");
    }
    let told: BTreeSet<usize> = all.events.iter().map(|(place, _)| *place).collect();
    // Semaphores are of every namespace; an attempt hears of its own context.
    assert!([8, 17, 24].iter().all(|index| told.contains(index)), "{told:?}");
}
