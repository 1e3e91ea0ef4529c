//! A home that is read-only, a disk that is full, a task that writes without end.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use ktk_tests::{Place, eventually};

use crate::scripts::script;

const SOON: Duration = Duration::from_secs(60);

/// A small file system of its own, as long as this lives.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, options: &str) -> Self {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at);
        if !rustix::process::geteuid().is_root() {
            let mut sudo = Command::new("sudo");
            sudo.arg("-n").arg(mount.get_program()).args(mount.get_args());
            mount = sudo;
        }
        let status = mount.status();
        assert!(
            status.as_ref().is_ok_and(std::process::ExitStatus::success),
            "this test mounts a small tmpfs, for which it needs root (or sudo without a password): {status:?}"
        );
        Self(at.to_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let program =
            if rustix::process::geteuid().is_root() { vec!["umount"] } else { vec!["sudo", "-n", "umount"] };
        // A mount that stays is seen by whoever cleans /tmp; the test itself has said what it has to say.
        let _ = Command::new(program[0]).args(&program[1..]).arg("-l").arg(&self.0).status();
    }
}

/// A place whose data is on a small disk of its own.
fn on_a_small_disk() -> (tempfile::TempDir, Disk, Place) {
    let root = tempfile::Builder::new().prefix("ktk-disk").tempdir_in("/tmp").unwrap();
    let uid = rustix::process::geteuid().as_raw();
    let disk = Disk::mount(&root.path().join("disk"), &format!("size=8m,mode=0700,uid={uid}"));
    let place = Place::new().with_data(disk.0.join("data"));
    (root, disk, place)
}

/// Fills a disk with one file.
fn fill(disk: &Disk) -> PathBuf {
    let filler = disk.0.join("filler");
    let fill = Command::new("sh").arg("-c").arg("cat /dev/zero >\"$0\"").arg(&filler).output().unwrap();
    assert!(String::from_utf8_lossy(&fill.stderr).contains("No space left"));
    filler
}

#[test]
fn the_end_of_a_log_waits_for_a_full_disk() {
    let (_root, disk, place) = on_a_small_disk();
    script(
        &place,
        "late.sh",
        "echo $$ >pid; until test -e go; do sleep 0.05; done; seq 50000; echo last >&2",
    );
    place.ok("create task late -- sh late.sh");
    place.ok("wait late --for=condition=Running --timeout 30s");
    let begun = || fs::read_to_string(place.work().join("pid")).ok().filter(|pid| pid.ends_with('\n'));
    let pid = eventually("it has begun", SOON, begun);
    let filler = fill(&disk);
    place.file("go", "");
    let process = PathBuf::from(format!("/proc/{}", pid.trim()));
    eventually("its process has ended", SOON, || (!process.exists()).then_some(()));
    assert_eq!(
        place.field("task", "late", "/status/phase"),
        "Running",
        "its end waits for the end of its log"
    );
    fs::remove_file(&filler).unwrap();
    place.ok("wait late --timeout 60s");
    assert_eq!(place.field("task", "late", "/status/phase"), "Succeeded");
    let log = place.ok("logs late");
    let odd: Vec<&str> = log.lines().filter(|line| line.parse::<u32>().is_err()).collect();
    assert_eq!(odd, ["last"]);
    let numbers = log.lines().filter_map(|line| line.parse::<u32>().ok());
    assert!(numbers.eq(1..=50_000), "{} lines", log.lines().count());
}

#[test]
fn a_full_disk_is_refused_and_recovered_from() {
    let (_root, disk, place) = on_a_small_disk();
    place.ok("run --name before -- true");
    let pid = place.server();
    let filler = fill(&disk);
    // Some space may be left inside the store's own files.
    let refused = eventually("a change is refused", SOON, || {
        let output = place.ktk("create task --detached -- true");
        assert_eq!(output.code, 2, "{}", output.transcript());
        let name = format!("full-{}", std::process::id());
        let output = place.ktk(&format!("run --detach --env FILL={} -- true", "x".repeat(20_000)));
        let _ = name;
        (output.code != 0).then_some(output)
    });
    assert!(refused.stderr.contains("Unavailable") || refused.stderr.contains("disk"), "{}", refused.stderr);
    // It answers who only asks.
    place.ktk("get task before").code(0).prints("before   Succeeded");
    place.ktk("server status").code(0);
    fs::remove_file(&filler).unwrap();
    place.ok("run --name after -- true");
    assert_eq!(place.server(), pid, "it recovered without a restart");
    drop(place);
}

#[test]
fn a_read_only_home_is_named() {
    let root = tempfile::Builder::new().prefix("ktk-disk").tempdir_in("/tmp").unwrap();
    let disk = Disk::mount(&root.path().join("disk"), "size=1m,ro");
    let place = Place::new().with_env("HOME", disk.0.as_os_str());
    let output = place.ktk("get tasks").code(6);
    let directory = disk.0.join(".local/share/ktk");
    assert!(output.stderr.contains(&directory.display().to_string()), "{}", output.stderr);
    assert!(output.stderr.contains("Read-only file system"), "{}", output.stderr);
    place.ktk("run -- true").code(6);
    // Elsewhere it works.
    let elsewhere = place.root().join("data");
    let place = place.with_data(elsewhere);
    assert_eq!(place.ok("run -- echo hi"), "hi\n");
}

#[test]
fn a_gigabyte_of_output_is_capped() {
    let place = Place::started();
    script(
        &place,
        "flood.sh",
        "echo first; yes 'a line of the flood, forty bytes long....' | head -c 1000000000; echo; echo last",
    );
    place.ok("create task flood -- sh flood.sh");
    place.typed("wait flood").within(Duration::from_secs(110)).output().code(0);
    let server = place.server();
    let status = fs::read_to_string(format!("/proc/{server}/status")).unwrap();
    let peak: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok())
        .unwrap();
    assert!(peak < 200_000, "the server took {peak} kB");
    let log = place.typed("logs flood").within(Duration::from_secs(100)).output().code(0);
    let size = log.bytes.len();
    assert!((50 << 20..=66 << 20).contains(&size), "{size} bytes of log");
    assert!(log.bytes.starts_with(b"first\n"));
    assert!(log.bytes.ends_with(b"last\n"));
    let flood = b"a line of the flood, forty bytes long....";
    let is_of_it = |line: &[u8]| flood.starts_with(line) || flood.ends_with(line);
    let odd = log.bytes.split(|byte| *byte == b'\n').filter(|line| !is_of_it(line)).count();
    assert_eq!(odd, 2, "at the gap a line ends: only the first and the last are none of the flood");
    let said =
        format!("{}{}", log.stderr, String::from_utf8_lossy(&log.bytes[8 << 20..(8 << 20) + (1 << 20)]));
    assert!(said.contains("bytes"), "nothing says that some is missing: {}", log.stderr);
    let on_disk = Command::new("du").arg("-sk").arg(place.data()).output().unwrap();
    let kilobytes: u64 =
        String::from_utf8_lossy(&on_disk.stdout).split_whitespace().next().unwrap().parse().unwrap();
    assert!(kilobytes < 100 << 10, "{kilobytes} kB on disk");
    assert_eq!(place.ok("logs flood --tail 1"), "last\n");
}
