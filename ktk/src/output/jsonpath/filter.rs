//! Reads filters: `[?(@.x == "a" && (@.y > 1 || !@.z))]`.

use regex::{Regex, RegexBuilder};

use super::{
    Problem,
    ast::{Comparison, Condition, Step},
    parser::{Cursor, Place, unrecognized},
    quote,
};

/// The most that a compiled expression may take.
const REGEX_BYTES: usize = 1 << 20;
/// The longest expression.
const REGEX_CHARS: usize = 1000;

/// Reads a filter behind its `[?`, up to and with the closing bracket.
pub(super) fn condition(cursor: &mut Cursor<'_>) -> Result<Condition, Problem> {
    let unterminated = || Problem::new("unterminated filter");
    cursor.skip_blanks();
    if !cursor.eat("(") {
        return Err(Problem::new("a filter is written [?(…)]"));
    }
    let condition = any(cursor)?;
    cursor.skip_blanks();
    if !cursor.eat(")") {
        return Err(match cursor.rest.chars().next() {
            None | Some(']' | '}' | '\n') => unterminated(),
            Some(_) => match operator_of(cursor.rest) {
                "" => Problem::new(format!("expected an operator or ) in a filter, found {}", found(cursor))),
                operator => Problem::new(format!("unrecognized filter operator {operator}")),
            },
        });
    }
    cursor.skip_blanks();
    match cursor.eat("]") {
        true => Ok(condition),
        false => Err(Problem::new("unclosed array expect ]")),
    }
}

fn any(cursor: &mut Cursor<'_>) -> Result<Condition, Problem> {
    let mut conditions = vec![all(cursor)?];
    while joined(cursor, "||", "or") {
        conditions.push(all(cursor)?);
    }
    Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::Any(conditions) })
}

fn all(cursor: &mut Cursor<'_>) -> Result<Condition, Problem> {
    let mut conditions = vec![one(cursor)?];
    while joined(cursor, "&&", "and") {
        conditions.push(one(cursor)?);
    }
    Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::All(conditions) })
}

fn joined(cursor: &mut Cursor<'_>, sign: &str, word: &str) -> bool {
    cursor.skip_blanks();
    cursor.eat(sign) || cursor.word() == word && cursor.eat(word)
}

fn one(cursor: &mut Cursor<'_>) -> Result<Condition, Problem> {
    cursor.skip_blanks();
    if cursor.eat("!") || cursor.word() == "not" && cursor.eat("not") {
        return Ok(Condition::Not(Box::new(cursor.deeper(one)?)));
    }
    if cursor.eat("(") {
        let inner = cursor.deeper(any)?;
        cursor.skip_blanks();
        return match cursor.eat(")") {
            true => Ok(inner),
            false => Err(Problem::new("a parenthesis of the filter is not closed")),
        };
    }
    let left = operand(cursor)?;
    cursor.skip_blanks();
    let operator = operator_of(cursor.rest);
    let comparison = match operator {
        "" => return Ok(Condition::Exists(left)),
        "=~" => {
            cursor.eat(operator);
            return Ok(Condition::Matches(left, expression(cursor)?));
        }
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return Err(Problem::new(format!("unrecognized filter operator {operator}"))),
    };
    cursor.eat(operator);
    Ok(Condition::Compare(left, comparison, operand(cursor)?))
}

/// The signs of an operator that stand next.
fn operator_of(text: &str) -> &str {
    let is_sign = |c: char| matches!(c, '!' | '<' | '>' | '=' | '~');
    &text[..text.find(|c| !is_sign(c)).unwrap_or(text.len())]
}

/// A path, or a value that stands for itself.
fn operand(cursor: &mut Cursor<'_>) -> Result<Vec<Step>, Problem> {
    cursor.skip_blanks();
    match cursor.rest.chars().next() {
        None | Some('\n' | ')' | ']') => Err(Problem::new("unterminated filter")),
        Some('@' | '$' | '.' | '[') => {
            let mut steps = Vec::new();
            cursor.steps(Place::Filter, &mut steps)?;
            Ok(steps)
        }
        Some(c) => Ok(vec![cursor.literal(c)?]),
    }
}

/// The expression behind `=~`, whose backslashes are its own.
fn expression(cursor: &mut Cursor<'_>) -> Result<Regex, Problem> {
    cursor.skip_blanks();
    let raw = match cursor.rest.chars().next() {
        Some('"' | '\'') => quote::raw(cursor)?,
        Some(c) if !matches!(c, ')' | ']') => {
            return Err(Problem::new(format!("behind =~ stands a quoted expression, not {}", found(cursor))));
        }
        _ => return Err(Problem::new("unterminated filter")),
    };
    if raw.chars().count() > REGEX_CHARS {
        return Err(Problem::new(format!("an expression has {REGEX_CHARS} characters at most")));
    }
    let text = raw.replace("\\\"", "\"").replace("\\'", "'");
    let built = RegexBuilder::new(&text).size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES).build();
    built.map_err(|error| {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Problem::new(format!("cannot read the expression {text:?}: {why}"))
    })
}

fn found(cursor: &Cursor<'_>) -> String {
    match cursor.word() {
        "" => {
            cursor.rest.chars().next().map_or_else(|| "the end".to_owned(), |c| unrecognized(c).to_string())
        }
        word => word.to_owned(),
    }
}
