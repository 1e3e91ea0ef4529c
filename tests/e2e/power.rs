//! A power cut: what was acknowledged is on the disk. Only in long runs, and only as root: a file system of its own
//! is shut down in the middle of the work, which throws away all that was not synced. In every run,
//! `store::sqlite::tests::acknowledged` of ktk-server looks at the same promise from inside.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use ktk_client::{
    api::{Phase, Task, task::RetrySpec, task::TaskSpec},
    client::{
        follow::Target,
        wait::{Condition, WaitParams},
    },
};
use ktk_tests::{Place, eventually, is_long_run};

const SOON: Duration = Duration::from_secs(60);

/// `EXT4_IOC_SHUTDOWN` with `NOLOGFLUSH`: nothing is written any more, not even the journal.
const SHUT_DOWN: &str = r#"open(my $f, "<", $ARGV[0]) or die "open: $!"; my $how = pack("L", 2);
    defined(ioctl($f, 0x8004587d, $how)) or die "shutdown: $!";"#;

/// A disk in a file, whose power can be cut. Never used on anything but its own mount.
struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    fn new(root: &Path) -> Self {
        let disk = Self { image: root.join("disk.img"), at: root.join("disk") };
        fs::create_dir_all(&disk.at).unwrap();
        fs::File::create(&disk.image).unwrap().set_len(256 << 20).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk.image));
        disk.mount();
        disk
    }

    fn mount(&self) {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at));
    }

    fn cut_power(&self) {
        run(Command::new("perl").args(["-e", SHUT_DOWN]).arg(&self.at));
    }

    /// As after a reboot: the journal is played back.
    fn reboot(&self) {
        eventually("nobody uses the dead disk", SOON, || {
            Command::new("umount").arg(&self.at).output().unwrap().status.success().then_some(())
        });
        self.mount();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A mount that stays is seen by whoever cleans /tmp; the test itself has said what it has to say.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

fn run(command: &mut Command) {
    let output = command.output();
    assert!(
        output.as_ref().is_ok_and(|output| output.status.success()),
        "this test needs root, ext4 and loop devices: {command:?}: {output:?}"
    );
}

/// Creates tasks and waits for their ends until nobody answers; notes what was acknowledged.
fn work(
    place: &Place,
    prefix: &str,
    told: &Mutex<BTreeMap<String, Told>>,
    count: &AtomicU32,
    dark: &AtomicBool,
    enough: &AtomicBool,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = place.client();
        for number in 0.. {
            if enough.load(SeqCst) {
                return;
            }
            let name = format!("{prefix}-{number}");
            let retry = RetrySpec { limit: Some(1_000), ..RetrySpec::default() };
            let spec = TaskSpec { retry: Some(retry), ..TaskSpec::command(["true"]) };
            let Ok(made) = client.tasks().create(&Task::new(&name, spec)).await else { continue };
            let id = made.object.metadata.id.unwrap().to_string();
            // What is answered while the power goes was never heard: a real cut answers nothing, and a kernel that
            // shuts a file system down may call a sync in between a success.
            if dark.load(SeqCst) {
                continue;
            }
            told.lock().unwrap().insert(name.clone(), Told { id, has_succeeded: false });
            count.fetch_add(1, SeqCst);
            if number % 3 != 0 {
                continue;
            }
            use futures_util::StreamExt as _;
            let target = Target::Task(client.tasks().reference(&name));
            let mut waiting = client.wait([target], WaitParams::until(Condition::Finished));
            let ended = tokio::time::timeout(Duration::from_secs(2), waiting.next()).await;
            if !matches!(ended, Ok(Some(Ok(_)))) || dark.load(SeqCst) {
                continue;
            }
            if let Some(told) = told.lock().unwrap().get_mut(&name) {
                told.has_succeeded = true;
            }
        }
    });
}

/// What somebody was told of a task.
#[derive(Debug)]
struct Told {
    id: String,
    has_succeeded: bool,
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    if !is_long_run() {
        return;
    }
    let root = tempfile::Builder::new().prefix("ktk-power").tempdir_in("/tmp").unwrap();
    let disk = Disk::new(root.path());
    let place = Place::new().with_data(disk.at.join("data"));
    let told = Mutex::new(BTreeMap::new());
    let mut last_version = 0;
    for round in 0..10 {
        place.start();
        let count = AtomicU32::new(0);
        let (dark, enough) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            for writer in 0..3 {
                let (place, told, count) = (&place, &told, &count);
                let (dark, enough) = (&dark, &enough);
                scope.spawn(move || work(place, &format!("r{round}-w{writer}"), told, count, dark, enough));
            }
            let moment = 10 + round * 13 % 40;
            eventually("creates flow", SOON, || (count.load(SeqCst) >= moment).then_some(()));
            dark.store(true, SeqCst);
            disk.cut_power();
            place.kill_server();
            enough.store(true, SeqCst);
        });
        place.until_nothing_is_left();
        disk.reboot();
        place.start();
        last_version = check(&place, &told.lock().unwrap(), last_version);
        place.ok("server stop");
    }
    let told = told.into_inner().unwrap();
    assert!(told.values().filter(|told| told.has_succeeded).count() > 10, "too little was reported");
    place.start();
    place.typed("wait --all").within(Duration::from_secs(100)).output().code(0);
    place.ok("server stop");
    place.until_nothing_is_left();
    drop(place);
    drop(disk);
}

/// Everything that was said is so; answers the newest version.
fn check(place: &Place, told: &BTreeMap<String, Told>, last_version: u64) -> u64 {
    let list = place.ktk("get tasks -o json").code(0).json();
    let kept: BTreeMap<&str, &serde_json::Value> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| (task["metadata"]["name"].as_str().unwrap(), task))
        .collect();
    for (name, said) in told {
        let task = kept.get(name.as_str()).unwrap_or_else(|| panic!("{name} was acknowledged and is lost"));
        assert_eq!(task["metadata"]["id"], said.id.as_str());
        if said.has_succeeded {
            assert_eq!(task["status"]["phase"], Phase::Succeeded.as_str(), "{name} had succeeded");
        }
    }
    place.ok("run -- true");
    let list = place.ktk("get tasks -o json").code(0).json();
    let versions =
        list["items"].as_array().unwrap().iter().map(|task| task["metadata"]["version"].as_u64().unwrap());
    let newest = versions.max().unwrap();
    assert!(newest > last_version, "versions went back");
    newest
}
