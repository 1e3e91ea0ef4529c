//! What every test here needs: a directory, a mark, a launcher, and ways to wait for what happens to processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ktk_server::exec::launcher::{Ended, Launcher, LauncherConfig, Mark, Process, SpawnRequest};
use rustix::process::Pid;
use tokio::io::AsyncReadExt;

/// Nothing here takes so long unless it is broken.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A test's own directory and mark.
pub(super) struct Bench {
    dir: PathBuf,
    _removed: Option<tempfile::TempDir>,
    pub(super) store_id: String,
}

impl Bench {
    pub(super) fn new(test: &str) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let store_id = format!("{test}-{}-{}", std::process::id(), dir.path().display());
        Bench { dir: dir.path().to_owned(), _removed: Some(dir), store_id }
    }

    /// What another process has made and will remove.
    pub(super) fn resume(store_id: &str, dir: &str) -> Bench {
        Bench { dir: dir.into(), _removed: None, store_id: store_id.to_owned() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) async fn launcher(&self) -> Launcher {
        let config = LauncherConfig {
            program: "/proc/self/exe".into(),
            args: vec!["internal".into(), "launcher".into()],
        };
        Launcher::start(&config).await.unwrap()
    }

    pub(super) fn request(&self, argv: &[&str]) -> SpawnRequest {
        SpawnRequest {
            mark: Mark { store_id: self.store_id.clone(), task_id: "task".into(), attempt: 1 },
            argv: argv.iter().map(|&argument| argument.to_owned()).collect(),
            env: vec![("PATH".into(), PATH.into())],
            dir: self.dir.clone(),
            stdin: None,
        }
    }

    pub(super) fn script(&self, text: &str) -> SpawnRequest {
        self.request(&["sh", "-c", text])
    }

    pub(super) fn attempt(&self, attempt: u32, text: &str) -> SpawnRequest {
        let mut request = self.script(text);
        request.mark.attempt = attempt;
        request
    }

    /// The numbers that a script has written to a file, once the line is whole.
    pub(super) async fn pid_in(&self, name: &str) -> Pid {
        let text =
            until(|| fs::read_to_string(self.path(name)).ok().filter(|text| text.ends_with('\n'))).await;
        Pid::from_raw(text.trim().parse().unwrap()).unwrap()
    }

    pub(super) fn marked(&self) -> Vec<String> {
        let needle = format!("KTK_STORE_ID={}", self.store_id);
        let environ = |entry: &fs::DirEntry| fs::read(entry.path().join("environ")).unwrap_or_default();
        let entries = fs::read_dir("/proc").unwrap().map_while(Result::ok);
        let found =
            entries.filter(|entry| environ(entry).split(|&byte| byte == 0).any(|v| v == needle.as_bytes()));
        found.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }
}

/// Waits for an event that nobody announces.
pub(super) async fn until<T>(mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not happen in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Dead and reaped.
pub(super) fn is_gone(pid: Pid) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

pub(super) async fn gone(pid: Pid) {
    until(|| is_gone(pid).then_some(())).await;
}

pub(super) fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

pub(super) async fn output(process: &mut Process) -> (Ended, String, String) {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    tokio::try_join!(process.stdout.read_to_string(&mut stdout), process.stderr.read_to_string(&mut stderr))
        .unwrap();
    (process.wait().await, stdout, stderr)
}

pub(super) async fn stdout_of(request: SpawnRequest, launcher: &Launcher) -> String {
    let (ended, stdout, stderr) = output(&mut launcher.spawn(request).await.unwrap()).await;
    assert_eq!((ended, stderr.as_str()), (Ended::Exited(0), ""), "{stdout}");
    stdout
}
