//! Parameters of a pipeline, and those that a caller gives in their place.

use std::{collections::BTreeMap, io};

use serde::Serialize;
use serde_json::Value;

use super::{Causes, MAX_INPUTS};
use crate::api::{field, names, suggest};

pub(super) fn check(causes: &mut Causes, own: &BTreeMap<String, Value>, given: &BTreeMap<String, Value>) {
    for name in own.keys() {
        if let Err(why) = names::param(name) {
            causes.push(field::member("spec.params", name), why.to_string());
        }
    }
    for name in given.keys().filter(|name| !own.contains_key(*name)) {
        let hint = suggest::hint(name, own.keys().map(String::as_str));
        let known = if own.is_empty() {
            "the pipeline has none".to_owned()
        } else {
            let known: Vec<&str> = own.keys().map(String::as_str).take(20).collect();
            format!("it has {}", known.join(", "))
        };
        let message = format!("there is no parameter {}{hint}: {known}", names::quoted(name));
        causes.push(field::member("params", name), message);
    }
    for (field, params) in [("spec.params", own), ("params", given)] {
        let size = json_size(params);
        if size > MAX_INPUTS {
            causes.push(field, format!("have {size} bytes as JSON: {MAX_INPUTS} are allowed"));
        }
    }
}

/// The length of a value as compact JSON.
pub(super) fn json_size(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        Err(_) => usize::MAX,
    }
}
