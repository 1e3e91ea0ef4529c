//! Who may know whom: the arrows of ARCHITECTURE.md, read from every path in every file. Test code is free.

use crate::paths::{NamedPath, module_of, paths_of};
use crate::report::require_none;
use crate::source::{Source, sources};

/// A top module of a package and the modules of the package that it may name. A module that is not on the map
/// fails: whoever adds one decides where it stands.
struct Room {
    package: &'static str,
    module: &'static str,
    may_know: &'static [&'static str],
}

const fn room(package: &'static str, module: &'static str, may_know: &'static [&'static str]) -> Room {
    Room { package, module, may_know }
}

/// Without an arrow of their own, apart from other leaves: anyone may know them.
const LEAVES: [(&str, &[&str]); 3] = [
    ("ktk-client", &["limits", "env", "entropy", "clock", "task_group"]),
    ("ktk-server", &["limits", "env", "entropy", "clock", "task_group", "mutants"]),
    ("ktk", &["limits", "env", "clock", "error", "suggest", "topics"]),
];

/// Leaves that reach out of the process: not for the rooms that only compute.
const EFFECTS: [&str; 4] = ["env", "entropy", "clock", "task_group"];

/// Rooms that only compute.
const PURE: [(&str, &str); 5] = [
    ("ktk-client", "api"),
    ("ktk-client", "manifest"),
    ("ktk-server", "model"),
    ("ktk", "view"),
    ("ktk", "output"),
];

#[rustfmt::skip]
const MAP: &[Room] = &[
    room("ktk-client", "api", &[]),
    room("ktk-client", "manifest", &["api"]),
    room("ktk-client", "config", &["api", "client"]),
    room("ktk-client", "client", &["api", "manifest", "config"]),
    room("ktk-client", "worker", &["api", "manifest", "config", "client"]),

    room("ktk-server", "model", &[]),
    room("ktk-server", "store", &["model"]),
    room("ktk-server", "logs", &["model"]),
    room("ktk-server", "exec", &["model", "logs"]),
    room("ktk-server", "jq", &[]),
    room("ktk-server", "engine", &["model", "store", "logs", "jq"]),
    room("ktk-server", "worker", &["model", "store", "logs", "exec", "engine"]),
    room("ktk-server", "rpc", &["model", "store", "logs", "jq", "engine"]),
    room("ktk-server", "http", &["model", "store", "logs", "engine", "rpc"]),
    // The one that puts the parts together, and its stand-in for tests.
    room("ktk-server", "server", &["model", "store", "logs", "exec", "jq", "engine", "worker", "rpc", "http"]),
    // What plays histories of all of them, and its judge, who knows none of them: see below.
    room("ktk-server", "simulation", &["model", "store", "engine"]),
    room("ktk-server", "testing", &["model", "store", "logs", "exec", "engine", "worker", "rpc", "http", "server"]),

    room("ktk", "ui", &[]),
    room("ktk", "kinds", &[]),
    room("ktk", "target", &["kinds"]),
    // Man pages and scripts are made from the command line's definition, which is passed in.
    room("ktk", "generate", &[]),
    room("ktk", "view", &["kinds", "ui"]),
    room("ktk", "output", &["ui"]),
    // What flags are by default is compared with the command line's definition, which is passed in.
    room("ktk", "preferences", &[]),
    // The global flags are declared at the root of the command line, and settings are what they come to.
    room("ktk", "settings", &["cli", "ui"]),
    room("ktk", "context", &["settings", "ui"]),
    room("ktk", "commands", &["kinds", "target", "generate", "view", "output", "ui", "context", "settings", "preferences"]),
    room("ktk", "cli", &["commands", "ui", "preferences"]),
];

/// Rooms of the command line that never see a client, only the types.
const WITHOUT_CLIENT: [&str; 3] = ["view", "output", "ui"];

/// The only files of the command line that may name the server.
const MAY_NAME_SERVER: [&str; 4] = ["commands/server", "commands/worker", "commands/internal", "commands/jq"];

/// Arrows allowed one by one: file, path, reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "ktk-server/src/rpc/local.rs",
        "ktk_client::client::",
        "the embedded worker calls its own server: it is a transport",
    ),
    (
        "ktk-server/src/server/mod.rs",
        "ktk_client::Client",
        "the embedded worker is a client of its own server",
    ),
    ("ktk-server/src/server/mod.rs", "ktk_client::client::", "client and server find the socket by one rule"),
];

