//! From a filter's text to what can be run, or to what is wrong with it and where.

use jaq_core::{
    Compiler, Filter,
    compile::Undefined,
    load::{self, Arena, File, Loader, parse::Def},
};

use super::{Problem, budget::Metered};

/// What would reach out of the filter, or is another in each run: it is not there.
const ABSENT: [&str; 15] = [
    "now",
    "env",
    "halt",
    "halt_error",
    "input",
    "inputs",
    "localtime",
    "strflocaltime",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "input_filename",
    "input_line_number",
    "get_search_list",
];

/// Compiles a filter.
pub(super) fn compile(text: &str) -> Result<Filter<Metered>, Problem> {
    let arena = Arena::default();
    let loader = Loader::new(definitions());
    let modules = loader.load(&arena, File { code: text, path: () }).map_err(|errors| {
        let first = errors.into_iter().next().map(|(_, error)| unloaded(text, error));
        Problem { message: first.unwrap_or_else(|| "is no filter".to_owned()) }
    })?;
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let funs = funs.filter(|(name, ..)| !ABSENT.contains(name));
    Compiler::default().with_funs(funs).compile(modules).map_err(|errors| {
        let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
        Problem { message: first.map_or_else(|| "is no filter".to_owned(), |error| undefined(text, error)) }
    })
}

fn definitions() -> impl Iterator<Item = Def<&'static str>> {
    let all = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    all.filter(|def| !ABSENT.contains(&def.name))
}

fn unloaded(text: &str, error: load::Error<&str>) -> String {
    match error {
        load::Error::Io(errors) => match errors.first() {
            Some((part, _)) => format!("{}: modules cannot be imported", place(text, part)),
            None => "modules cannot be imported".to_owned(),
        },
        load::Error::Lex(errors) => match errors.first() {
            Some((expected, found)) => expectation(text, expected.as_str(), found),
            None => "is no filter".to_owned(),
        },
        load::Error::Parse(errors) => match errors.first() {
            Some((expected, found)) => expectation(text, expected.as_str(), found),
            None => "is no filter".to_owned(),
        },
    }
}

fn expectation(text: &str, expected: &str, found: &str) -> String {
    let found_words = match found.chars().next() {
        None => "the end".to_owned(),
        Some(_) => {
            let shown: String = found.chars().take(20).collect();
            format!("{shown:?}")
        }
    };
    match expected {
        "nothing" => format!("{}: unexpected {found_words}", place(text, found)),
        _ => format!("{}: expected {expected}, found {found_words}", place(text, found)),
    }
}

fn undefined(text: &str, (name, what): (&str, Undefined)) -> String {
    let place = place(text, name);
    match what {
        Undefined::Filter(_) if ABSENT.contains(&name) => {
            format!(
                "{place}: {name} is not there: a filter sees its input alone, and no clock, file or environment"
            )
        }
        Undefined::Filter(arity) => format!("{place}: there is no filter {name}/{arity}"),
        other => format!("{place}: there is no {} {name}", other.as_str()),
    }
}

/// Where a part of the text stands.
fn place(text: &str, part: &str) -> String {
    let start = load::span(text, part).start;
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    if line == 1 { format!("column {column}") } else { format!("line {line}, column {column}") }
}
