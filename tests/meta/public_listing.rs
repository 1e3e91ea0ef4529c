//! `ktk-client/public-api.txt` lists all that programs see of the SDK, so that a change of it is seen by whoever changes
//! and by whoever reviews it. What went or changed breaks programs and needs another version.

use std::fs;

use ktk_tests::repository;

use crate::examples::is_shown;
use crate::source::{Source, is_word, sources};

const LISTING: &str = "ktk-client/public-api.txt";

#[test]
fn the_public_items_of_the_sdk_are_listed() {
    let files = sources();
    let mut lines: Vec<String> = files.iter().filter(|source| is_shown(source)).flat_map(listed).collect();
    lines.sort();
    let version = version();
    let now = format!("version {version}\n{}\n", lines.join("\n"));
    let kept = fs::read_to_string(repository().join(LISTING)).unwrap_or_default();
    if now == kept {
        return;
    }
    let place = repository().join("target/public-api.txt");
    fs::create_dir_all(repository().join("target")).unwrap();
    fs::write(&place, &now).unwrap();
    let gone: Vec<&str> = kept.lines().filter(|line| !now.lines().any(|own| own == *line)).collect();
    let new: Vec<&str> = now.lines().filter(|line| !kept.lines().any(|own| own == *line)).collect();
    panic!(
        "\nThe public items of ktk-client have changed. What went or changed breaks programs: CONTRIBUTING.md, The public \
         API.\nThen: cp target/public-api.txt {LISTING}\n- {}\n+ {}\n",
        gone.join("\n- "),
        new.join("\n+ ")
    );
}

/// The workspace's version.
fn version() -> String {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let line = manifest.lines().find(|line| line.starts_with("version = ")).unwrap();
    line.trim_start_matches("version = ").trim_matches('"').to_owned()
}

/// The public items of a file: each with its module, and what it belongs to.
fn listed(source: &Source) -> Vec<String> {
    let module = module(source.in_src("ktk-client").expect("a file of the SDK"));
    let lines: Vec<_> = source.lines().collect();
    let (mut found, mut owner, mut is_open) = (Vec::new(), String::new(), false);
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_test) {
        let code = line.code.trim_end();
        let depth = code.len() - code.trim_start().len();
        let item = code.trim_start();
        if depth == 0 && !item.is_empty() {
            is_open = begins_any(item, &["pub enum ", "pub trait ", "words! {"]);
            let begins_owner =
                begins_any(item, &["pub struct ", "pub enum ", "pub trait ", "impl ", "impl<", "words! {"]);
            owner = if begins_owner { squeezed(&signature(source, line.number)) } else { String::new() };
            if item.starts_with("impl") && item.contains(" for ") || item.starts_with("pub ") {
                found.push(format!("{module}: {}", squeezed(&signature(source, line.number))));
            }
        } else if !owner.is_empty() && (depth == 4 || depth == 8 && owner.starts_with("words!")) {
            let is_part = item.starts_with("pub ") || is_open && begins_item(item);
            let is_whole = lines[..index].iter().rev().find(|line| !line.code.trim().is_empty());
            // A signature over several lines is one item.
            if is_part && is_whole.is_some_and(|before| !before.code.trim_end().ends_with('(')) {
                found.push(format!("{module}: {owner}: {}", squeezed(&signature(source, line.number))));
            }
        }
    }
    found
}

fn begins_any(item: &str, begins: &[&str]) -> bool {
    begins.iter().any(|begin| item.starts_with(begin))
}

/// A variant, or an item of a trait; no attribute and no end of a block.
fn begins_item(item: &str) -> bool {
    item.starts_with(|c: char| c.is_alphabetic()) && !item.starts_with("let ")
}

/// The text of an item from its line on, up to its body, its value or its end.
fn signature(source: &Source, number: usize) -> String {
    let rest = source.code.lines().skip(number - 1).collect::<Vec<_>>().join("\n");
    let first = rest.lines().next().unwrap_or_default().trim();
    let is_field = !first.starts_with("pub fn") && !first.contains(" fn ") && first.ends_with(',');
    let end = if is_field {
        rest.find(",\n")
    } else if begins_any(first, &["pub const ", "pub static ", "const "]) && !first.contains(" fn ") {
        [" =", ";\n"].iter().filter_map(|end| rest.find(end)).min()
    } else if first.starts_with("pub use ") {
        rest.find(';')
    } else {
        rest.find(['{', ';'])
    };
    rest[..end.unwrap_or(rest.len())].to_owned()
}

fn squeezed(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    while let Some(at) = words.find("( ").or_else(|| words.find("< ")) {
        words.remove(at + 1);
    }
    words.replace(", )", ")").replace(", >", ">")
}

/// `client::task` for `client/task/control.rs`, whose items are in the room above.
fn module(path: &str) -> String {
    let rooms: Vec<&str> = path.trim_end_matches(".rs").split('/').filter(|room| is_name(room)).collect();
    let shown = rooms.len().min(2);
    rooms[..shown].join("::")
}

fn is_name(room: &str) -> bool {
    !matches!(room, "mod" | "lib") && room.chars().all(is_word)
}

#[test]
fn items_are_listed_with_what_they_belong_to() {
    let text = "/// A.\npub struct A {\n    /// b.\n    pub b: u32,\n    c: u32,\n}\n\nimpl A {\n    pub fn new(\n        \
                b: u32,\n    ) -> Self {\n        pub_like();\n    }\n    fn own() {}\n}\n\nimpl Clone for A {\n    fn \
                clone() {}\n}\n\npub enum E {\n    One,\n    Two(u8),\n}\n\npub trait T {\n    fn t(&self) -> u8;\n}\n\n\
                pub(crate) fn no() {}\n";
    let mut found = listed(&Source::new("ktk-client/src/api/a.rs".to_owned(), text.to_owned()));
    found.sort();
    assert_eq!(
        found,
        [
            "api::a: impl A: pub fn new(b: u32) -> Self",
            "api::a: impl Clone for A",
            "api::a: pub enum E",
            "api::a: pub enum E: One",
            "api::a: pub enum E: Two(u8)",
            "api::a: pub struct A",
            "api::a: pub struct A: pub b: u32",
            "api::a: pub trait T",
            "api::a: pub trait T: fn t(&self) -> u8",
        ]
    );
}
