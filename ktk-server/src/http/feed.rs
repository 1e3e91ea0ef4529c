//! Changes for all who watch, read and written once however many they are.
//!
//! Those who watch the same share a [`Channel`]. One loop looks for changes and tells each channel what it sees of them;
//! only those who have something to read are woken. Whoever is behind what a channel remembers reads the store by
//! itself, so a slow reader costs nobody else anything.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use ktk_client::api::{ApiError, watch::WatchEvent};
use tokio::sync::Notify;

use super::channel::{Channel, Piece};
use super::{Backend, watch::written};
use crate::{
    engine::{
        changes::Told,
        viewer::{View, Viewer},
    },
    limits::{FEED_BYTES, FEED_PAUSE, FEED_PAUSE_EACH, WATCH_WRITE_BYTES},
};

/// The channels of a server.
#[derive(Default)]
pub(super) struct Feed {
    channels: Mutex<HashMap<View, Listened>>,
    /// A channel was opened, or the last one closed.
    moved: Notify,
}

struct Listened {
    channel: Arc<Channel>,
    by: usize,
}

/// A place among those who watch: gone when it is dropped.
pub(super) struct Seat {
    feed: Arc<Feed>,
    view: View,
    pub(super) channel: Arc<Channel>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut channels = self.feed.channels();
        if let Some(listened) = channels.get_mut(&self.view) {
            listened.by -= 1;
            if listened.by == 0 {
                channels.remove(&self.view);
                if channels.is_empty() {
                    self.feed.moved.notify_one();
                }
            }
        }
    }
}

impl Feed {
    /// Sits down beside those who see the same.
    pub(super) fn open(self: &Arc<Self>, viewer: Arc<Viewer>) -> Seat {
        let view = viewer.view();
        let mut channels = self.channels();
        let listened = channels.entry(view.clone()).or_insert_with(|| {
            self.moved.notify_one();
            Listened { channel: Arc::new(Channel::new(viewer)), by: 0 }
        });
        listened.by += 1;
        let channel = Arc::clone(&listened.channel);
        drop(channels);
        Seat { feed: Arc::clone(self), view, channel }
    }

    /// Looks for changes as long as somebody watches. Never ends by itself.
    pub(super) async fn run(&self, backend: &dyn Backend) {
        loop {
            // Whoever waits for changes keeps a server from ending: here that is nobody.
            self.moved.notified().await;
            self.follow(backend).await;
        }
    }

    /// Looks for changes until nobody watches any more.
    async fn follow(&self, backend: &dyn Backend) {
        let mut versions = backend.versions();
        let mut round: Option<Round> = None;
        loop {
            let channels = self.all();
            if channels.is_empty() {
                return;
            }
            // Registered before the look: a change after it is looked for again.
            let newest = *versions.borrow_and_update();
            let woken = match look(backend, &channels, round.take()).await {
                Ok((next, woken)) => {
                    if next.upto < newest {
                        versions.mark_changed();
                    }
                    round = Some(next);
                    woken
                }
                Err(error) => {
                    tracing::debug!(%error, "those who watch ask the store themselves");
                    channels.iter().for_each(|channel| channel.forget());
                    channels.len()
                }
            };
            // Whoever is woken needs time to write: the more they are, the more each is given at once.
            let pause = (FEED_PAUSE_EACH * u32::try_from(woken).unwrap_or(u32::MAX)).min(FEED_PAUSE);
            if pause >= Duration::from_millis(1) {
                tokio::time::sleep(pause).await;
            }
            tokio::select! {
                changed = versions.changed() => if changed.is_err() {
                    std::future::pending::<()>().await;
                },
                () = self.moved.notified() => {}
            }
        }
    }

    fn all(&self) -> Vec<Arc<Channel>> {
        self.channels().values().map(|listened| Arc::clone(&listened.channel)).collect()
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<View, Listened>> {
        self.channels.lock().expect("nobody panics while holding it")
    }
}

/// How far the feed has come.
struct Round {
    upto: u64,
    /// Where each of the last looks ended, and how much it wrote.
    past: VecDeque<(u64, usize)>,
    size: usize,
    /// What is not after this is forgotten.
    keep: u64,
}

impl Round {
    fn new(upto: u64) -> Self {
        Self { upto, past: VecDeque::new(), size: 0, keep: upto }
    }

    fn add(&mut self, upto: u64, size: usize) {
        self.upto = upto;
        self.size += size;
        if size > 0 {
            self.past.push_back((upto, size));
        }
        while self.size > FEED_BYTES
            && let Some((end, size)) = self.past.pop_front()
        {
            self.keep = end;
            self.size -= size;
        }
    }
}

/// Looks for changes after the last look, and tells the channels; says how many watchers were woken.
async fn look(
    backend: &dyn Backend,
    channels: &[Arc<Channel>],
    round: Option<Round>,
) -> Result<(Round, usize), ApiError> {
    let Some(mut round) = round else {
        let newest = backend.newest().await?;
        let woken = channels.iter().map(|channel| channel.add(newest, newest, Vec::new(), newest)).sum();
        return Ok((Round::new(newest), woken));
    };
    let viewers = channels.iter().map(|channel| Arc::clone(&channel.viewer)).collect();
    let after = round.upto;
    let Told { events, upto } = backend.watch_page(viewers, after).await?;
    let (mut told, size) = sorted(events, channels.len());
    round.add(upto, size);
    let tell = |(channel, pieces): (&Arc<Channel>, &mut Vec<Piece>)| {
        channel.add(after, upto, std::mem::take(pieces), round.keep)
    };
    let woken = channels.iter().zip(&mut told).map(tell).sum();
    Ok((round, woken))
}

/// The pieces of each channel, and how many bytes they are.
fn sorted(events: Vec<(usize, Arc<WatchEvent>)>, channels: usize) -> (Vec<Vec<Piece>>, usize) {
    let mut single: Vec<Vec<(u64, Bytes)>> = vec![Vec::new(); channels];
    // How the events of the version at hand are written.
    let mut texts: Vec<(Arc<WatchEvent>, Bytes)> = Vec::new();
    for (index, event) in events {
        if texts.first().is_some_and(|(first, _)| first.version() != event.version()) {
            texts.clear();
        }
        let known = texts.iter().find(|(known, _)| Arc::ptr_eq(known, &event));
        let text = known.map(|(_, text)| text.clone()).unwrap_or_else(|| {
            let text = written(&event);
            texts.push((Arc::clone(&event), text.clone()));
            text
        });
        single[index].push((event.version(), text));
    }
    let told: Vec<_> = single.into_iter().map(joined).collect();
    let size = told.iter().flatten().map(|piece| piece.text.len()).sum();
    (told, size)
}

/// As few pieces as there can be: whoever reads them copies nothing.
pub(super) fn joined(events: impl IntoIterator<Item = (u64, Bytes)>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut group: Vec<(u64, Bytes)> = Vec::new();
    let mut size = 0;
    for (version, text) in events {
        if size > 0 && size + text.len() > WATCH_WRITE_BYTES {
            pieces.extend(piece(std::mem::take(&mut group)));
            size = 0;
        }
        size += text.len();
        group.push((version, text));
    }
    pieces.extend(piece(group));
    pieces
}

fn piece(mut events: Vec<(u64, Bytes)>) -> Option<Piece> {
    let (first, last) = (events.first()?.0, events.last()?.0);
    let text = match events.len() {
        1 => events.pop()?.1,
        _ => events.iter().map(|(_, text)| &text[..]).collect::<Vec<_>>().concat().into(),
    };
    Some(Piece { first, last, text })
}
