//! The suite: many seeds, the regression list first, canaries in every run, and gates against an empty success.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::Instant,
};

use super::{
    canary::{CANARIES, Canary},
    faults::Faults,
    judge::{DEEDS, RULES, Verdict, judge},
    play,
    recording::fingerprint,
};

/// Seeds that once found something: an attempt that had ended made a task, an external task that was left behind a
/// queue that had been paused, one that started on what its need no longer was, a request whose answer was forgotten,
/// one that was passed although it was left what it needs, one that needs whom it replaces (twice), and a step that
/// waited behind who waits for its pipeline's permits (twice), an item that was gone unseen, an item with inputs of its
/// own; a whole restart of a step whose semaphore was gone; a hook's error that was passed over (twice), items that
/// wait for what is gone (twice), an item in another queue than its step, one that was claimed for after another began;
/// a new need of what went with its pipeline, one that has waited behind a failure through two restarts.
const PAST: [u64; 21] = [
    35, 38, 255, 539, 2383, 20206, 30509, 34639, 32734, 38501, 31998, 37933, 40941, 56326, 59599, 57621,
    60911, 115667, 115636, 146014, 144354,
];

/// Every how many seeds one is played twice.
const TWICE: u64 = 20;

/// So many seeds must have come across everything that happens in histories; fewer may miss what is rare.
const ENOUGH: u64 = 500;

/// In so many histories each canary has found its place.
const PLACES: u64 = 1_000;

/// What a number of seeds came to.
#[derive(Default)]
struct Total {
    seeds: u64,
    failed: Vec<u64>,
    faults: BTreeMap<&'static str, u64>,
    deeds: BTreeMap<&'static str, u64>,
    looks: BTreeMap<&'static str, u64>,
    calls: u64,
    acknowledged: u64,
    unknown: u64,
}

impl Total {
    fn add(&mut self, faults: &Faults, verdict: &Verdict) {
        self.seeds += 1;
        for (kind, count) in faults.kinds() {
            *self.faults.entry(kind).or_default() += count;
        }
        for (deed, count) in &verdict.deeds {
            *self.deeds.entry(deed).or_default() += count;
        }
        for (rule, looks) in &verdict.looks {
            *self.looks.entry(rule).or_default() += looks;
        }
        self.calls += verdict.calls;
        self.acknowledged += verdict.acknowledged;
        self.unknown += verdict.unknown;
    }

    fn join(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.failed.extend(other.failed);
        let sums = [&mut self.faults, &mut self.deeds, &mut self.looks];
        for (sums, counts) in sums.into_iter().zip([other.faults, other.deeds, other.looks]) {
            for (what, count) in counts {
                *sums.entry(what).or_default() += count;
            }
        }
        self.calls += other.calls;
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
    }

    /// A success that has looked at nothing is none.
    fn is_no_empty_success(&self) {
        let missing: Vec<&str> = RULES.into_iter().filter(|rule| !self.looks.contains_key(rule)).collect();
        assert!(missing.is_empty(), "rules that were never looked at: {missing:?}");
        for (kind, count) in &self.faults {
            assert!(count * 10 >= self.seeds, "hardly any {kind}: {count} in {} seeds", self.seeds);
        }
        for deed in DEEDS {
            let count = self.deeds.get(deed).copied().unwrap_or_default();
            assert!(count * 20 >= self.seeds, "hardly any {deed}: {count} in {} seeds", self.seeds);
        }
        assert!(self.acknowledged >= 50 * self.seeds, "{} calls were acknowledged", self.acknowledged);
        assert!(self.unknown * 100 <= 30 * self.calls, "{} of {} without answer", self.unknown, self.calls);
    }
}

/// Plays one seed and judges it; panics with the way to see it again.
fn trial(seed: u64, total: &mut Total) {
    let history = play(seed);
    let verdict = judge(&history.entries);
    if let Some(first) = verdict.violations.first() {
        let from = first
            .entry
            .saturating_sub(variable("KTK_SIMULATION_SHOW").and_then(|text| text.parse().ok()).unwrap_or(12));
        for (number, entry) in history.entries.iter().enumerate().take(first.entry + 2).skip(from) {
            eprintln!("{number}: {entry:?}");
        }
        panic!(
            "seed {seed} breaks {:?} at entry {}: {}\nagain: KTK_SIMULATION_SEED={seed} cargo nextest run -p \
             ktk-server simulation::suite::one_seed",
            first.rule, first.entry, first.words
        );
    }
    if seed.is_multiple_of(TWICE) {
        let (first, again) = (fingerprint(&history.entries), fingerprint(&play(seed).entries));
        assert_eq!(first, again, "seed {seed} does not end alike when it is played twice");
    }
    total.add(&history.faults, &verdict);
}

