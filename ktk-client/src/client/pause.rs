//! Pauses between tries: each twice as long as the one before, shortened by chance.

use std::time::Duration;

use super::entropy;

/// A row of growing pauses.
#[derive(Clone, Debug)]
pub(crate) struct Pauses {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pauses {
    /// From the first pause to the longest.
    pub(crate) fn new((first, longest): (Duration, Duration)) -> Self {
        Self { first, longest, next: first }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        entropy::jittered(pause)
    }

    /// The longest pause.
    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }

    /// Begins anew: it went well.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_begin_anew() {
        let second = Duration::from_secs(1);
        let mut pauses = Pauses::new((second, 4 * second));
        for longest in [1, 2, 4, 4, 4] {
            let pause = pauses.next();
            assert!(pause >= second * longest / 2 && pause <= second * longest, "{pause:?} of {longest}");
        }
        pauses.reset();
        assert!(pauses.next() <= second);
    }
}
