//! The process that evaluates filters: answers what comes from its standard input, a socket, until that closes.

use std::{
    fs,
    io::{self, BufReader},
    os::unix::net::UnixStream,
    panic::set_hook,
    process::ExitCode,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    budget::Limits,
    filters::{Call, Filters},
    protocol::{self, Answer, Request},
};

/// What a call may take before it ends in an orderly way; the server kills what does not.
const LIMITS: Limits = Limits { time: Duration::from_millis(900), stack: 4 << 20 };

/// Memory beyond what the process began with.
const MEMORY_BYTES: u64 = 64 << 20;

/// Seconds of the processor for one call, where nobody is there any more to kill it.
const CALL_SECONDS: u64 = 3;

/// Answers until the server has gone.
pub fn run() -> ExitCode {
    // What panics is told as a fault, or by the process's end.
    set_hook(Box::new(|_| {}));
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    let socket = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
    let mut writer = socket.try_clone()?;
    let mut reader = BufReader::new(socket);
    limit_memory()?;
    protocol::write(&mut writer, &Answer::Ready)?;
    let mut filters = Filters::new(LIMITS);
    while let Some(request) = protocol::read::<Request>(&mut reader)? {
        limit_processor()?;
        protocol::write(&mut writer, &answer(&mut filters, &request))?;
    }
    Ok(())
}

/// What a request comes to.
pub(super) fn answer(filters: &mut Filters, request: &Request) -> Answer {
    match request {
        Request::Check(text) => Answer::Checked(filters.check(text)),
        Request::Enter(scope) => Answer::Entered(filters.enter(scope)),
        Request::Call { filter, item, values, bytes } => {
            Answer::Called(filters.call(Call { filter, item: item.as_ref(), values: *values, bytes: *bytes }))
        }
    }
}

/// The program itself is mapped, and how large it is has nothing to do with what a filter may take.
fn limit_memory() -> io::Result<()> {
    let sizes = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = sizes.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    let bytes = pages * rustix::param::page_size() as u64 + MEMORY_BYTES;
    set_limit(Resource::As, bytes)?;
    set_limit(Resource::Core, 0)
}

/// The limit counts from the process's beginning, so it is set anew for each call.
fn limit_processor() -> io::Result<()> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    set_limit(Resource::Cpu, used.tv_sec.unsigned_abs() + CALL_SECONDS)
}

fn set_limit(resource: Resource, soft: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(soft, |maximum| soft.min(maximum)));
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}
