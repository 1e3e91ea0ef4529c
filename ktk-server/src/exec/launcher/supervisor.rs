//! The launcher's main: it makes itself nobody's victim, then waits for requests and for the ends of children.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Signal, getpid, set_child_subreaper, set_parent_process_death_signal, setsid};

use super::attempts::Attempt;
use super::channel::Channel;
use super::ending::Ending;
use super::mark::Mark;
use super::protocol::{self, Malformed, Reply, Request, Spawn};
use super::spawn::{self, Stdio};
use super::unsafe_sys::{self, ChildStack};

/// How long the launcher, when its server has gone, waits for killed processes to go.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// A start is told so much later: a short command has ended by then, and wakes the server once.
const TELL_START_AFTER: Duration = Duration::from_millis(3);

const NAME: &std::ffi::CStr = c"ktk-launcher";

/// The whole of the launcher process. Its standard input is the socket to the server; it returns when that is
/// closed and nothing that it started is left. It must be called from `main`'s thread before there is another one,
/// and before anything is opened.
pub fn run() -> ExitCode {
    unsafe_sys::close_inherited();
    unsafe_sys::take_signals();
    match Supervisor::prepare() {
        Ok(mut supervisor) => {
            supervisor.serve();
            supervisor.end_everything();
            ExitCode::SUCCESS
        }
        // The server finds its socket closed before the first word, and says so.
        Err(_) => ExitCode::FAILURE,
    }
}

struct Supervisor {
    channel: Channel,
    child_signals: OwnedFd,
    null: OwnedFd,
    stack: ChildStack,
    ending: Ending,
    /// When the outbox has to be sent; `None` once the socket was offered all of it.
    tell_at: Option<Instant>,
}

impl Supervisor {
    fn prepare() -> io::Result<Supervisor> {
        let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        // Out of the way of the children's standard descriptors.
        let socket = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
        unsafe_sys::replace_stdin(null.as_fd())?;
        // Leading a session already is as good.
        let _ = setsid();
        let _ = rustix::thread::set_name(NAME);
        rustix::process::chdir("/")?;
        set_child_subreaper(Some(getpid()))?;
        // A task may have sent it SIGSTOP; when the server dies it must go on, to clean up.
        set_parent_process_death_signal(Some(Signal::CONT))?;
        let child_signals = unsafe_sys::child_signals()?;
        Ok(Supervisor {
            channel: Channel::new(socket),
            child_signals,
            null,
            stack: ChildStack::new(),
            ending: Ending::new(),
            tell_at: None,
        })
    }

    /// Until the server is gone, or cannot be understood.
    fn serve(&mut self) {
        Reply::Ready.encode(0, &mut self.channel.outbox);
        while self.tell().is_ok() {
            let deadline = self.ending.next_deadline();
            let next = [deadline, self.tell_at].into_iter().flatten().min();
            let timeout = next.map(|at| at.saturating_duration_since(Instant::now()));
            let Ok(ready) = self.wait(timeout) else { return };
            if ready.socket && !self.take_input() {
                return;
            }
            let now = Instant::now();
            if ready.child {
                self.drain_child_signals();
                self.ending.reap();
            }
            if ready.child || deadline.is_some_and(|at| at <= now) {
                let before = self.channel.outbox.len();
                self.ending.settle(now, &mut self.channel.outbox);
                if self.channel.outbox.len() > before {
                    self.tell_at = Some(now);
                }
            }
        }
    }

    /// Sends what is due, and with it what could wait.
    fn tell(&mut self) -> io::Result<()> {
        if self.tell_at.is_some_and(|at| at > Instant::now()) {
            return Ok(());
        }
        self.tell_at = None;
        self.channel.flush()
    }

    fn tell_by(&mut self, at: Instant) {
        self.tell_at = Some(self.tell_at.map_or(at, |present| present.min(at)));
    }

    fn wait(&self, timeout: Option<Duration>) -> io::Result<Ready> {
        let timeout = timeout.map(|timeout| Timespec::try_from(timeout).unwrap_or(LONGEST_WAIT));
        let mut interest = PollFlags::IN;
        if self.tell_at.is_none() && !self.channel.outbox.is_empty() {
            interest |= PollFlags::OUT;
        }
        let socket = self.channel.socket();
        let mut fds = [PollFd::new(&socket, interest), PollFd::new(&self.child_signals, PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let input = PollFlags::IN | PollFlags::HUP | PollFlags::ERR;
        Ok(Ready { socket: fds[0].revents().intersects(input), child: !fds[1].revents().is_empty() })
    }

    fn drain_child_signals(&self) {
        // One signal stands for any number of children, so one read empties it.
        let mut info = [0; 512];
        let _ = rustix::io::read(&self.child_signals, &mut info);
    }

    /// False when there is nobody left to talk to.
    fn take_input(&mut self) -> bool {
        matches!(self.channel.receive(), Ok(true)) && self.take_requests().is_ok()
    }

    fn take_requests(&mut self) -> Result<(), Malformed> {
        let mut inbox = std::mem::take(&mut self.channel.inbox);
        let mut taken = 0;
        while let Some((frame, length)) = protocol::split(&inbox[taken..])? {
            taken += length;
            let handle = frame.handle;
            match frame.request()? {
                Request::Spawn(request) => self.start(handle, &request)?,
                Request::Stop { grace } => self.ending.stop(handle, grace, Instant::now()),
                Request::Kill => self.ending.kill(handle),
            }
        }
        inbox.drain(..taken);
        self.channel.inbox = inbox;
        Ok(())
    }

    fn start(&mut self, handle: u64, request: &Spawn<'_>) -> Result<(), Malformed> {
        let stdio = Stdio::take(request, &mut self.channel.descriptors).ok_or(Malformed)?;
        let started_ticks = unsafe_sys::ticks_since_boot();
        let reply = match spawn::start(request, &stdio, self.null.as_fd(), &mut self.stack) {
            Ok(leader) => {
                self.tell_by(Instant::now() + TELL_START_AFTER);
                let attempt = Attempt {
                    mark: Mark::from_variables(request.env.iter().map(|variable| variable.to_bytes())),
                    leader,
                    started_ticks,
                    ended: None,
                    kill_at: None,
                    give_up_at: None,
                    is_reported: false,
                };
                self.ending.attempts.insert(handle, attempt);
                Reply::Started { pid: leader.as_raw_nonzero().get().unsigned_abs() }
            }
            Err(error) => {
                self.tell_by(Instant::now());
                Reply::Failed(error)
            }
        };
        reply.encode(handle, &mut self.channel.outbox);
        Ok(())
    }

    fn end_everything(&mut self) {
        let Supervisor { ending, child_signals, .. } = self;
        ending.end_everything(LAST_WAIT, |left| {
            let timeout = Timespec::try_from(left).unwrap_or(LONGEST_WAIT);
            let _ = poll(&mut [PollFd::new(child_signals, PollFlags::IN)], Some(&timeout));
            let mut info = [0; 512];
            let _ = rustix::io::read(&*child_signals, &mut info);
        });
    }
}

struct Ready {
    socket: bool,
    child: bool,
}

/// Stands for a grace period that no clock can count; poll may wake early.
const LONGEST_WAIT: Timespec = Timespec { tv_sec: 1 << 30, tv_nsec: 0 };
