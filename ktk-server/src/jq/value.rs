//! Values on their way into a filter and out of it.

use std::io::{self, Write};

use jaq_json::{Map, Val, read, write};
use serde_json::{Value, value::RawValue};

use super::{Fault, Item, Scope};

/// What filters are given.
pub(super) fn input(scope: &Scope) -> Result<Val, Fault> {
    let mut needs = Map::default();
    let mut members = Map::default();
    for (name, text) in &scope.needs {
        let value = parse(text)?;
        if scope.by_name {
            if name.contains('-') {
                members.insert(key(&name.replace('-', "_")), value.clone());
            }
            members.insert(key(name), value.clone());
        }
        needs.insert(key(name), value);
    }
    if let Some(params) = &scope.params {
        members.insert(key("params"), parse(params)?);
    }
    members.insert(key("needs"), Val::obj(needs));
    Ok(Val::obj(members))
}

/// A value as it is.
pub(super) fn of_json(value: &Value) -> Result<Val, Fault> {
    read::parse_single(value.to_string().as_bytes())
        .map_err(|error| Fault::Error(format!("its input: {error}")))
}

/// The same for one item.
pub(super) fn with_item(input: &Val, item: &Item) -> Result<Val, Fault> {
    let Val::Obj(members) = input else { return Ok(input.clone()) };
    let mut members = Map::clone(members);
    members.insert(key("item"), parse(&item.item)?);
    members.insert(key("index"), Val::from(item.index as usize));
    Ok(Val::obj(members))
}

fn key(name: &str) -> Val {
    Val::utf8_str(name.to_owned())
}

fn parse(text: &RawValue) -> Result<Val, Fault> {
    read::parse_single(text.get().as_bytes()).map_err(|error| Fault::Error(format!("its input: {error}")))
}

/// The value as JSON, if it has so many bytes at most.
pub(super) fn output(value: &Val, bytes: usize) -> Result<Box<RawValue>, Fault> {
    let mut writer = Bounded { bytes: Vec::new(), left: bytes };
    if write::write(&mut writer, &write::Pp::default(), 0, value).is_err() {
        return Err(Fault::TooLong(bytes));
    }
    // What jq knows beyond JSON (NaN, infinities, bytes, keys that are no strings) is none.
    let no_json = |_| Fault::Error("yields what is no JSON".to_owned());
    let mut value: Value = serde_json::from_slice(&writer.bytes).map_err(no_json)?;
    whole(&mut value);
    serde_json::value::to_raw_value(&value).map_err(no_json)
}

/// Writes whole numbers as such, as jq does: what was divided is else another number to all who read it.
fn whole(value: &mut Value) {
    /// From here on not every whole number is a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64())
                && float.fract() == 0.0
                && float.abs() < EXACT
            {
                *number = (float as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole),
        Value::Object(members) => members.values_mut().for_each(whole),
        _ => {}
    }
}

/// Takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    left: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.left.checked_sub(bytes.len()) else {
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.left = left;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An error's value as people read it.
pub(super) fn words(value: &Val) -> String {
    match value {
        Val::TStr(text) | Val::BStr(text) => cut(&String::from_utf8_lossy(text)),
        other => match output(other, 1 << 10) {
            Ok(text) => cut(text.get()),
            Err(_) => "an error with a long value".to_owned(),
        },
    }
}

fn cut(text: &str) -> String {
    /// So much of an error is shown.
    const SHOWN: usize = 300;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
