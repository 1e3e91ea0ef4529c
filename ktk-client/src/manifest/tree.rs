//! Builds the trees of a text from the parser's events, within a budget.

mod budget;
mod builder;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, options};

pub use budget::{MAX_ALIASES, MAX_BYTES, MAX_DEPTH, MAX_EVENTS, MAX_NODES};
use builder::Builder;

use super::{Problem, Problems, Source, node::Node, scalar};
use crate::api::names::quoted;

/// Where something stands: line and column, from 1.
type Place = (u32, u32);

/// Why reading stopped, and where.
struct Fatal {
    place: Place,
    message: String,
}

impl Fatal {
    fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

/// Reads the documents of a text; empty ones are left out. What is wrong goes to the problems.
pub(super) fn read(source: &Source<'_>, problems: &mut Problems) -> Vec<Node> {
    let mut roots = Vec::new();
    let mut report = |place: Place, message: String| {
        let (line, column) = place;
        problems.push(Problem {
            source: source.name.to_owned(),
            line,
            column,
            field: String::new(),
            message,
        });
    };
    if source.text.len() > MAX_BYTES {
        let message = format!("the text has more than {MAX_BYTES} bytes: that many are allowed");
        report((1, 1), message);
        return roots;
    }
    if let Err(fatal) = events(source.text, &mut roots, &mut report) {
        report(fatal.place, fatal.message);
    }
    roots
}

fn events(text: &str, roots: &mut Vec<Node>, report: &mut dyn FnMut(Place, String)) -> Result<(), Fatal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder::new();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax_error(&error))?;
        let place = place(&span.start);
        builder.budget.event(place)?;
        if let Some(tag) = event.tag() {
            let at = span.tag_start().map_or(place, |mark| self::place(&mark));
            report(at, format!("tags are not supported: remove {}", quoted(&tag.original())));
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = if style == ScalarStyle::Plain {
                    scalar::resolve(&text).unwrap_or_else(|why| {
                        report(place, why.to_owned());
                        super::node::ScalarValue::Null
                    })
                } else {
                    super::node::ScalarValue::Text
                };
                let is_merge = style == ScalarStyle::Plain && text == "<<";
                builder.scalar(place, text.into_owned(), value, is_merge, anchor, report)?;
            }
            Event::SequenceStart(_, anchor, _) => builder.open(place, false, anchor)?,
            Event::MappingStart(_, anchor, _) => builder.open(place, true, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => builder.close(report)?,
            Event::Alias(anchor) => builder.alias(place, anchor, report)?,
            Event::DocumentEnd => roots.extend(builder.finish().filter(|root| !root.is_null())),
            _ => {}
        }
    }
    Ok(())
}

fn place(mark: &granit_parser::Marker) -> Place {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (number(mark.line()).max(1), number(mark.col() + 1))
}

fn syntax_error(error: &ScanError) -> Fatal {
    let message = match error.kind() {
        ErrorKind::RecursionLimitExceeded => format!("nests deeper than {MAX_DEPTH} levels"),
        ErrorKind::UnknownAnchor => {
            "there is no anchor of this name before: define it with `&NAME`".to_owned()
        }
        ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation | ErrorKind::TabNotAllowed => {
            "a tab in the indentation: use spaces".to_owned()
        }
        _ => format!("syntax error: {}", error.info()),
    };
    Fatal::new(place(error.marker()), message)
}