#[test]
fn arrows_point_down() {
    let mut found = Vec::new();
    for source in sources() {
        for package in ["ktk-client", "ktk-server", "ktk"] {
            if let Some(in_src) = source.in_src(package) {
                check_file(package, in_src, &source, &mut found);
            }
        }
    }
    require_none("An arrow that ARCHITECTURE.md does not have:", &found);
}

fn check_file(package: &str, in_src: &str, source: &Source, found: &mut Vec<String>) {
    let module = module_of(in_src);
    for path in paths_of(source, &module) {
        if source.is_test_line(path.line) {
            continue;
        }
        let problem = between_packages(package, in_src, &path).or_else(|| inside(package, &module, &path));
        let Some(problem) = problem else { continue };
        let name = path.segments.join("::");
        if !EXCEPTIONS.iter().any(|(file, allowed, _)| *file == source.path && name.starts_with(allowed)) {
            found.push(format!("{}:{}: `{name}`: {problem}", source.path, path.line));
        }
    }
    if !module.is_empty() && room_of(package, &module[0]).is_none() && !is_leaf(package, &module[0]) {
        found.push(format!(
            "{}: the module `{}` of {package} is not on the map: add it to MAP or LEAVES in tests/meta/layering.rs, \
             with the modules that it may know",
            source.path, module[0]
        ));
    }
}

/// What is wrong with a path into another package of ours.
fn between_packages(package: &str, in_src: &str, path: &NamedPath) -> Option<String> {
    let target = path.segments[0].as_str();
    // The rest of a `pub use x as ktk_client` and the like would be a path of one segment: that names the package.
    let inner = path.segments.get(1).map_or("", String::as_str);
    match (package, target) {
        ("ktk-client", "ktk_server" | "ktk") | ("ktk-server", "ktk") => Some(format!(
            "{package} → {target}; the arrow points the other way: move what both need into ktk-client's `api`"
        )),
        ("ktk-server", "ktk_client") if !["api", "worker"].contains(&inner) && path.segments.len() > 1 => {
            let advice =
                "name `ktk_client::api::…` for a type, `ktk_client::worker::…` for the worker's runtime";
            Some(format!("ktk-server → ktk-client knows the modules api and worker only: {advice}"))
        }
        ("ktk", "ktk_server") if !MAY_NAME_SERVER.iter().any(|file| is_in(in_src, file)) => Some(
            "ktk → ktk-server is for commands/{server,worker,internal,jq}.rs alone: go through ktk-client"
                .to_owned(),
        ),
        ("ktk", "ktk_client")
            if WITHOUT_CLIENT.iter().any(|room| is_in(in_src, room))
                && inner != "api"
                && path.segments.len() > 1 =>
        {
            Some(
                "this room never sees a client: take the object as an argument, name `ktk_client::api::…`"
                    .to_owned(),
            )
        }
        _ => None,
    }
}

/// What is wrong with a path inside the package.
fn inside(package: &str, module: &[String], path: &NamedPath) -> Option<String> {
    let (from, to) = match (module.first(), path.segments.as_slice()) {
        (Some(from), [head, to, ..]) if head == "crate" => (from.as_str(), to.as_str()),
        _ => return None,
    };
    if from == to {
        return between_stores(package, module, path);
    }
    if is_leaf(package, to) {
        let is_pure = PURE.contains(&(package, from));
        return (is_pure && EFFECTS.contains(&to)).then(|| {
            format!("{from} → {to}; `{from}` only computes: take what `{to}` gives as an argument")
        });
    }
    // What is no room is an item that `lib.rs` re-exports.
    room_of(package, to)?;
    if is_leaf(package, from) {
        return Some(format!("{from} → {to}; `{from}` is a leaf: pass what it needs as an argument"));
    }
    let may_know = room_of(package, from)?.may_know;
    (!may_know.contains(&to)).then(|| {
        let list = if may_know.is_empty() { "no other module".to_owned() } else { may_know.join(", ") };
        format!(
            "{from} → {to}; `{from}` may know {list}: move the code down, or pass the value in from above"
        )
    })
}

