//! `--sort-by`: objects without the field first, numbers as numbers, quantities as quantities,
//! all else as text.

use std::cmp::Ordering;

use serde_json::Value;

use super::jsonpath::Path;
use crate::error::CliError;

/// The order in which objects stand after sorting by a path: indices into `objects`. Equal ones
/// keep their order.
///
/// # Errors
/// Code 1 where there are objects and none has the field.
pub(crate) fn order(objects: &[Value], path: &Path) -> Result<Vec<usize>, CliError> {
    let keys: Vec<Option<&Value>> = objects.iter().map(|object| path.find(object)).collect();
    if !objects.is_empty() && keys.iter().all(Option::is_none) {
        return Err(CliError::failed(format!("no object has the field {:?}", path.typed())));
    }
    let mut order: Vec<usize> = (0..objects.len()).collect();
    order.sort_by(|one, other| compare(keys[*one], keys[*other]));
    Ok(order)
}

fn compare(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one, other) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(one), Some(other)) => match (number(one), number(other)) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => text(one).cmp(&text(other)),
        },
    }
}

/// A number, or a text that is one with a unit: `500m`, `2Gi`, `1h30m`.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => quantity(text).or_else(|| {
            text.parse::<ktk_client::api::Duration>().ok().map(|duration| duration.get().as_secs_f64())
        }),
        _ => None,
    }
}

fn quantity(text: &str) -> Option<f64> {
    let digits =
        text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(values: &[Value]) -> Vec<usize> {
        let objects: Vec<Value> = values
            .iter()
            .map(|value| if value.is_null() { json!({}) } else { json!({"x": value}) })
            .collect();
        order(&objects, &Path::parse(".x").expect("a path")).expect("an order")
    }

    #[test]
    fn numbers_quantities_durations_and_times_have_their_own_order() {
        assert_eq!(sorted(&[json!(10), json!(9), Value::Null, json!(-1)]), [2, 3, 1, 0]);
        assert_eq!(sorted(&[json!("2Gi"), json!("500Mi"), json!("1k")]), [2, 1, 0]);
        assert_eq!(sorted(&[json!("1h"), json!("90m"), json!("30s")]), [2, 0, 1]);
        assert_eq!(sorted(&[json!("2026-11-22T10:00:00Z"), json!("2026-11-21T10:00:00Z")]), [1, 0]);
        assert_eq!(sorted(&[json!("b"), json!("a"), json!("a")]), [1, 2, 0]);
    }

    #[test]
    fn a_field_that_nobody_has_is_an_error() {
        let path = Path::parse(".nosuch").expect("a path");
        let error = order(&[json!({"x": 1})], &path).expect_err("nobody has it");
        assert_eq!(error.lines(), ["error: no object has the field \".nosuch\""]);
        assert_eq!(error.exit().code(), 1);
        assert_eq!(order(&[], &path), Ok(Vec::new()));
    }
}
