//! Following objects: their state now, then each change, over one watch.
//!
//! What `run` and `wait` are made of. The watch begins at the version of the first reading, so
//! nothing is missed in between; where the kept history does not reach back that far, it is read
//! again.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

pub use super::change::{Change, Target};
use super::{
    Client, ConnectionState, Error, Result,
    feed::{LateHook, Source, stream_of},
    object::Object,
    tracked::Tracked,
    watch::WatchStream,
};
use crate::api::{
    ListParams,
    task::ListTasks,
    watch::{WatchEvent, WatchParams},
};
use futures_util::{Stream, StreamExt};

/// The changes of what is followed; ends after its first error, as a
/// [`WatchStream`] does, but reads again by itself what has expired.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use futures_util::TryStreamExt;
/// use ktk_client::client::follow::{Change, Target};
/// let thumbnails = Target::Task(client.tasks().reference("thumbnails"));
/// let mut changes = client.follow([thumbnails]).summary(true);
/// while let Some(change) = changes.try_next().await? {
///     if change == Change::Synced {
///         break;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Follow {
    client: Client,
    targets: Vec<Target>,
    allows_missing: bool,
    is_summary: bool,
    on_connection: LateHook,
    changes: Option<Pin<Box<dyn Stream<Item = Result<Change>> + Send>>>,
}

impl Follow {
    /// Waits for what does not exist instead of failing with `NotFound`.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::client::follow::Target;
    /// let later = client.follow([Target::Task(client.tasks().reference("not-yet"))]).allow_missing(true);
    /// # drop(later);
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_missing(mut self, allows: bool) -> Self {
        self.allows_missing = allows;
        self
    }

    /// Changes carry what tables show of an object: no manifest, no outputs, no attempts. A big pipeline
    /// is not sent whole with every step that ends. What is read when following begins may hold more.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::client::follow::Target;
    /// let nightly = client.pipelines().reference("nightly");
    /// let changes = client.follow([Target::PipelineWithTasks(nightly)]).summary(true);
    /// # drop(changes);
    /// # Ok(())
    /// # }
    /// ```
    pub fn summary(mut self, is_summary: bool) -> Self {
        self.is_summary = is_summary;
        self
    }

    /// Called once for each change of the connection, instead of the client's own hook.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::client::follow::Target;
    /// let nightly = Target::Pipeline(client.pipelines().reference("nightly"));
    /// let changes = client.follow([nightly]).on_connection(|state| eprintln!("{state}"));
    /// # drop(changes);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_connection(self, hook: impl Fn(ConnectionState) + Send + Sync + 'static) -> Self {
        let _ = self.on_connection.set(Arc::new(hook));
        self
    }
}

impl Stream for Follow {
    type Item = Result<Change>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let changes = this.changes.get_or_insert_with(|| {
            let targets = std::mem::take(&mut this.targets);
            let following = Following {
                client: this.client.clone(),
                tracked: targets.into_iter().map(Tracked::new).collect(),
                allows_missing: this.allows_missing,
                is_summary: this.is_summary,
                on_connection: this.on_connection.clone(),
                watch: None,
                changes: VecDeque::new(),
                has_expired: false,
                is_synced: false,
            };
            stream_of(move || Ok(following))
        });
        changes.as_mut().poll_next(cx)
    }
}

impl Client {
    /// Follows objects: first as they are, then [`Change::Synced`], then their changes.
    ///
    /// ```no_run
    /// use futures_util::StreamExt;
    /// use ktk_client::{Client, client::follow::{Change, Target}};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let nightly = client.pipelines().reference("nightly");
    /// let mut changes = client.follow([Target::PipelineWithTasks(nightly)]);
    /// while let Some(change) = changes.next().await {
    ///     if let Change::Set { object, .. } = change? {
    ///         println!("{} {:?}", object.metadata().name(), object.phase());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow(&self, targets: impl IntoIterator<Item = Target>) -> Follow {
        Follow {
            client: self.clone(),
            targets: targets.into_iter().collect(),
            allows_missing: false,
            is_summary: false,
            on_connection: LateHook::default(),
            changes: None,
        }
    }
}

