//! What an unquoted scalar means: YAML 1.2's core schema, read strictly.
//!
//! `yes`, `no`, `on`, `off` are texts, and so are numbers with a leading zero or an underscore.

use super::node::ScalarValue;

/// The meaning of a plain scalar.
///
/// # Errors
/// A number that JSON cannot hold.
pub(super) fn resolve(text: &str) -> Result<ScalarValue, &'static str> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(ScalarValue::Null),
        "true" | "True" | "TRUE" => return Ok(ScalarValue::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(ScalarValue::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err("JSON has no such number: quote it, if a text is meant");
    }
    if let Some(number) = radix(text) {
        return number.map(|number| ScalarValue::Number(number.into())).ok_or(TOO_LARGE);
    }
    if !is_decimal(unsigned) {
        return Ok(ScalarValue::Text);
    }
    let is_integer = unsigned.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_integer {
        let signed = text.strip_prefix('+').unwrap_or(text);
        signed.parse::<u64>().map(Into::into).or_else(|_| signed.parse::<i64>().map(Into::into)).ok()
    } else {
        text.parse::<f64>().ok().and_then(serde_json::Number::from_f64)
    };
    number.map(ScalarValue::Number).ok_or(TOO_LARGE)
}

const TOO_LARGE: &str = "this number is too large for JSON: quote it, if a text is meant";

/// `0x1F` and `0o17`; the inner `None` for one too large.
fn radix(text: &str) -> Option<Option<u64>> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x', ..] => (&text[2..], 16),
        [b'0', b'o', ..] => (&text[2..], 8),
        _ => return None,
    };
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    is_number.then(|| u64::from_str_radix(digits, radix).ok())
}

/// Digits with a point or an exponent, without a leading zero that other readers take for octal.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    are_digits(whole)
        && are_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && !has_leading_zero
        && exponent.is_none_or(|exponent| !exponent.is_empty() && are_digits(exponent))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn value(text: &str) -> Value {
        match resolve(text).expect(text) {
            ScalarValue::Null => Value::Null,
            ScalarValue::Bool(value) => value.into(),
            ScalarValue::Number(number) => number.into(),
            ScalarValue::Text => text.into(),
        }
    }

    #[test]
    fn the_core_schema_is_read_strictly() {
        for (text, expected) in [
            ("~", json!(null)),
            ("True", json!(true)),
            ("0", json!(0)),
            ("-12", json!(-12)),
            ("+12", json!(12)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("5.", json!(5.0)),
            ("-1e3", json!(-1000.0)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "007",
            "-01",
            "00.5",
            "01e2",
            "1_000",
            "0b11",
            "0x",
            "1e",
            ".",
            "-",
            "+",
            "1.2.3",
            "12:30",
            "tRUE",
            "2026-11-22",
        ] {
            assert_eq!(resolve(text), Ok(ScalarValue::Text), "{text}");
        }
    }

    #[test]
    fn numbers_that_json_cannot_hold_are_refused() {
        for text in [
            ".inf",
            "-.INF",
            ".nan",
            "18446744073709551616",
            "-9223372036854775809",
            "1e999",
            "0xFFFFFFFFFFFFFFFFF",
        ] {
            assert!(resolve(text).is_err(), "{text}");
        }
    }
}
