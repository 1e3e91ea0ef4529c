//! Lists: pages, selectors.

use ktk_client::api::{ErrorReason, ListParams};

use super::{
    build::{job, pipeline},
    lab::{Answer, Lab},
};
use crate::{engine::read::ListPipelines, engine::read::ListTasks, store::Store};

async fn list<S: Store>(lab: &Lab<S>, params: ListParams) -> Answer<(Vec<String>, Option<String>)> {
    let list = lab.read(ListTasks { ask: lab.engine.ask("tester"), params }).await?;
    assert_eq!(list.version, lab.dump.version);
    Ok((list.items.iter().map(|task| task.incarnation_name()).collect(), list.continue_from))
}

async fn names<S: Store>(lab: &Lab<S>, labels: &str, fields: &str) -> Vec<String> {
    let params = ListParams {
        label_selector: Some(labels.into()),
        field_selector: Some(fields.into()),
        ..ListParams::default()
    };
    list(lab, params).await.unwrap().0
}

pub async fn no_row_lost_or_repeated<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for n in 0..20 {
        lab.make(job(&format!("n{n:02}")).label("odd", if n % 2 == 0 { "no" } else { "yes" })).await;
    }
    for summary in [false, true] {
        let params = ListParams { limit: Some(3), summary, ..ListParams::default() };
        let params = ListParams { label_selector: Some("odd=yes".into()), ..params };
        let (mut seen, mut next) = list(&lab, params.clone()).await.unwrap();
        // Between pages one goes that was not seen yet, and others come before and behind.
        if !summary {
            lab.delete("n19").await.unwrap();
            lab.make(job("a").label("odd", "yes")).await;
            lab.make(job("z").label("odd", "yes")).await;
        }
        while let Some(token) = next {
            let params = ListParams { continue_from: Some(token), ..params.clone() };
            let (page, following) = list(&lab, params).await.unwrap();
            assert!(!page.is_empty() && page.len() <= 3);
            seen.extend(page);
            next = following;
        }
        let mut expected: Vec<String> = (1..19).step_by(2).map(|n| format!("n{n:02}@1")).collect();
        expected.push("z@1".into());
        if summary {
            expected.insert(0, "a@1".into());
        }
        assert_eq!(seen, expected);
    }
    let params = ListParams { continue_from: Some("rubbish".into()), ..ListParams::default() };
    assert_eq!(list(&lab, params).await.unwrap_err().reason, ErrorReason::Invalid);
}

pub async fn selectors<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").label("team", "x").priority(3)).await;
    lab.make(job("b").label("team", "y")).await;
    lab.make(job("c")).await;
    lab.fail("a").await;
    assert_eq!(names(&lab, "team=x", "").await, ["a@1"]);
    assert_eq!(names(&lab, "team!=x", "").await, ["b@1", "c@1"]);
    assert_eq!(names(&lab, "team in (x,y)", "").await, ["a@1", "b@1"]);
    assert_eq!(names(&lab, "!team", "").await, ["c@1"]);
    assert_eq!(names(&lab, "", "status.phase=Failed").await, ["a@1"]);
    assert_eq!(names(&lab, "", "status.exitCode=1,spec.priority=3").await, ["a@1"]);
    assert_eq!(names(&lab, "team=y", "status.phase=Failed").await, [""; 0]);
    for (labels, fields) in [("team==(", ""), ("", "status.colour=red")] {
        let params = ListParams {
            label_selector: Some(labels.into()),
            field_selector: Some(fields.into()),
            ..ListParams::default()
        };
        assert_eq!(list(&lab, params).await.unwrap_err().reason, ErrorReason::Invalid);
    }
}

pub async fn only_the_newest<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b")])).await;
    lab.fail("p.a").await;
    lab.restart("p.a").await.unwrap();
    assert_eq!(names(&lab, "", "").await, ["p.a@2", "p.b@1"]);
    let all = ListParams { all_incarnations: true, ..ListParams::default() };
    assert_eq!(list(&lab, all).await.unwrap().0, ["p.a@1", "p.a@2", "p.b@1"]);
    let elsewhere = ListParams { namespace: Some("other".into()), ..ListParams::default() };
    assert!(list(&lab, elsewhere).await.unwrap().0.is_empty());
    let params = ListParams::default();
    let pipelines = lab.read(ListPipelines { ask: lab.engine.ask("tester"), params }).await.unwrap();
    assert_eq!(pipelines.items.len(), 1);
    assert_eq!(pipelines.items[0].spec.steps.len(), 2);
}
