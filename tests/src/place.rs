//! A place of its own for each test: a home with a data directory, the commands typed there, the server that they
//! start, and the proof that nothing of it is left at the end.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use ktk_client::{
    Client,
    client::{Autostart, ServerAddress, local::socket_path},
};
use tempfile::TempDir;

use crate::{
    Output, Process, Running, Typed, eventually, is_alive, ktk_binary,
    processes::{children_of, kill, processes_of},
    words,
};

/// How long what a test leaves behind may take to end, once the server was killed.
const LEFTOVERS_END: Duration = Duration::from_secs(20);

/// A home, a data directory and a directory to work in. When it is dropped, its server is killed, and no process
/// that was started here may be left.
pub struct Place {
    root: TempDir,
    binary: PathBuf,
    data: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// A new place; no server runs there.
    ///
    /// # Panics
    /// Where the binary is missing or old.
    pub fn new() -> Self {
        let binary = ktk_binary();
        let made = tempfile::Builder::new().prefix("ktk-t").tempdir_in("/tmp");
        let root = made.unwrap_or_else(|error| panic!("cannot make a directory in /tmp: {error}"));
        let home = root.path().join("home");
        for directory in [&home, &root.path().join("work")] {
            fs::create_dir(directory).expect("the root is new and ours");
        }
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        let env = vec![("PATH".into(), path), ("HOME".into(), home.clone().into())];
        let data = home.join(".local/share/ktk");
        Self { root, binary, data, env }
    }

    /// A new place with a server that was started by `ktk server start`.
    #[track_caller]
    pub fn started() -> Self {
        let place = Self::new();
        place.start();
        place
    }

    /// A new place whose server listens on a port of this machine, too.
    #[track_caller]
    pub fn listening() -> Self {
        let place = Self::new().with_env("KTK_LISTEN", "127.0.0.1:0");
        place.start();
        place
    }

    /// Each command here has this variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Another data directory than the home's.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<PathBuf>) -> Self {
        self.data = data.into();
        let data = self.data.clone();
        self.with_env("KTK_DATA_DIR", data)
    }

    /// The directory that holds all of this place.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The home.
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// Where commands are typed.
    pub fn work(&self) -> PathBuf {
        self.root().join("work")
    }

    /// The server's data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where the server listens.
    pub fn socket(&self) -> PathBuf {
        socket_path(&self.data)
    }

    /// The binary.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// Writes a file in the directory where commands are typed; answers its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("the place is ours");
        fs::write(&path, content).expect("the place is ours");
        path
    }

    /// A command of ktk's, by its arguments as one text.
    pub fn typed(&self, line: &str) -> Typed {
        let args: Vec<OsString> = words(line).into_iter().map(OsString::from).collect();
        Typed::new(&self.binary, &args, &self.env, &self.work(), self.root())
    }

    /// Any program, in the same environment and directory.
    pub fn program(&self, line: &str) -> Typed {
        let mut args = words(line).into_iter().map(OsString::from);
        let program = PathBuf::from(args.next().expect("a program"));
        Typed::new(&program, &args.collect::<Vec<_>>(), &self.env, &self.work(), self.root())
    }

    /// Runs `ktk` with these arguments.
    #[track_caller]
    #[must_use = "a command can fail"]
    pub fn ktk(&self, line: &str) -> Output {
        self.typed(line).output()
    }

    /// Runs `ktk` with these arguments; it has to end with 0. Answers standard output.
    #[track_caller]
    pub fn ok(&self, line: &str) -> String {
        self.ktk(line).ok()
    }

    /// Runs `ktk` with these arguments on a terminal of its own, where this is typed. Both streams are that terminal.
    #[track_caller]
    #[must_use = "a command can fail"]
    pub fn on_a_terminal(&self, line: &str, input: &str) -> Output {
        self.typed_on_a_terminal(line, input).output()
    }

    /// The same, before it is run.
    pub fn typed_on_a_terminal(&self, line: &str, input: &str) -> Typed {
        let line = format!("{} {line}", self.binary.display());
        let typed = self.program("script -qec").arg(line).arg("/dev/null").env("TERM", "xterm-256color");
        typed.env("SHELL", "/bin/sh").stdin(input)
    }

    /// Starts `ktk` with these arguments.
    #[track_caller]
    pub fn spawn(&self, line: &str) -> Running {
        self.typed(line).spawn()
    }

    /// Starts the server.
    #[track_caller]
    pub fn start(&self) {
        self.ok("server start");
    }

    /// One field of an object: `place.field("task", "x", "/status/phase")`; a text bare, anything else as JSON.
    #[track_caller]
    pub fn field(&self, kind: &str, name: &str, pointer: &str) -> String {
        let object = self.ktk(&format!("get {kind} {name} -o json")).code(0).json();
        match object.pointer(pointer) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }

    /// A client of this place's server, which has to run.
    pub fn client(&self) -> Client {
        let builder = Client::builder().address(ServerAddress::Unix(self.socket()));
        let built = builder.autostart(Autostart::Never).namespace("default").build();
        built.unwrap_or_else(|error| panic!("no client: {error}"))
    }

    /// All processes that were started here and live.
    pub fn processes(&self) -> Vec<Process> {
        processes_of(self.root())
    }

    /// The processes of the server of this place; there should be one at most.
    pub fn servers(&self) -> Vec<Process> {
        let mut found = self.processes();
        found.retain(|process| process.command.contains(" server run"));
        // A child has its parent's arguments until it becomes what it was started for.
        let pids: Vec<u32> = found.iter().map(|process| process.pid).collect();
        found.retain(|process| !pids.contains(&process.parent));
        found
    }

    /// The server's process.
    #[track_caller]
    pub fn server(&self) -> u32 {
        let servers = self.servers();
        assert!(servers.len() == 1, "there should be one server: {servers:?}");
        servers[0].pid
    }

    /// Kills the server with SIGKILL, if there is one, and waits until it has gone, with all that descended from it.
    #[track_caller]
    pub fn kill_server(&self) {
        for Process { pid, .. } in self.servers() {
            let children = children_of(pid);
            kill(pid);
            eventually("the killed server has gone", LEFTOVERS_END, || (!is_alive(pid)).then_some(()));
            eventually(&format!("its children have gone: {children:#?}"), LEFTOVERS_END, || {
                children.iter().all(|child| !is_alive(child.pid)).then_some(())
            });
        }
    }

    /// Waits until no process of this place is left.
    #[track_caller]
    pub fn until_nothing_is_left(&self) {
        let left = || self.processes();
        let end = std::time::Instant::now() + LEFTOVERS_END;
        eventually("no process is left", LEFTOVERS_END + Duration::from_secs(1), || {
            let left = left();
            assert!(left.is_empty() || std::time::Instant::now() < end, "left behind: {left:#?}");
            left.is_empty().then_some(())
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.data.join("server.log")).unwrap_or_default();
            if !log.is_empty() {
                show(&log);
            }
            // A server may start others while it is being ended: once more is enough.
            for _ in 0..2 {
                self.processes().iter().for_each(|process| kill(process.pid));
            }
            return;
        }
        self.kill_server();
        self.until_nothing_is_left();
    }
}

#[expect(clippy::print_stderr, reason = "a test that fails shows what its server said")]
fn show(log: &str) {
    eprintln!("--- the server's log\n{log}");
}
