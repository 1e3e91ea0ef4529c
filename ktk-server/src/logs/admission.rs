//! Whether an append may be made, and how much of it is new. Pure: stores ask, and then write.

use super::{Fence, LogError, LogKey};

#[derive(Debug, Default)]
pub(super) struct Admission {
    newest: Fence,
    pub(super) is_finished: bool,
}

impl Admission {
    /// Answers how many of the `length` bytes at `offset` the log, which ends at `end`, already holds.
    pub(super) fn admit(
        &mut self,
        key: LogKey,
        fence: Fence,
        end: u64,
        offset: u64,
        length: u64,
    ) -> Result<u64, LogError> {
        if fence < self.newest {
            return Err(LogError::Fenced { key, newest: self.newest });
        }
        self.newest = fence;
        let Some(held) = end.checked_sub(offset) else {
            return Err(LogError::Gap { key, end, offset });
        };
        if self.is_finished && held < length {
            return Err(LogError::Finished { key });
        }
        Ok(held.min(length))
    }
}
