//! Operations are whole or not at all, and know nothing of each other.

use futures_util::future::join_all;
use ktk_client::api::worker::Fence;

use super::{
    rows::{at, attempt, event, id, lane, new_pipeline, new_task, node, pipeline, request, task, tombstone},
    run,
    script::{Failed, Script, Seen, Step},
    see, write,
};
use crate::{
    model::row::{NeedRow, ResultRow, TaskRow},
    store::Store,
};

fn insert(number: u64) -> Step {
    Step::InsertTasks(vec![new_task(task(number))])
}

/// Rows written are seen by later loads of the same transaction.
pub async fn seen_at_once_inside<S: Store>(store: S) {
    let renamed = TaskRow { name: "new".into(), version: 2, priority: 3, ..task(1) };
    let seen = write(
        &store,
        [
            insert(1),
            Step::Tasks(vec![id(1)]),
            Step::UpdateTasks(vec![renamed.clone()]),
            Step::TaskNamed("default".into(), "new".into()),
            Step::TaskNamed("default".into(), task(1).name),
            Step::Claimable(vec![String::new()], 5),
            Step::DeleteTasks(vec![id(1)]),
            Step::Tasks(vec![id(1)]),
        ],
    )
    .await;
    assert_eq!(seen[1], Seen::Tasks(vec![task(1)]));
    assert_eq!(seen[3], Seen::Tasks(vec![renamed.clone()]));
    assert_eq!(seen[4], Seen::Tasks(vec![]));
    assert_eq!(seen[5], Seen::Tasks(vec![renamed]));
    assert_eq!(seen[7], Seen::Tasks(vec![]));
}

/// What was written before a part, and in one that stays, stays; what a part wrote that was taken back is nowhere.
pub async fn parts_are_taken_back_alone<S: Store>(store: S) {
    fill(&store).await;
    let part = |steps: Vec<Step>, stays| {
        [vec![Step::BeginPart], steps, vec![Step::EndPart(stays)]].into_iter().flatten()
    };
    let before = all(&store).await;
    for step in one_of_each() {
        write(&store, part(vec![step.clone()], false)).await;
        assert_eq!(all(&store).await, before, "{step:?}");
    }
    let renamed = TaskRow { version: 61, name: "other".into(), ..task(100) };
    let steps = part(vec![insert(3)], true)
        .chain([Step::UpdateTasks(vec![TaskRow { version: 60, ..task(100) }])])
        .chain(part(vec![Step::UpdateTasks(vec![renamed]), insert(4), Step::PutLanes(vec![lane(1)])], false))
        .chain([Step::Tasks(vec![id(3), id(4), id(100)]), Step::Lanes, insert(5)])
        .chain(part(vec![insert(4)], true));
    let seen = write(&store, steps).await;
    let kept = vec![task(3), TaskRow { version: 60, ..task(100) }];
    assert!(seen.contains(&Seen::Tasks(kept.clone())) && seen.contains(&Seen::Lanes(vec![])), "{seen:?}");
    let kept = [task(3), task(4), task(5), kept[1].clone()].to_vec();
    assert_eq!(see(&store, Step::Tasks([3, 4, 5, 100].map(id).to_vec())).await, Seen::Tasks(kept));
    // Nothing is healed by it, and all goes with its operation.
    let doubled = Step::Ignore(Box::new(insert(3)));
    let outcome = run(&store, [insert(6)].into_iter().chain(part(vec![doubled], false))).await;
    assert!(matches!(outcome, Err(Failed::Store(_))), "{outcome:?}");
    let outcome = run(&store, part(vec![insert(6)], true).chain([Step::Fail])).await;
    assert_eq!(outcome, Err(Failed::Itself));
    assert_eq!(see(&store, Step::Tasks(vec![id(6)])).await, Seen::Tasks(vec![]));
}

