//! What those who watch the same are told, as far as it is recent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::watch;

use crate::{engine::viewer::Viewer, limits::WATCH_WRITE_BYTES};

/// Events as they are written, one or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The version of its first event.
    pub(super) first: u64,
    /// The version of its last one.
    pub(super) last: u64,
    pub(super) text: Bytes,
}

/// What is known of the changes after a version.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recent {
    /// All of it, or its beginning where it is much, and the version up to which that is everything.
    Known(Vec<Piece>, u64),
    /// It is too old, or nobody has looked yet: the store knows.
    Unknown,
}

/// What those who watch the same are told.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) viewer: Arc<Viewer>,
    ring: Mutex<Ring>,
    moved: watch::Sender<()>,
}

/// The recent pieces of a channel, in order.
#[derive(Debug, Default)]
struct Ring {
    /// From where to where everything is known; not at all before the first look and after one that failed.
    span: Option<(u64, u64)>,
    pieces: VecDeque<Piece>,
}

impl Channel {
    pub(super) fn new(viewer: Arc<Viewer>) -> Self {
        Self { viewer, ring: Mutex::default(), moved: watch::Sender::new(()) }
    }

    /// Changes when there is more to look for.
    pub(super) fn moved(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    /// How many watch.
    pub(super) fn watchers(&self) -> usize {
        self.moved.receiver_count()
    }

    /// What is known of the changes after a version.
    pub(super) fn after(&self, version: u64) -> Recent {
        let ring = self.ring();
        let Some((_, upto)) = ring.span.filter(|(from, _)| version >= *from) else {
            return Recent::Unknown;
        };
        let start = ring.pieces.partition_point(|piece| piece.last <= version);
        if ring.pieces.get(start).is_some_and(|piece| piece.first <= version) {
            return Recent::Unknown;
        }
        let (mut pieces, mut size) = (Vec::new(), 0);
        for piece in ring.pieces.iter().skip(start) {
            if size > 0 && size + piece.text.len() > WATCH_WRITE_BYTES {
                let seen = pieces.last().map_or(version, |piece: &Piece| piece.last);
                return Recent::Known(pieces, seen);
            }
            size += piece.text.len();
            pieces.push(piece.clone());
        }
        Recent::Known(pieces, upto.max(version))
    }

    /// Adds what was found between two versions, forgets what is not after `keep`, the end of this look or an earlier
    /// one, and wakes those who watch when there is more for them; says how many.
    pub(super) fn add(&self, after: u64, upto: u64, pieces: Vec<Piece>, keep: u64) -> usize {
        let mut ring = self.ring();
        let wakes = ring.span.is_none() || !pieces.is_empty();
        let from = ring.span.map_or(after, |(from, _)| from.max(keep));
        while ring.pieces.front().is_some_and(|piece| piece.last <= from) {
            ring.pieces.pop_front();
        }
        // More than is remembered at all: each reads it from the store.
        ring.pieces.extend(pieces.into_iter().filter(|piece| piece.last > from));
        ring.span = Some((from, upto));
        drop(ring);
        if !wakes {
            return 0;
        }
        self.moved.send_replace(());
        self.watchers()
    }

    /// Knows nothing any more: whoever watches asks the store, and hears what is wrong from there.
    pub(super) fn forget(&self) {
        *self.ring() = Ring::default();
        self.moved.send_replace(());
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().expect("nobody panics while holding it")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use ktk_client::api::watch::WatchParams;

    use super::{Channel, Piece, Recent};
    use crate::{
        engine::viewer::{Filter, Viewer},
        http::tests::fake::nobody,
        limits::WATCH_WRITE_BYTES,
    };

    fn channel() -> Channel {
        let filter = Filter::new(WatchParams::default()).unwrap();
        Channel::new(Arc::new(Viewer::new(nobody(), filter)))
    }

    fn piece(first: u64, last: u64, size: usize) -> Piece {
        Piece { first, last, text: Bytes::from(vec![b'x'; size]) }
    }

    #[test]
    fn what_is_known_begins_where_it_was_first_looked_from() {
        let channel = channel();
        assert_eq!(channel.after(0), Recent::Unknown);
        channel.add(10, 20, vec![piece(12, 18, 1)], 0);
        assert_eq!(channel.after(9), Recent::Unknown);
        assert_eq!(channel.after(10), Recent::Known(vec![piece(12, 18, 1)], 20));
        assert_eq!(channel.after(11), Recent::Known(vec![piece(12, 18, 1)], 20));
        assert_eq!(channel.after(18), Recent::Known(Vec::new(), 20));
        // Whoever has read the store meanwhile is ahead, and loses nothing of what follows.
        assert_eq!(channel.after(25), Recent::Known(Vec::new(), 25));
    }

    #[test]
    fn whoever_is_in_the_middle_of_a_piece_asks_the_store() {
        let channel = channel();
        channel.add(10, 20, vec![piece(12, 18, 1)], 0);
        for version in 12..18 {
            assert_eq!(channel.after(version), Recent::Unknown, "{version}");
        }
    }

    #[test]
    fn what_is_forgotten_is_unknown() {
        let channel = channel();
        channel.add(0, 10, vec![piece(1, 9, 1)], 0);
        channel.add(10, 20, vec![piece(12, 12, 1)], 0);
        channel.add(20, 30, Vec::new(), 10);
        assert_eq!(channel.after(9), Recent::Unknown);
        assert_eq!(channel.after(10), Recent::Known(vec![piece(12, 12, 1)], 30));
        channel.add(30, 40, vec![piece(31, 40, 1)], 40);
        assert_eq!(channel.ring().pieces, [], "it was too much to be remembered at all");
        assert_eq!((channel.after(30), channel.after(40)), (Recent::Unknown, Recent::Known(Vec::new(), 40)));
        channel.forget();
        assert_eq!(channel.after(40), Recent::Unknown);
        channel.add(50, 50, Vec::new(), 10);
        assert_eq!(channel.after(49), Recent::Unknown, "nobody looked between 40 and 50");
    }

    #[test]
    fn much_is_given_a_part_at_a_time() {
        let (channel, half) = (channel(), WATCH_WRITE_BYTES / 2);
        channel.add(0, 9, vec![piece(1, 2, half), piece(3, 4, half), piece(5, 6, 1)], 0);
        assert_eq!(channel.after(0), Recent::Known(vec![piece(1, 2, half), piece(3, 4, half)], 4));
        assert_eq!(channel.after(4), Recent::Known(vec![piece(5, 6, 1)], 9));
    }

    #[tokio::test]
    async fn only_whoever_has_something_to_read_is_woken() {
        let channel = channel();
        let mut moved = channel.moved();
        assert_eq!(channel.add(0, 1, Vec::new(), 0), 1, "from the first look on, the channel knows");
        moved.changed().await.unwrap();
        assert_eq!(channel.add(1, 2, Vec::new(), 0), 0);
        assert!(!moved.has_changed().unwrap());
        assert_eq!(channel.add(2, 3, vec![piece(3, 3, 1)], 0), 1);
        moved.changed().await.unwrap();
    }
}
