//! Every path that a file names (`a::b::c`, groups of a `use` taken apart), with `crate`, `self` and `super`
//! resolved to the module they mean.

use crate::source::{Source, is_word};

/// One path in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// Counted from 1.
    pub(crate) line: usize,
    /// `crate` first for one inside the package, else as written.
    pub(crate) segments: Vec<String>,
}

impl NamedPath {
    /// Whether these segments stand in the path, one after the other.
    pub(crate) fn contains(&self, pattern: &[&str]) -> bool {
        self.segments.windows(pattern.len()).any(|window| window == pattern)
    }

    pub(crate) fn starts_with(&self, pattern: &[&str]) -> bool {
        self.segments.len() >= pattern.len() && self.segments[..pattern.len()] == *pattern
    }
}

/// The module that a file is, from its path inside `src`: `client/task.rs` is `client`, `task`.
pub(crate) fn module_of(in_src: &str) -> Vec<String> {
    let stem = in_src.strip_suffix(".rs").unwrap_or(in_src);
    let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod")
        || (module.len() == 1 && ["lib", "main"].contains(&module[0].as_str()))
    {
        module.pop();
    }
    module
}

/// The paths of a file that is the given module.
pub(crate) fn paths_of(source: &Source, module: &[String]) -> Vec<NamedPath> {
    let mut scan =
        Scan { tokens: tokens_of(&source.code), at: 0, module: module.to_vec(), found: Vec::new() };
    scan.file();
    scan.found
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Separator,
    Other(char),
}

fn tokens_of(code: &str) -> Vec<(usize, Token)> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.split(|c| !is_word(c)).next().unwrap_or_default();
            let (token, length) = if !word.is_empty() {
                (Token::Word(word.to_owned()), word.len())
            } else if rest.starts_with("::") {
                (Token::Separator, 2)
            } else {
                (Token::Other(first), first.len_utf8())
            };
            tokens.push((index + 1, token));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

struct Scan {
    tokens: Vec<(usize, Token)>,
    at: usize,
    module: Vec<String>,
    found: Vec<NamedPath>,
}

impl Scan {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|(_, token)| token)
    }

    fn is_other(&self, ahead: usize, c: char) -> bool {
        self.peek(ahead) == Some(&Token::Other(c))
    }

    fn word(&self, ahead: usize) -> Option<String> {
        match self.peek(ahead) {
            Some(Token::Word(word)) => Some(word.clone()),
            _ => None,
        }
    }

    /// Walks the file and keeps count of the modules written inside it.
    fn file(&mut self) {
        let mut depth = 0;
        let mut inline_modules = Vec::new();
        while let Some(token) = self.peek(0).cloned() {
            match token {
                Token::Word(word) if word == "mod" && self.is_other(2, '{') => {
                    self.module.extend(self.word(1));
                    depth += 1;
                    inline_modules.push(depth);
                    self.at += 3;
                }
                Token::Word(_) => self.path(&[]),
                Token::Other('{') => {
                    depth += 1;
                    self.at += 1;
                }
                Token::Other('}') => {
                    if inline_modules.last() == Some(&depth) {
                        inline_modules.pop();
                        self.module.pop();
                    }
                    depth -= 1;
                    self.at += 1;
                }
                Token::Other(_) | Token::Separator => self.at += 1,
            }
        }
    }

    /// Reads one path, and a group at its end.
    fn path(&mut self, before: &[String]) {
        let line = self.tokens[self.at].0;
        let mut segments = before.to_vec();
        loop {
            if let Some(word) = self.word(0) {
                segments.push(word);
                self.at += 1;
            } else if self.is_other(0, '{') {
                self.group(&segments);
                return;
            } else {
                self.at += usize::from(self.is_other(0, '*'));
                break;
            }
            if self.peek(0) != Some(&Token::Separator) {
                break;
            }
            self.at += 1;
        }
        self.found.push(NamedPath { line, segments: resolve(&segments, &self.module) });
    }

    /// Reads `{a, b::c, self, *}` of a `use`.
    fn group(&mut self, before: &[String]) {
        self.at += 1;
        while self.peek(0).is_some() && !self.is_other(0, '}') {
            match self.word(0).as_deref() {
                Some("self") => {
                    let line = self.tokens[self.at].0;
                    self.found.push(NamedPath { line, segments: resolve(before, &self.module) });
                    self.at += 1;
                }
                Some("as") => self.at += 2,
                Some(_) => self.path(before),
                None if self.is_other(0, '{') => self.group(before),
                None => {
                    if self.is_other(0, '*') {
                        let line = self.tokens[self.at].0;
                        self.found.push(NamedPath { line, segments: resolve(before, &self.module) });
                    }
                    self.at += 1;
                }
            }
        }
        self.at += 1;
    }
}

/// The path with `self` and `super` at its head replaced by the module they mean.
fn resolve(segments: &[String], module: &[String]) -> Vec<String> {
    let mut base = module.to_vec();
    let mut rest = segments;
    let mut is_relative = false;
    while let [first, tail @ ..] = rest {
        match first.as_str() {
            "self" if !tail.is_empty() => {}
            "super" => {
                base.pop();
            }
            _ => break,
        }
        is_relative = true;
        rest = tail;
    }
    if !is_relative {
        return segments.to_vec();
    }
    std::iter::once("crate".to_owned()).chain(base).chain(rest.iter().cloned()).collect()
}

#[test]
fn paths_are_found_in_groups_macros_and_inline_modules() {
    let text = "use crate::{a::{self, B}, c::*};\nselect! { x = super::d::run() => {} }\nmod e {\n    use super::f::G;\n}\nuse super::h;\n";
    let source = Source::new("ktk/src/x/y.rs".to_owned(), text.to_owned());
    let found: Vec<String> = paths_of(&source, &module_of("x/y.rs"))
        .into_iter()
        .filter(|path| path.segments[0] == "crate")
        .map(|path| format!("{}:{}", path.line, path.segments.join("::")))
        .collect();
    assert_eq!(
        found,
        [
            "1:crate::a",
            "1:crate::a::B",
            "1:crate::c",
            "2:crate::x::d::run",
            "4:crate::x::y::f::G",
            "6:crate::x::h"
        ]
    );
}