/// Stores know their trait and the model, never each other.
fn between_stores(package: &str, module: &[String], path: &NamedPath) -> Option<String> {
    const STORES: [&str; 2] = ["sqlite", "memory"];
    let store = |segments: &[String]| {
        let name = segments.get(1)?.as_str();
        (segments[0] == "store").then(|| STORES.iter().find(|store| **store == name).copied()).flatten()
    };
    let (from, to) = (store(module)?, store(&path.segments[1..])?);
    (package == "ktk-server" && from != to).then(|| {
        format!(
            "store::{from} → store::{to}; stores know their trait only: move what both need to store/mod.rs"
        )
    })
}

fn room_of(package: &str, module: &str) -> Option<&'static Room> {
    MAP.iter().find(|room| room.package == package && room.module == module)
}

fn is_leaf(package: &str, module: &str) -> bool {
    LEAVES.iter().any(|(of, leaves)| *of == package && leaves.contains(&module))
}

/// Whether the file is the module's, as `name.rs` or inside `name/`.
fn is_in(in_src: &str, module: &str) -> bool {
    in_src.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The judge of simulated histories would share the mistakes of whom it shares code with.
#[test]
fn the_judge_is_apart() {
    const JUDGE: &str = "ktk-server/src/simulation/judge/";
    let files: Vec<Source> = sources().into_iter().filter(|source| source.path.starts_with(JUDGE)).collect();
    assert!(!files.is_empty(), "there is no judge under {JUDGE}");
    let mut found = Vec::new();
    for source in files {
        let module = module_of(source.in_src("ktk-server").unwrap());
        for path in paths_of(&source, &module) {
            let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
            let is_its_own = matches!(segments[..], ["crate", "simulation", "judge", ..]);
            if segments[0] == "crate" && !is_its_own {
                found.push(format!("{}:{}: `{}`", source.path, path.line, segments.join("::")));
            }
        }
    }
    require_none("The judge knows facts and nothing else of this package:", &found);
}

#[test]
fn forbidden_arrows_are_seen() {
    let cases = [
        ("ktk-client", "client/task.rs", "use crate::worker::Runtime;", true),
        ("ktk-client", "worker/mod.rs", "use crate::client::Client;", false),
        ("ktk-client", "api/task.rs", "use super::super::client::Client;", true),
        ("ktk-server", "store/sqlite/claim.rs", "use crate::{model, engine::create};", true),
        ("ktk-server", "store/sqlite/claim.rs", "use crate::store::memory::Row;", true),
        ("ktk-server", "store/sqlite/claim.rs", "use crate::store::Tx; use super::row;", false),
        ("ktk-server", "model/retry.rs", "fn f() { crate::clock::now() }", true),
        ("ktk-server", "model/retry.rs", "use crate::limits::MAX;", false),
        ("ktk-server", "rpc/task.rs", "use ktk_client::client::Client;", true),
        ("ktk-server", "rpc/task.rs", "#[cfg(test)]\nuse ktk_client::client::Client;", false),
        ("ktk-server", "rpc/task.rs", "use ktk_client::api::task;", false),
        ("ktk-server", "clock.rs", "use crate::engine::Engine;", true),
        ("ktk-server", "mystery.rs", "//! no arrows", true),
        ("ktk", "commands/get.rs", "use ktk_server::store;", true),
        ("ktk", "commands/server.rs", "use ktk_server::server;", false),
        ("ktk", "view/task.rs", "use ktk_client::client::Client;", true),
        ("ktk", "view/task.rs", "use crate::context::Context;", true),
        ("ktk", "lib.rs", "use crate::commands::run;", false),
    ];
    for (package, in_src, text, is_forbidden) in cases {
        let source = Source::new(format!("{package}/src/{in_src}"), text.to_owned());
        let mut found = Vec::new();
        check_file(package, in_src, &source, &mut found);
        assert_eq!(!found.is_empty(), is_forbidden, "{package}/src/{in_src}: {text}: {found:?}");
    }
}

#[test]
fn exceptions_are_still_needed() {
    let files = sources();
    let stale: Vec<String> = EXCEPTIONS
        .iter()
        .filter(|(file, path, _)| !files.iter().any(|source| source.path == *file && names(source, path)))
        .map(|(file, path, _)| format!("{file} no longer names {path}: remove the exception"))
        .collect();
    require_none("Exceptions of tests/meta/layering.rs that nothing needs:", &stale);
}

fn names(source: &Source, path: &str) -> bool {
    let in_src = source.path.split_once("/src/").map_or("", |(_, rest)| rest);
    paths_of(source, &module_of(in_src)).iter().any(|named| named.segments.join("::").starts_with(path))
}
