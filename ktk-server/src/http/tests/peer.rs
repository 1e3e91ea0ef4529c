//! The other end of the socket: raw bytes, and answers as they come.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that sends what it is told.
pub(super) struct Peer {
    stream: UnixStream,
    received: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A request with these headers after its first line and `Host`.
pub(super) fn request(line: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{line} HTTP/1.1\r\nhost: localhost\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    format!("{text}\r\n{body}")
}

/// A call that is as it should be.
pub(super) fn rpc(body: &str) -> String {
    request("POST /rpc", &["content-type: application/json"], body)
}

/// Sends a request over a connection of its own.
pub(super) async fn ask(socket: &Path, request: &str) -> Reply {
    let mut peer = Peer::connect(socket).await;
    peer.send(request).await;
    peer.reply().await
}

impl Peer {
    pub(super) async fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).await.expect("somebody listens");
        Self { stream, received: Vec::new() }
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("the server reads");
    }

    pub(super) async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("in time")
    }

    /// Reads more; false at the end.
    async fn read(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await.expect("in time");
        matches!(read, Ok(1..))
    }

    async fn until(&mut self, found: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        loop {
            if let Some(at) = found(&self.received) {
                return Some(at);
            }
            if !self.read().await {
                return None;
            }
        }
    }

    /// The head of an answer.
    pub(super) async fn head(&mut self) -> String {
        let end = self.until(|bytes| memchr::memmem::find(bytes, b"\r\n\r\n")).await.expect("a head");
        let head = String::from_utf8(self.received.drain(..end + 4).collect()).expect("ASCII");
        head.trim_end().to_owned()
    }

    /// A whole answer.
    pub(super) async fn reply(&mut self) -> Reply {
        let head = self.head().await;
        let status = head[9..12].parse().expect("a status");
        let mut reply = Reply { status, head, body: String::new() };
        let length: usize =
            reply.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        self.until(|bytes| (bytes.len() >= length).then_some(0)).await.expect("a body");
        reply.body = String::from_utf8(self.received.drain(..length).collect()).expect("UTF-8");
        reply
    }

    /// One piece of a chunked body, or nothing at its end.
    async fn piece(&mut self) -> Option<String> {
        let end = self.until(|bytes| memchr::memmem::find(bytes, b"\r\n")).await?;
        let size = str::from_utf8(&self.received[..end]).expect("ASCII");
        let size = usize::from_str_radix(size, 16).expect("a size");
        self.received.drain(..end + 2);
        self.until(|bytes| (bytes.len() >= size + 2).then_some(0)).await?;
        let piece: Vec<u8> = self.received.drain(..size + 2).take(size).collect();
        (size > 0).then(|| String::from_utf8(piece).expect("UTF-8"))
    }

    /// Whether the server closed the connection, without having sent anything.
    pub(super) async fn is_closed(&mut self) -> bool {
        !self.read().await && self.received.is_empty()
    }
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) data: serde_json::Value,
}

/// A stream of events.
pub(super) struct Events {
    peer: Peer,
    text: String,
    /// What was said between the events.
    pub(super) comments: usize,
}

impl Events {
    /// Opens a stream; `last_id` resumes it.
    pub(super) async fn open(socket: &Path, path: &str, last_id: Option<&str>) -> Self {
        let mut peer = Peer::connect(socket).await;
        let resume = last_id.map(|id| format!("last-event-id: {id}"));
        peer.send(&request(
            &format!("GET {path}"),
            &resume.iter().map(String::as_str).collect::<Vec<_>>(),
            "",
        ))
        .await;
        let head = peer.head().await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
        Self { peer, text: String::new(), comments: 0 }
    }

    /// The next event; nothing at the end.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if block.starts_with(':') {
                    self.comments += 1;
                    continue;
                }
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.unwrap_or_default().to_owned()
                };
                let data = serde_json::from_str(&field("data")).expect("JSON");
                return Some(Event { id: field("id"), name: field("event"), data });
            }
            self.text.push_str(&self.peer.piece().await?);
        }
    }

    pub(super) async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("an event"));
        }
        events
    }

    pub(super) async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    /// Waits until something was said between two events.
    pub(super) async fn comment(&mut self) {
        while !self.text.contains(": alive\n\n") {
            let piece = self.peer.piece().await.expect("the stream goes on");
            self.text.push_str(&piece);
        }
    }
}
