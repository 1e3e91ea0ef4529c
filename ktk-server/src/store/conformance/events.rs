//! Events.

use super::{
    rows::{at, event, id},
    script::{Seen, Step},
    see, write,
};
use crate::{model::row::EventRow, store::Store};

async fn numbers<S: Store>(
    store: &S,
    namespace: Option<&str>,
    object: Option<u64>,
    limit: usize,
) -> Vec<String> {
    let step = Step::ListEvents(namespace.map(Into::into), object.map(id), limit);
    let Seen::Events(rows) = see(store, step).await else { panic!("no events") };
    rows.into_iter().map(|row| row.message.replace("event ", "")).collect()
}

async fn fill<S: Store>(store: &S) {
    let of = |number, object, micros, namespace: &str, pipeline: Option<u64>| EventRow {
        namespace: namespace.into(),
        pipeline_id: pipeline.map(id),
        ..event(number, id(object), micros)
    };
    let first = vec![of(1, 10, 50, "a", None), of(2, 11, 10, "b", Some(10)), of(3, 12, 20, "a", Some(20))];
    let second = vec![of(5, 10, 20, "a", Some(10)), of(4, 10, 20, "a", None), of(6, 20, 60, "b", None)];
    write(store, [Step::InsertEvents(first)]).await;
    write(store, [Step::InsertEvents(second)]).await;
}

/// By time, then as they were written; the limit keeps the newest.
pub async fn the_newest_oldest_first<S: Store>(store: S) {
    assert_eq!(numbers(&store, None, None, 10).await, [""; 0]);
    fill(&store).await;
    assert_eq!(numbers(&store, None, None, 10).await, ["2", "3", "5", "4", "1", "6"]);
    assert_eq!(numbers(&store, None, None, 3).await, ["4", "1", "6"]);
    assert_eq!(numbers(&store, None, None, 0).await, [""; 0]);
}

/// Of one namespace.
pub async fn of_a_namespace<S: Store>(store: S) {
    fill(&store).await;
    assert_eq!(numbers(&store, Some("a"), None, 10).await, ["3", "5", "4", "1"]);
    assert_eq!(numbers(&store, Some("a"), None, 2).await, ["4", "1"]);
    assert_eq!(numbers(&store, Some("c"), None, 2).await, [""; 0]);
}

/// Of an object, and of the tasks of a pipeline with it; an event that is both comes once.
pub async fn of_an_object_and_a_pipeline<S: Store>(store: S) {
    fill(&store).await;
    assert_eq!(numbers(&store, None, Some(10), 10).await, ["2", "5", "4", "1"]);
    assert_eq!(numbers(&store, None, Some(10), 2).await, ["4", "1"]);
    assert_eq!(numbers(&store, None, Some(20), 10).await, ["3", "6"]);
    assert_eq!(numbers(&store, Some("a"), Some(20), 10).await, ["3"]);
    assert_eq!(numbers(&store, None, Some(99), 10).await, [""; 0]);
}

/// With their object, or by age.
pub async fn removed<S: Store>(store: S) {
    fill(&store).await;
    write(&store, [Step::DeleteEvents(vec![id(10), id(99)])]).await;
    assert_eq!(numbers(&store, None, None, 10).await, ["2", "3", "6"]);
    write(&store, [Step::TrimEvents(at(20))]).await;
    assert_eq!(numbers(&store, None, None, 10).await, ["3", "6"]);
    write(&store, [Step::TrimEvents(at(61))]).await;
    assert_eq!(numbers(&store, None, None, 10).await, [""; 0]);
}
