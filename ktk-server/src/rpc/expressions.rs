//! Expressions are compiled before anything is stored: what is no jq is refused with its field.

use std::collections::{BTreeMap, BTreeSet};

use ktk_client::api::{ApiError, Cause, ErrorReason, change::Changes, jq};
use serde_json::Value;

use crate::jq::Jq;

/// What is wrong with expressions, each given with its field.
///
/// # Errors
/// `Unavailable` when nothing can be compiled.
pub(super) async fn causes(jq: &Jq, expressions: Vec<(String, String)>) -> Result<Vec<Cause>, ApiError> {
    Ok(causes_of_each(jq, &[expressions]).await?.pop().unwrap_or_default())
}

/// The same of several lists, each for itself.
///
/// # Errors
/// As [`causes`].
pub(super) async fn causes_of_each(
    jq: &Jq,
    lists: &[Vec<(String, String)>],
) -> Result<Vec<Vec<Cause>>, ApiError> {
    let texts: BTreeSet<&str> =
        lists.iter().flatten().map(|(_, text)| text.as_str()).filter(|text| is_sound(text)).collect();
    if texts.is_empty() {
        return Ok(vec![Vec::new(); lists.len()]);
    }
    let list: Vec<&str> = texts.into_iter().collect();
    let problems = jq.check(&list).await.map_err(|fault| {
        ApiError::new(ErrorReason::Unavailable, format!("expressions cannot be checked: {fault}"))
    })?;
    let problems: BTreeMap<&str, String> =
        list.into_iter().zip(problems).filter_map(|(text, problem)| Some((text, problem?.message))).collect();
    let cause = |(field, text): &(String, String)| {
        let problem = problems.get(text.as_str())?;
        Some(Cause::new(field, format!("is no jq: {problem}")))
    };
    Ok(lists.iter().map(|list| list.iter().filter_map(cause).collect()).collect())
}

/// What is refused without jq is not compiled.
fn is_sound(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= jq::MAX_EXPRESSION
}

/// The expressions among the changes of a restart.
pub(super) fn of_changes(changes: &Changes) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (path, value) in changes {
        let is_condition = path == "when" || path.ends_with(".jq");
        match value {
            Value::String(text) if is_condition => all.push((path.clone(), text.clone())),
            value => {
                let inputs = [(path.clone(), value.clone())].into();
                let texts = jq::expressions("", &inputs);
                all.extend(
                    texts.into_iter().filter_map(|(_, text)| Some((path.clone(), text.as_str()?.to_owned()))),
                );
            }
        }
    }
    all
}
