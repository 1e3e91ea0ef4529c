//! `-p KEY=VALUE`: parameters typed on a command line.

use std::collections::BTreeMap;

use serde_json::Value;

/// Reads `KEY=VALUE` arguments: JSON where the value parses as JSON, else a string.
pub(crate) fn parse(arguments: &[String]) -> Result<BTreeMap<String, Value>, String> {
    let mut params = BTreeMap::new();
    for argument in arguments {
        let Some((key, text)) = argument.split_once('=') else {
            return Err(format!("-p {argument}: write it as -p NAME=VALUE"));
        };
        if key.is_empty() {
            return Err(format!("-p {argument}: the name before '=' is empty"));
        }
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        if params.insert(key.to_owned(), value).is_some() {
            return Err(format!("-p {key} is given twice"));
        }
    }
    Ok(params)
}

/// Refuses parameters that the manifest does not have.
pub(crate) fn check_known(
    params: &BTreeMap<String, Value>,
    known: &BTreeMap<String, Value>,
    pipeline: &str,
) -> Result<(), String> {
    let Some(unknown) = params.keys().find(|key| !known.contains_key(*key)) else { return Ok(()) };
    if known.is_empty() {
        return Err(format!("-p {unknown}: pipeline {pipeline:?} has no parameters"));
    }
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    Err(format!("-p {unknown}: pipeline {pipeline:?} has no such parameter; it has {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(arguments: &[&str]) -> Result<BTreeMap<String, Value>, String> {
        parse(&arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn values_are_json_where_they_parse_as_json() {
        let params = parsed(&[
            "n=3",
            "on=true",
            "list=[1,2]",
            "date=2026-11-22",
            "quoted=\"3\"",
            "text=a=b",
            "empty=",
            "nothing=null",
        ])
        .expect("all are NAME=VALUE");
        assert_eq!(params["n"], json!(3));
        assert_eq!(params["on"], json!(true));
        assert_eq!(params["list"], json!([1, 2]));
        assert_eq!(params["date"], json!("2026-11-22"));
        assert_eq!(params["quoted"], json!("3"));
        assert_eq!(params["text"], json!("a=b"));
        assert_eq!(params["empty"], json!(""));
        assert_eq!(params["nothing"], json!(null));
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        assert!(parsed(&["date"]).expect_err("no =").contains("-p NAME=VALUE"));
        assert!(parsed(&["=3"]).expect_err("no name").contains("is empty"));
        assert!(parsed(&["a=1", "a=2"]).expect_err("twice").contains("twice"));
    }

    #[test]
    fn unknown_parameters_name_the_known_ones() {
        let known = BTreeMap::from([("date".to_owned(), json!("x")), ("n".to_owned(), json!(1))]);
        let params = BTreeMap::from([("dat".to_owned(), json!("y"))]);
        let message = check_known(&params, &known, "nightly").expect_err("unknown");
        assert_eq!(message, "-p dat: pipeline \"nightly\" has no such parameter; it has date, n");
        assert!(check_known(&known, &known, "nightly").is_ok());
    }
}
