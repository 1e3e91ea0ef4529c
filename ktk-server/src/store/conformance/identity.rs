//! How objects are found: by id, context, name, digest.

use ktk_client::api::Phase;

use super::{
    rows::{ended, id, new_pipeline, new_task, pipeline, restart_of, task},
    script::{Seen, Step},
    see, write,
};
use crate::{
    model::row::{PipelineRow, TaskRow},
    store::Store,
};

async fn insert<S: Store>(store: &S, rows: &[TaskRow]) {
    write(store, [Step::InsertTasks(rows.iter().cloned().map(new_task).collect())]).await;
}

/// Each row once, whatever does not exist left out.
pub async fn by_id<S: Store>(store: S) {
    let rows = [task(1), task(2)];
    insert(&store, &rows).await;
    let asked = Step::Tasks(vec![id(2), id(1), id(9), id(2)]);
    assert_eq!(see(&store, asked).await, Seen::Tasks(rows.to_vec()));
    assert_eq!(see(&store, Step::Tasks(vec![])).await, Seen::Tasks(vec![]));
}

/// A context's newest, and all of it, oldest first.
pub async fn newest_and_all_of_a_context<S: Store>(store: S) {
    let first = TaskRow { newest: false, ..ended(task(9), Phase::Failed, 9) };
    let second = TaskRow { newest: false, ..ended(restart_of(&first, 5), Phase::Failed, 5) };
    let third = restart_of(&second, 7);
    insert(&store, &[third.clone(), first.clone(), second.clone(), task(1)]).await;
    let newest = Step::NewestTasks(vec![id(9), id(1), id(5), id(9)]);
    assert_eq!(see(&store, newest).await, Seen::Tasks(vec![task(1), third.clone()]));
    assert_eq!(see(&store, Step::ContextTasks(id(9))).await, Seen::Tasks(vec![first, second, third]));
    assert_eq!(see(&store, Step::ContextTasks(id(5))).await, Seen::Tasks(vec![]));
}

/// A name means its newest incarnation, in its namespace only, byte by byte.
pub async fn by_name<S: Store>(store: S) {
    let first = ended(task(1), Phase::Failed, 1);
    let second = restart_of(&first, 2);
    let elsewhere = TaskRow { namespace: "other".into(), name: first.name.clone(), ..task(3) };
    insert(&store, &[first.clone(), second.clone(), elsewhere.clone()]).await;
    let named =
        async |namespace: &str, name: &str| see(&store, Step::TaskNamed(namespace.into(), name.into())).await;
    assert_eq!(named("default", &first.name).await, Seen::Tasks(vec![second]));
    assert_eq!(named("other", &first.name).await, Seen::Tasks(vec![elsewhere]));
    for absent in ["task-00000", "task-0000011", "TASK-000001", ""] {
        assert_eq!(named("default", absent).await, Seen::Tasks(vec![]));
    }
    let first = pipeline(4);
    let second = PipelineRow { incarnation: 2, name: first.name.clone(), ..pipeline(5) };
    write(&store, [Step::InsertPipelines([second.clone(), first.clone()].map(new_pipeline).to_vec())]).await;
    let found = see(&store, Step::PipelineNamed("default".into(), first.name.clone())).await;
    assert_eq!(found, Seen::Pipelines(vec![second.clone()]));
    let found = see(&store, Step::PipelinesNamed("default".into(), first.name.clone())).await;
    assert_eq!(found, Seen::Pipelines(vec![first.clone(), second]));
    let found = see(&store, Step::PipelineNamed("other".into(), first.name)).await;
    assert_eq!(found, Seen::Pipelines(vec![]));
}

/// Ranges of heads have both ends in them, over the whole 64 bits, by head, then by id.
pub async fn by_head<S: Store>(store: S) {
    const MIDDLE: u64 = 1 << 63;
    let heads = [0, 5, MIDDLE - 1, MIDDLE, MIDDLE, u64::MAX];
    let rows: Vec<TaskRow> =
        heads.iter().zip(1..).map(|(head, n)| TaskRow { head: *head, ..task(n) }).collect();
    insert(&store, &rows).await;
    let found = async |range, limit| see(&store, Step::TasksByHead(range, limit)).await;
    assert_eq!(found(0..=u64::MAX, 10).await, Seen::Tasks(rows.clone()));
    assert_eq!(found(0..=u64::MAX, 2).await, Seen::Tasks(rows[..2].to_vec()));
    assert_eq!(found(5..=MIDDLE, 10).await, Seen::Tasks(rows[1..5].to_vec()));
    assert_eq!(found(MIDDLE..=MIDDLE, 10).await, Seen::Tasks(rows[3..5].to_vec()));
    assert_eq!(found(6..=7, 10).await, Seen::Tasks(vec![]));
    let rows: Vec<PipelineRow> =
        heads.iter().zip(11..).map(|(head, n)| PipelineRow { head: *head, ..pipeline(n) }).collect();
    write(&store, [Step::InsertPipelines(rows.iter().cloned().map(new_pipeline).collect())]).await;
    let found = see(&store, Step::PipelinesByHead(5..=MIDDLE, 3)).await;
    assert_eq!(found, Seen::Pipelines(rows[1..4].to_vec()));
}
