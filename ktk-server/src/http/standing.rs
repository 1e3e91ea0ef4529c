//! What is open ends with the token that it was opened with.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use ktk_client::api::{ApiError, ErrorReason};

use super::site::Site;
use super::sse;
use crate::engine::operation::By;

/// What whoever is still there is told.
pub(super) fn over() -> ApiError {
    ApiError::new(ErrorReason::Unauthorized, "this token holds no longer")
}

/// Resolves once the token that a caller speaks with, or its attempt, has ended.
pub(super) fn of(site: &Site, by: &By) -> Option<BoxFuture<'static, ()>> {
    (by.token.is_some() || by.scope.is_some()).then(|| site.backend.ended(by))
}

/// The same of tokens alone: no call outlives the attempt that waits for it.
pub(super) fn of_token(site: &Site, by: &By) -> impl Future<Output = ()> + Send + use<> {
    let ended = by.token.is_some().then(|| site.backend.ended(by));
    async {
        match ended {
            Some(ended) => ended.await,
            None => std::future::pending().await,
        }
    }
}

/// The stream, until it ends by itself or what opened it does.
pub(super) fn hold(
    stream: BoxStream<'static, Bytes>,
    ended: Option<BoxFuture<'static, ()>>,
) -> BoxStream<'static, Bytes> {
    let Some(ended) = ended else { return stream };
    let held = unfold(Some((stream, ended)), |state| async {
        let (mut stream, mut ended) = state?;
        tokio::select! {
            biased;
            () = &mut ended => Some((sse::error(&over()), None)),
            piece = stream.next() => Some((piece?, Some((stream, ended)))),
        }
    });
    held.boxed()
}
