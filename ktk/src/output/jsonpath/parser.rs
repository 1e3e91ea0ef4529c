//! Reads templates: text, braces, and the steps of a path.

use serde_json::Value;

use super::{
    Problem,
    ast::{Block, Slice, Step},
    filter, quote,
};

/// How deep filters, unions and ranges may stand in each other.
const MAX_DEPTH: usize = 32;
/// The longest template.
const MAX_BYTES: usize = 256 << 10;

/// Where steps stand: what ends a name there, and what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Inside of braces.
    Action,
    /// Inside of a filter.
    Filter,
    /// Inside of a quoted key.
    Key,
    /// A path without braces.
    Bare,
}

/// What is left to read.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'t> {
    pub(super) rest: &'t str,
    depth: usize,
}

/// Reads a whole template.
pub(super) fn template(text: &str) -> Result<Vec<Block>, Problem> {
    let mut cursor = Cursor::new(text)?;
    // Each range that is open: what it goes through, and what stood before it.
    let mut open: Vec<(Vec<Step>, Vec<Block>)> = Vec::new();
    let mut blocks = Vec::new();
    while !cursor.rest.is_empty() {
        let (text, after) = cursor.rest.split_at(cursor.rest.find('{').unwrap_or(cursor.rest.len()));
        cursor.rest = after;
        if !text.is_empty() {
            blocks.push(Block::Text(Value::from(text)));
        }
        if !cursor.eat("{") {
            continue;
        }
        cursor.skip_blanks();
        match cursor.word() {
            "range" => {
                cursor.eat("range");
                cursor.enter(open.len() + 1)?;
                open.push((cursor.action()?, std::mem::take(&mut blocks)));
            }
            "end" => {
                cursor.eat("end");
                let Some((over, before)) = open.pop() else {
                    return Err(Problem::new("not in range, nothing to end"));
                };
                let body = std::mem::replace(&mut blocks, before);
                blocks.push(Block::Range { over, body });
                if !cursor.action()?.is_empty() {
                    return Err(Problem::new("nothing stands behind end"));
                }
            }
            _ => blocks.push(Block::Expression(cursor.action()?)),
        }
    }
    // A range without its end goes on to the end of the template.
    while let Some((over, before)) = open.pop() {
        let body = std::mem::replace(&mut blocks, before);
        blocks.push(Block::Range { over, body });
    }
    Ok(blocks)
}

/// Reads a path that stands alone.
pub(super) fn bare(text: &str) -> Result<Vec<Step>, Problem> {
    let mut cursor = Cursor::new(text)?;
    let mut steps = Vec::new();
    if !cursor.rest.starts_with(['.', '[', '$', '@']) {
        steps.push(cursor.field(Place::Bare)?);
    }
    cursor.steps(Place::Bare, &mut steps)?;
    match cursor.rest.chars().next() {
        None => Ok(steps),
        Some(c) => Err(unrecognized(c)),
    }
}

impl<'t> Cursor<'t> {
    fn new(text: &'t str) -> Result<Self, Problem> {
        match text.len() <= MAX_BYTES {
            true => Ok(Self { rest: text, depth: 0 }),
            false => Err(Problem::new("it is too long")),
        }
    }

    /// Takes a piece off where it stands next.
    pub(super) fn eat(&mut self, piece: &str) -> bool {
        match self.rest.strip_prefix(piece) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(super) fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// The word that stands next; empty where there is none.
    pub(super) fn word(&self) -> &'t str {
        let is_part = |c: char| c == '_' || c.is_alphanumeric();
        &self.rest[..self.rest.find(|c: char| !is_part(c)).unwrap_or(self.rest.len())]
    }

    /// One level deeper.
    pub(super) fn enter(&mut self, depth: usize) -> Result<(), Problem> {
        match depth <= MAX_DEPTH {
            true => Ok(()),
            false => Err(Problem::new("it is nested too deeply")),
        }
    }

