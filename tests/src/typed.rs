//! A command that a test types: set up, run under a deadline, and what came out of it.

use std::{
    ffi::OsString,
    fmt::Write as _,
    io::{Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{eventually, masked};

/// After which time a command counts as hanging.
const DEADLINE: Duration = Duration::from_secs(60);

/// A command line that is about to be run.
#[must_use = "nothing runs before `output` or `spawn`"]
pub struct Typed {
    command: Command,
    shown: String,
    root: PathBuf,
    input: Option<Vec<u8>>,
    deadline: Duration,
}

impl Typed {
    /// The program with its arguments, in this environment and no other.
    pub(crate) fn new(
        program: &Path,
        args: &[OsString],
        env: &[(OsString, OsString)],
        directory: &Path,
        root: &Path,
    ) -> Self {
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(env.iter().cloned()).current_dir(directory);
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let shown = args.iter().fold(name.into_owned(), |shown, arg| shown + " " + &arg.to_string_lossy());
        Self { command, shown, root: root.to_owned(), input: None, deadline: DEADLINE }
    }

    /// With one more argument, whatever it holds.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.command.arg(arg.into());
        self
    }

    /// With this variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// In this directory.
    pub fn dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// With this on standard input; without, it is empty.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.input = Some(text.into());
        self
    }

    /// With more time than a command usually has.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs it to its end.
    #[track_caller]
    #[must_use = "a command can fail"]
    pub fn output(self) -> Output {
        self.spawn().wait()
    }

    /// Starts it.
    #[track_caller]
    pub fn spawn(mut self) -> Running {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child =
            self.command.spawn().unwrap_or_else(|error| panic!("cannot start `{}`: {error}", self.shown));
        if let Some(input) = self.input {
            let mut stdin = child.stdin.take().expect("it was asked for");
            // A command that does not read to the end is right to do so.
            thread::spawn(move || stdin.write_all(&input));
        }
        let stdout = Stream::read(child.stdout.take().expect("it was asked for"));
        let stderr = Stream::read(child.stderr.take().expect("it was asked for"));
        Running { child, shown: self.shown, root: self.root, stdout, stderr, deadline: self.deadline }
    }
}

/// What a command has written so far, read by a thread of its own.
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: mpsc::Receiver<()>,
}

impl Stream {
    fn read(mut from: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, end) = mpsc::channel();
        let sink = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut buffer = [0; 16 << 10];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                sink.lock().expect("no reader panics").extend_from_slice(&buffer[..count]);
            }
            // The test may not wait for it.
            let _ = sender.send(());
        });
        Self { bytes, end }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().expect("no reader panics").clone()
    }
}

/// A command that runs.
pub struct Running {
    child: Child,
    shown: String,
    root: PathBuf,
    stdout: Stream,
    stderr: Stream,
    deadline: Duration,
}

impl Running {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a child has a process id");
        kill_process(pid, signal).unwrap_or_else(|error| panic!("cannot signal `{}`: {error}", self.shown));
    }

    /// Standard output so far.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout.so_far()).into_owned()
    }

    /// Standard error so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.so_far()).into_owned()
    }

    /// Waits until standard output holds this text.
    #[track_caller]
    pub fn until_stdout(&self, text: &str) {
        eventually(&format!("`{}` prints {text:?}", self.shown), self.deadline, || {
            self.stdout().contains(text).then_some(())
        });
    }

    /// Waits until standard error holds this text.
    #[track_caller]
    pub fn until_stderr(&self, text: &str) {
        eventually(&format!("`{}` says {text:?}", self.shown), self.deadline, || {
            self.stderr().contains(text).then_some(())
        });
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end, and for the end of its output: a server that it started must not hold its streams.
    #[track_caller]
    #[must_use = "a command can fail"]
    pub fn wait(mut self) -> Output {
        let what = format!("`{}` ends", self.shown);
        let status = eventually(&what, self.deadline, || self.child.try_wait().expect("a child of ours"));
        for (stream, name) in [(&self.stdout, "output"), (&self.stderr, "error")] {
            let ended = stream.end.recv_timeout(Duration::from_secs(20));
            ended.unwrap_or_else(|_| panic!("somebody holds the standard {name} of `{}`", self.shown));
        }
        let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
        let (shown, root) = (std::mem::take(&mut self.shown), std::mem::take(&mut self.root));
        Output {
            shown,
            code: code_of(status),
            bytes: stdout.clone(),
            stdout: lossy(stdout),
            stderr: lossy(stderr),
            root,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_alive() {
            // The test has failed, or does not care.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The code; 128 and the signal's number for a process that a signal ended.
fn code_of(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// What a command did.
#[derive(Debug)]
pub struct Output {
    shown: String,
    root: PathBuf,
    /// Its exit code; 128 and the signal's number for a process that a signal ended.
    pub code: i32,
    /// Standard output, byte by byte.
    pub bytes: Vec<u8>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Asserts the code and both streams, exactly, with ages, ids and the test's own directory (`<root>`) masked.
    #[track_caller]
    pub fn is(self, code: i32, stdout: &str, stderr: &str) -> Self {
        let seen = self.transcript();
        let mut expected = String::new();
        write_transcript(&mut expected, &self.shown, code, stdout, stderr);
        assert!(seen == expected, "\n--- expected\n{expected}\n--- seen\n{seen}\n--- as it was\n{self:#?}");
        self
    }

    /// Asserts the code alone.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert!(self.code == code, "\n--- expected code {code}\n--- seen\n{}", self.transcript());
        self
    }

    /// Asserts the code 0; answers standard output.
    #[track_caller]
    pub fn ok(self) -> String {
        self.code(0).stdout
    }

    /// Asserts that standard error holds this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "\n--- expected on stderr: {text}\n--- seen\n{}",
            self.transcript()
        );
        self
    }

    /// Asserts that standard output holds this text, masked.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        let seen = self.transcript();
        assert!(seen.contains(text), "\n--- expected on stdout: {text}\n--- seen\n{seen}");
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error})\n{}", self.transcript()))
    }

    /// All of it, masked.
    pub fn transcript(&self) -> String {
        let root = self.root.to_string_lossy();
        let mask = |text: &str| masked(&text.replace(&*root, "<root>"));
        let mut text = String::new();
        write_transcript(&mut text, &self.shown, self.code, &mask(&self.stdout), &mask(&self.stderr));
        text
    }
}

fn write_transcript(into: &mut String, shown: &str, code: i32, stdout: &str, stderr: &str) {
    write!(into, "$ {shown}\n{stdout}[stderr]\n{stderr}[code {code}]\n").expect("a text takes all");
}
