//! One home for each side effect, and rooms that have none. Test code is free.

use crate::paths::{NamedPath, module_of, paths_of};
use crate::report::require_none;
use crate::source::{Source, sources};

/// Where an effect may stand. A place is a module inside a package's `src`: `store/sqlite` is that folder or
/// `store/sqlite.rs`; `clock` without a package stands for every module of that name.
enum Places {
    /// Here only.
    Only(&'static [&'static str]),
    /// Anywhere but here.
    NotIn(&'static [&'static str]),
}

struct Effect {
    name: &'static str,
    /// Runs of path segments (`env::var`), or macros with their `!`.
    patterns: &'static [&'static str],
    places: Places,
    advice: &'static str,
}

/// Rooms that decide and depend on nothing but their arguments.
const PURE: &[&str] =
    &["ktk-client/api", "ktk-client/manifest", "ktk-server/model", "ktk/view", "ktk/output"];

const EFFECTS: &[Effect] = &[
    Effect {
        name: "reading the clock",
        patterns: &["SystemTime::now", "Timestamp::now", "Zoned::now"],
        places: Places::Only(&["clock"]),
        advice: "take `now` as an argument; clock.rs reads it",
    },
    Effect {
        name: "reading the monotonic clock or sleeping",
        patterns: &["Instant::now", "tokio::time", "thread::sleep"],
        places: Places::NotIn(&[
            "ktk-client/api",
            "ktk-server/model",
            "ktk-server/engine",
            "ktk-server/store",
            "ktk/view",
            "ktk/output",
        ]),
        advice: "a virtual clock must be able to stand in: take `now`, or wait through clock.rs",
    },
    Effect {
        name: "randomness",
        patterns: &["rand", "Uuid::now_v7", "Uuid::new_v4", "RandomState", "getrandom"],
        places: Places::Only(&["entropy"]),
        advice: "take the id or the number as an argument; entropy.rs makes it, seeded in tests",
    },
    Effect {
        name: "reading the environment",
        patterns: &["env::var", "env::var_os", "env::vars", "env::vars_os"],
        places: Places::Only(&["env"]),
        advice: "read the variable in env.rs and pass the value on",
    },
    Effect {
        name: "starting a task",
        patterns: &["tokio::spawn", "task::spawn", "task::spawn_local", "JoinSet", "TaskTracker"],
        places: Places::Only(&["task_group"]),
        advice: "start it through task_group.rs, which knows what its end means",
    },
    Effect {
        name: "starting a thread",
        patterns: &["thread::spawn", "thread::Builder"],
        places: Places::Only(&[
            "task_group",
            "ktk-server/store/sqlite",
            "ktk-server/exec",
            "ktk-server/logs",
            "ktk-client/client/local",
        ]),
        advice: "stores, executors, and what blocks on a lock or a child may have threads; all else is a task",
    },
    Effect {
        name: "starting a process",
        patterns: &["process::Command"],
        places: Places::Only(&[
            "ktk-server/exec",
            "ktk-server/jq",
            "ktk-client/client/local",
            "ktk/commands/editor",
            "ktk/commands/plugin",
            "ktk/ui/pager",
            "ktk/commands/diff/program",
        ]),
        advice: "a task's process is the launcher's to start (ktk-server/src/exec), a worker for jq its pool's, a server is `client::local`'s, editors, diffs, pagers and plugins the command's",
    },
    Effect {
        name: "printing",
        patterns: &[
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "dbg!",
            "io::stdout",
            "io::stderr",
            "anstream",
        ],
        places: Places::Only(&["ktk/ui"]),
        advice: "return the text; ktk/src/ui writes data to stdout and all else to stderr",
    },
    Effect {
        name: "ending the process",
        patterns: &["process::exit", "process::abort"],
        places: Places::Only(&["ktk/main"]),
        advice: "return an error; main turns it into an exit code",
    },
    Effect {
        name: "files",
        patterns: &[
            "std::fs",
            "tokio::fs",
            "fs::read",
            "fs::write",
            "File::open",
            "File::create",
            "OpenOptions",
        ],
        places: Places::NotIn(&[
            "ktk-client/api",
            "ktk-server/model",
            "ktk-server/engine",
            "ktk-server/rpc",
            "ktk-server/http",
            "ktk/view",
            "ktk/output",
            "ktk/ui",
        ]),
        advice: "stores, logs, executors and commands open files; this room is given what they hold",
    },
    Effect {
        name: "impurity",
        patterns: &[
            "tokio",
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            "std::env",
            "SystemTime",
            "Instant",
            "reqwest",
            "rusqlite",
        ],
        places: Places::NotIn(PURE),
        advice: "this room only computes: given values in, values out",
    },
    Effect {
        name: "hash order",
        patterns: &["HashMap", "HashSet"],
        places: Places::NotIn(&["ktk-server/model", "ktk-server/engine"]),
        advice: "its order changes from run to run: BTreeMap and BTreeSet have one",
    },
];