    /// Reads with a level more, which is given back.
    pub(super) fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.depth += 1;
        self.enter(self.depth)?;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// The steps up to the closing brace.
    fn action(&mut self) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::new();
        self.steps(Place::Action, &mut steps)?;
        match self.eat("}") {
            true => Ok(steps),
            false => Err(self
                .rest
                .chars()
                .next()
                .filter(|c| !matches!(c, '\r' | '\n'))
                .map_or_else(|| Problem::new("unclosed action"), unrecognized)),
        }
    }

    /// Steps, as far as they go.
    pub(super) fn steps(&mut self, place: Place, steps: &mut Vec<Step>) -> Result<(), Problem> {
        loop {
            if place == Place::Action {
                self.skip_blanks();
            }
            let Some(next) = self.rest.chars().next() else { return Ok(()) };
            if self.eat("..") {
                if matches!(steps.last(), Some(Step::Recursive)) {
                    return Err(Problem::new("invalid multiple recursive descent"));
                }
                steps.push(Step::Recursive);
                if self.rest.starts_with(|c: char| c == '_' || c == '*' || c.is_alphanumeric()) {
                    steps.push(self.field(place)?);
                }
            } else if self.rest.starts_with("[?") {
                self.rest = &self.rest[2..];
                steps.push(Step::Filter(self.deeper(filter::condition)?));
            } else if self.eat("[") {
                let step = self.deeper(brackets)?;
                steps.extend(step);
            } else if self.eat(".") {
                if !self.rest.starts_with('[') {
                    steps.push(self.field(place)?);
                }
            } else if matches!(next, '@' | '$') {
                self.rest = &self.rest[1..];
            } else if place == Place::Action && next != '}' {
                steps.push(self.literal(next)?);
            } else {
                return Ok(());
            }
        }
    }

    /// A name up to what ends it, without its backslashes.
    fn field(&mut self, place: Place) -> Result<Step, Problem> {
        let ends = |c: char| match place {
            Place::Key => matches!(c, '.' | '['),
            Place::Filter => {
                is_terminator(c) || matches!(c, '=' | '!' | '<' | '>' | '~' | '&' | '|' | '(' | ')')
            }
            Place::Action | Place::Bare => is_terminator(c),
        };
        let mut name = String::new();
        let mut is_escaped = false;
        let mut end = self.rest.len();
        for (at, c) in self.rest.char_indices() {
            match c {
                _ if std::mem::take(&mut is_escaped) => name.push(c),
                '\\' => is_escaped = true,
                c if ends(c) => {
                    end = at;
                    break;
                }
                c => name.push(c),
            }
        }
        let is_star = &self.rest[..end] == "*";
        self.rest = &self.rest[end..];
        if name.is_empty() && matches!(place, Place::Bare) {
            return Err(Problem::new("there is no name after a dot"));
        }
        Ok(if is_star { Step::Members } else { Step::Field(name) })
    }

    /// A text, a number, `true`, `false` or `null`.
    pub(super) fn literal(&mut self, next: char) -> Result<Step, Problem> {
        match next {
            '"' | '\'' => {
                let raw = quote::raw(self)?;
                Ok(Step::Literal(Value::from(quote::unescaped(raw)?)))
            }
            '+' | '-' | '0'..='9' => self.number(),
            c if c == '_' || c.is_alphabetic() => {
                let word = self.word();
                let value = match word {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" => Value::Null,
                    _ => {
                        return Err(Problem::new(format!(
                            "unrecognized identifier {word}: a field is .{word}"
                        )));
                    }
                };
                self.eat(word);
                Ok(Step::Literal(value))
            }
            c => Err(unrecognized(c)),
        }
    }

    fn number(&mut self) -> Result<Step, Problem> {
        let signed = self.rest.trim_start_matches(['+', '-']);
        let sign = self.rest.len() - signed.len();
        let length = sign + signed.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(signed.len());
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        let value = match unsigned.parse::<i64>() {
            Ok(number) => Some(Value::from(number)),
            Err(_) => unsigned.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        };
        value.map(Step::Literal).ok_or_else(|| Problem::new(format!("cannot parse number {text}")))
    }
}

/// What stands in brackets: an index, a slice, a key, `*`, or several of them.
fn brackets(cursor: &mut Cursor<'_>) -> Result<Vec<Step>, Problem> {
    let mut parts = Vec::new();
    loop {
        cursor.skip_blanks();
        let part = match cursor.rest.chars().next() {
            Some('\'' | '"') => {
                let raw = quote::raw(cursor).map_err(|_| Problem::new("unterminated array"))?;
                key(raw, cursor)?
            }
            _ => vec![item(cursor)?],
        };
        parts.push(part);
        cursor.skip_blanks();
        if cursor.eat("]") {
            break;
        }
        if !cursor.eat(",") {
            return Err(match cursor.rest.chars().next() {
                None | Some('\r' | '\n') => Problem::new("unterminated array"),
                Some(c) => Problem::new(format!("expected , or ] in brackets, found {c}")),
            });
        }
    }
    Ok(match parts.len() {
        1 => parts.remove(0),
        _ => vec![Step::Union(parts)],
    })
}

/// A quoted key: a dot in it that is not escaped leads on.
fn key(raw: &str, outer: &Cursor<'_>) -> Result<Vec<Step>, Problem> {
    let mut inner = Cursor { rest: raw, depth: outer.depth };
    let mut steps = vec![inner.field(Place::Key)?];
    inner.deeper(|inner| inner.steps(Place::Key, &mut steps))?;
    Ok(steps)
}

fn item(cursor: &mut Cursor<'_>) -> Result<Step, Problem> {
    let length = cursor.rest.find([']', ',', '\n']).unwrap_or(cursor.rest.len());
    if length == cursor.rest.len() {
        return Err(Problem::new("unterminated array"));
    }
    let (text, rest) = cursor.rest.split_at(length);
    cursor.rest = rest;
    let text = text.trim();
    let number =
        |text: &str| text.parse::<i64>().map_err(|_| Problem::new(format!("invalid array index {text}")));
    let parts: Vec<&str> = text.split(':').map(str::trim).collect();
    let part =
        |index: usize| parts.get(index).copied().filter(|part| !part.is_empty()).map(number).transpose();
    match parts.len() {
        1 if text == "*" => Ok(Step::Items),
        1 => number(text).map(Step::Index),
        2 | 3 => {
            let step = part(2)?.unwrap_or(1);
            let step = usize::try_from(step).ok().filter(|step| *step > 0);
            let step = step.ok_or_else(|| Problem::new("step must be > 0"))?;
            Ok(Step::Slice(Slice { from: part(0)?.unwrap_or(0), to: part(1)?, step }))
        }
        _ => Err(Problem::new(format!("invalid array index {text}"))),
    }
}

/// What ends a name everywhere.
fn is_terminator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

pub(super) fn unrecognized(c: char) -> Problem {
    Problem::new(format!("unrecognized character in action: U+{:04X} '{c}'", c as u32))
}
