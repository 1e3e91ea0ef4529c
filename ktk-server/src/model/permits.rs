//! Who gets permits: all that a task needs or none, in the order of the line, and nobody is passed for ever.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    lane::{LaneRow, Passed},
    row::TaskRow,
};

/// So often a waiter that does not fit may be passed; then later ones of its semaphores wait behind it.
pub const MAX_PASSED: u32 = 64;

/// So long it may be passed.
pub const MAX_PASSED_FOR: SignedDuration = SignedDuration::from_secs(30);

/// A place in the line: priority (highest first), `ready_at`, id.
pub type Rank = (Reverse<i32>, Option<Timestamp>, Uuid);

/// The place of a task.
pub fn rank(row: &TaskRow) -> Rank {
    (Reverse(row.priority), row.ready_at, row.id)
}

/// Whether a lane's first has been passed so long that nobody passes it any more.
pub fn is_strict(passed: Passed, now: Timestamp) -> bool {
    passed.times >= MAX_PASSED || now.duration_since(passed.since) >= MAX_PASSED_FOR
}

/// A waiter that holds nothing yet: what it needs is not there, or it starts elsewhere.
#[derive(Clone, Debug)]
struct Waiter {
    rank: Rank,
    lane: LaneRow,
    passed: Option<Passed>,
}

/// One round of giving permits out: what is free, and who has been passed.
#[derive(Clone, Debug)]
pub struct Round {
    now: Timestamp,
    /// May be below 0 where a semaphore was made smaller.
    free: BTreeMap<String, i64>,
    waiters: Vec<Waiter>,
}

impl Round {
    /// Begins with the permits that are free; a semaphore that is not there has none.
    pub fn new(now: Timestamp, free: BTreeMap<String, i64>) -> Self {
        Self { now, free, waiters: Vec::new() }
    }

    /// Whether all permits of a lane's task are free.
    pub fn fits(&self, lane: &LaneRow) -> bool {
        is_free(&self.free, lane)
    }

    /// Whether the task at this place may take its permits now; if not, it is in nobody's way until it is passed.
    /// Who belongs to somebody that holds permits until it has ended waits behind nobody: those ahead may wait for just
    /// these.
    pub fn may_take(&mut self, task: Uuid, at: Rank, lane: &LaneRow, is_of_holder: bool) -> bool {
        let now = self.now;
        let must_wait = |waiter: &Waiter| waiter.passed.is_some_and(|passed| is_strict(passed, now));
        let may = self.fits(lane) && (is_of_holder || !self.ahead(at, lane).any(must_wait));
        if !may {
            let passed = lane.passed.filter(|passed| passed.task == task);
            self.waiters.push(Waiter { rank: at, lane: lane.clone(), passed });
        }
        may
    }

    /// The task at this place starts elsewhere. It takes nothing now, but once it was passed for long its permits are
    /// kept for it.
    pub fn stands(&mut self, task: Uuid, at: Rank, lane: &LaneRow) {
        if self.may_take(task, at, lane, false) {
            let passed = lane.passed.filter(|passed| passed.task == task);
            match passed.is_some_and(|passed| is_strict(passed, self.now)) {
                true => self.use_up(lane),
                false => self.waiters.push(Waiter { rank: at, lane: lane.clone(), passed }),
            }
        }
    }

