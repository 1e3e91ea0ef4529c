//! A small HTTP server for tests: it remembers what it was sent, and answers as the test says.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// `POST /path HTTP/1.1`.
    pub line: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    /// A header field's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

/// Listens on a port of 127.0.0.1 until it is dropped.
pub struct HttpPeer {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    closed: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
}

impl HttpPeer {
    /// A server that answers each request with `answer`, then closes the connection.
    pub fn new(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let peer = Self {
            port: listener.local_addr().expect("it is bound").port(),
            asked: Arc::default(),
            closed: Arc::default(),
            is_over: Arc::default(),
        };
        let (asked, closed, is_over) = (peer.asked.clone(), peer.closed.clone(), peer.is_over.clone());
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let (asked, closed, answer) = (asked.clone(), closed.clone(), answer.clone());
                thread::spawn(move || {
                    let Some(request) = read(&mut stream) else { return };
                    asked.lock().expect("nobody panics while holding it").push(request.clone());
                    answer(&request, &mut stream);
                    // Until the other side has gone, or has had its answer.
                    let _ = stream.shutdown(std::net::Shutdown::Write);
                    while stream.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
                    closed.store(true, Ordering::Relaxed);
                });
            }
        });
        peer
    }

    /// A server that answers every request with this status and body.
    pub fn saying(status: &'static str, headers: &'static str, body: impl Into<String>) -> Self {
        let body = body.into();
        Self::new(move |_, stream| reply(stream, status, headers, &body))
    }

    /// A server that never answers.
    pub fn silent() -> Self {
        Self::new(|_, stream| while stream.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {})
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// A URL here.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panics while holding it").clone()
    }

    /// Whether a connection has come to its end.
    pub fn has_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Drop for HttpPeer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Nobody may be listening any more.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Writes an answer. `headers` are whole lines, each with its line break.
pub fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    // The other side may have gone.
    let _ = stream.write_all(text.as_bytes());
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let mut asked = Asked { line: lines.next()?.to_owned(), ..Asked::default() };
    asked.headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = asked.header("content-length").parse().unwrap_or(0);
    while bytes.len() < head + 4 + length {
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    }
    asked.body = String::from_utf8_lossy(&bytes[head + 4..]).into_owned();
    Some(asked)
}
