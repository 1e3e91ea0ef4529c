//! A value as templates print it.

use std::io;

use serde::Serialize as _;
use serde_json::{
    Number, Value,
    ser::{Formatter, Serializer},
};

/// The most that one template prints.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// From here on a whole number is printed with an exponent.
const PLAIN_BELOW: f64 = 1e21;

/// Texts raw, all else as compact JSON, its keys sorted.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number_text(number),
        value => {
            let mut bytes = Vec::new();
            // A value is always JSON, and JSON is always UTF-8.
            match value.serialize(&mut Serializer::with_formatter(&mut bytes, Whole)) {
                Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
                Err(_) => value.to_string(),
            }
        }
    }
}

/// A number without the `.0` of a whole one.
fn number_text(number: &Number) -> String {
    match number.as_f64().filter(|float| number.is_f64() && is_plain(*float)) {
        Some(float) => format!("{float:.0}"),
        None => number.to_string(),
    }
}

fn is_plain(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < PLAIN_BELOW
}

/// Compact JSON whose whole numbers have no `.0`.
struct Whole;

impl Formatter for Whole {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        match is_plain(value) {
            true => write!(writer, "{value:.0}"),
            false => write!(writer, "{}", Value::from(value)),
        }
    }
}
