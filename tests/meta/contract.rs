//! Each method of the API has all its parts: a handler in the server, who may call it, a function in the client, a
//! test.

use crate::report::require_none;
use crate::source::{Source, is_word, sources};

struct Method {
    file: String,
    /// The stem of the file: `task`.
    kind: String,
    /// The type: `Restart`.
    type_name: String,
    /// The name on the wire: `task.restart`.
    name: Option<String>,
}

const IMPL: &str = "impl Method for ";

/// The methods of `ktk-client/src/api/`, as their `impl Method for` say.
fn methods(files: &[Source]) -> Vec<Method> {
    let mut found = Vec::new();
    for source in files {
        let Some(file) = source.in_src("ktk-client").and_then(|path| path.strip_prefix("api/")) else {
            continue;
        };
        let kind = file.trim_end_matches("/mod.rs").trim_end_matches(".rs").replace('/', "_");
        for (at, _) in source.code.match_indices(IMPL) {
            let type_name = first_word(&source.code[at + IMPL.len()..]);
            let line = source.code[..at].matches('\n').count();
            if source.is_test_line(line + 1) || type_name.is_empty() {
                continue;
            }
            let name = source.text.lines().skip(line).take_while(|line| *line != "}").find_map(|line| {
                let (_, value) = line.split_once("const NAME")?.1.split_once('"')?;
                Some(value.split_once('"')?.0.to_owned())
            });
            found.push(Method { file: source.path.clone(), kind: kind.clone(), type_name, name });
        }
    }
    found
}

fn first_word(code: &str) -> String {
    code.chars().take_while(|&c| is_word(c)).collect()
}

/// The text without its white space, so that a path broken over lines is found too.
fn squeezed(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace()).collect()
}

impl Method {
    /// Whether the code names the type: as `task::Restart`, or bare in the file of the same kind.
    fn is_named_in(&self, source: &Source) -> bool {
        let full = format!("{}::{}", self.kind, self.type_name);
        let is_own_file = source.path.split(['/', '.']).any(|part| part == self.kind);
        has_word(&squeezed(&source.code), &full) || (is_own_file && has_word(&source.code, &self.type_name))
    }

    /// The client's function, or the worker runtime's, that calls the method.
    fn client_function(&self, files: &[Source]) -> Option<String> {
        let full = format!("{}::{}", self.kind, self.type_name);
        let places = ["client", "worker"];
        let mut callers =
            files.iter().filter(|source| places.iter().any(|place| is_in(source, "ktk-client", place)));
        callers.find_map(|source| {
            let is_own_file = source.path.split(['/', '.']).any(|part| part == self.kind);
            source.code.split("fn ").skip(1).find_map(|function| {
                let body = &function[function.find('{')?..];
                let calls =
                    has_word(&squeezed(body), &full) || (is_own_file && has_word(body, &self.type_name));
                calls.then(|| first_word(function))
            })
        })
    }

    fn is_tested(&self, files: &[Source], function: Option<&str>) -> bool {
        let call = function.map(|function| format!(".{function}("));
        files.iter().filter(|source| source.path.starts_with("tests/") && !is_meta(source)).any(|source| {
            self.name.as_ref().is_some_and(|name| has_word(&source.text, name))
                || self.is_named_in(source)
                || call.as_ref().is_some_and(|call| squeezed(&source.code).contains(call.as_str()))
        })
    }
}

fn is_in(source: &Source, package: &str, module: &str) -> bool {
    source
        .in_src(package)
        .and_then(|path| path.strip_prefix(module))
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn is_meta(source: &Source) -> bool {
    source.path.starts_with("tests/meta/")
}

/// Whether the text has the word, with no letter of a name on either side.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word))
}

#[test]
fn every_method_has_all_its_parts() {
    let files = sources();
    let methods = methods(&files);
    assert!(!methods.is_empty(), "no `{IMPL}…` in ktk-client/src/api: this test no longer sees the contract");
    let mut found = Vec::new();
    for method in &methods {
        let Method { file, kind, type_name, name } = method;
        let mut missing = Vec::new();
        if name.is_none() {
            missing.push("a `const NAME` as a literal".to_owned());
        }
        if !files.iter().any(|source| is_in(source, "ktk-server", "rpc") && method.is_named_in(source)) {
            missing.push(format!("a handler in ktk-server/src/rpc/{kind}.rs"));
        }
        let function = method.client_function(&files);
        if function.is_none() {
            missing.push(format!("a function in ktk-client/src/client/{kind}.rs"));
        }
        if !method.is_tested(&files, function.as_deref()) {
            missing.push(format!("a test in tests/api/{kind}.rs"));
        }
        let rights = files.iter().find(|source| source.path == "ktk-server/src/rpc/rights.rs");
        let entry = format!("right(\"{}\",", name.as_deref().unwrap_or_default());
        if !rights.is_some_and(|rights| rights.text.contains(&entry)) {
            missing.push("who may call it, in ktk-server/src/rpc/rights.rs".to_owned());
        }
        if !missing.is_empty() {
            let name = name.as_deref().unwrap_or("without a name");
            found.push(format!("{file}: {type_name} ({name}) lacks {}", missing.join(", ")));
        }
    }
    require_none("Methods that are not whole (CONTRIBUTING.md, A method):", &found);
}

#[test]
fn a_method_and_its_parts_are_found() {
    let source = |path: &str, text: &str| Source::new(path.to_owned(), text.to_owned());
    let files = [
        source(
            "ktk-client/src/api/task.rs",
            "pub struct Restart;\nimpl Method for Restart {\n    const NAME: &'static str = \"task.restart\";\n}\n",
        ),
        source(
            "ktk-client/src/client/task.rs",
            "fn other() { a }\nasync fn restart() { self.call::<Restart>(p) }",
        ),
        source("ktk-server/src/rpc/mod.rs", "fn f() { on::<task::\n    Restart>(f) }"),
        source("tests/api/task.rs", "fn t() { client.tasks().restart(x) }"),
    ];
    let methods = methods(&files);
    assert_eq!(methods.len(), 1);
    assert_eq!(methods[0].name.as_deref(), Some("task.restart"));
    assert!(methods[0].is_named_in(&files[2]));
    let function = methods[0].client_function(&files);
    assert_eq!(function.as_deref(), Some("restart"));
    assert!(methods[0].is_tested(&files, function.as_deref()));
    assert!(!methods[0].is_tested(&files[..3], function.as_deref()));
}
