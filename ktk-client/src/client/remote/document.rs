//! Texts that lie somewhere in the network, such as manifests. No token is sent there.

use std::path::PathBuf;

use bytes::Bytes;
use hyper::{
    Request,
    header::{ACCEPT, HOST, HeaderValue, LOCATION},
};
use url::{Position, Url};

use super::{
    address,
    dial::Dialer,
    line::{Line, Piece},
};
use crate::{
    client::{Error, Result, clock},
    limits,
};

/// Reads the text at an `http` or `https` URL: a few redirects are followed, and it has a limit of size and of time.
/// `authority` is a file with the certificates that are trusted; this machine's authorities when absent.
///
/// ```no_run
/// # async fn example() -> ktk_client::client::Result<()> {
/// let text = ktk_client::client::read_document("https://example.com/pipeline.yaml", None).await?;
/// println!("{} bytes", text.len());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Config` for what is no such URL, `Unreachable` where nobody answers, `Protocol` for any other answer than a text
/// of at most 16 MiB.
pub async fn read_document(url: &str, authority: Option<PathBuf>) -> Result<Bytes> {
    let read = clock::within(Some(limits::DOCUMENT_TIMEOUT), follow(url, authority)).await;
    let late = || Error::Protocol(format!("{url} took more than {} s", limits::DOCUMENT_TIMEOUT.as_secs()));
    read.unwrap_or_else(|| Err(late()))
}

async fn follow(text: &str, authority: Option<PathBuf>) -> Result<Bytes> {
    let mut url: Url = text.parse().map_err(|error| Error::Config(format!("{text:?} is no URL: {error}")))?;
    for _ in 0..=limits::DOCUMENT_REDIRECTS {
        match ask(&url, authority.clone()).await? {
            Answer::Text(text) => return Ok(text),
            Answer::Elsewhere(next) => {
                // What came over TLS is not read in the clear instead.
                if url.scheme() == "https" && next.scheme() != "https" {
                    return Err(Error::Protocol(format!("{url} leads away from https, to {next}")));
                }
                url = next;
            }
        }
    }
    Err(Error::Protocol(format!("{text} leads from one place to the next without an end")))
}

enum Answer {
    Text(Bytes),
    Elsewhere(Url),
}

async fn ask(url: &Url, authority: Option<PathBuf>) -> Result<Answer> {
    let dialer = Dialer::new(address::of_document(url)?, authority);
    let lost = |error: hyper::Error| Error::Disconnected {
        address: dialer.address.to_string(),
        source: error.into(),
    };
    let wrong = |_| Error::Config(format!("{url} cannot be asked for as it is"));
    let request = Request::get(&url[Position::BeforePath..Position::AfterQuery]).body(Piece(None));
    let mut request = request.map_err(wrong)?;
    let host = HeaderValue::from_str(&dialer.address.authority());
    let host = host.map_err(|_| Error::Config(format!("{url} has a host that cannot be sent")))?;
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("*/*"));
    let mut line = Line::over(dialer.dial().await?).await.map_err(lost)?;
    let (head, body) = line.send(request).await.map_err(lost)?.into_parts();
    if head.status.is_redirection() {
        let place = head.headers.get(LOCATION).and_then(|place| place.to_str().ok());
        let next = place.and_then(|place| url.join(place).ok());
        let nowhere = || Error::Protocol(format!("{url} answers {} and says not where it is", head.status));
        return Ok(Answer::Elsewhere(next.ok_or_else(nowhere)?));
    }
    if !head.status.is_success() {
        return Err(Error::Protocol(format!("{url} answers {}", head.status)));
    }
    let text = line.read(body, limits::DOCUMENT_BYTES).await.map_err(lost)?;
    let too_long = || Error::Protocol(format!("{url} has more than {} MiB", limits::DOCUMENT_BYTES >> 20));
    Ok(Answer::Text(text.ok_or_else(too_long)?))
}
