//! Logs: an attempt's output, over as many connections as it takes.

use std::{
    borrow::Cow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use base64::Engine as _;
use futures_util::Stream;

use super::{
    Client, ConnectionState, Error, Result,
    feed::{Feed, LateHook, Source, stream_of},
    query::path_and_query,
};
use crate::api::log::{LogEvent, LogParams};

/// The events of a log. It ends after [`LogEvent::End`], or after its first error; a lost
/// connection is resumed where it was cut.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use futures_util::TryStreamExt;
/// use ktk_client::client::log::chunk_bytes;
/// let mut log = client.tasks().logs("build-web");
/// while let Some(event) = log.try_next().await? {
///     print!("{}", String::from_utf8_lossy(&chunk_bytes(&event)));
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct LogStream {
    events: Pin<Box<dyn Stream<Item = Result<LogEvent>> + Send>>,
    on_connection: LateHook,
}

impl LogStream {
    /// Called once for each change of this log's connection, instead of the client's own hook.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let log = client.tasks().follow_logs("build-web").on_connection(|state| eprintln!("{state}"));
    /// # drop(log);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_connection(self, hook: impl Fn(ConnectionState) + Send + Sync + 'static) -> Self {
        let _ = self.on_connection.set(Arc::new(hook));
        self
    }
}

impl Stream for LogStream {
    type Item = Result<LogEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(cx)
    }
}

struct Reading {
    feed: Feed,
    has_ended: bool,
}

impl Source for Reading {
    type Item = LogEvent;

    async fn next(&mut self) -> Result<Option<LogEvent>> {
        if self.has_ended {
            return Ok(None);
        }
        let event = self.feed.next().await?;
        let event: LogEvent = serde_json::from_str(&event.data)
            .map_err(|error| Error::Protocol(format!("a log event: {error}")))?;
        match event {
            LogEvent::Stopping => return Err(Error::ServerStopping),
            LogEvent::End => self.has_ended = true,
            _ => {}
        }
        Ok(Some(event))
    }
}

impl Client {
    /// Reads a task's log; with `params.follow` until the task is terminal. Without a namespace
    /// in `params`, the client's is meant.
    ///
    /// ```no_run
    /// use futures_util::StreamExt;
    /// use ktk_client::{Client, api::log::LogParams, client::log::chunk_bytes};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let params = LogParams { name: "build-web".into(), follow: true, ..LogParams::default() };
    /// let mut log = client.logs(params);
    /// while let Some(event) = log.next().await {
    ///     print!("{}", String::from_utf8_lossy(&chunk_bytes(&event?)));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn logs(&self, mut params: LogParams) -> LogStream {
        let on_connection = LateHook::default();
        let client = self.clone();
        let hook = on_connection.clone();
        let start = move || {
            params.namespace.get_or_insert_with(|| client.namespace().to_owned());
            let query = path_and_query("/logs", &params)?;
            Ok(Reading { feed: Feed::new(client, query, hook), has_ended: false })
        };
        LogStream { events: stream_of(start), on_connection }
    }
}

/// The bytes of a chunk, as they were written; empty for any other event.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use futures_util::TryStreamExt;
/// use ktk_client::client::log::chunk_bytes;
/// let mut bytes = Vec::new();
/// let mut log = client.tasks().logs("build-web");
/// while let Some(event) = log.try_next().await? {
///     bytes.extend_from_slice(&chunk_bytes(&event));
/// }
/// # Ok(())
/// # }
/// ```
pub fn chunk_bytes(event: &LogEvent) -> Cow<'_, [u8]> {
    match event {
        LogEvent::Chunk { text: Some(text), .. } => Cow::Borrowed(text.as_bytes()),
        LogEvent::Chunk { base64: Some(text), .. } => {
            Cow::Owned(base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default())
        }
        _ => Cow::Borrowed(&[]),
    }
}
