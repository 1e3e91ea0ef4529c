//! The fences of ended attempts, so that none is started twice.

use std::collections::{HashSet, VecDeque};

use crate::{api::worker::Fence, limits};

/// Remembers the newest of them; the server gives none again whose report it has answered.
#[derive(Debug, Default)]
pub(super) struct FenceMemory {
    known: HashSet<Fence>,
    order: VecDeque<Fence>,
}

impl FenceMemory {
    pub(super) fn contains(&self, fence: Fence) -> bool {
        self.known.contains(&fence)
    }

    pub(super) fn insert(&mut self, fence: Fence) {
        if !self.known.insert(fence) {
            return;
        }
        self.order.push_back(fence);
        if self.order.len() > limits::REMEMBERED_FENCES
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered() {
        let fence = |counter: usize| Fence { epoch: 1, counter: counter as u64 };
        let mut memory = FenceMemory::default();
        for counter in 0..limits::REMEMBERED_FENCES + 10 {
            memory.insert(fence(counter));
        }
        assert!(!memory.contains(fence(9)) && memory.contains(fence(10)));
        assert_eq!(memory.known.len(), limits::REMEMBERED_FENCES);
    }
}
