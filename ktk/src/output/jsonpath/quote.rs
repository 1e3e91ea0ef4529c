//! Quoted texts: their escapes are those of Go, in either quotes.

use super::{Problem, parser::Cursor};

/// Takes a quoted text off, and gives what stands between its quotes as it was written.
pub(super) fn raw<'t>(cursor: &mut Cursor<'t>) -> Result<&'t str, Problem> {
    let text = cursor.rest;
    let quote = text.chars().next();
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => break,
            _ if std::mem::take(&mut is_escaped) => {}
            '\\' => is_escaped = true,
            c if Some(c) == quote => {
                cursor.rest = &text[at + 1..];
                return Ok(&text[1..at]);
            }
            _ => {}
        }
    }
    Err(Problem::new("unterminated quoted string"))
}

/// The text with its escapes resolved.
pub(super) fn unescaped(raw: &str) -> Result<String, Problem> {
    let invalid = || Problem::new(format!("unquote string {raw:?} error invalid syntax"));
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        text.push_str(plain);
        let c = escaped.chars().next().ok_or_else(invalid)?;
        let (length, radix) = match c {
            'x' => (2, 16),
            'u' => (4, 16),
            'U' => (8, 16),
            '0'..='7' => (3, 8),
            _ => {
                text.push(named(c).ok_or_else(invalid)?);
                rest = &escaped[c.len_utf8()..];
                continue;
            }
        };
        let start = usize::from(radix == 16);
        let digits = escaped.get(start..start + length).ok_or_else(invalid)?;
        let number = u32::from_str_radix(digits, radix).map_err(|_| invalid())?;
        text.push(char::from_u32(number).ok_or_else(invalid)?);
        rest = &escaped[start + length..];
    }
    text.push_str(rest);
    Ok(text)
}

fn named(c: char) -> Option<char> {
    Some(match c {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' | '\'' | '"' => c,
        _ => return None,
    })
}
