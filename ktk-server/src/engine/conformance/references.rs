//! From what a user typed to the object that is meant.

use ktk_client::api::{ErrorReason, TaskId};

use super::{
    build::{job, pipeline},
    dump::Crowd,
    lab::Lab,
};
use crate::store::Store;

pub async fn names_ids_and_prefixes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let first = TaskId::new(lab.make(job("a")).await);
    lab.fail("a").await;
    let second = TaskId::new(lab.restart("a").await.unwrap().object.metadata.id.unwrap());
    let digest = |id: &TaskId, digits: usize| id.digest_hex()[..digits].to_owned();
    for (reference, incarnation) in [
        ("a".into(), 2),
        ("a@1".into(), 1),
        ("a@2".into(), 2),
        (first.id().to_string(), 1),
        (first.id().to_string().to_uppercase(), 1),
        (first.human_name().into(), 1),
        (second.human_name().into(), 2),
        (digest(&first, 12), 1),
        (digest(&second, 32), 2),
        (digest(&second, 6).to_uppercase(), 2),
    ] {
        let found = lab.get(&reference).await.unwrap();
        assert_eq!(found.metadata.incarnation(), incarnation, "{reference}");
    }
    let wrong =
        format!("{}{}", digest(&first, 31), if digest(&first, 32).ends_with('0') { '1' } else { '0' });
    let other_number = format!("{}@2", first.human_name());
    for reference in [digest(&first, 3), wrong, other_number, "a@3".into(), "b".into()] {
        assert_eq!(lab.get(&reference).await.unwrap_err().reason, ErrorReason::NotFound, "{reference}");
    }
    for reference in ["", "a@0", "a@x", "A b", "a\u{1b}"] {
        assert_eq!(lab.get(reference).await.unwrap_err().reason, ErrorReason::Invalid, "{reference:?}");
    }
    lab.make_pipeline(pipeline("p", [job("s")])).await;
    let hint = lab.get("p").await.unwrap_err().hint.unwrap();
    assert!(hint.contains("pipeline/p"), "{hint}");
    let id = TaskId::new(lab.get_pipeline("p").await.unwrap().metadata.id.unwrap());
    for reference in ["p@1".into(), id.id().to_string(), id.human_name().into(), digest(&id, 12)] {
        assert_eq!(lab.get_pipeline(&reference).await.unwrap().metadata.name(), "p", "{reference}");
    }
    assert_eq!(lab.get_pipeline("p@2").await.unwrap_err().reason, ErrorReason::NotFound);
}

/// The first two of so many tasks whose digests begin with the same four digits.
pub async fn ambiguous_ones_list_candidates<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let jobs = (0..2_000).map(|n| job(&format!("s{n}"))).collect();
    lab.make_pipeline(super::build::pipeline_of("p", jobs)).await;
    let mut digests: Vec<(String, String)> =
        lab.dump.tasks.values().map(|row| (TaskId::new(row.id).digest_hex(), row.name.clone())).collect();
    digests.sort_unstable();
    let pair = digests.windows(2).find(|pair| pair[0].0[..4] == pair[1].0[..4]).unwrap();
    let refused = lab.get(&pair[0].0[..4]).await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Ambiguous);
    for (digest, name) in pair {
        assert!(refused.message.contains(&format!("{} {name}@1", &digest[..12])), "{}", refused.message);
    }
    assert_eq!(lab.get(&pair[0].0[..16]).await.unwrap().metadata.name(), pair[0].1);
}

/// What lies in other namespaces hides nothing.
pub async fn many_namespaces<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let task = lab.create(job("a")).await.unwrap();
    let beside = lab.dump.tasks[&task.metadata.id.unwrap()].clone();
    lab.engine.store.write(Crowd { beside }).await.unwrap();
    let digest = task.metadata.digest.unwrap();
    for reference in [&digest[..8], &task.metadata.human_name.unwrap()] {
        assert_eq!(lab.get(reference).await.unwrap().metadata.name(), "a", "{reference}");
    }
}
