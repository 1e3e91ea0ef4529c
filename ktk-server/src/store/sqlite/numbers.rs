//! Versions and fences: numbers that are never given twice, whatever a power cut takes back.
//!
//! Versions are set aside in blocks: a block's end is on the disk before its first number is
//! used. Each start begins behind the last block and in a new epoch, which is part of its fences.

use ktk_client::api::worker::Fence;

use super::{
    fault::{Fault, Outcome},
    session::Session,
};

/// How many versions are set aside at once.
pub(super) const BLOCK: u64 = 1_000_000;

const RESERVE: &str = "UPDATE meta SET versions_end = ?1";

/// What has been given in this epoch.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) epoch: u64,
    fence: u64,
    version: u64,
    /// The last version that the store on the disk has set aside, seen from the transaction.
    end: u64,
    /// Whether the transaction moved `end`.
    moved: bool,
}

impl Numbers {
    /// Numbers of a new epoch whose block ends here.
    pub(super) fn new(epoch: u64, end: u64) -> Self {
        Self { epoch, fence: 0, version: end - BLOCK, end, moved: false }
    }

    pub(super) fn next_fence(&mut self) -> Fence {
        self.fence += 1;
        Fence { epoch: self.epoch, counter: self.fence }
    }

    /// The next version. Where a block is used up, the next is set aside by the same
    /// transaction, which therefore must be synced: nobody sees the number before.
    pub(super) fn next_version(&mut self, session: &Session, synced: bool) -> Outcome<u64> {
        if self.version >= self.end {
            if !synced {
                return Err(Fault::NeedsSync);
            }
            let end = self.version + BLOCK;
            session.execute(RESERVE, [end.cast_signed()])?;
            (self.end, self.moved) = (end, true);
        }
        self.version += 1;
        Ok(self.version)
    }

    /// Whether the transaction has set a block aside: its numbers hold once that is on the disk.
    pub(super) fn has_reserved(&self) -> bool {
        self.moved
    }

    /// The transaction is committed.
    pub(super) fn committed(&mut self) {
        self.moved = false;
    }

    /// The transaction, or a part of it, was taken back: a block that it set aside may be gone.
    pub(super) fn rolled_back(&mut self, session: &Session) -> Outcome<()> {
        if self.moved {
            self.end = session.value::<i64>("SELECT versions_end FROM meta", [])?.cast_unsigned();
        }
        Ok(())
    }
}
