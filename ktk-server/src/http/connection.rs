//! One connection: who is at its other end, its requests, its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

use super::gate::Guest;
use super::linger::{LingeringStream, Unread};
use super::pace::{Pace, PacedStream};
use super::route;
use super::site::Site;
use crate::limits::{BUFFER_BYTES, HEADER_BYTES, HEADER_COUNT};
use crate::rpc::Caller;

/// Answers the requests of a connection until it ends or the server closes. A client that goes away ends what was
/// being done for it.
pub(super) async fn serve<S>(site: Arc<Site>, stream: S, guest: Guest)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let guest = Arc::new(guest);
    let pace = Pace::new();
    let unread = Unread::default();
    let paced = PacedStream::new(stream, pace.clone(), site.timeouts);
    let io = TokioIo::new(LingeringStream::new(paced, unread.clone()));
    let closing = site.closing.clone();
    let service = service_fn(move |request| {
        let busy = pace.begin();
        let (site, guest, unread) = (Arc::clone(&site), Arc::clone(&guest), unread.clone());
        async move {
            let mut response = match route::answer(&site, &guest, request).await {
                Ok(response) => response,
                Err(refusal) => {
                    if refusal.closes() {
                        unread.set();
                    }
                    refusal.response()
                }
            };
            site.sign(response.headers_mut());
            response.body_mut().keep(busy);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES)
        .max_header_size(HEADER_BYTES)
        .max_headers(HEADER_COUNT)
        // The stream itself knows how long it may be silent.
        .header_read_timeout(None)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// The process at the other end, unless it may not be here.
pub(super) fn caller_of(stream: &UnixStream) -> Option<Caller> {
    let uid = stream.peer_cred().ok()?.uid();
    may_connect(uid, rustix::process::geteuid().as_raw()).then(|| Caller::user(uid))
}

fn may_connect(uid: u32, own: u32) -> bool {
    uid == own || uid == 0
}

#[cfg(test)]
mod tests {
    use super::may_connect;

    #[test]
    fn the_owner_and_root_may_connect() {
        assert!(may_connect(1000, 1000) && may_connect(0, 1000) && may_connect(0, 0));
        assert!(!may_connect(1001, 1000) && !may_connect(1000, 0));
    }
}
