//! The corpus of the fuzz targets, and mutations of it, played with any compiler: `cargo fuzz run TARGET` looks further.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    time::{Duration, Instant},
};

use ktk_tests::{mutations, repository};

#[path = "../../fuzz/src/lib.rs"]
mod fuzzed;

/// No input may take longer.
const LIMIT: Duration = Duration::from_secs(1);

/// What the process may have taken at its peak, whatever it was given.
const MEMORY: u64 = 512 << 20;

/// The longest input that is made.
const MAX_BYTES: usize = 64 << 10;

/// Pieces that mean something to one reader or another.
const WORDS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\u0000",
    "\\",
    ":",
    ",",
    "&a ",
    "*a",
    "!!",
    "{{",
    "}}",
    "params.",
    "null",
    "1e999",
    "-",
    "\n  ",
    "\t",
    "---\n",
    "\u{feff}",
    "(",
    "9999999999999999999",
];

/// A sequence of numbers from a seed: the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = repository().join("fuzz/corpus").join(target);
    let mut inputs: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "nothing in fuzz/corpus/{target}");
    inputs
}

/// Changes an input in a few places; sometimes takes a piece of another.
fn mutated(input: &[u8], others: &[(String, Vec<u8>)], numbers: &mut Numbers) -> Vec<u8> {
    let mut input = input.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(input.len() + 1);
        match numbers.below(7) {
            0 if at < input.len() => input[at] ^= 1 << numbers.below(8),
            1 if at < input.len() => drop(input.remove(at)),
            2 => input.insert(at, u8::try_from(numbers.below(256)).unwrap()),
            3 => drop(input.splice(at..at, WORDS[numbers.below(WORDS.len())].bytes())),
            4 => input.truncate(at),
            5 => {
                let other = &others[numbers.below(others.len())].1;
                let from = numbers.below(other.len() + 1);
                let to = from + numbers.below(other.len() - from + 1);
                input.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let to = at + numbers.below(input.len() - at + 1);
                let piece = input[at..to].to_vec();
                input.splice(at..at, piece);
            }
        }
        input.truncate(MAX_BYTES);
    }
    input
}

/// The most that this process has ever taken, as the kernel counts it.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

fn play(target: &str, run: fn(&[u8])) {
    let corpus = corpus(target);
    let timed = |name: &str, input: &[u8]| {
        let begin = Instant::now();
        let outcome = std::panic::catch_unwind(|| run(input));
        let text = String::from_utf8_lossy(input);
        assert!(outcome.is_ok(), "{target}: {name} panics: keep it in fuzz/corpus/{target}: {text:?}");
        assert!(begin.elapsed() < LIMIT, "{target}: {name} takes {:?}: {text:?}", begin.elapsed());
        let peak = peak_memory();
        assert!(peak < MEMORY, "{target}: with {name} it took {peak} bytes: {text:?}");
    };
    for (name, input) in &corpus {
        timed(name, input);
    }
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..mutations() {
        let (name, input) = &corpus[numbers.below(corpus.len())];
        let input = mutated(input, &corpus, &mut numbers);
        timed(&format!("mutation {round} of {name}"), &input);
    }
}

#[test]
fn manifest() {
    play("manifest", fuzzed::manifest);
}

#[test]
fn rpc_frame() {
    play("rpc_frame", fuzzed::rpc_frame);
}

#[test]
fn selector() {
    play("selector", fuzzed::selector);
}

#[test]
fn duration() {
    play("duration", fuzzed::duration);
}

#[test]
fn template() {
    play("template", fuzzed::template);
}

#[test]
fn change() {
    play("change", fuzzed::change);
}

#[test]
fn patch() {
    play("patch", fuzzed::patch);
}

#[test]
fn jsonpath() {
    play("jsonpath", fuzzed::jsonpath);
}
