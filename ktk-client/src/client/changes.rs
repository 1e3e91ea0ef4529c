//! Changes of the objects of one kind.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Client, Error, Result};
use crate::api::watch::{WatchEvent, WatchParams};

/// What happened to an object.
///
/// ```
/// use ktk_client::{api::Task, client::changes::ObjectEvent};
/// fn line(event: &ObjectEvent<Task>) -> String {
///     match event {
///         ObjectEvent::Changed { object, .. } => object.incarnation_name(),
///         ObjectEvent::Deleted { object, .. } => format!("{} is gone", object["metadata"]["name"]),
///         _ => format!("all is told up to {}", event.version()),
///     }
/// }
/// assert_eq!(line(&ObjectEvent::Bookmark { version: 7 }), "all is told up to 7");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ObjectEvent<T> {
    /// It was made or has changed: as it is now.
    Changed {
        /// The version of this change.
        version: u64,
        /// The object.
        object: Box<T>,
    },
    /// It is gone, or does not match the selector any more.
    Deleted {
        /// The version of this change.
        version: u64,
        /// What is still known of it: at least kind, name, namespace and id.
        object: Value,
    },
    /// Everything up to this version has been told.
    Bookmark {
        /// That version.
        version: u64,
    },
}

impl<T> ObjectEvent<T> {
    /// The version from which another watch would go on.
    ///
    /// ```
    /// use ktk_client::{api::Task, client::changes::ObjectEvent};
    /// assert_eq!(ObjectEvent::<Task>::Bookmark { version: 7 }.version(), 7);
    /// ```
    pub fn version(&self) -> u64 {
        match self {
            Self::Changed { version, .. } | Self::Deleted { version, .. } | Self::Bookmark { version } => {
                *version
            }
        }
    }
}

/// The changes of the objects of one kind. A lost connection is resumed; it ends after its first error, as
/// [`WatchStream`](super::watch::WatchStream) does: where [`Error::is_expired`], list again.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use futures_util::TryStreamExt;
/// let mut changes = client.tasks().watch(Default::default());
/// loop {
///     match changes.try_next().await {
///         Ok(Some(event)) => println!("{event:?}"),
///         Ok(None) => break,
///         // The history does not reach back so far: begin anew.
///         Err(error) if error.is_expired() => {
///             let tasks = client.tasks().list_whole(Default::default()).await?;
///             let version = Some(tasks.version);
///             changes = client.tasks().watch(ktk_client::api::watch::WatchParams { version, ..Default::default() });
///         }
///         Err(error) => return Err(error),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct ObjectWatch<T>(Pin<Box<dyn Stream<Item = Result<ObjectEvent<T>>> + Send>>);

impl<T> Stream for ObjectWatch<T> {
    type Item = Result<ObjectEvent<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// Watches one kind; `params` name no other.
pub(super) fn watch<T: DeserializeOwned + Send + 'static>(
    client: &Client,
    kind: &str,
    params: WatchParams,
) -> ObjectWatch<T> {
    let events = client.watch(WatchParams { kinds: Some(kind.to_owned()), ..params });
    let typed = events.filter_map(|event| async move {
        Some(match event {
            Ok(WatchEvent::Change { version, object }) => read(version, object),
            Ok(WatchEvent::Delete { version, object }) => Ok(ObjectEvent::Deleted { version, object }),
            Ok(WatchEvent::Bookmark { version }) => Ok(ObjectEvent::Bookmark { version }),
            // The stream turns it into an error.
            Ok(WatchEvent::Stopping { .. }) => return None,
            Err(error) => Err(error),
        })
    });
    ObjectWatch(Box::pin(typed))
}

fn read<T: DeserializeOwned>(version: u64, object: Value) -> Result<ObjectEvent<T>> {
    let object = serde_json::from_value(object)
        .map_err(|error| Error::Protocol(format!("an object of a watch: {error}")))?;
    Ok(ObjectEvent::Changed { version, object: Box::new(object) })
}
