//! The simulator: one seed is one history of people, workers, crashes and lost answers on the real engine and a store
//! in memory, with a clock that is moved. The [`judge`] replays what was committed and says which promise was broken.
//!
//! Another kind of operation is one more arm in `people.rs` and one more `Call` for the judge. Who acts: people
//! (`people`, `requests`, `manifests`, `settings`), workers (`workers`), their attempts (`attempts`), and of the server
//! its timer (`world`), its evaluator (`evaluator`) and who calls its hooks (`hooks`).

mod attempts;
mod canary;
mod evaluator;
mod faults;
mod healing;
mod hooks;
mod judge;
mod manifests;
mod people;
mod recording;
mod requests;
mod settings;
mod suite;
mod watchers;
mod workers;
mod world;

use jiff::SignedDuration;
use rand::RngExt;

use self::{faults::Faults, judge::facts::Entry, world::World};

/// How many things happen in a history, and in how many of them something may go wrong.
const STEPS: usize = 300;
const UNDER_FAULTS: usize = STEPS * 6 / 10;

/// A history that has been played.
struct History {
    entries: Vec<Entry>,
    faults: Faults,
}

/// Plays the history of a seed.
fn play(seed: u64) -> History {
    let mut world = World::new(seed);
    for step in 0..STEPS {
        if step < UNDER_FAULTS {
            world.step();
        } else {
            world.calm_step();
        }
    }
    world.come_to_rest();
    History { entries: world.record.take(), faults: world.faults }
}

impl World {
    /// The next thing that happens, while things go wrong.
    fn step(&mut self) {
        let worker = self.rng.random_range(0..self.workers.len());
        match self.rng.random_range(0..100) {
            0..=29 => self.act(),
            30..=61 => self.work(worker),
            62..=66 => drop(self.evaluate()),
            67..=70 => drop(self.call_hooks()),
            71..=81 => self.pass_time(),
            82..=86 => self.watch(),
            87..=88 => self.crash_server(),
            89..=90 if self.workers[worker].is_up => self.crash_worker(worker),
            89..=92 => self.start_worker(worker),
            93..=94 => self.pause(worker),
            95 => self.jump_somewhere(),
            _ => self.report_late(),
        }
    }

    /// The next thing that happens once nothing goes wrong any more, but for what had gone wrong before.
    fn calm_step(&mut self) {
        let worker = self.rng.random_range(0..self.workers.len());
        if !self.is_healed {
            self.heal();
        }
        match self.rng.random_range(0..100) {
            0..=29 => self.act(),
            30..=68 => self.work(worker),
            69..=73 => drop(self.evaluate()),
            74..=77 => drop(self.call_hooks()),
            78..=89 => self.pass_time(),
            _ => self.watch(),
        }
    }

    fn pass_time(&mut self) {
        let by = SignedDuration::from_millis(self.rng.random_range(100..4_000));
        self.advance(by);
    }

    /// A worker stands still, often for longer than its lease.
    fn pause(&mut self, worker: usize) {
        self.faults.pauses += 1;
        let pause = SignedDuration::from_secs(self.rng.random_range(5..60));
        self.workers[worker].paused_until = Some(self.now() + pause);
        if self.one_in(2) {
            self.advance(SignedDuration::from_secs(16));
        }
    }

    /// The machine sleeps, or somebody sets the clock.
    fn jump_somewhere(&mut self) {
        let seconds = match self.rng.random_range(0..4) {
            0 => -self.rng.random_range(1..5),
            1 => self.rng.random_range(600..3_600),
            _ => self.rng.random_range(3..60),
        };
        self.jump(SignedDuration::from_secs(seconds));
    }
}
