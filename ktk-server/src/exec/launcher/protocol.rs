//! What server and launcher say to each other, as bytes: frames of a length, a kind, a handle and a payload. Moving
//! the bytes, and the descriptors that go with a `Spawn`, is `link`'s and `channel`'s part.
//!
//! Both ends are the same binary, so there are no versions, and a frame that does not parse ends the conversation.

use std::ffi::CStr;
use std::fmt;
use std::time::Duration;

use super::error::SpawnError;
use super::process::{End, Ended};

/// The system takes 2 MiB of arguments and environment unless its stack limit was raised.
pub(super) const MAX_FRAME_BYTES: usize = 16 << 20;

const LENGTH_BYTES: usize = 4;
const HEADER_BYTES: usize = 1 + 8;

/// A frame that breaks the rules of this module.
#[derive(Debug, thiserror::Error)]
#[error("the other side of the launcher's socket sent what this version does not know")]
pub(super) struct Malformed;

/// What the server asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    Spawn(Spawn<'a>),
    Stop { grace: Duration },
    Kill,
}

/// A command to start. With it come the descriptors of stdout, stderr and, if `has_stdin`, stdin.
#[derive(PartialEq, Eq)]
pub(super) struct Spawn<'a> {
    pub(super) has_stdin: bool,
    pub(super) dir: &'a CStr,
    pub(super) argv: Vec<&'a CStr>,
    /// `NAME=VALUE`
    pub(super) env: Vec<&'a CStr>,
}

/// Of variables no values, as of [`SpawnRequest`](super::SpawnRequest).
impl fmt::Debug for Spawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |variable: &&CStr| {
            let bytes = variable.to_bytes();
            let end = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        };
        let names: Vec<String> = self.env.iter().map(name).collect();
        f.debug_struct("Spawn")
            .field("dir", &self.dir)
            .field("argv", &self.argv)
            .field("env", &names)
            .finish()
    }
}

/// What the launcher answers. `Ready` comes once, with handle 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Ready,
    Started { pid: u32 },
    Failed(SpawnError),
    Ended(End),
}

/// The first whole frame in `buffer`: its handle, what follows the header, and how many bytes it takes.
pub(super) fn split(buffer: &[u8]) -> Result<Option<(Frame<'_>, usize)>, Malformed> {
    let Some((length, rest)) = buffer.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length) as usize;
    if !(HEADER_BYTES..=MAX_FRAME_BYTES).contains(&length) {
        return Err(Malformed);
    }
    let Some(frame) = rest.get(..length) else { return Ok(None) };
    let (&kind, frame) = frame.split_first().ok_or(Malformed)?;
    let (handle, payload) = frame.split_first_chunk::<8>().ok_or(Malformed)?;
    Ok(Some((Frame { kind, handle: u64::from_le_bytes(*handle), payload }, LENGTH_BYTES + length)))
}

pub(super) struct Frame<'a> {
    kind: u8,
    pub(super) handle: u64,
    payload: &'a [u8],
}

const SPAWN: u8 = 1;
const STOP: u8 = 2;
const KILL: u8 = 3;
const READY: u8 = 4;
const STARTED: u8 = 5;
const FAILED: u8 = 6;
const ENDED: u8 = 7;

impl<'a> Frame<'a> {
    pub(super) fn request(&self) -> Result<Request<'a>, Malformed> {
        match self.kind {
            SPAWN => Ok(Request::Spawn(parse_spawn(self.payload).ok_or(Malformed)?)),
            STOP => {
                let grace = self.payload.try_into().map_err(|_| Malformed)?;
                Ok(Request::Stop { grace: Duration::from_millis(u64::from_le_bytes(grace)) })
            }
            KILL => Ok(Request::Kill),
            _ => Err(Malformed),
        }
    }

    pub(super) fn reply(&self) -> Result<Reply, Malformed> {
        match self.kind {
            READY => Ok(Reply::Ready),
            STARTED => {
                let pid = self.payload.try_into().map_err(|_| Malformed)?;
                Ok(Reply::Started { pid: u32::from_le_bytes(pid) })
            }
            FAILED => Ok(Reply::Failed(serde_json::from_slice(self.payload).map_err(|_| Malformed)?)),
            ENDED => parse_end(self.payload).map(Reply::Ended).ok_or(Malformed),
            _ => Err(Malformed),
        }
    }
}

impl Spawn<'_> {
    /// Appends the frame; false, and nothing appended, when it would be longer than a frame may be.
    #[must_use]
    pub(super) fn encode(&self, handle: u64, out: &mut Vec<u8>) -> bool {
        let strings =
            || [self.dir].into_iter().chain(self.argv.iter().copied()).chain(self.env.iter().copied());
        let bytes: usize = strings().map(|string| string.count_bytes() + 1).sum();
        if bytes > MAX_FRAME_BYTES / 2 {
            return false;
        }
        out.reserve(bytes + 64);
        frame(out, SPAWN, handle, |out| {
            out.push(u8::from(self.has_stdin));
            // The sum above bounds both counts.
            out.extend((self.argv.len() as u32).to_le_bytes());
            for string in strings() {
                out.extend(string.to_bytes_with_nul());
            }
        });
        true
    }
}

