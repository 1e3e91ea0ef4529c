//! The SDK is taught by example: each function, method, trait and type that programs see has one, which the doc tests
//! compile. What goes over the wire has one for its whole module instead, as the documentation of these types is the
//! API's own: other languages read it.

use crate::report::require_none;
use crate::source::{Source, sources};

/// Rooms of the SDK that no program sees.
const HIDDEN: [&str; 14] = [
    "client/clock.rs",
    "client/entropy.rs",
    "client/fake.rs",
    "client/feed.rs",
    "client/http.rs",
    "client/pause.rs",
    "client/query.rs",
    "client/reading.rs",
    "client/sse.rs",
    "client/tracked.rs",
    "client/remote/dial.rs",
    "client/remote/line.rs",
    "client/remote/mod.rs",
    "worker/task_group.rs",
];

/// What begins an item that has an example of its own.
const ITEMS: [&str; 7] =
    ["pub fn ", "pub async fn ", "pub const fn ", "pub struct ", "pub enum ", "pub trait ", "pub type "];

const TYPES: [&str; 2] = ["pub struct ", "pub enum "];

#[test]
fn what_programs_see_has_an_example() {
    let files = sources();
    let shown = files.iter().filter(|source| is_shown(source));
    let found: Vec<String> = shown.flat_map(lacking).collect();
    require_none("Public items of ktk-client without an example (CONTRIBUTING.md, Comments):", &found);
}

/// Whether a file is of the SDK, and holds what programs see.
pub(crate) fn is_shown(source: &Source) -> bool {
    source.in_src("ktk-client").is_some_and(|path| !HIDDEN.contains(&path) && !path.contains("/tests"))
}

/// The public items of a file that have no example, and the file itself where one is due.
fn lacking(source: &Source) -> Vec<String> {
    let lines: Vec<_> = source.lines().collect();
    let mut found = Vec::new();
    let mut is_on_the_wire = false;
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_test) {
        let item = line.text.trim_start();
        if !ITEMS.iter().any(|begin| item.starts_with(begin)) {
            continue;
        }
        let above: Vec<&str> = lines[..index]
            .iter()
            .rev()
            .map(|line| line.text.trim_start())
            .take_while(|text| !text.is_empty() && !text.starts_with('}'))
            .collect();
        let is_wire_type = TYPES.iter().any(|begin| item.starts_with(begin))
            && above.iter().any(|text| !text.starts_with("///") && text.contains("JsonSchema"));
        if is_wire_type {
            is_on_the_wire = true;
        } else if !above.iter().any(|text| text.contains("```")) {
            found.push(format!("{}:{}: {}", source.path, line.number, item));
        }
    }
    let has_example = lines.iter().any(|line| line.text.contains("```"));
    if is_on_the_wire && !has_example {
        found.push(format!("{}: types of the wire, and no example in the whole file", source.path));
    }
    found
}

#[test]
fn what_lacks_an_example_is_found() {
    let text = "//! x\n\n/// A.\n#[derive(Clone, JsonSchema)]\npub struct Wire;\n\n/// B.\npub struct Own;\n\nimpl Own {\n    \
                /// C.\n    pub const fn new() {}\n    fn hidden() {}\n    pub(crate) fn inner() {}\n}\n";
    let source = |text: &str| Source::new("ktk-client/src/x.rs".to_owned(), text.to_owned());
    assert_eq!(lacking(&source(text)).len(), 3);
    let mended = text.replace("/// B.", "/// B.\n/// ```\n/// ```").replace("/// C.", "/// ```\n    /// ```");
    assert_eq!(lacking(&source(&mended)), Vec::<String>::new());
}
