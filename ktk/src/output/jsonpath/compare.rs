//! How filters compare two values.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Problem, ast::Comparison, print};

/// Whether a comparison holds.
///
/// # Errors
/// Where the two are of types that do not compare.
pub(super) fn holds(left: &Value, comparison: Comparison, right: &Value) -> Result<bool, Problem> {
    let incomparable = || {
        let sign = comparison.sign();
        Problem::new(format!(
            "incompatible types for comparison: {} {sign} {}",
            print::text(left).chars().take(40).collect::<String>(),
            print::text(right).chars().take(40).collect::<String>()
        ))
    };
    let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    let ordering = match (left, right) {
        (Value::Number(left), Value::Number(right)) => numbers(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) if is_equality => left.cmp(right),
        (Value::Null, Value::Null) if is_equality => Ordering::Equal,
        // Nothing but null is null.
        (Value::Null, _) | (_, Value::Null) if is_equality => Ordering::Less,
        _ => return Err(incomparable()),
    };
    Ok(match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    })
}

fn numbers(left: &Number, right: &Number) -> Ordering {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => {
            let (left, right) = (left.as_f64().unwrap_or_default(), right.as_f64().unwrap_or_default());
            left.partial_cmp(&right).unwrap_or(Ordering::Equal)
        }
    }
}