/// One step of each kind that writes.
fn one_of_each() -> Vec<Step> {
    vec![
        insert(1),
        Step::UpdateTasks(vec![TaskRow { version: 50, ..task(100) }]),
        Step::PutTaskResults(vec![ResultRow { task_id: id(100), ..ResultRow::default() }]),
        Step::InsertAttempts(vec![attempt(id(100), 1)]),
        Step::InsertNeeds(vec![NeedRow { need: id(100), dependent: id(1) }]),
        Step::DeleteNeeds(vec![id(101)]),
        Step::InsertPipelines(vec![new_pipeline(pipeline(2))]),
        Step::DeletePipelines(vec![id(102)]),
        Step::InsertTombstones(vec![tombstone(51, 0)]),
        Step::TrimTombstones(at(1)),
        Step::LimitTombstones(0),
        Step::PutFact("f".into(), "1".into()),
        Step::InsertEvents(vec![event(1, id(1), 0)]),
        Step::DeleteEvents(vec![id(103)]),
        Step::PutNode(node(7)),
        Step::InsertRequest(request("k", 0)),
        Step::TrimRequests(at(0)),
        Step::DeleteTasks(vec![id(101)]),
    ]
}

/// Everything that can be seen.
async fn all<S: Store>(store: &S) -> Vec<Seen> {
    let ids: Vec<_> = [1, 2, 100, 101, 102, 103].map(id).to_vec();
    let steps = [
        Step::Version,
        Step::Changes(0, 1_000),
        Step::HistoryStart,
        Step::TaskBodies(ids.clone()),
        Step::TaskResults(ids.clone()),
        Step::Attempts(ids.clone()),
        Step::Dependents(ids.clone()),
        Step::NeedsOf(ids.clone()),
        Step::PipelineBodies(ids),
        Step::ListEvents(None, None, 1_000),
        Step::Nodes,
        Step::Request("k".into()),
        Step::Request("old".into()),
        Step::Claimable(vec![String::new()], 1_000),
        Step::LiveCounts,
    ];
    store.read(Script::new(steps)).await.expect("reads succeed")
}

async fn fill<S: Store>(store: &S) {
    write(
        store,
        [
            Step::InsertTasks([task(100), task(101)].map(new_task).to_vec()),
            Step::InsertPipelines(vec![new_pipeline(pipeline(102))]),
            Step::InsertNeeds(vec![NeedRow { need: id(100), dependent: id(101) }]),
            Step::InsertEvents(vec![event(2, id(103), 0)]),
            Step::InsertTombstones(vec![tombstone(40, 0)]),
            Step::InsertRequest(request("old", -5)),
        ],
    )
    .await;
}

/// Each write is taken back, alone and together.
pub async fn a_failed_operation_leaves_nothing<S: Store>(store: S) {
    fill(&store).await;
    let before = all(&store).await;
    for step in one_of_each() {
        assert_eq!(run(&store, [step.clone(), Step::Fail]).await, Err(Failed::Itself), "{step:?}");
        assert_eq!(all(&store).await, before, "{step:?}");
    }
    let everything = one_of_each().into_iter().chain([Step::Fail]);
    assert_eq!(run(&store, everything).await, Err(Failed::Itself));
    assert_eq!(all(&store).await, before);
    write(&store, one_of_each()).await;
    assert_ne!(all(&store).await, before);
}

/// Of many at once the good ones hold and the bad ones leave nothing.
pub async fn neighbours_of_a_failure_hold<S: Store>(store: S) {
    let operations = (1..=60).map(|number| {
        let end = match number % 6 {
            0 => vec![Step::Fail],
            3 => vec![insert(number)],
            5 => vec![Step::Panic],
            _ => vec![],
        };
        let store = store.clone();
        async move { (number, run(&store, [insert(number)].into_iter().chain(end)).await) }
    });
    for (number, outcome) in join_all(operations).await {
        let holds = !matches!(number % 6, 0 | 3 | 5);
        assert_eq!(outcome.is_ok(), holds, "{number}: {outcome:?}");
        let expected = if holds { vec![task(number)] } else { vec![] };
        assert_eq!(see(&store, Step::Tasks(vec![id(number)])).await, Seen::Tasks(expected), "{number}");
    }
}

/// An operation that swallows an error has failed all the same.
pub async fn going_on_after_an_error_is_refused<S: Store>(store: S) {
    write(&store, [insert(1)]).await;
    let doubled = Step::Ignore(Box::new(insert(1)));
    let outcome = run(&store, [insert(2), doubled.clone()]).await;
    assert!(matches!(outcome, Err(Failed::Store(_))), "{outcome:?}");
    let outcome = run(&store, [doubled, insert(3)]).await;
    assert!(matches!(outcome, Err(Failed::Store(_))), "{outcome:?}");
    let found = see(&store, Step::Tasks(vec![id(1), id(2), id(3)])).await;
    assert_eq!(found, Seen::Tasks(vec![task(1)]));
}

