//! What every store must do, one function for each concern. A store's own test module names
//! them all with [`conformance!`] and says how an empty store is made.

pub mod entities;
pub mod events;
pub mod history;
pub mod identity;
#[cfg(test)]
pub mod law;
pub mod lists;
pub mod parts;
pub mod round_trip;
pub mod rows;
pub mod script;
pub mod transactions;
pub mod unique;
pub mod wholes;
pub mod work;

use self::script::{Failed, Script, Seen, Step};
use super::Store;

/// Every case, as a test of its own. The expression makes an empty store and whatever must live
/// as long as it.
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance! { $make;
            round_trip: tasks, pipelines, results_and_attempts, events_nodes_and_requests, tombstones, large_texts;
            unique: ids, names, incarnations, one_live_incarnation_per_context, versions, parts, swaps_in_order;
            identity: by_id, newest_and_all_of_a_context, by_name, by_head;
            parts: bodies_results_and_attempts_go_with_their_task, results_are_replaced, needs;
            work: order_of_claims, several_executors, only_what_is_queued_and_admitted, gated, evaluating, of_key, lanes,
                lanes_are_kept_at_hand, running_on, due, counts;
            lists: pages_of_all, pages_of_a_namespace, newest_only, a_page_survives_changes, pipelines_too;
            history: changes_in_version_order, deletions_are_changes, trimmed_history, limited_history, newest_version;
            wholes: newest_incarnations_with_all_their_tasks, in_the_order_of_their_times, facts_are_replaced;
            events: the_newest_oldest_first, of_a_namespace, of_an_object_and_a_pipeline, removed;
            entities: hooks_in_order, nodes_are_replaced, requests_are_remembered_and_forgotten, pipelines_are_deleted,
                objects_without_a_namespace, pages_of_a_kind;
            transactions: seen_at_once_inside, parts_are_taken_back_alone, a_failed_operation_leaves_nothing, neighbours_of_a_failure_hold,
                going_on_after_an_error_is_refused, a_panic_harms_nobody, a_read_cannot_write,
                what_is_absent_cannot_change, versions_and_fences_rise, acknowledged_is_seen, many_at_once;
        }
    };
    ($make:expr; $($file:ident: $($case:ident),+;)+) => {
        $(mod $file {
            $(#[tokio::test]
            async fn $case() {
                let (store, _alive) = $make;
                $crate::store::conformance::$file::$case(store).await;
            })+
        })+
    };
}

/// Runs steps as one operation.
pub async fn run<S: Store>(store: &S, steps: impl IntoIterator<Item = Step>) -> Result<Vec<Seen>, Failed> {
    store.write(Script::new(steps)).await
}

/// Runs steps that must succeed.
pub async fn write<S: Store>(store: &S, steps: impl IntoIterator<Item = Step>) -> Vec<Seen> {
    run(store, steps).await.expect("the steps succeed")
}

/// Runs one step that only reads.
pub async fn see<S: Store>(store: &S, step: Step) -> Seen {
    let mut seen = store.read(Script::new([step])).await.expect("the step succeeds");
    seen.pop().expect("one step gives one answer")
}
