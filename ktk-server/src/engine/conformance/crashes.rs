//! A crash or an error at every call of every deed: it is done, or it is as if it had never begun, and whoever
//! asks again gets it done once. Nothing is lost, nothing stays where nothing moves it.
//!
//! The traps that other queues fell into have their numbers in the names of their tests: `r1` a restart in two steps,
//! `r2` a creation in two, `r3` work that is handed over after it was taken, `r4` and `r5` (in `needs`) ends that meet
//! each other or a dependent that is just made, `r7` an error that is logged and forgotten.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
};

use ktk_client::api::{ErrorReason, Phase, Reason};
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    cut::{CUT, CutStore},
    deeds::{DEEDS, Deed, outcome, perform, play_out, prepare},
    lab::{Answer, Lab},
};
use crate::store::{
    Store,
    memory::MemoryStore,
    sqlite::{SqliteOptions, SqliteStore},
};

type Outcome = BTreeMap<String, (u32, Phase, Option<Reason>)>;

async fn stage<S: Store>(store: S) -> Lab<CutStore<S>> {
    let mut lab = Lab::new(CutStore::new(store)).await;
    prepare(&mut lab).await;
    lab
}

/// A server that starts again on what is left, and the same wish once more from whoever had no answer.
async fn after_a_crash<S: Store>(store: S, deed: Deed, was_acknowledged: bool) -> Outcome {
    let mut lab = Lab::seeded(store, 2).await;
    // The old server's clock had moved on.
    lab.engine.clock.advance(jiff::SignedDuration::from_secs(90));
    if !was_acknowledged {
        done_again(perform(&mut lab, deed).await, deed);
    }
    play_out(&mut lab).await;
    outcome(&lab)
}

/// A wish that is repeated is granted, or its answer says that it was granted before.
fn done_again(answer: Answer<()>, deed: Deed) {
    let Err(error) = answer else { return };
    let is_known = match deed {
        Deed::DeleteEnded | Deed::DeleteCascade | Deed::DeleteRunning => {
            error.reason == ErrorReason::NotFound
        }
        Deed::CancelRunning | Deed::CancelPipeline => error.reason == ErrorReason::Conflict,
        _ => false,
    };
    assert!(is_known, "{deed:?}, asked for again: {error:?}");
}

fn cut(answer: &Answer<()>) -> bool {
    let is_cut = |error: &ktk_client::api::ApiError| error.message.contains(CUT);
    answer.as_ref().is_err_and(|error| {
        assert!(is_cut(error), "it failed for another reason: {error:?}");
        true
    })
}

/// What a deed comes to where the server starts again right before it, and right after it.
async fn expected(deed: Deed) -> [Outcome; 2] {
    let mut ways = Vec::new();
    for is_done in [false, true] {
        let mut lab = stage(MemoryStore::new(Uuid::from_u128(7))).await;
        if is_done {
            perform(&mut lab, deed).await.unwrap();
        }
        ways.push(after_a_crash(lab.engine.store.store.restarted(), deed, is_done).await);
    }
    // Only an end that nobody heard of is lost with its attempt, which runs again.
    assert!(deed == Deed::ReportFailures || ways[0] == ways[1], "{deed:?}: {ways:#?}");
    ways.try_into().unwrap()
}

/// A call fails, alone or with all that follow: the operation says so and has changed nothing. Once more without,
/// and it is done.
async fn errors<S: Store>(make: impl Fn() -> S, deeds: &[Deed]) {
    for deed in deeds {
        let mut lab = stage(make()).await;
        let before = lab.dump.clone();
        for call in 1.. {
            // Who has crashed calls nothing more.
            lab.engine.store.knife.fail(call..=usize::MAX);
            if !cut(&perform(&mut lab, *deed).await) {
                assert!(call > 2, "{deed:?} was never cut");
                break;
            }
            assert_eq!(lab.dump, before, "{deed:?} ended at call {call} and left something");
            lab.engine.store.knife.fail(call..=call);
            assert!(cut(&perform(&mut lab, *deed).await), "{deed:?} went on after an error at call {call}");
            assert_eq!(lab.dump, before, "{deed:?} failed at call {call} and left something");
        }
        lab.engine.store.knife.rest();
        assert_ne!(lab.dump, before, "{deed:?} did nothing");
        play_out(&mut lab).await;
        outcome(&lab);
    }
}

#[tokio::test]
async fn an_error_leaves_nothing_in_memory() {
    errors(|| MemoryStore::new(Uuid::from_u128(7)), &DEEDS).await;
}

#[tokio::test]
async fn an_error_leaves_nothing_on_sqlite() {
    // The cut of a restart, of a report and of a claim: the others differ in the engine alone.
    for deed in [Deed::RestartAll, Deed::Report, Deed::Claim] {
        let dir = tempfile::tempdir().unwrap();
        errors(|| open(dir.path()), &[deed]).await;
    }
}

/// What is left is the same at every call, as the tests of errors show: one amid and none are enough.
#[tokio::test]
async fn a_server_starts_again_after_a_crash_in_memory() {
    for deed in DEEDS {
        let [undone, done] = expected(deed).await;
        for call in [5, usize::MAX] {
            let mut lab = stage(MemoryStore::new(Uuid::from_u128(7))).await;
            lab.engine.store.knife.fail(call..=usize::MAX);
            let expected = if cut(&perform(&mut lab, deed).await) { &undone } else { &done };
            let store = lab.engine.store.store.restarted();
            assert_eq!(after_a_crash(store, deed, false).await, *expected, "{deed:?}, cut at call {call}");
        }
    }
}

