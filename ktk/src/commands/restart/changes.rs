//! `--set` and `--env`: what a new incarnation has that the old one had not.

use std::collections::BTreeMap;

use ktk_client::api::{change::Changes, field};
use serde_json::Value;

use crate::{commands::new_task, error::CliError};

/// Reads `--set FIELD=VALUE` (JSON where the value parses as JSON, else a string) and `--env NAME[=VALUE]`.
/// `caller` is the caller's environment.
pub(super) fn read(
    set: &[String],
    env: &[String],
    caller: &BTreeMap<String, String>,
) -> Result<Changes, CliError> {
    let mut changes = Changes::new();
    for text in set {
        let Some((path, value)) = text.split_once('=') else {
            return Err(CliError::usage(format!("--set {text}: write it as --set inputs.width=100")));
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        add(&mut changes, path.strip_prefix("spec.").unwrap_or(path).to_owned(), value)?;
    }
    for (name, value) in new_task::variables(env, false, caller)? {
        add(&mut changes, field::member("run.env", &name), Value::String(value))?;
    }
    Ok(changes)
}

fn add(changes: &mut Changes, path: String, value: Value) -> Result<(), CliError> {
    match changes.insert(path.clone(), value) {
        None => Ok(()),
        Some(_) => Err(CliError::usage(format!("{path} is set twice"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(set: &[&str], env: &[&str]) -> Result<Changes, String> {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let caller = [("EDITOR".to_owned(), "vi".to_owned())].into();
        read(&own(set), &own(env), &caller).map_err(|error| error.lines().join("\n"))
    }

    #[test]
    fn values_are_json_where_they_can_be() {
        let changes =
            given(&["inputs.width=100", "spec.inputs.name=a=b", "timeout=5m"], &["RETRY=1", "EDITOR"]);
        let expected = [
            ("inputs.name", json!("a=b")),
            ("inputs.width", json!(100)),
            ("run.env.EDITOR", json!("vi")),
            ("run.env.RETRY", json!("1")),
            ("timeout", json!("5m")),
        ];
        assert_eq!(changes, Ok(expected.map(|(path, value)| (path.to_owned(), value)).into()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert_eq!(given(&["x"], &[]).unwrap_err(), "error: --set x: write it as --set inputs.width=100");
        assert_eq!(given(&["run.env.A=1"], &["A=2"]).unwrap_err(), "error: run.env.A is set twice");
        assert!(given(&[], &["NOSUCH"]).is_err());
    }
}
