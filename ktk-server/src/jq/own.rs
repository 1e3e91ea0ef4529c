//! jq for whoever asks for it in their own process: who types a filter can also interrupt it.

use std::{cell::RefCell, time::Duration};

use serde_json::Value;

use super::{
    Fault, Problem,
    budget::Limits,
    filters::{Call, Filters},
};

/// As little as hurts nobody who waits: a filter that has no end is a slip.
const LIMITS: Limits = Limits { time: Duration::from_secs(60), stack: 1 << 20 };

/// What a filter without an end may yield before it is stopped: more than any list, less than a memory.
const VALUES: usize = 10_000_000;
const BYTES: usize = 256 << 20;

/// A filter of the process that asks.
pub struct Filter {
    text: String,
    filters: RefCell<Filters>,
}

impl Filter {
    /// Compiles a filter.
    ///
    /// # Errors
    /// What is wrong with its text, and where.
    pub fn new(text: &str) -> Result<Self, Problem> {
        let mut filters = Filters::new(LIMITS);
        match filters.check(text) {
            Some(problem) => Err(problem),
            None => Ok(Self { text: text.to_owned(), filters: RefCell::new(filters) }),
        }
    }

    /// All values that it yields of a value.
    ///
    /// # Errors
    /// [`Fault`]: its own error, or that it goes on too long or too deep.
    pub fn apply(&self, value: &Value) -> Result<Vec<Value>, Fault> {
        let mut filters = self.filters.borrow_mut();
        filters.take(value)?;
        let call = Call { filter: &self.text, item: None, values: VALUES, bytes: BYTES };
        let yielded = filters.call(call)?;
        let parsed = yielded.iter().map(|text| serde_json::from_str(text.get()));
        parsed.collect::<Result<_, _>>().map_err(|error| Fault::Error(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_yields_of_what_it_is_given() {
        let filter = Filter::new(".items[] | select(.n > 1) | .name").expect("a filter");
        let value = json!({"items": [{"name": "a", "n": 1}, {"name": "b", "n": 2.5}]});
        assert_eq!(filter.apply(&value), Ok(vec![json!("b")]));
        assert_eq!(filter.apply(&json!({"items": []})), Ok(Vec::new()));
        assert!(matches!(filter.apply(&json!(1)), Err(Fault::Error(_))));
        assert!(Filter::new(".a |").is_err_and(|problem| problem.message.contains("column")));
        let endless = Filter::new("def f: 1 + f; f").expect("a filter");
        assert_eq!(endless.apply(&json!(null)), Err(Fault::TooDeep));
        let endless = Filter::new("repeat(\"x\" * 10000000)").expect("a filter");
        assert_eq!(endless.apply(&json!(null)), Err(Fault::TooLong(BYTES)));
    }
}
