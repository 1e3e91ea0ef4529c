//! 64 callers restart one task at once: one restart, and all get it.

use std::{collections::BTreeSet, thread};

use ktk_tests::Place;
use serde_json::Value;

const CALLERS: usize = 64;

/// Restarts by 64 processes at once; answers what each was told.
fn race(place: &Place, reference: &str) -> Vec<Value> {
    let running: Vec<_> = (0..CALLERS)
        .map(|_| {
            place
                .typed(&format!("restart {reference} -o json"))
                .within(std::time::Duration::from_secs(120))
                .spawn()
        })
        .collect();
    running.into_iter().map(|running| running.wait().code(0).json()).collect()
}

/// One id for all, and one that made it.
fn check(answers: &[Value], incarnation: u32) -> String {
    let ids: BTreeSet<&str> =
        answers.iter().map(|answer| answer["metadata"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let created = answers.iter().filter(|answer| answer["created"] == true).count();
    assert_eq!(created, 1, "one of {CALLERS} made it");
    assert!(answers.iter().all(|answer| answer["metadata"]["restart"]["incarnation"] == incarnation));
    ids.into_iter().next().unwrap().to_owned()
}

#[test]
fn by_id_and_by_bare_name() {
    let place = Place::started();
    // The child lives until it is let go, so that no call comes after its end.
    place.ktk("run --name x -- sh -c 'test $KTK_TASK_NAME = x || exit 3; test -e begun || { touch begun; exit 1; }; sleep 1000'").code(1);
    let first = place.field("task", "x", "/metadata/id");
    let second = check(&race(&place, &first), 2);
    place.ok("wait x --for condition=Running");
    assert_eq!(check_none(&race(&place, "x")), second);
    place.ok("cancel x --now");
    place.ktk("wait x").code(1);
    let third = check(&race(&place, "x"), 3);
    assert_eq!(place.field("task", "x", "/metadata/id"), third);
    let parent = place.field("task", "x", "/metadata/restart/parentId");
    assert_eq!(parent, second);
    assert_eq!(place.ok("get tasks --all-incarnations -o name"), "task/x@1\ntask/x@2\ntask/x@3\n");
}

/// One id for all; nobody made anything.
fn check_none(answers: &[Value]) -> String {
    let ids: BTreeSet<&str> =
        answers.iter().map(|answer| answer["metadata"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert!(answers.iter().all(|answer| answer["created"] == false));
    ids.into_iter().next().unwrap().to_owned()
}

#[test]
fn through_the_sdk_with_and_without_force() {
    let place = Place::started();
    place.ktk("run --name x -- sh -c 'test -e begun || { touch begun; exit 1; }; sleep 1000'").code(1);
    let ids: Vec<_> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let place = &place;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    let reference = if caller % 2 == 0 { "x" } else { "x@1" };
                    let restarted =
                        runtime.block_on(async { place.client().tasks().restart(reference).await.unwrap() });
                    (restarted.object.metadata.id.unwrap(), restarted.created)
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(ids.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(ids.iter().filter(|(_, created)| *created).count(), 1);
    assert_eq!(place.ok("get tasks --all-incarnations -o name"), "task/x@1\ntask/x@2\n");
}