/// A panic is an error of its operation.
pub async fn a_panic_harms_nobody<S: Store>(store: S) {
    let outcome = run(&store, [insert(1), Step::Panic]).await;
    assert!(matches!(&outcome, Err(Failed::Store(text)) if text.contains("on purpose")), "{outcome:?}");
    let outcome = store.read(Script::new([Step::Panic])).await;
    assert!(matches!(outcome, Err(Failed::Store(_))), "{outcome:?}");
    write(&store, [insert(1)]).await;
    assert_eq!(see(&store, Step::Tasks(vec![id(1)])).await, Seen::Tasks(vec![task(1)]));
}

/// Writing, or taking a number, in a read is a bug and fails.
pub async fn a_read_cannot_write<S: Store>(store: S) {
    fill(&store).await;
    let before = all(&store).await;
    for step in one_of_each().into_iter().chain([Step::NextVersion, Step::NextFence]) {
        let outcome = store.read(Script::new([step.clone()])).await;
        assert!(matches!(outcome, Err(Failed::Store(_))), "{step:?}: {outcome:?}");
    }
    assert_eq!(all(&store).await, before);
}

/// Changes to what is not there are bugs and fail.
pub async fn what_is_absent_cannot_change<S: Store>(store: S) {
    let steps = [
        Step::UpdateTasks(vec![task(1)]),
        Step::UpdatePipelines(vec![pipeline(1)]),
        Step::PutTaskResults(vec![ResultRow { task_id: id(1), ..ResultRow::default() }]),
        Step::InsertAttempts(vec![attempt(id(1), 1)]),
    ];
    for step in steps {
        let outcome = run(&store, [step.clone()]).await;
        assert!(matches!(outcome, Err(Failed::Store(_))), "{step:?}: {outcome:?}");
    }
}

/// Numbers are given once, also by operations that fail.
pub async fn versions_and_fences_rise<S: Store>(store: S) {
    let mut last = (0, Fence::default());
    for round in 0..20 {
        let mut steps = vec![Step::NextVersion, Step::NextFence, Step::NextVersion, Step::NextFence];
        if round % 3 == 0 {
            steps.push(Step::Fail);
            assert_eq!(run(&store, steps).await, Err(Failed::Itself));
            continue;
        }
        for seen in write(&store, steps).await {
            match seen {
                Seen::Number(version) => {
                    assert!(version > last.0);
                    last.0 = version;
                }
                Seen::Fence(fence) => {
                    assert!(fence > last.1);
                    assert_eq!(fence.epoch, store.info().epoch);
                    last.1 = fence;
                }
                other => panic!("no number: {other:?}"),
            }
        }
    }
}

/// Whoever has an answer sees what it says, by a read as by a write, synced or not.
pub async fn acknowledged_is_seen<S: Store>(store: S) {
    for number in 1..=50 {
        let script =
            if number % 2 == 0 { Script::new([insert(number)]) } else { Script::relaxed([insert(number)]) };
        store.write(script).await.expect("it is written");
        assert_eq!(see(&store, Step::Tasks(vec![id(number)])).await, Seen::Tasks(vec![task(number)]));
    }
}

/// Many writers and readers at once: as if one after another.
pub async fn many_at_once<S: Store>(store: S) {
    let name = Step::TaskNamed("default".into(), "counter".into());
    write(&store, [Step::InsertTasks(vec![new_task(TaskRow { name: "counter".into(), ..task(1) })])]).await;
    let operations = (0..200).map(|number| {
        let (store, name) = (store.clone(), name.clone());
        async move {
            match number % 4 {
                0 => assert!(matches!(see(&store, name).await, Seen::Tasks(rows) if rows.len() == 1)),
                1 => drop(run(&store, [insert(1_000 + number), Step::Fail]).await),
                _ => drop(write(&store, [insert(1_000 + number)]).await),
            }
        }
    });
    join_all(operations).await;
    let Seen::Counts(counts) = see(&store, Step::LiveCounts).await else { panic!("no counts") };
    assert_eq!(counts.pending, 101);
}
