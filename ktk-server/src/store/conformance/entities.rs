//! Nodes, requests, pipelines as a whole.

use super::{
    rows::{at, id, new_pipeline, node, pipeline, request},
    script::{Seen, Step},
    see, write,
};
use crate::{
    model::row::{NodeRow, RequestRow},
    store::Store,
};

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