    fn ahead<'a>(&'a self, at: Rank, lane: &'a LaneRow) -> impl Iterator<Item = &'a Waiter> + 'a {
        self.waiters.iter().filter(move |waiter| waiter.rank < at && waiter.lane.lane.shares(&lane.lane))
    }

    /// Takes the permits: those ahead in the line who share a semaphore, and for whom too few are left, have been
    /// passed once more.
    pub fn take(&mut self, at: Rank, lane: &LaneRow) {
        self.use_up(lane);
        let (now, free) = (self.now, &self.free);
        let is_passed = |waiter: &&mut Waiter| {
            waiter.rank < at && waiter.lane.lane.shares(&lane.lane) && !is_free(free, &waiter.lane)
        };
        for waiter in self.waiters.iter_mut().filter(is_passed) {
            let first = Passed { task: waiter.rank.2, times: 0, since: now };
            let passed = waiter.passed.get_or_insert(first);
            passed.times += 1;
        }
    }

    fn use_up(&mut self, lane: &LaneRow) {
        for (name, permits) in &lane.lane.semaphores {
            *self.free.entry(name.clone()).or_default() -= i64::from(*permits);
        }
    }

    /// Lanes whose first was passed otherwise than is stored.
    pub fn changed(&self) -> impl Iterator<Item = LaneRow> + '_ {
        let is_changed = |waiter: &&Waiter| waiter.passed != waiter.lane.passed;
        self.waiters
            .iter()
            .filter(is_changed)
            .map(|waiter| LaneRow { passed: waiter.passed, ..waiter.lane.clone() })
    }
}

