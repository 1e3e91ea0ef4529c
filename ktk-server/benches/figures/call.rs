//! A warm call over the socket, over a port and over TLS, against a bare axum that sends the same body back, over the
//! same kinds of connections and by the same client.

use std::{
    io::BufRead as _,
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::Context as _;
use ktk_client::api::{
    Token,
    token::{Role, TokenSpec},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

use crate::support::{
    ROUNDS, Server,
    sample::{Sample, heading, ratio, tail_line},
};

/// Makes this program the reference: a server on a socket and on a port.
pub const FLAG: &str = "--echo";

const WARM: usize = 500;
const CALLS: usize = 2_000;
const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"auth.whoami","params":{}}"#;

/// Serves until it is killed; says its port.
#[expect(clippy::disallowed_methods, reason = "the reference is axum as everybody starts it")]
#[expect(clippy::print_stdout, reason = "whoever started it reads the port")]
pub fn echo(socket: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let router = || {
            axum::Router::new().route("/rpc", axum::routing::post(|body: bytes::Bytes| async move { body }))
        };
        let port = TcpListener::bind("127.0.0.1:0").await?;
        let local = UnixListener::bind(socket)?;
        println!("{}", port.local_addr()?);
        let (one, other) = tokio::join!(async { axum::serve(local, router()).await }, async {
            axum::serve(port, router()).await
        });
        one.and(other).context("the reference has ended")
    })
}

struct Echo {
    child: Child,
    socket: String,
    port: String,
}

impl Echo {
    fn start(directory: &std::path::Path) -> anyhow::Result<Self> {
        let socket = directory.join("echo.sock").display().to_string();
        let mut child = Command::new(std::env::current_exe()?)
            .args([FLAG, &socket])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut port = String::new();
        std::io::BufReader::new(child.stdout.take().context("it was asked for")?).read_line(&mut port)?;
        Ok(Self { child, socket, port: port.trim().to_owned() })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub async fn run() -> anyhow::Result<()> {
    heading("a warm call (auth.whoami), one at a time over one connection", "nothing is written");
    let server = Server::start(&["--listen", "127.0.0.1:0", "--request-rate", "1000000"]).await?;
    let spec = TokenSpec { role: Role::Viewer, ..TokenSpec::default() };
    let issued = server.client.tokens().create(&Token::new("bench", spec)).await?;
    let token = issued.token.context("a new token")?;
    let status = server.client.server().status().await?;
    let port = status.listen.context("it listens")?.replace("http://", "");
    let echo = Echo::start(server.dir.path())?;
    let own_socket = server.dir.path().join("bench.sock");
    let names = ["ktk over the socket", "axum over a socket", "ktk over a port", "axum over a port"];
    let mut samples: [Sample; 4] = Default::default();
    for _ in 0..ROUNDS {
        let plain = request("localhost", None);
        calls(UnixStream::connect(&own_socket).await?, &plain, &mut samples[0]).await?;
        calls(UnixStream::connect(&echo.socket).await?, &plain, &mut samples[1]).await?;
        let signed = request(&port, Some(token.expose()));
        calls(connect(&port).await?, &signed, &mut samples[2]).await?;
        calls(connect(&echo.port).await?, &request(&echo.port, None), &mut samples[3]).await?;
    }
    for (name, sample) in names.iter().zip(&samples) {
        tail_line(name, "us", sample);
    }
    ratio("socket: ktk to axum (goal: 1.3)", &samples[0], &samples[1]);
    ratio("port: ktk to axum (goal: 1.3)", &samples[2], &samples[3]);
    drop(echo);
    server.stop().await
}

async fn connect(address: &str) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A call as it goes over the wire.
pub fn request(host: &str, token: Option<&str>) -> Vec<u8> {
    let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = BODY.len();
    let head = format!("POST /rpc HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{bearer}");
    format!("{head}content-length: {length}\r\n\r\n{BODY}").into_bytes()
}

async fn calls<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    request: &[u8],
    sample: &mut Sample,
) -> anyhow::Result<()> {
    for _ in 0..WARM {
        answered(&mut stream, request).await?;
    }
    for _ in 0..CALLS {
        let begun = Instant::now();
        answered(&mut stream, request).await?;
        sample.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(())
}

async fn answered<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &[u8]) -> anyhow::Result<()> {
    let status = exchange(stream, request).await?;
    anyhow::ensure!(status == 200, "it was answered with {status}");
    Ok(())
}

/// Sends a request and reads its answer, whose length it says; tells its status.
pub async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &[u8],
) -> anyhow::Result<u16> {
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(1024);
    loop {
        anyhow::ensure!(stream.read_buf(&mut answer).await? > 0, "the answer broke off");
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).context("a status")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.context("a length")?.trim().parse()?;
        if body.len() >= length {
            return Ok(status.parse()?);
        }
    }
}