struct Following {
    client: Client,
    tracked: Vec<Tracked>,
    allows_missing: bool,
    is_summary: bool,
    on_connection: LateHook,
    watch: Option<WatchStream>,
    changes: VecDeque<Change>,
    /// Whether the objects' own versions turned out to be older than the kept history.
    has_expired: bool,
    is_synced: bool,
}

impl Source for Following {
    type Item = Change;

    async fn next(&mut self) -> Result<Option<Change>> {
        loop {
            if let Some(change) = self.changes.pop_front() {
                return Ok(Some(change));
            }
            let Some(watch) = &mut self.watch else {
                self.begin().await?;
                continue;
            };
            match watch.next().await {
                Some(Ok(event)) => self.take(event)?,
                Some(Err(error)) if error.is_expired() => {
                    self.has_expired = true;
                    self.watch = None;
                }
                Some(Err(error)) => return Err(error),
                None => return Ok(None),
            }
        }
    }
}

impl Following {
    /// Reads everything and begins to watch from there.
    async fn begin(&mut self) -> Result<()> {
        let is_selection = |tracked: &Tracked| tracked.is_selection();
        if self.tracked.len() > 1 && self.tracked.iter().any(is_selection) {
            return Err(Error::Config("a list is to be followed alone".to_owned()));
        }
        // Read first, so that it is no newer than anything else that is read. An object's own
        // version does as well, but may be older than the history.
        let base = if self.has_expired || self.allows_missing {
            Some(version_now(&self.client).await?)
        } else {
            None
        };
        let mut oldest = None;
        for (target, tracked) in self.tracked.iter_mut().enumerate() {
            let (objects, version) = tracked.read(&self.client, self.allows_missing).await?;
            tracked.replace(target, objects, &mut self.changes);
            oldest = [oldest, version].into_iter().flatten().min();
        }
        if !std::mem::replace(&mut self.is_synced, true) {
            self.changes.push_back(Change::Synced);
        }
        let scope = self.scope();
        let summary = scope.summary || self.is_summary;
        let params = WatchParams { version: base.or(oldest), summary, ..scope };
        let mut watch = self.client.watch(params);
        if let Some(hook) = self.on_connection.get().cloned() {
            watch = watch.on_connection(move |state| hook(state));
        }
        self.watch = Some(watch);
        Ok(())
    }

    /// The narrowest watch that holds all targets.
    fn scope(&self) -> WatchParams {
        if let [tracked] = &*self.tracked {
            return tracked.scope();
        }
        let namespaces: Vec<_> = self.tracked.iter().map(|tracked| tracked.scope().namespace).collect();
        let is_one = namespaces.windows(2).all(|pair| pair[0] == pair[1]);
        WatchParams {
            kinds: Some("Task,Pipeline".to_owned()),
            namespace: namespaces.into_iter().next().flatten().filter(|_| is_one),
            ..WatchParams::default()
        }
    }

    fn take(&mut self, event: WatchEvent) -> Result<()> {
        let mut is_gone = false;
        match event {
            WatchEvent::Change { object, .. } => {
                let Some(object) = Object::read(object)? else { return Ok(()) };
                for (target, tracked) in self.tracked.iter_mut().enumerate() {
                    if tracked.matches(&object) {
                        tracked.set(target, object.clone(), &mut self.changes);
                    }
                }
            }
            WatchEvent::Delete { object, .. } => {
                let id = object["metadata"]["id"].as_str().and_then(|id| id.parse().ok());
                for (target, tracked) in self.tracked.iter_mut().enumerate() {
                    let removed = id.is_some_and(|id| tracked.remove(target, id, &mut self.changes));
                    is_gone |= removed && !tracked.is_selection();
                }
            }
            WatchEvent::Bookmark { .. } | WatchEvent::Stopping { .. } => {}
        }
        if is_gone && self.allows_missing {
            // What has gone may come again, as another context.
            self.watch = None;
        }
        Ok(())
    }
}

/// The server's version now.
async fn version_now(client: &Client) -> Result<u64> {
    let params = ListParams {
        namespace: Some(client.namespace().to_owned()),
        limit: Some(1),
        summary: true,
        ..ListParams::default()
    };
    Ok(client.call::<ListTasks>(&params).await?.version)
}