fn is_free(free: &BTreeMap<String, i64>, lane: &LaneRow) -> bool {
    let mut needs = lane.lane.semaphores.iter();
    needs.all(|(name, permits)| free.get(name).is_some_and(|free| *free >= i64::from(*permits)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::lane::Lane;

    fn lane(id: u32, needs: &[(&str, u32)]) -> LaneRow {
        let semaphores = needs.iter().map(|(name, permits)| ((*name).to_owned(), *permits)).collect();
        LaneRow { id, lane: Lane { semaphores, ..Lane::default() }, passed: None }
    }

    fn place(number: u128) -> Rank {
        (Reverse(0), Some(Timestamp::UNIX_EPOCH), Uuid::from_u128(number))
    }

    fn round(free: &[(&str, i64)]) -> Round {
        let free = free.iter().map(|(name, permits)| ((*name).to_owned(), *permits)).collect();
        Round::new(Timestamp::UNIX_EPOCH, free)
    }

    /// Takes if it may, with the task that the place is of.
    fn ask(round: &mut Round, at: Rank, lane: &LaneRow) -> bool {
        let may = round.may_take(at.2, at, lane, false);
        if may {
            round.take(at, lane);
        }
        may
    }

    #[test]
    fn all_or_none() {
        let both = lane(1, &[("gpu", 1), ("licence", 1)]);
        let mut round = round(&[("gpu", 1), ("licence", 0)]);
        assert!(!ask(&mut round, place(1), &both));
        assert!(ask(&mut round, place(2), &lane(2, &[("gpu", 1)])), "nobody holds a part");
        assert!(!round.fits(&lane(3, &[("nosuch", 1)])));
    }

    #[test]
    fn passed_64_times_and_no_more() {
        let (mut large, small) = (lane(1, &[("gpu", 4)]), lane(2, &[("gpu", 1)]));
        for number in 0..200 {
            let mut round = round(&[("gpu", 3)]);
            assert!(!ask(&mut round, place(1), &large));
            let passes = ask(&mut round, place(2), &small);
            assert_eq!(passes, number < MAX_PASSED, "the {number}th");
            large = round.changed().find(|lane| lane.id == 1).unwrap_or(large);
        }
        let mut others = round(&[("gpu", 3), ("licence", 1)]);
        assert!(!ask(&mut others, place(1), &large));
        assert!(ask(&mut others, place(2), &lane(3, &[("licence", 1)])), "other semaphores are not held up");
        assert!(ask(&mut others, place(0), &small), "who is before it has not passed it");
    }

    #[test]
    fn passed_for_30_seconds_and_no_longer() {
        let passed = Passed { task: Uuid::from_u128(1), times: 1, since: Timestamp::UNIX_EPOCH };
        let large = LaneRow { passed: Some(passed), ..lane(1, &[("gpu", 4)]) };
        for (seconds, passes) in [(29, true), (30, false)] {
            let mut round = round(&[("gpu", 3)]);
            round.now += SignedDuration::from_secs(seconds);
            assert!(!ask(&mut round, place(1), &large));
            assert_eq!(ask(&mut round, place(2), &lane(2, &[("gpu", 1)])), passes);
        }
        let mut another = round(&[("gpu", 3)]);
        another.now += SignedDuration::from_secs(60);
        assert!(!ask(&mut another, place(5), &large), "another is the first now");
        assert!(ask(&mut another, place(6), &lane(2, &[("gpu", 1)])));
    }

    /// Permits that are free for who starts elsewhere are taken from under it no more often than others'.
    #[test]
    fn who_starts_elsewhere_is_passed_no_more_often() {
        let (mut elsewhere, here) = (lane(1, &[("gpu", 1)]), lane(2, &[("gpu", 1)]));
        for number in 0..200 {
            let mut round = round(&[("gpu", 1)]);
            round.stands(place(1).2, place(1), &elsewhere);
            assert_eq!(ask(&mut round, place(2), &here), number < MAX_PASSED, "the {number}th");
            elsewhere = round.changed().find(|lane| lane.id == 1).unwrap_or(elsewhere);
        }
        let mut enough = round(&[("gpu", 2)]);
        enough.stands(place(1).2, place(1), &elsewhere);
        assert!(ask(&mut enough, place(2), &here), "what is left is enough for it");
        assert!(!ask(&mut enough, place(3), &here), "and is kept");
    }

    #[test]
    fn who_has_enough_left_was_not_passed() {
        let mut round = round(&[("gpu", 2)]);
        round.stands(place(1).2, place(1), &lane(1, &[("gpu", 1)]));
        assert!(ask(&mut round, place(2), &lane(2, &[("gpu", 1)])));
        assert_eq!(round.changed().count(), 0);
    }

    proptest! {
        /// Whatever is asked for in whatever order, no semaphore gives more than it has, and whoever gets
        /// something gets all of it.
        #[test]
        fn never_more_than_there_are(
            sizes in prop::collection::vec(0..5_i64, 3),
            asks in prop::collection::vec(prop::collection::vec(0..4_u32, 3), 0..40),
        ) {
            let names = ["a", "b", "c"];
            let free: Vec<(&str, i64)> = names.into_iter().zip(sizes.iter().copied()).collect();
            let mut round = round(&free);
            let mut held = [0_i64; 3];
            for (number, ask_of) in asks.iter().enumerate() {
                let needs: Vec<(&str, u32)> =
                    names.into_iter().zip(ask_of.iter().copied()).filter(|(_, n)| *n > 0).collect();
                if ask(&mut round, place(number as u128), &lane(number as u32 + 1, &needs)) {
                    ask_of.iter().zip(&mut held).for_each(|(n, held)| *held += i64::from(*n));
                }
                prop_assert!(held.iter().zip(&sizes).all(|(held, size)| held <= size));
            }
        }

        /// However small ones stream in, one that needs all permits gets them after a bounded number of them.
        #[test]
        fn nobody_starves(size in 2..6_i64, lengths in prop::collection::vec(1..4_usize, 400)) {
            let (mut large, small) = (lane(1, &[("s", size as u32)]), lane(2, &[("s", 1)]));
            let mut running: Vec<usize> = Vec::new();
            let mut passed = 0;
            for (step, length) in lengths.into_iter().enumerate() {
                running.retain(|end| *end > step);
                let mut round = round(&[("s", size - running.len() as i64)]);
                if ask(&mut round, place(1), &large) {
                    return Ok(());
                }
                if ask(&mut round, place(2), &small) {
                    passed += 1;
                    running.push(step + length);
                }
                prop_assert!(passed <= MAX_PASSED);
                large = round.changed().find(|lane| lane.id == 1).unwrap_or(large);
            }
            prop_assert!(false, "it never got its permits");
        }
    }
}
