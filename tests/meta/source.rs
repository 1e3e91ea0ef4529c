//! The Rust files of the workspace, read once: with comments and literals blanked, and with the lines marked
//! that belong to tests. A rule looks at text, so that it sees into macros too.

use std::fs;
use std::path::Path;

use ktk_tests::repository;

/// The packages, each a folder of its own.
pub(crate) const PACKAGES: [&str; 4] = ["ktk-client", "ktk-server", "ktk", "tests"];

/// Folders and files inside `src` that hold test code.
const TEST_PLACES: [&str; 5] = ["tests", "testing", "conformance", "simulation", "benches"];

/// One Rust file.
pub(crate) struct Source {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    /// As it is written.
    pub(crate) text: String,
    /// The same lines, with comments and the insides of literals turned into spaces.
    pub(crate) code: String,
    /// For each line, whether it belongs to a test.
    test_lines: Vec<bool>,
}

/// One line of a file.
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) text: &'a str,
    pub(crate) code: &'a str,
    pub(crate) is_test: bool,
}

impl Source {
    pub(crate) fn new(path: String, text: String) -> Self {
        let code = blank(&text);
        let is_test_file = path
            .split('/')
            .map(|part| part.strip_suffix(".rs").unwrap_or(part))
            .any(|part| TEST_PLACES.contains(&part));
        let mut test_lines = vec![is_test_file; text.lines().count()];
        for (first, last) in test_regions(&code) {
            test_lines[first..=last].fill(true);
        }
        Self { path, text, code, test_lines }
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.text.lines().zip(self.code.lines()).enumerate().map(|(index, (text, code))| Line {
            number: index + 1,
            text,
            code,
            is_test: self.test_lines[index],
        })
    }

    /// Whether the line, counted from 1, belongs to a test.
    pub(crate) fn is_test_line(&self, number: usize) -> bool {
        self.test_lines[number - 1]
    }

    /// The path inside `<package>/src`, where the file lies there.
    pub(crate) fn in_src(&self, package: &str) -> Option<&str> {
        self.path.strip_prefix(package)?.strip_prefix("/src/")
    }
}

/// All Rust files of all packages, by path.
pub(crate) fn sources() -> Vec<Source> {
    let root = repository();
    let mut found = Vec::new();
    for package in PACKAGES {
        collect(&root.join(package), package, &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no Rust file under {}", root.display());
    found
}

fn collect(folder: &Path, name: &str, found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.unwrap();
        let file_name = entry.file_name().into_string().unwrap();
        let path = format!("{name}/{file_name}");
        if entry.file_type().unwrap().is_dir() {
            if file_name != "target" && !file_name.starts_with('.') {
                collect(&entry.path(), &path, found);
            }
        } else if file_name.ends_with(".rs") {
            found.push(Source::new(path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// The same text, line by line as long, with comments and the insides of literals turned into spaces.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        for &c in &chars[at..end.max(at + 1)] {
            let is_kept = c == '\n' || end <= at;
            code.push(if is_kept { c } else { ' ' });
        }
        at = end.max(at + 1);
    }
    code
}

/// Where the comment or literal ends that begins at `at`; `at` where none begins there.
fn literal_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => find(chars, at, |rest| rest[0] == '\n'),
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at),
        'r' if !at.checked_sub(1).is_some_and(|before| is_word(chars[before]) && chars[before] != 'b') => {
            let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
            if chars.get(at + 1 + hashes) == Some(&'"') { raw_string_end(chars, at, hashes) } else { at }
        }
        '\'' if next == Some('\\') => find(chars, at + 3, |rest| rest[0] == '\'') + 1,
        '\'' if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

fn find(chars: &[char], from: usize, is_there: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len()).find(|&index| is_there(&chars[index..])).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut index = at;
    while index < chars.len() {
        match chars[index..] {
            ['/', '*', ..] => depth += 1,
            ['*', '/', ..] => depth -= 1,
            _ => {
                index += 1;
                continue;
            }
        }
        index += 2;
        if depth == 0 {
            break;
        }
    }
    index
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut index = at + 1;
    while index < chars.len() && chars[index] != '"' {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    (index + 1).min(chars.len())
}

fn raw_string_end(chars: &[char], at: usize, hashes: usize) -> usize {
    let closes =
        |rest: &[char]| rest[0] == '"' && rest.len() > hashes && rest[1..=hashes].iter().all(|&c| c == '#');
    (find(chars, at + hashes + 2, closes) + 1 + hashes).min(chars.len())
}

/// Whether the character may stand in a name.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// First and last line, from 0, of each item under `#[cfg(test)]` and the like.
fn test_regions(code: &str) -> Vec<(usize, usize)> {
    let mut regions = Vec::new();
    for (start, _) in code.match_indices("#[cfg(") {
        let rest = &code[start..];
        let Some(attribute_end) = rest.find(']') else { continue };
        let condition = &rest["#[cfg(".len()..attribute_end];
        if !condition.split(|c| !is_word(c)).any(|word| word == "test") || condition.contains("not(test") {
            continue;
        }
        let item = &rest[attribute_end..];
        let Some(opening) = item.find(['{', ';']) else { continue };
        let length = if item[opening..].starts_with('{') { block_length(&item[opening..]) } else { 1 };
        let end = start + attribute_end + opening + length;
        let line_of = |offset: usize| code[..offset].matches('\n').count();
        regions.push((line_of(start), line_of(end - 1)));
    }
    regions
}

/// How long the block is that begins with the first character, a brace.
fn block_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (index, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    code.len()
}

#[test]
fn comments_and_literals_are_blanked_and_lines_stay() {
    let text = "a /* x /* y */ z */ b // c\n\"d\\\"e\" 'f' 'g r#\"h\"i\"# b'\\n' '\\'' br\"k\" for\"l\"\n";
    let code = blank(text);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), "a b 'g b b for");
    assert_eq!(
        code.lines().map(str::len).collect::<Vec<_>>(),
        text.lines().map(str::len).collect::<Vec<_>>()
    );
}

#[test]
fn test_code_is_marked() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nuse x;\nfn d() {}\n";
    let source = Source::new("ktk/src/a.rs".to_owned(), text.to_owned());
    let marked: Vec<usize> = source.lines().filter(|line| line.is_test).map(|line| line.number).collect();
    assert_eq!(marked, [2, 3, 4, 5, 7, 8]);
}
