//! The server that starts by itself: one, however many ask; found again; replaced when it is older.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use ktk_tests::{Place, eventually, is_alive, session_of};

const SOON: Duration = Duration::from_secs(60);

fn starters(place: &Place, count: usize) -> usize {
    let running: Vec<_> = (0..count).map(|_| place.typed("get tasks").within(SOON * 2).spawn()).collect();
    let outputs: Vec<_> = running.into_iter().map(|running| running.wait().code(0)).collect();
    place.server();
    outputs.iter().filter(|output| output.stderr.contains("started the local server")).count()
}

#[test]
fn commands_at_once_start_one_server() {
    for count in [2, 20] {
        let place = Place::new();
        assert_eq!(starters(&place, count), 1, "of {count}");
        assert_eq!(
            place
                .data()
                .read_dir()
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().file_name() == "server.log")
                .count(),
            1
        );
    }
}

#[test]
fn a_stale_socket_is_no_obstacle() {
    let place = Place::started();
    place.kill_server();
    assert!(place.socket().exists(), "a killed server leaves its socket");
    place.ktk("get tasks").code(0).says("started the local server");
    place.server();
}

#[test]
fn a_second_server_on_the_same_store_is_refused() {
    let place = Place::started();
    let second = place.ktk(&format!("server run --socket {}/other.sock", place.root().display()));
    assert_ne!(second.code, 0);
    second.says(&place.data().display().to_string());
    place.ok("run -- true");
    // The lock dies with its holder.
    place.kill_server();
    place.start();
}

#[test]
fn it_holds_nothing_of_the_callers() {
    let place = Place::new();
    fs::write(place.root().join("held"), "").unwrap();
    let script = format!(
        "exec 7<{}/held; cd {}; {} get tasks",
        place.root().display(),
        place.work().display(),
        place.binary().display()
    );
    place.program("sh -c").arg(script).env("SECRET", "very-secret").output().code(0);
    let server = place.server();
    let fds: Vec<_> = fs::read_dir(format!("/proc/{server}/fd"))
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
        .collect();
    assert!(!fds.iter().any(|fd| fd.ends_with("held")), "{fds:?}");
    assert_eq!(fs::read_link(format!("/proc/{server}/cwd")).unwrap().to_str(), Some("/"));
    let environ = fs::read_to_string(format!("/proc/{server}/environ")).unwrap();
    assert!(!environ.contains("very-secret"), "{environ:?}");
    assert_ne!(session_of(server), session_of(std::process::id()));
}

#[test]
fn it_ends_by_itself_when_there_is_nothing_to_do() {
    let place = Place::new().with_env("KTK_IDLE_EXIT", "700ms");
    place.ok("run --name x -- true");
    let pid = place.server();
    eventually("it ends by itself", SOON, || (!is_alive(pid)).then_some(()));
    assert!(!place.socket().exists());
    // While something runs it stays.
    place.ok("create task long -- sh -c 'while ! test -e go; do sleep 0.05; done'");
    let pid = place.server();
    place.ktk("wait long --timeout 2500ms").code(124);
    assert!(is_alive(pid), "it ended while a task ran");
    place.file("go", "");
    eventually("it ends by itself", SOON, || (!is_alive(pid)).then_some(()));
    assert_eq!(place.field("task", "long", "/status/phase"), "Succeeded");
}

#[test]
fn a_newer_command_replaces_an_idle_server_and_leaves_a_busy_one() {
    let place = Place::started();
    let newer = place.root().join("ktk");
    // The same program, built later.
    fs::copy(place.binary(), &newer).unwrap();
    fs::set_permissions(&newer, fs::Permissions::from_mode(0o755)).unwrap();
    let by_newer = |line: &str| place.program(&format!("{} {line}", newer.display()));
    let before = place.server();
    by_newer("get tasks").output().code(0).says("replaced the local server of version");
    let after = place.server();
    assert_ne!(before, after);
    // The older command does not take it back.
    place.ok("get tasks");
    assert_eq!(place.server(), after);
    place.ok("server stop");
    place.start();
    let older = place.server();
    place.ok("create task x -- sleep 1000");
    place.ok("wait x --for condition=Running");
    by_newer("get tasks").output().code(0).says("ktk server stop");
    assert_eq!(place.server(), older);
}

#[test]
fn a_path_too_long_for_a_socket_works_as_any_other() {
    let place = Place::new();
    let long = place.root().join("d".repeat(120)).join("data");
    let place = place.with_data(&long);
    assert!(place.socket().starts_with("/tmp"), "{:?}", place.socket());
    place.ok("run -- true");
    assert_eq!(place.ok("run -- echo again"), "again\n");
    place.ok("server stop");
    assert!(!place.socket().exists());
}