pub(super) fn encode_stop(handle: u64, grace: Duration, out: &mut Vec<u8>) {
    let millis = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
    frame(out, STOP, handle, |out| out.extend(millis.to_le_bytes()));
}

pub(super) fn encode_kill(handle: u64, out: &mut Vec<u8>) {
    frame(out, KILL, handle, |_| {});
}

impl Reply {
    pub(super) fn encode(&self, handle: u64, out: &mut Vec<u8>) {
        match self {
            Reply::Ready => frame(out, READY, handle, |_| {}),
            Reply::Started { pid } => frame(out, STARTED, handle, |out| out.extend(pid.to_le_bytes())),
            Reply::Failed(error) => frame(out, FAILED, handle, |out| {
                out.extend(serde_json::to_vec(error).expect("an enum of strings is always JSON"));
            }),
            Reply::Ended(end) => frame(out, ENDED, handle, |out| {
                let (kind, number) = match end.how {
                    Ended::Exited(code) => (0, code),
                    Ended::Signaled(signal) => (1, signal),
                    Ended::Lost => (2, 0),
                };
                out.extend([kind, u8::from(end.has_survivors)]);
                out.extend(number.to_le_bytes());
            }),
        }
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, handle: u64, payload: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; LENGTH_BYTES]);
    out.push(kind);
    out.extend(handle.to_le_bytes());
    payload(out);
    let length = (out.len() - start - LENGTH_BYTES) as u32;
    out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
}

fn parse_spawn(payload: &[u8]) -> Option<Spawn<'_>> {
    let (&has_stdin, payload) = payload.split_first()?;
    let (argc, mut payload) = payload.split_first_chunk::<4>()?;
    let mut strings = Vec::new();
    while !payload.is_empty() {
        let string = CStr::from_bytes_until_nul(payload).ok()?;
        payload = &payload[string.count_bytes() + 1..];
        strings.push(string);
    }
    let (&dir, strings) = strings.split_first()?;
    let (argv, env) = strings.split_at_checked(u32::from_le_bytes(*argc) as usize)?;
    Some(Spawn { has_stdin: has_stdin != 0, dir, argv: argv.to_vec(), env: env.to_vec() })
}

fn parse_end(payload: &[u8]) -> Option<End> {
    let (&[kind, survivors], number) = payload.split_first_chunk::<2>()?;
    let number = i32::from_le_bytes(number.try_into().ok()?);
    let how = match kind {
        0 => Ended::Exited(number),
        1 => Ended::Signaled(number),
        2 => Ended::Lost,
        _ => return None,
    };
    Some(End { how, has_survivors: survivors != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_the_way() {
        let spawn = Spawn { has_stdin: true, dir: c"/tmp", argv: vec![c"a", c""], env: vec![c"X=1", c"Y="] };
        let mut bytes = Vec::new();
        assert!(spawn.encode(7, &mut bytes));
        encode_stop(8, Duration::from_millis(1500), &mut bytes);
        encode_kill(9, &mut bytes);
        assert!(split(&bytes[..20]).unwrap().is_none());
        let (first, length) = split(&bytes).unwrap().unwrap();
        assert_eq!((first.handle, first.request().unwrap()), (7, Request::Spawn(spawn)));
        let (second, more) = split(&bytes[length..]).unwrap().unwrap();
        assert_eq!(second.request().unwrap(), Request::Stop { grace: Duration::from_millis(1500) });
        let (third, _) = split(&bytes[length + more..]).unwrap().unwrap();
        assert_eq!((third.handle, third.request().unwrap()), (9, Request::Kill));
    }

    #[test]
    fn replies_survive_the_way() {
        let replies = [
            Reply::Ready,
            Reply::Started { pid: 4711 },
            Reply::Failed(SpawnError::NotFound { command: "x".into(), path: "/bin".into() }),
            Reply::Ended(End { how: Ended::Exited(3), has_survivors: false }),
            Reply::Ended(End { how: Ended::Signaled(9), has_survivors: true }),
        ];
        for reply in replies {
            let mut bytes = Vec::new();
            reply.encode(5, &mut bytes);
            let (frame, length) = split(&bytes).unwrap().unwrap();
            assert_eq!((frame.handle, frame.reply().unwrap(), length), (5, reply, bytes.len()));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(split(&[0, 0, 0, 0, 0]).is_err());
        assert!(split(&[255; 8]).is_err());
        let mut bytes = Vec::new();
        encode_kill(1, &mut bytes);
        bytes[4] = 200;
        assert!(split(&bytes).unwrap().unwrap().0.request().is_err());
    }
}
