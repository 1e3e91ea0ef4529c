//! Pages by (namespace, name, incarnation).

use ktk_client::api::Phase;

use super::{
    rows::{ended, id, new_pipeline, new_task, pipeline, restart_of, task},
    script::{Seen, Step},
    see, write,
};
use crate::{
    model::row::{LineRow, PipelineRow, TaskRow},
    store::{ListQuery, Store},
};

fn named(number: u64, namespace: &str, name: &str) -> TaskRow {
    TaskRow { namespace: namespace.into(), name: name.into(), ..task(number) }
}

async fn fill<S: Store>(store: &S) -> Vec<TaskRow> {
    let old = TaskRow { newest: false, ..ended(named(1, "b", "x"), Phase::Failed, 1) };
    let rows = vec![
        named(5, "a", "Z"),
        named(4, "a", "a"),
        named(7, "a", "a-b"),
        named(6, "a", "ä"),
        old.clone(),
        restart_of(&old, 2),
        named(3, "b", "x.y"),
        named(8, "ba", "a"),
    ];
    write(store, [Step::InsertTasks(rows.iter().rev().cloned().map(new_task).collect())]).await;
    rows
}

/// All pages of a query, one after another.
async fn pages<S: Store>(store: &S, mut query: ListQuery) -> Vec<TaskRow> {
    let mut all = Vec::new();
    loop {
        let Seen::Tasks(page) = see(store, Step::ListTasks(query.clone())).await else { panic!("no tasks") };
        assert!(page.len() <= query.limit);
        // Tables have the same pages.
        let lines = page.iter().map(LineRow::from).collect();
        assert_eq!(see(store, Step::ListLines(query.clone())).await, Seen::Lines(lines));
        let Some(last) = page.last() else { return all };
        query.after = Some((last.namespace.clone(), last.name.clone(), last.incarnation));
        all.extend(page);
    }
}

/// Bytewise order, whatever the size of a page.
pub async fn pages_of_all<S: Store>(store: S) {
    let rows = fill(&store).await;
    for limit in 1..=9 {
        assert_eq!(pages(&store, ListQuery { limit, ..ListQuery::default() }).await, rows, "limit {limit}");
    }
}

/// One namespace; a place in another one does not move the page out of it.
pub async fn pages_of_a_namespace<S: Store>(store: S) {
    let rows = fill(&store).await;
    let of =
        |namespace: &str| ListQuery { namespace: Some(namespace.into()), limit: 2, ..ListQuery::default() };
    assert_eq!(pages(&store, of("a")).await, rows[..4]);
    assert_eq!(pages(&store, of("b")).await, rows[4..7]);
    assert_eq!(pages(&store, of("c")).await, []);
    let after = |namespace: &str| Some((namespace.to_owned(), "x".to_owned(), 1));
    assert_eq!(pages(&store, ListQuery { after: after("a"), ..of("b") }).await, rows[4..7]);
    assert_eq!(pages(&store, ListQuery { after: after("b"), ..of("b") }).await, rows[5..7]);
    assert_eq!(pages(&store, ListQuery { after: after("c"), ..of("b") }).await, []);
}

/// Only the newest incarnations; the limit counts those.
pub async fn newest_only<S: Store>(store: S) {
    let mut rows = fill(&store).await;
    rows.retain(|row| row.newest);
    for limit in [1, 3, 100] {
        let query = ListQuery { newest_only: true, limit, ..ListQuery::default() };
        assert_eq!(pages(&store, query.clone()).await, rows);
        let in_b = ListQuery { namespace: Some("b".into()), ..query };
        assert_eq!(pages(&store, in_b).await, rows[4..6]);
    }
}

/// What comes and goes between two pages neither hides nor repeats the others.
pub async fn a_page_survives_changes<S: Store>(store: S) {
    let rows = fill(&store).await;
    let first = ListQuery { limit: 3, ..ListQuery::default() };
    let place = |row: &TaskRow| Some((row.namespace.clone(), row.name.clone(), row.incarnation));
    assert_eq!(see(&store, Step::ListTasks(first.clone())).await, Seen::Tasks(rows[..3].to_vec()));
    let early = named(20, "a", "A");
    write(&store, [Step::DeleteTasks(vec![rows[2].id]), Step::InsertTasks(vec![new_task(early)])]).await;
    let rest = ListQuery { after: place(&rows[2]), limit: 100, ..first };
    assert_eq!(see(&store, Step::ListTasks(rest)).await, Seen::Tasks(rows[3..].to_vec()));
}

/// The same for pipelines.
pub async fn pipelines_too<S: Store>(store: S) {
    let old = PipelineRow { newest: false, ..pipeline(1) };
    let new = PipelineRow { incarnation: 2, name: old.name.clone(), ..pipeline(2) };
    let other = PipelineRow { namespace: "a".into(), ..pipeline(3) };
    let rows = [old.clone(), new.clone(), other.clone()].map(new_pipeline).to_vec();
    write(&store, [Step::InsertPipelines(rows)]).await;
    let list = async |query| see(&store, Step::ListPipelines(query)).await;
    let all = ListQuery { limit: 10, ..ListQuery::default() };
    assert_eq!(list(all.clone()).await, Seen::Pipelines(vec![other.clone(), old.clone(), new.clone()]));
    let newest = ListQuery { newest_only: true, ..all.clone() };
    assert_eq!(list(newest).await, Seen::Pipelines(vec![other, new.clone()]));
    let after = Some((old.namespace, old.name, 1));
    let next = ListQuery { namespace: Some("default".into()), after, ..all };
    assert_eq!(list(next).await, Seen::Pipelines(vec![new]));
    write(&store, [Step::DeletePipelines(vec![id(2)])]).await;
}
