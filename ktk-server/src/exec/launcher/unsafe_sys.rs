//! The system calls that the launcher needs and that no safe crate offers. Nothing else may be here.
//!
//! * `clone` with `CLONE_VM | CLONE_VFORK`, as `posix_spawn` uses it: no page table is copied, so its cost does not
//!   grow with the process. `posix_spawn` itself cannot set PDEATHSIG. The child runs on a stack of its own in the
//!   parent's memory while the parent waits in the kernel; it calls nothing but system calls, neither allocates nor
//!   panics, and tells a failure through memory.
//! * signal dispositions, the signal mask and `signalfd`;
//! * `waitid` with the dead child's pid, which rustix does not pass on;
//! * closing and replacing descriptors by number.
#![expect(unsafe_code, reason = "see the module's documentation; each block says why it is sound")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::Pid;

use super::process::Ended;

/// What the child executes, and where.
pub(super) struct Program<'a> {
    pub(super) file: &'a CStr,
    pub(super) argv: &'a [&'a CStr],
    pub(super) env: &'a [&'a CStr],
    pub(super) dir: &'a CStr,
    /// Each must be above 2, or an earlier one's place would overwrite it.
    pub(super) stdio: [BorrowedFd<'a>; 3],
}

/// What failed, and the `errno`.
#[derive(Debug)]
pub(super) enum Failure {
    Clone(io::Error),
    Setup(io::Error),
    Directory(io::Error),
    Exec(io::Error),
}

const STACK_BYTES: usize = 64 << 10;

/// The memory that children run on until they execute their program; one at a time.
pub(super) struct ChildStack(Box<[MaybeUninit<u128>]>);

impl ChildStack {
    pub(super) fn new() -> Self {
        ChildStack(Box::new_uninit_slice(STACK_BYTES / size_of::<u128>()))
    }
}

const STEP_SETUP: i32 = 1;
const STEP_DIRECTORY: i32 = 2;
const STEP_EXEC: i32 = 3;

/// What the child reads and writes while the parent waits.
struct Plan {
    file: *const c_char,
    argv: *const *const c_char,
    env: *const *const c_char,
    dir: *const c_char,
    stdio: [RawFd; 3],
    parent: libc::pid_t,
    failed_step: AtomicI32,
    errno: AtomicI32,
}

/// Starts `program` as leader of a session and a process group, with every signal unblocked, and killed when this
/// thread ends. Ignored signals stay ignored over exec, so this process must ignore none.
pub(super) fn spawn(stack: &mut ChildStack, program: &Program<'_>) -> Result<Pid, Failure> {
    assert!(
        program.stdio.iter().all(|fd| fd.as_raw_fd() > 2),
        "0 to 2 are taken from the launcher's start on"
    );
    let argv = pointers(program.argv);
    let env = pointers(program.env);
    let plan = Plan {
        file: program.file.as_ptr(),
        argv: argv.as_ptr(),
        env: env.as_ptr(),
        dir: program.dir.as_ptr(),
        stdio: program.stdio.map(|fd| fd.as_raw_fd()),
        parent: rustix::process::getpid().as_raw_nonzero().get(),
        failed_step: AtomicI32::new(0),
        errno: AtomicI32::new(0),
    };
    // SAFETY: the pointer is one past the end of the stack, 16-aligned by u128, and stacks grow downwards.
    let top = unsafe { stack.0.as_mut_ptr().add(stack.0.len()) };
    // SAFETY: CLONE_VFORK keeps this thread, and with it `plan`, all that it points to and the stack, in place
    // until the child has executed its program or ended; `child` respects the module's rules for it.
    let pid = unsafe {
        libc::clone(
            child,
            top.cast(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            (&raw const plan).cast_mut().cast(),
        )
    };
    let Some(pid) = (pid > 0).then(|| Pid::from_raw(pid)).flatten() else {
        return Err(Failure::Clone(io::Error::last_os_error()));
    };
    let step = plan.failed_step.load(Ordering::Relaxed);
    if step == 0 {
        return Ok(pid);
    }
    // The child has ended by itself; its remains must not be taken for an attempt's.
    let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
    let error = io::Error::from_raw_os_error(plan.errno.load(Ordering::Relaxed));
    Err(match step {
        STEP_DIRECTORY => Failure::Directory(error),
        STEP_EXEC => Failure::Exec(error),
        _ => Failure::Setup(error),
    })
}

fn pointers(strings: &[&CStr]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

extern "C" fn child(plan: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes a `Plan` that lives until this function ends or another program takes its place.
    // Everything called is a bare system call, valid between fork and exec.
    unsafe {
        let plan = &*plan.cast::<Plan>();
        let fail = |step| {
            plan.errno.store(*libc::__errno_location(), Ordering::Relaxed);
            plan.failed_step.store(step, Ordering::Relaxed);
            libc::_exit(127)
        };
        if libc::setsid() < 0 || libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
            fail(STEP_SETUP);
        }
        if libc::getppid() != plan.parent {
            // The launcher died before PDEATHSIG was set.
            libc::_exit(127);
        }
        for (target, &source) in plan.stdio.iter().enumerate() {
            if libc::dup2(source, target as c_int) < 0 {
                fail(STEP_SETUP);
            }
        }
        if libc::chdir(plan.dir) < 0 {
            fail(STEP_DIRECTORY);
        }
        let mut none = MaybeUninit::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
        libc::execve(plan.file, plan.argv, plan.env);
        fail(STEP_EXEC)
    }
}

/// The kernel's `struct sigaction`: handler, flags, and two words that do not matter for the default action.
type KernelAction = [libc::c_ulong; 4];

/// Gives every signal its default action and blocks all of them: none disturbs the launcher, and its children only
/// have to unblock them. Children that stop rather than end raise no SIGCHLD.
pub(super) fn take_signals() {
    // SAFETY: no handler is installed and the set is initialised. The C library would refuse the two signals that it
    // keeps for itself, which can be inherited ignored like any other; it has no use for them in a single thread.
    // That the kernel refuses KILL and STOP is as it should be.
    unsafe {
        let mut all = MaybeUninit::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, all.as_ptr(), ptr::null_mut());
        for signal in 1..=KERNEL_SIGNALS {
            let flags = if signal == libc::SIGCHLD { libc::SA_NOCLDSTOP } else { 0 };
            let action: KernelAction = [libc::SIG_DFL as libc::c_ulong, flags as libc::c_ulong, 0, 0];
            let none = ptr::null_mut::<KernelAction>();
            libc::syscall(libc::SYS_rt_sigaction, signal, &raw const action, none, SIGNAL_SET_BYTES);
        }
    }
}

