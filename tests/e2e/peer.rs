//! The socket of a user is that user's: another uid is turned away by the server itself, also where the modes of
//! files would let it in.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use ktk_tests::Place;

/// Of nobody in particular.
const FOREIGN: &str = "65534";

/// Connects, asks, and prints the answer.
const ASK: &str = r#"
    socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
    connect($s, pack_sockaddr_un($ARGV[0])) or die "connect: $!";
    my $body = '{"jsonrpc": "2.0", "id": 1, "method": "server.status"}';
    my $head = "$ARGV[1] HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    $head .= "content-type: application/json\r\ncontent-length: " . length($body) . "\r\n" if $ARGV[1] =~ /^POST/;
    syswrite($s, "$head\r\n" . ($ARGV[1] =~ /^POST/ ? $body : ""));
    print while <$s>;
"#;

/// What the server answers to another user's process. Changing the uid needs root, or sudo without a password.
fn ask_as_stranger(place: &Place, line: &str) -> String {
    let is_root = rustix::process::geteuid().is_root();
    let mut command = Command::new(if is_root { "setpriv" } else { "sudo" });
    if !is_root {
        command.args(["-n", "setpriv"]);
    }
    command.args(["--reuid", FOREIGN, "--regid", FOREIGN, "--clear-groups", "perl", "-MSocket", "-e", ASK]);
    let output = command.arg(place.socket()).arg(line).current_dir("/").output();
    let output =
        output.unwrap_or_else(|error| panic!("this test needs setpriv (and sudo if not root): {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!err.contains("sudo:") && !err.contains("setpriv:"), "this test needs another uid: {err}");
    format!("{out}{err}")
}

/// Opens a path and all that it lies in, up to the place's root, to everybody.
fn open_to_all(place: &Place) {
    let chain = place.socket();
    for path in chain.ancestors().take_while(|path| path.starts_with(place.root())) {
        let mode = if path.is_dir() { 0o755 } else { 0o666 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn another_uid_is_refused() {
    let place = Place::started();
    let line = "POST /rpc";
    let refused = ask_as_stranger(&place, line);
    assert!(refused.contains("Permission denied"), "by the modes of the directory: {refused}");
    open_to_all(&place);
    for line in [line, "GET /watch", "GET /logs?name=x", "GET /healthz", "GET /nosuch", "OPTIONS /rpc"] {
        let answer = ask_as_stranger(&place, line);
        assert!(answer.starts_with("HTTP/1.1 403"), "{line}: {answer}");
        assert!(!answer.contains("dataDir"), "{line}: {answer}");
    }
    // A server that starts where others can reach in refuses to.
    assert_eq!(place.ok("run -- echo mine"), "mine\n");
    place.kill_server();
    let run = place.socket().parent().map(Path::to_owned).unwrap();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
    place.ktk("server run").says("mode 0700");
    fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
    place.ok("get tasks");
}
