//! Watches: changes in version order, over as many connections as it takes.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::Stream;

use super::{
    Client, ConnectionState, Error, Result,
    feed::{Feed, LateHook, Source, stream_of},
    query::path_and_query,
};
use crate::api::watch::{WatchEvent, WatchParams};

/// The changes that a watch brings. No version comes twice or backwards, none is left out; a
/// lost connection is resumed. It ends after its first error:
///
/// * [`Error::is_expired`]: the version is older than the kept history; list again;
/// * [`Error::ServerStopping`]: the server said that it is being stopped;
/// * [`Error::Unreachable`]: the server was never there.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use futures_util::TryStreamExt;
/// use ktk_client::api::watch::WatchParams;
/// let mut changes = client.watch(WatchParams { kinds: Some("Queue,Semaphore".into()), ..WatchParams::default() });
/// while let Some(event) = changes.try_next().await? {
///     println!("{}", event.version());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct WatchStream {
    events: Pin<Box<dyn Stream<Item = Result<WatchEvent>> + Send>>,
    on_connection: LateHook,
}

impl WatchStream {
    /// Called once for each change of this watch's connection, instead of the client's own hook.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let changes = client.watch(Default::default()).on_connection(|state| eprintln!("{state}"));
    /// # drop(changes);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_connection(self, hook: impl Fn(ConnectionState) + Send + Sync + 'static) -> Self {
        let _ = self.on_connection.set(Arc::new(hook));
        self
    }
}

impl Stream for WatchStream {
    type Item = Result<WatchEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(cx)
    }
}

struct Watching {
    feed: Feed,
    version: u64,
}

impl Source for Watching {
    type Item = WatchEvent;

    async fn next(&mut self) -> Result<Option<WatchEvent>> {
        loop {
            let event = self.feed.next().await?;
            let event: WatchEvent = match serde_json::from_str(&event.data) {
                Ok(event) => event,
                // A newer server may have events that this version does not know.
                Err(_) if !matches!(&*event.name, "change" | "delete" | "bookmark" | "stopping") => continue,
                Err(error) => return Err(Error::Protocol(format!("a watch event: {error}"))),
            };
            match event {
                WatchEvent::Stopping { .. } => return Err(Error::ServerStopping),
                WatchEvent::Bookmark { version } => self.version = self.version.max(version),
                WatchEvent::Change { version, .. } | WatchEvent::Delete { version, .. } => {
                    if version <= self.version {
                        continue;
                    }
                    self.version = version;
                }
            }
            return Ok(Some(event));
        }
    }
}

impl Client {
    /// Watches objects: everything that changes after `params.version`. Take it from a list (of
    /// its first page) to miss nothing. Without a namespace in `params`, all are watched.
    ///
    /// ```no_run
    /// use futures_util::StreamExt;
    /// use ktk_client::{Client, api::watch::{WatchEvent, WatchParams}};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let tasks = client.tasks().list_whole(Default::default()).await?;
    /// let mut changes = client.watch(WatchParams { version: Some(tasks.version), ..Default::default() });
    /// while let Some(event) = changes.next().await {
    ///     if let WatchEvent::Change { object, .. } = event? {
    ///         println!("{} is {}", object["metadata"]["name"], object["status"]["phase"]);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, params: WatchParams) -> WatchStream {
        let on_connection = LateHook::default();
        let client = self.clone();
        let hook = on_connection.clone();
        let start = move || {
            let query = path_and_query("/watch", &params)?;
            Ok(Watching { feed: Feed::new(client, query, hook), version: params.version.unwrap_or(0) })
        };
        WatchStream { events: stream_of(start), on_connection }
    }
}
