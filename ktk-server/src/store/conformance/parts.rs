//! What belongs to tasks.

use super::{
    rows::{attempt, id, new_task, task},
    script::{Seen, Step},
    see, write,
};
use crate::{
    model::row::{NeedRow, ResultRow},
    store::Store,
};

fn result(number: u64, outputs: &str) -> ResultRow {
    ResultRow { task_id: id(number), outputs: Some(outputs.into()), ..ResultRow::default() }
}

/// A deleted task leaves nothing that a new one could inherit.
pub async fn bodies_results_and_attempts_go_with_their_task<S: Store>(store: S) {
    let attempts = |number| vec![attempt(id(number), 1), attempt(id(number), 2)];
    let both = vec![id(1), id(2)];
    write(
        &store,
        [
            Step::InsertTasks([1, 2].map(|number| new_task(task(number))).to_vec()),
            Step::InsertAttempts([attempts(1), attempts(2)].concat()),
            Step::PutTaskResults(vec![result(1, "1"), result(2, "2")]),
            Step::DeleteTasks(vec![id(2), id(7)]),
        ],
    )
    .await;
    assert_eq!(see(&store, Step::Tasks(both.clone())).await, Seen::Tasks(vec![task(1)]));
    // The last row's place is free again: what is written there next must be new.
    write(&store, [Step::InsertTasks(vec![new_task(task(3))])]).await;
    let all = vec![id(1), id(2), id(3)];
    assert_eq!(see(&store, Step::Attempts(all.clone())).await, Seen::Attempts(attempts(1)));
    assert_eq!(see(&store, Step::TaskResults(all.clone())).await, Seen::Results(vec![result(1, "1")]));
    let texts = vec![(id(1), "{\"n\":1}".into()), (id(3), "{\"n\":3}".into())];
    assert_eq!(see(&store, Step::TaskBodies(all)).await, Seen::Texts(texts));
    write(&store, [Step::DeleteTasks(vec![id(1), id(3)])]).await;
    assert_eq!(see(&store, Step::TaskBodies(both)).await, Seen::Texts(vec![]));
}

/// The last result is the result.
pub async fn results_are_replaced<S: Store>(store: S) {
    write(&store, [Step::InsertTasks(vec![new_task(task(1))]), Step::PutTaskResults(vec![result(1, "a")])])
        .await;
    let later = ResultRow { outputs: None, resolved: Some("[]".into()), ..result(1, "") };
    write(&store, [Step::PutTaskResults(vec![later.clone()])]).await;
    assert_eq!(see(&store, Step::TaskResults(vec![id(1)])).await, Seen::Results(vec![later]));
}

/// Needs are found from both ends, and go with their dependent.
pub async fn needs<S: Store>(store: S) {
    let need = |need, dependent| NeedRow { need: id(need), dependent: id(dependent) };
    let rows = vec![need(1, 3), need(2, 3), need(1, 4), need(3, 5)];
    write(&store, [Step::InsertNeeds(rows)]).await;
    let dependents = Step::Dependents(vec![id(1), id(3), id(1)]);
    assert_eq!(see(&store, dependents.clone()).await, Seen::Needs(vec![need(1, 3), need(1, 4), need(3, 5)]));
    let needs = Step::NeedsOf(vec![id(3), id(9)]);
    assert_eq!(see(&store, needs.clone()).await, Seen::Needs(vec![need(1, 3), need(2, 3)]));
    write(&store, [Step::DeleteNeeds(vec![id(3), id(9)])]).await;
    assert_eq!(see(&store, dependents).await, Seen::Needs(vec![need(1, 4), need(3, 5)]));
    assert_eq!(see(&store, needs).await, Seen::Needs(vec![]));
}