/// Each canary is seen in this seed's history, where it has a place for it.
fn canaries(seed: u64, twice: bool, seen: &mut BTreeSet<String>) {
    let entries = play(seed).entries;
    // Each is planted where it has a place, and again in the first few histories.
    let is_first = |canary: &Canary| twice || !seen.contains(&format!("{canary:?}"));
    for canary in CANARIES.into_iter().filter(is_first).collect::<Vec<Canary>>() {
        let mut spoiled = entries.clone();
        if canary.plant(&mut spoiled) {
            let violations = judge(&spoiled).violations;
            let is_found =
                violations.iter().any(|found| canary.rules().iter().any(|rule| found.rule.starts_with(rule)));
            assert!(is_found, "seed {seed}: {canary:?} was planted, and the judge found {violations:?}");
            seen.insert(format!("{canary:?}"));
        }
    }
}

/// The past seeds, and so many others.
fn past_and(from: u64, count: u64) -> Vec<u64> {
    PAST.into_iter().chain(from..from + count).collect()
}

/// These seeds, played by so many threads.
fn trials(seeds: &[u64], threads: usize) -> Total {
    let next = AtomicUsize::new(0);
    let play_on = || {
        let mut total = Total::default();
        loop {
            let Some(seed) = seeds.get(next.fetch_add(1, Relaxed)).copied() else { return total };
            // A find does not hide those that come after it.
            if catch_unwind(AssertUnwindSafe(|| trial(seed, &mut total))).is_err() {
                eprintln!("seed {seed} failed");
                total.failed.push(seed);
            }
        }
    };
    let mut total = Total::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(play_on)).collect();
        for thread in threads {
            total.join(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    total.failed.sort_unstable();
    assert!(total.failed.is_empty(), "{} seeds passed, these failed: {:?}", total.seeds, total.failed);
    total
}

fn every_canary_is_seen(from: u64) {
    let mut seen = BTreeSet::new();
    for seed in from..from + PLACES {
        if seen.len() == CANARIES.len() {
            break;
        }
        canaries(seed, seed < from + 3, &mut seen);
    }
    assert_eq!(seen.len(), CANARIES.len(), "only these had a place: {seen:?}");
}

/// Parts of what a build without optimisation plays in about a minute, which can run at the same time.
#[test]
fn some_seeds_keep_all_promises() {
    trials(&past_and(0, 140), 1).is_no_empty_success();
}

#[test]
fn second_seeds_keep_all_promises() {
    trials(&Vec::from_iter(140..300), 1);
}

#[test]
fn third_seeds_keep_all_promises() {
    trials(&Vec::from_iter(300..460), 1);
}

#[test]
fn fourth_seeds_keep_all_promises() {
    trials(&Vec::from_iter(460..620), 1);
}

#[test]
fn planted_violations_are_found() {
    every_canary_is_seen(0);
}

/// As many seeds as KTK_SIMULATION_SEEDS says, from KTK_SIMULATION_SEED on, by KTK_SIMULATION_THREADS threads: one, by
/// one, unless somebody says otherwise.
#[test]
fn one_seed() {
    let number = |name| variable(name).and_then(|text| text.parse::<u64>().ok());
    let from = number("KTK_SIMULATION_SEED").unwrap_or(0);
    let count = number("KTK_SIMULATION_SEEDS").unwrap_or(1);
    let threads = number("KTK_SIMULATION_THREADS").unwrap_or(1).max(1);
    let begin = Instant::now();
    let threads = usize::try_from(threads).expect("a number of threads");
    let total = trials(&past_and(from, count), threads);
    let seconds = begin.elapsed().as_secs_f64();
    if total.seeds >= ENOUGH {
        total.is_no_empty_success();
    }
    if count > 1 {
        every_canary_is_seen(from);
    }
    let rate = total.seeds as f64 / seconds;
    println!(
        "{} seeds passed, 0 failed: {rate:.0} seeds/s of {} steps by {threads} threads",
        total.seeds,
        super::STEPS
    );
    println!("{} calls, {} acknowledged, {} unknown", total.calls, total.acknowledged, total.unknown);
    for (what, count) in total.faults.iter().chain(&total.deeds).chain(&total.looks) {
        println!("{count:>12}  {what}");
    }
}

#[expect(clippy::disallowed_methods, reason = "only the length of a test depends on it")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
