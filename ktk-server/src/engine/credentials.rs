//! The tokens that hold, at hand: who speaks with one is judged without the store. What is kept of a token is its
//! digest.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use ktk_client::api::{Secret, token::Role};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;
use uuid::Uuid;

use super::operation::Namespaces;
use crate::clock::Clock;

/// What a secret comes to: all that is stored of it.
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Whether two digests are equal, in a time that does not say where they differ.
pub fn is_equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

/// A token that was made and not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub id: Uuid,
    pub name: String,
    pub digest: [u8; 32],
    pub role: Role,
    /// The namespaces that it is for; all of them when absent.
    pub namespaces: Option<Namespaces>,
    pub expires_at: Option<Timestamp>,
}

impl Credential {
    fn holds(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// All of them.
#[derive(Debug)]
pub struct Credentials {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// The version of the store that they were read at.
    version: u64,
    known: Vec<Arc<Credential>>,
    /// Those whose deletion has begun: they are refused before it is on the disk, and whoever asked for it may go away
    /// meanwhile.
    barred: BTreeSet<Uuid>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { state: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Credentials {
    /// The token that this is, if it holds. All are compared, so that the time says nothing of any.
    pub fn judge(&self, token: &Secret, now: Timestamp) -> Option<Arc<Credential>> {
        let digest = digest(token.expose());
        let state = self.state.lock().expect("nobody panics while holding it");
        let mut found = None;
        for known in &state.known {
            if is_equal(&known.digest, &digest) {
                found = Some(Arc::clone(known));
            }
        }
        found.filter(|found| found.holds(now) && !state.barred.contains(&found.id))
    }

    /// Takes what the store holds, unless something newer is at hand.
    pub(super) fn replace(&self, version: u64, known: Vec<Credential>) {
        let mut state = self.state.lock().expect("nobody panics while holding it");
        if version < state.version {
            return;
        }
        state.version = version;
        state.known = known.into_iter().map(Arc::new).collect();
        let State { known, barred, .. } = &mut *state;
        barred.retain(|id| known.iter().any(|known| known.id == *id));
        drop(state);
        self.changes.send_modify(|count| *count += 1);
    }

    /// From now on this one is refused.
    pub(super) fn bar(&self, id: Uuid) {
        self.state.lock().expect("nobody panics while holding it").barred.insert(id);
        self.changes.send_modify(|count| *count += 1);
    }

    /// It was not deleted after all.
    pub(super) fn unbar(&self, id: Uuid) {
        self.state.lock().expect("nobody panics while holding it").barred.remove(&id);
    }

    /// Waits until a token is deleted or its time is over.
    pub async fn ended(&self, id: Uuid, clock: &Clock) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            let now = clock.now();
            let end = {
                let state = self.state.lock().expect("nobody panics while holding it");
                let known = state.known.iter().find(|known| known.id == id);
                match known.filter(|known| known.holds(now) && !state.barred.contains(&id)) {
                    Some(known) => known.expires_at,
                    None => return,
                }
            };
            tokio::select! {
                // They are gone with the engine.
                changed = changes.changed() => if changed.is_err() { return },
                () = clock.until(end) => {}
            }
        }
    }
}