const KERNEL_SIGNALS: c_int = 64;
const SIGNAL_SET_BYTES: usize = 8;

/// A descriptor that is readable when a child has ended. SIGCHLD must be blocked.
pub(super) fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised, and the new descriptor has no other owner.
    unsafe {
        let mut set = MaybeUninit::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        let fd = libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// A child that has ended and how, without reaping it. `None`: all that there are live. `ECHILD`: there are none.
pub(super) fn next_dead_child() -> io::Result<Option<(Pid, Ended)>> {
    // SAFETY: all-zero is a valid siginfo_t, and waitid fills in the fields of a child's end.
    unsafe {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed().assume_init();
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
        if libc::waitid(libc::P_ALL, 0, &mut info, options) < 0 {
            return Err(io::Error::last_os_error());
        }
        let ended = match info.si_code {
            libc::CLD_EXITED => Ended::Exited(info.si_status()),
            _ => Ended::Signaled(info.si_status()),
        };
        Ok(Pid::from_raw(info.si_pid()).map(|pid| (pid, ended)))
    }
}

/// Closes whatever this process inherited above 2. To be called before it opens anything itself.
pub(super) fn close_inherited() {
    // SAFETY: nothing in this process owns a descriptor yet, so none is closed under its owner.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    if closed == 0 {
        return;
    }
    // Before Linux 5.9.
    let listed: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in listed.into_iter().filter(|&fd| fd > 2) {
        // SAFETY: as above; the listing's own descriptor is closed already, and a second close does nothing.
        unsafe { libc::close(fd) };
    }
}

/// Puts `null` in the place of standard input.
pub(super) fn replace_stdin(null: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: 0 is open, as std sees to before main, and stays so.
    if unsafe { libc::dup2(null.as_raw_fd(), 0) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Time since boot in the unit of `/proc/PID/stat`'s start times.
pub(super) fn ticks_since_boot() -> u64 {
    // SAFETY: both calls only fill in or return numbers.
    let (now, ticks_per_second) = unsafe {
        let mut now = MaybeUninit::<libc::timespec>::zeroed().assume_init();
        libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut now);
        (now, libc::sysconf(libc::_SC_CLK_TCK).max(1) as u64)
    };
    now.tv_sec as u64 * ticks_per_second + now.tv_nsec as u64 * ticks_per_second / 1_000_000_000
}