/// Places allowed one by one: file, pattern, reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "ktk-server/src/exec/launcher/client.rs",
        "tokio::spawn",
        "it ends with the launcher, whose end is told to all",
    ),
    (
        "ktk-server/src/http/socket.rs",
        "std::fs",
        "a socket is a file: its directory and a stale one are looked at",
    ),
    ("ktk-server/src/server/mod.rs", "io::stdout", "the one word between a server and who starts it"),
    ("ktk-server/src/server/mod.rs", "io::stderr", "the server's log"),
];

#[test]
fn each_side_effect_stays_at_home() {
    let mut found = Vec::new();
    for source in sources() {
        found.extend(effects_of(&source).into_iter().filter(|hit| !hit.is_allowed()).map(|hit| hit.message));
    }
    require_none("A side effect outside its home:", &found);
}

struct Hit {
    file: String,
    pattern: &'static str,
    message: String,
}

impl Hit {
    fn is_allowed(&self) -> bool {
        EXCEPTIONS.iter().any(|(file, pattern, _)| *file == self.file && *pattern == self.pattern)
    }
}

fn effects_of(source: &Source) -> Vec<Hit> {
    let Some((package, in_src)) = source.path.split_once("/src/") else { return Vec::new() };
    if package == "tests" {
        return Vec::new();
    }
    let paths = paths_of(source, &module_of(in_src));
    let mut hits = Vec::new();
    for effect in EFFECTS {
        let is_allowed_here = match effect.places {
            Places::Only(places) => places.iter().any(|place| is_at(package, in_src, place)),
            Places::NotIn(places) => !places.iter().any(|place| is_at(package, in_src, place)),
        };
        if is_allowed_here {
            continue;
        }
        for &pattern in effect.patterns {
            let mut lines = lines_with(pattern, source, &paths);
            lines.dedup();
            hits.extend(lines.into_iter().map(|line| Hit {
                file: source.path.clone(),
                pattern,
                message: format!("{}:{line}: `{pattern}` is {}: {}", source.path, effect.name, effect.advice),
            }));
        }
    }
    hits
}

/// The lines outside tests where the pattern stands.
fn lines_with(pattern: &str, source: &Source, paths: &[NamedPath]) -> Vec<usize> {
    if pattern.ends_with('!') {
        let is_there = |code: &str| {
            code.match_indices(pattern).any(|(at, _)| !code[..at].ends_with(crate::source::is_word))
        };
        return source
            .lines()
            .filter(|line| !line.is_test && is_there(line.code))
            .map(|line| line.number)
            .collect();
    }
    let segments: Vec<&str> = pattern.split("::").collect();
    // After `use crate::env`, `env::var` is a function of ours.
    let ours = ["crate", segments[0]];
    let is_ours = |path: &NamedPath| path.starts_with(&ours) || path.segments[0] == segments[0];
    let names_ours = paths.iter().any(|path| path.segments == ours);
    let is_there = |path: &NamedPath| match segments.as_slice() {
        // One lower-case word is a crate: it stands first.
        [one] if one.starts_with(char::is_lowercase) => path.segments.len() > 1 && path.starts_with(&[*one]),
        _ => path.contains(&segments),
    };
    paths
        .iter()
        .filter(|path| !source.is_test_line(path.line) && is_there(path))
        .filter(|path| !(names_ours && is_ours(path)))
        .map(|path| path.line)
        .collect()
}

