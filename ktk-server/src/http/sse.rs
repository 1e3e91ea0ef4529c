//! Server-Sent Events: how one is written, and streams of them.

use std::fmt::Display;
use std::future::Future;
use std::io::Write as _;

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{BoxStream, unfold},
};
use ktk_client::api::ApiError;
use serde::Serialize;

/// Appends an event. JSON has no line breaks, so its data is one line.
pub(super) fn write(out: &mut Vec<u8>, id: Option<&dyn Display>, name: &str, data: &impl Serialize) {
    if let Some(id) = id {
        writeln!(out, "id: {id}").expect("memory takes all that is written");
    }
    write!(out, "event: {name}\ndata: ").expect("memory takes all that is written");
    serde_json::to_writer(&mut *out, data).expect("what the contract holds is JSON");
    out.extend_from_slice(b"\n\n");
}

/// The event of an error that ends a stream.
pub(super) fn error(error: &ApiError) -> Bytes {
    let mut out = Vec::new();
    write(&mut out, None, "error", error);
    out.into()
}

/// Says that the stream is still there.
pub(super) fn heartbeat() -> Bytes {
    Bytes::from_static(b": alive\n\n")
}

/// What makes a stream, a piece at a time.
pub(super) trait Source: Send + 'static {
    /// The next piece, when there is one; nothing at the end.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// The pieces of a source: each is made only when it is asked for.
pub(super) fn stream(source: impl Source) -> BoxStream<'static, Bytes> {
    unfold(source, |mut source| async move { Some((source.next().await?, source)) }).boxed()
}
