//! Where a socket may be opened, and who can reach it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use tempfile::TempDir;

use super::super::{BindError, Listener};
use super::peer::{ask, request};
use super::running::Running;

fn directory() -> TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn refusal(path: &Path) -> BindError {
    Listener::bind(path).expect_err("it is refused")
}

#[tokio::test]
async fn the_socket_is_its_owners_alone_and_goes_with_the_server() {
    let mut server = Running::start().await;
    assert_eq!(mode(&server.socket), 0o600);
    assert_eq!(mode(server.socket.parent().unwrap()), 0o700);
    let socket = server.socket.clone();
    server.close();
    server.ended().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
    let directory = directory();
    let path = directory.path().join("ktk.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "nobody removed it");
    let first = Listener::bind(&path).expect("a dead socket is no hindrance");
    assert!(matches!(refusal(&path), BindError::InUse(_)));
    // One that another server has put there is not the first one's to remove.
    fs::remove_file(&path).unwrap();
    let second = Listener::bind(&path).unwrap();
    drop(first);
    assert!(path.exists());
    drop(second);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_is_no_dead_socket_is_left_as_it_is() {
    let directory = directory();
    let path = directory.path().join("ktk.sock");
    fs::write(&path, "precious").unwrap();
    assert!(matches!(refusal(&path), BindError::Occupied { .. }));
    fs::remove_file(&path).unwrap();
    let target = directory.path().join("target");
    fs::write(&target, "precious").unwrap();
    symlink(&target, &path).unwrap();
    assert!(matches!(refusal(&path), BindError::Occupied { .. }));
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

#[tokio::test]
async fn a_directory_that_others_reach_into_is_refused() {
    let directory = directory();
    let open = directory.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o750)).unwrap();
    let text = refusal(&open.join("ktk.sock")).to_string();
    assert!(text.contains("750") && text.contains("chmod 700"), "{text}");
    assert_eq!(mode(&open), 0o750, "it is not changed");
    let link = directory.path().join("link");
    symlink(directory.path(), &link).unwrap();
    assert!(matches!(refusal(&link.join("ktk.sock")), BindError::Directory { .. }));
}

#[tokio::test]
async fn a_path_that_is_too_long_is_named() {
    let directory = directory();
    let path = directory.path().join("x".repeat(120));
    let text = refusal(&path).to_string();
    assert!(text.contains("107") && text.contains("shorter"), "{text}");
    let length = 107 - directory.path().as_os_str().len() - 1;
    Listener::bind(&directory.path().join("x".repeat(length))).expect("the longest that fits");
}

#[tokio::test]
async fn a_client_of_the_same_user_is_let_in() {
    let server = Running::start().await;
    assert_eq!(ask(&server.socket, &request("GET /healthz", &[], "")).await.status, 200);
}