/// Whether the file is in that place.
fn is_at(package: &str, in_src: &str, place: &str) -> bool {
    match place.split_once('/') {
        Some((of, module)) => {
            let rest = in_src.strip_prefix(module);
            of == package && rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        }
        None => in_src.strip_suffix(".rs").unwrap_or(in_src).split('/').any(|part| part == place),
    }
}

#[test]
fn exceptions_are_still_needed() {
    let hits: Vec<Hit> = sources().iter().flat_map(effects_of).collect();
    let stale: Vec<String> = EXCEPTIONS
        .iter()
        .filter(|(file, pattern, _)| !hits.iter().any(|hit| hit.file == *file && hit.pattern == *pattern))
        .map(|(file, pattern, _)| format!("{file} no longer has {pattern}: remove the exception"))
        .collect();
    require_none("Exceptions of tests/meta/side_effects.rs that nothing needs:", &stale);
}

/// `async` is no path: a pure room has none either.
#[test]
fn pure_rooms_are_not_async() {
    let mut found = Vec::new();
    for source in sources() {
        let Some((package, in_src)) = source.path.split_once("/src/") else { continue };
        if !PURE.iter().any(|place| is_at(package, in_src, place)) {
            continue;
        }
        let is_async = |code: &str| code.split(|c| !crate::source::is_word(c)).any(|word| word == "async");
        for line in source.lines().filter(|line| !line.is_test && is_async(line.code)) {
            found.push(format!("{}:{}: `async` in a room that only computes", source.path, line.number));
        }
    }
    require_none("Async code in a pure room; the waiting belongs to its caller:", &found);
}

#[test]
fn effects_away_from_home_are_seen() {
    let cases = [
        ("ktk-server/src/engine/create.rs", "fn f() { let t = jiff::Timestamp::now(); }", 1),
        ("ktk-server/src/clock.rs", "fn f() { let t = jiff::Timestamp::now(); }", 0),
        ("ktk-server/src/model/task.rs", "use std::collections::{BTreeMap, HashMap};", 1),
        ("ktk-server/src/model/task.rs", "use std::time::Duration;", 0),
        ("ktk-server/src/store/mod.rs", "use rand::Rng;\nlet rand = 1;", 1),
        ("ktk/src/commands/get.rs", "fn f() { println!(\"x\"); my_println!() }", 1),
        ("ktk/src/ui/mod.rs", "fn f() { println!(\"x\"); }", 0),
        ("ktk/src/commands/run.rs", "use crate::env;\nfn f() { env::var(\"x\"); }", 0),
        ("ktk/src/commands/run.rs", "use std::env;\nfn f() { env::var(\"x\"); }", 1),
        ("ktk/src/commands/run.rs", "use clap::Command;\nfn f() { Command::new(\"x\"); }", 0),
        ("ktk/src/commands/run.rs", "#[cfg(test)]\nmod tests { fn f() { std::env::var(\"x\"); } }", 0),
    ];
    for (path, text, count) in cases {
        let hits = effects_of(&Source::new(path.to_owned(), text.to_owned()));
        let messages: Vec<&str> = hits.iter().map(|hit| hit.message.as_str()).collect();
        assert_eq!(messages.len(), count, "{path}: {text}: {messages:?}");
    }
}