/// A claim that is lost is made again. All else, an end above all, is on the disk when it is acknowledged.
#[tokio::test]
async fn nothing_but_claims_is_left_to_the_system() {
    for deed in DEEDS {
        let mut lab = stage(MemoryStore::new(Uuid::from_u128(7))).await;
        lab.engine.store.knife.relaxed.store(0, Relaxed);
        perform(&mut lab, deed).await.unwrap();
        let relaxed = lab.engine.store.knife.relaxed.load(Relaxed);
        assert_eq!(relaxed, usize::from(deed == Deed::Claim), "{deed:?}");
    }
}

/// The files of a store as they are at one moment: what kill -9 would leave.
type Image = Vec<(&'static str, Vec<u8>)>;

fn image(dir: &Path) -> Image {
    let read = |name| fs::read(PathBuf::from(dir).join(name)).ok().map(|bytes| (name, bytes));
    ["ktk.db", "ktk.db-wal"].into_iter().filter_map(read).collect()
}

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, &SqliteOptions::default()).unwrap()
}

fn opened(image: &[(&'static str, Vec<u8>)]) -> (TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in image {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let store = open(dir.path());
    (dir, store)
}

/// Does a deed, and takes an image before each of its calls and after its end; equal ones once.
async fn images(deed: Deed) -> Vec<Image> {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = stage(open(dir.path())).await;
    let taken: Arc<Mutex<Vec<Image>>> = Arc::default();
    let (place, album) = (dir.path().to_owned(), taken.clone());
    let take = move || {
        let (image, mut album) = (image(&place), album.lock().unwrap());
        if album.last() != Some(&image) {
            album.push(image);
        }
    };
    lab.engine.store.knife.watch(take.clone());
    perform(&mut lab, deed).await.unwrap();
    assert!(lab.engine.store.knife.rest() > 2, "nobody looked");
    take();
    let taken = std::mem::take(&mut *taken.lock().unwrap());
    assert!(taken.len() > 1, "{deed:?} left no trace");
    taken
}

/// The log cut off in each page that the last commit wrote: what a crash in its midst leaves.
fn torn(before: &Image, after: &Image) -> Vec<Image> {
    let log = |image: &Image| image.iter().find(|(name, _)| *name == "ktk.db-wal").unwrap().1.clone();
    let (before, whole) = (log(before).len(), log(after));
    let cuts = (before..whole.len()).step_by(4_120 / 2 + 1);
    let cut = |length: usize| {
        let mut image = after.clone();
        image.iter_mut().filter(|(name, _)| *name == "ktk.db-wal").for_each(|(_, log)| log.truncate(length));
        image
    };
    cuts.map(cut).collect()
}

async fn crash_on_sqlite(deeds: &[Deed]) {
    for deed in deeds {
        let expected = expected(*deed).await;
        let images = images(*deed).await;
        for (number, image) in images.iter().enumerate() {
            let (_dir, store) = opened(image);
            let found = after_a_crash(store.clone(), *deed, false).await;
            assert!(expected.contains(&found), "{deed:?}, image {number}: {found:#?}");
            store.close().await;
        }
    }
}

#[tokio::test]
async fn r1_a_restart_that_is_cut_anywhere() {
    crash_on_sqlite(&[
        Deed::Restart,
        Deed::RestartAll,
        Deed::RestartByForce,
        Deed::RestartPipeline,
        Deed::RestartWhole,
    ])
    .await;
}

#[tokio::test]
async fn r2_a_creation_that_is_cut_anywhere() {
    crash_on_sqlite(&[Deed::CreateTask, Deed::CreatePipeline]).await;
}

#[tokio::test]
async fn r3_a_claim_that_is_cut_anywhere() {
    crash_on_sqlite(&[Deed::Claim]).await;
}

/// The store fails at any call of an admission: it is told, nothing is there, and asked for again it is made.
#[tokio::test]
async fn r7_an_error_of_an_admission_is_told() {
    errors(|| MemoryStore::new(Uuid::from_u128(7)), &[Deed::CreateTask, Deed::CreatePipeline]).await;
}

#[tokio::test]
async fn a_crash_of_reports_and_deletions_on_sqlite() {
    crash_on_sqlite(&[
        Deed::Report,
        Deed::ReportFailures,
        Deed::CancelPipeline,
        Deed::DeleteCascade,
        Deed::DeleteRunning,
        Deed::Collect,
    ])
    .await;
}

#[tokio::test]
async fn a_crash_in_the_midst_of_a_commit() {
    let deed = Deed::RestartAll;
    let images = images(deed).await;
    let [before, after] = &images[..] else { panic!("{} images", images.len()) };
    let state = |image: &Image| {
        let (dir, store) = opened(image);
        async move {
            let dump = store.read(super::dump::ReadAll).await.unwrap();
            store.close().await;
            drop(dir);
            dump
        }
    };
    let old = state(before).await;
    let torn = torn(before, after);
    assert!(torn.len() > 4, "a commit of {} pages", torn.len() / 2);
    for (number, image) in torn.iter().enumerate() {
        assert_eq!(state(image).await, old, "cut {number}");
    }
    assert_ne!(state(after).await, old);
}
