//! Lists: pages, selectors.

use ktk_client::api::{
    ErrorReason, ListParams, Task,
    table::{TableParams, TaskLine},
};

use super::{
    build::{job, pipeline},
    lab::{Answer, Lab},
};
use crate::{
    engine::{
        read::{ListPipelines, ListTasks},
        table::TaskTable,
    },
    store::Store,
};

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

/// A table has the rows of the list, on the same pages, and of each what the list says.
pub async fn tables_are_lists<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"])])).await;
    lab.fail("p.a").await;
    lab.restart("p.a").await.unwrap();
    lab.make(job("done").label("team", "x")).await;
    lab.succeed("done").await;
    lab.make(job("going")).await;
    lab.running("going").await;
    lab.make(job("process").command(&["make", "a b"]).label("team", "y")).await;
    let of = |labels: &str, fields: &str| ListParams {
        label_selector: Some(labels.into()),
        field_selector: Some(fields.into()),
        ..ListParams::default()
    };
    for list in [
        ListParams::default(),
        ListParams { namespace: Some("default".into()), ..ListParams::default() },
        ListParams { namespace: Some("other".into()), ..ListParams::default() },
        ListParams { all_incarnations: true, ..ListParams::default() },
        of("team", ""),
        of("", "status.phase=Succeeded"),
    ] {
        for (limit, wide, labels) in
            [(None, false, false), (Some(2), false, false), (Some(1), true, false), (Some(3), true, true)]
        {
            let mut list = ListParams { limit, summary: true, ..list.clone() };
            loop {
                let ask = lab.engine.ask("tester");
                let table = TaskTable { ask, params: TableParams { list: list.clone(), wide, labels } };
                let table = lab.read(table).await.unwrap();
                let same = ListTasks { ask: lab.engine.ask("tester"), params: list.clone() };
                let same = lab.read(same).await.unwrap();
                assert_eq!((table.version, &table.continue_from), (same.version, &same.continue_from));
                assert_eq!(table.items.len(), same.items.len());
                for (line, task) in table.items.iter().zip(&same.items) {
                    is_line_of(line, task, list.namespace.is_none(), wide, labels);
                }
                list.continue_from = table.continue_from;
                if list.continue_from.is_none() {
                    break;
                }
            }
        }
    }
}

fn is_line_of(line: &TaskLine, task: &Task, has_namespace: bool, is_wide: bool, has_labels: bool) {
    let (metadata, status) = (&task.metadata, task.status.as_ref().unwrap());
    assert_eq!(line.namespace.as_deref(), has_namespace.then_some(metadata.namespace()));
    assert_eq!((line.name.as_str(), line.incarnation), (metadata.name(), metadata.incarnation()));
    assert_eq!((line.phase, line.reason, line.attempt), (status.phase, status.reason, status.attempt));
    assert_eq!(Some(line.created_at), metadata.created_at);
    assert_eq!(line.labels.as_ref(), has_labels.then_some(&metadata.labels));
    assert_eq!(line.wide.is_some(), is_wide);
    if let Some(wide) = &line.wide {
        assert_eq!(Some(&wide.queue), task.spec.queue.as_ref());
        assert_eq!((&wide.node, wide.exit_code), (&status.node, status.exit_code));
        assert_eq!(wide.pipeline.as_ref(), metadata.pipeline.as_ref().map(|pipeline| &pipeline.name));
        assert_eq!((wide.ready_at, wide.started_at), (status.ready_at, status.started_at));
        assert_eq!(wide.finished_at, status.finished_at);
        assert_eq!(wide.digest, metadata.digest.as_ref().unwrap()[..16]);
        assert_eq!(wide.command.as_ref(), task.spec.run.as_ref().map(|run| &run.command[0]));
        assert_eq!(wide.type_name, task.spec.type_name);
    }
}
