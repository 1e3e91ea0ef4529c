//! Nodes, requests, pipelines and objects without a namespace as a whole.

use ktk_client::api::hook::Moment;

use super::{
    rows::{at, entity, id, new_pipeline, node, pipeline, request},
    run,
    script::{Failed, Seen, Step},
    see, write,
};
use crate::{
    model::{
        entity::EntityRow,
        row::{Change, HookRow, NodeRow, RequestRow},
    },
    store::Store,
};

/// Hooks come in the order in which they were written, and each once.
pub async fn hooks_in_order<S: Store>(store: S) {
    let hook = |number, of, moment| HookRow {
        id: id(number),
        task_id: id(of),
        moment,
        attempt: 1,
        body: format!("{{\"n\": {number}}}"),
    };
    let rows = [
        hook(9, 1, Moment::Start),
        hook(3, 2, Moment::Start),
        hook(5, 1, Moment::Keepalive),
        hook(4, 1, Moment::Finish),
    ];
    write(&store, [Step::InsertHooks(rows[..2].to_vec()), Step::InsertHooks(rows[2..].to_vec())]).await;
    assert_eq!(see(&store, Step::Hooks(10)).await, Seen::Hooks(rows.to_vec()));
    assert_eq!(see(&store, Step::Hooks(1)).await, Seen::Hooks(rows[..1].to_vec()));
    let of = [&rows[0], &rows[2], &rows[3]].map(Clone::clone).to_vec();
    assert_eq!(see(&store, Step::HooksOf(id(1))).await, Seen::Hooks(of));
    assert!(run(&store, [Step::InsertHooks(rows[1..2].to_vec())]).await.is_err(), "the same delivery");
    write(&store, [Step::DeleteHooks(vec![id(9), id(4), id(77)])]).await;
    assert_eq!(see(&store, Step::Hooks(10)).await, Seen::Hooks(rows[1..3].to_vec()));
}

/// A node is one row, however often it is written.
pub async fn nodes_are_replaced<S: Store>(store: S) {
    assert_eq!(see(&store, Step::Node(id(1))).await, Seen::Nodes(vec![]));
    write(&store, [Step::PutNode(node(1)), Step::PutNode(node(2))]).await;
    let again = NodeRow { generation: 2, name: "other".into(), ..node(1) };
    write(&store, [Step::PutNode(again.clone())]).await;
    assert_eq!(see(&store, Step::Nodes).await, Seen::Nodes(vec![again, node(2)]));
}

/// The first answer is kept until it is trimmed.
pub async fn requests_are_remembered_and_forgotten<S: Store>(store: S) {
    let seen = async |key: &str| see(&store, Step::Request(key.into())).await;
    assert_eq!(seen("task.create/1").await, Seen::Request(None));
    let rows = [request("task.create/1", 10), request("task.create/2", 20)];
    write(&store, rows.clone().map(Step::InsertRequest)).await;
    assert_eq!(seen("task.create/1").await, Seen::Request(Some(rows[0].clone())));
    assert_eq!(seen("TASK.create/1").await, Seen::Request(None));
    write(&store, [Step::TrimRequests(at(20))]).await;
    assert_eq!(seen("task.create/1").await, Seen::Request(None));
    assert_eq!(seen("task.create/2").await, Seen::Request(Some(rows[1].clone())));
    let again = RequestRow { digest: [9; 32], ..request("task.create/1", 30) };
    write(&store, [Step::InsertRequest(again.clone())]).await;
    assert_eq!(seen("task.create/1").await, Seen::Request(Some(again)));
}

/// A deleted pipeline leaves no manifest behind.
pub async fn pipelines_are_deleted<S: Store>(store: S) {
    write(&store, [Step::InsertPipelines([pipeline(1), pipeline(2)].map(new_pipeline).to_vec())]).await;
    write(&store, [Step::DeletePipelines(vec![id(2), id(9)])]).await;
    write(&store, [Step::InsertPipelines(vec![new_pipeline(pipeline(3))])]).await;
    let all = vec![id(1), id(2), id(3)];
    assert_eq!(
        see(&store, Step::Pipelines(all.clone())).await,
        Seen::Pipelines(vec![pipeline(1), pipeline(3)])
    );
    let texts = vec![(id(1), "{\"p\":1}".into()), (id(3), "{\"p\":3}".into())];
    assert_eq!(see(&store, Step::PipelineBodies(all)).await, Seen::Texts(texts));
}

/// An object of a kind and name is one row, however often it is written; other kinds are apart.
pub async fn objects_without_a_namespace<S: Store>(store: S) {
    let rows = vec![entity("Queue", "b", 3), entity("Queue", "a", 1), entity("Semaphore", "a", 2)];
    write(&store, [Step::PutEntities(rows.clone())]).await;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let named = |kind: &str, wanted: &[&str]| Step::Entities(kind.into(), names(wanted));
    let seen = see(&store, named("Queue", &["b", "a", "b", "c"])).await;
    assert_eq!(seen, Seen::Entities(vec![rows[1].clone(), rows[0].clone()]));
    let again = EntityRow { labels: Some("{}".into()), body: "{}".into(), version: 9, ..rows[1].clone() };
    write(&store, [Step::PutEntities(vec![again.clone()])]).await;
    assert_eq!(see(&store, named("Queue", &["a"])).await, Seen::Entities(vec![again.clone()]));
    write(&store, [Step::DeleteEntities("Queue".into(), names(&["b", "c"]))]).await;
    assert_eq!(see(&store, named("Queue", &["b"])).await, Seen::Entities(vec![]));
    assert_eq!(see(&store, named("Semaphore", &["a"])).await, Seen::Entities(vec![rows[2].clone()]));
    let changed = [rows[2].clone(), again].map(|row| Change::Entity(Box::new(row)));
    assert_eq!(see(&store, Step::Changes(0, 10)).await, Seen::Changes(changed.to_vec()));
    assert_eq!(see(&store, Step::Version).await, Seen::Number(9));
    let taken = run(&store, [Step::PutEntities(vec![entity("Queue", "c", 2)])]).await;
    assert_eq!(taken, Err(Failed::Duplicate), "a version belongs to one");
}

/// In the order of their names, page by page.
pub async fn pages_of_a_kind<S: Store>(store: S) {
    let rows = [("Queue", "b", 1), ("Queue", "a", 2), ("Queue", "aa", 3), ("Node", "a", 4), ("R", "z", 5)];
    let rows = rows.map(|(kind, name, version)| entity(kind, name, version));
    write(&store, [Step::PutEntities(rows.to_vec())]).await;
    let page = async |after: Option<&str>, limit| {
        let step = Step::ListEntities("Queue".into(), after.map(str::to_owned), limit);
        match see(&store, step).await {
            Seen::Entities(rows) => rows.into_iter().map(|row| row.name).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(page(None, 10).await, ["a", "aa", "b"]);
    assert_eq!(page(None, 2).await, ["a", "aa"]);
    assert_eq!(page(Some("a"), 10).await, ["aa", "b"]);
    assert_eq!(page(Some("ab"), 10).await, ["b"]);
    assert_eq!(page(Some("b"), 10).await, [""; 0]);
}
