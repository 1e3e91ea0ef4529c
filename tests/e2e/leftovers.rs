//! What a server that was killed left of deleted tasks is removed by the next one.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use ktk_tests::{Place, eventually};

const SOON: Duration = Duration::from_secs(30);

/// The directory and the log of a task.
fn files_of(place: &Place, name: &str) -> [PathBuf; 2] {
    let id = place.field("task", name, "/metadata/id");
    let log = place.data().join("logs").join(&id[id.len() - 2..]).join(format!("{id}.1"));
    [PathBuf::from(place.field("task", name, "/status/directory")), log]
}

fn are_gone(files: &[PathBuf]) -> Option<()> {
    (!files.iter().any(|file| Path::exists(file))).then_some(())
}

#[test]
fn files_of_what_is_gone_go_with_it() {
    let place = Place::started();
    for name in ["kept", "gone"] {
        place.ok(&format!("run --name {name} -- sh -c 'echo x; touch $KTK_DIR/file'"));
    }
    let (kept, gone) = (files_of(&place, "kept"), files_of(&place, "gone"));
    let log = fs::read(&gone[1]).unwrap();
    place.ok("delete task gone");
    eventually("its files are gone", SOON, || are_gone(&gone));
    place.ok("server stop");
    // As if the server had been killed between the deletion and its files.
    fs::create_dir(&gone[0]).unwrap();
    fs::write(gone[0].join("file"), "").unwrap();
    fs::write(&gone[1], log).unwrap();
    place.start();
    eventually("what was left of it is gone", SOON, || are_gone(&gone));
    assert!(kept.iter().all(|file| file.exists()), "what is there stays");
    assert_eq!(place.ok("logs kept"), "x\n");
}
