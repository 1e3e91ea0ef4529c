//! Reads label selectors, token by token, with kubectl's messages.

use std::{collections::BTreeSet, str::FromStr};

use super::{InvalidSelector, LabelSelector, Operator, Requirement};
use crate::api::names;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Symbol(&'a str),
    End,
}

impl<'a> Token<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Word(text) | Self::Symbol(text) => text,
            Self::End => "",
        }
    }

    fn is_symbol(self, symbol: &str) -> bool {
        matches!(self, Self::Symbol(text) if text == symbol)
    }

    fn starts_requirement(self) -> bool {
        matches!(self, Self::Word(_)) || self.is_symbol("!")
    }

    fn expected(self, what: &str) -> InvalidSelector {
        InvalidSelector(format!("found '{}', expected: {what}", self.text().escape_debug()))
    }
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn peek(&self) -> Token<'a> {
        Tokens { rest: self.rest }.next()
    }

    fn next(&mut self) -> Token<'a> {
        let text = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let is_symbol = |c: char| matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<');
        let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
        let (length, token): (usize, fn(&'a str) -> Token<'a>) = if text.is_empty() {
            (0, |_| Token::End)
        } else if text.starts_with("==") || text.starts_with("!=") {
            (2, Token::Symbol)
        } else if text.starts_with(is_symbol) {
            (1, Token::Symbol)
        } else {
            (text.find(|c| is_symbol(c) || is_blank(c)).unwrap_or(text.len()), Token::Word)
        };
        let (found, rest) = text.split_at(length);
        self.rest = rest;
        token(found)
    }
}

impl FromStr for LabelSelector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let mut tokens = Tokens { rest: text };
        let mut requirements = Vec::new();
        if tokens.peek() == Token::End {
            return Ok(Self::default());
        }
        if !tokens.peek().starts_requirement() {
            return Err(tokens.peek().expected("!, identifier, or 'end of string'"));
        }
        loop {
            let requirement = requirement(&mut tokens);
            requirements.push(requirement.map_err(|InvalidSelector(why)| {
                InvalidSelector(format!("unable to parse requirement: {why}"))
            })?);
            match tokens.next() {
                Token::End => return Ok(Self::sorted(requirements)),
                comma if comma.is_symbol(",") => {
                    if !tokens.peek().starts_requirement() {
                        return Err(tokens.peek().expected("identifier after ','"));
                    }
                }
                other => return Err(other.expected("',' or 'end of string'")),
            }
        }
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, InvalidSelector> {
    let is_negated = tokens.peek().is_symbol("!");
    if is_negated {
        tokens.next();
    }
    let key = match tokens.next() {
        Token::Word(key) => key.to_owned(),
        other => return Err(other.expected("identifier")),
    };
    names::label_key(&key).map_err(|why| InvalidSelector(why.to_string()))?;
    if is_negated {
        return Ok(Requirement { key, operator: Operator::DoesNotExist, values: BTreeSet::new() });
    }
    if tokens.peek() == Token::End || tokens.peek().is_symbol(",") {
        return Ok(Requirement { key, operator: Operator::Exists, values: BTreeSet::new() });
    }
    let token = tokens.next();
    let operator = match token.text() {
        "=" => Operator::Equals,
        "==" => Operator::DoubleEquals,
        "!=" => Operator::NotEquals,
        "in" => Operator::In,
        "notin" => Operator::NotIn,
        ">" => Operator::GreaterThan,
        "<" => Operator::LessThan,
        _ => return Err(token.expected("in, notin, =, ==, !=, >, <")),
    };
    let values = match operator {
        Operator::In | Operator::NotIn => set_of_values(tokens)?,
        _ => BTreeSet::from([one_value(tokens)?]),
    };
    for value in &values {
        names::label_value(value).map_err(|why| InvalidSelector(why.to_string()))?;
        let is_number = value.parse::<i64>().is_ok();
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) && !is_number {
            let symbol = operator.symbol();
            return Err(InvalidSelector(format!(
                "after {symbol:?} the value must be an integer, not {value:?}"
            )));
        }
    }
    Ok(Requirement { key, operator, values })
}

fn one_value(tokens: &mut Tokens<'_>) -> Result<String, InvalidSelector> {
    if tokens.peek() == Token::End || tokens.peek().is_symbol(",") {
        return Ok(String::new());
    }
    match tokens.next() {
        Token::Word(value) => Ok(value.to_owned()),
        other => Err(other.expected("identifier")),
    }
}

/// `(a,b)`; an empty place between commas or brackets is the empty value.
fn set_of_values(tokens: &mut Tokens<'_>) -> Result<BTreeSet<String>, InvalidSelector> {
    let open = tokens.next();
    if !open.is_symbol("(") {
        return Err(open.expected("'('"));
    }
    let mut values = BTreeSet::new();
    loop {
        let value = match tokens.peek() {
            Token::Word(value) => {
                tokens.next();
                value
            }
            token if token.is_symbol(",") || token.is_symbol(")") => "",
            other => return Err(other.expected("',', ')' or identifier")),
        };
        values.insert(value.to_owned());
        match tokens.next() {
            token if token.is_symbol(",") => {}
            token if token.is_symbol(")") => return Ok(values),
            other => return Err(other.expected("',' or ')'")),
        }
    }
}
