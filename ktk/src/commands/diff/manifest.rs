//! `ktk diff -f`: what an apply of manifests would change, as a person wrote it.

use std::{fs, io, path::Path};

use ktk_client::manifest::{self, Document, Manifest};
use serde_json::{Map, Value};

use super::program;
use crate::{
    commands::{
        apply::{Failure, apply_object},
        edit::written_of,
        fetch,
        manifests::{self, FileFlags},
        replace::chosen,
    },
    context::Context,
    error::{CliError, Exit},
};

/// Compares what is there with what would come of the manifests.
pub(super) async fn run(files: &FileFlags, source: Option<&str>, cx: &Context) -> Result<Exit, CliError> {
    files.check()?;
    let mut documents = manifests::read(files, "diff", cx).await?;
    manifests::root(&mut documents, cx)?;
    let documents = manifests::ordered(documents)?;
    let (live, merged) = (directory("LIVE-")?, directory("MERGED-")?);
    let mut errors = Vec::new();
    for document in &documents {
        match sides(document, source, cx).await {
            Ok((before, after)) => {
                let name = file_name(document);
                write(&live.path().join(&name), before.as_ref())?;
                write(&merged.path().join(&name), Some(&after))?;
            }
            Err(error) => errors.push(error),
        }
    }
    let exit = program::compare(live.path(), merged.path(), cx)?;
    CliError::of_all(errors)?;
    Ok(exit)
}

fn directory(prefix: &str) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(prefix).tempdir()
}

/// `ktk.v1.Queue..batch`.
fn file_name(document: &Document) -> String {
    let metadata = document.value.metadata();
    let namespace = if document.value.is_namespaced() { metadata.namespace() } else { "" };
    let name = metadata.name.as_deref().or(metadata.generate_name.as_deref()).unwrap_or_default();
    format!("ktk.v1.{}.{namespace}.{name}", document.value.kind())
}

fn write(path: &Path, object: Option<&Value>) -> io::Result<()> {
    object.map_or(Ok(()), |object| fs::write(path, manifest::to_yaml(object)))
}

/// An object as it is, where it is there, and as it would be.
async fn sides(
    document: &Document,
    source: Option<&str>,
    cx: &Context,
) -> Result<(Option<Value>, Value), CliError> {
    let unwritable = |error| CliError::failed(format!("cannot write the object: {error}"));
    let mut given = manifests::to_value(&document.value).map_err(unwritable)?;
    // Of a type its set is a field.
    if let (Manifest::TaskType(_), Some(source)) = (&document.value, source) {
        given["spec"]["source"] = source.into();
    }
    if document.value.metadata().name.is_none() {
        return Ok((None, written_of(&given)));
    }
    let chosen = chosen(&document.value)?;
    let client = cx.client().await?.in_namespace(&*chosen.namespace);
    let live = match fetch::one(&client, chosen.named.kind, &chosen.named.name).await {
        Ok(object) => object.to_value().map_err(unwritable)?,
        Err(error) if error.is_not_found() => return Ok((None, written_of(&given))),
        Err(error) => return Err(error.into()),
    };
    let applied = apply_object(&document.value, source, true, cx).await.map_err(|error| match error {
        Failure::Client(error) => manifests::refused(error, "comparing", document),
        Failure::Own(error) => error,
    })?;
    let (live, merged) = (written_of(&live), written_of(&applied.object));
    let (live, merged) = differing(&live, &merged, &written_of(&given));
    Ok((Some(live), merged))
}

/// Of two documents what differs and what somebody wrote: neither what the server filled in nor what others said.
fn differing(live: &Value, merged: &Value, given: &Value) -> (Value, Value) {
    if live == merged {
        let part = part_of(live, given);
        return (part.clone(), part);
    }
    let (Value::Object(old), Value::Object(new)) = (live, merged) else {
        return (live.clone(), merged.clone());
    };
    let (mut left, mut right) = (Map::new(), Map::new());
    for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
        match (old.get(key), new.get(key)) {
            (Some(before), Some(after)) => {
                let is_written = given.get(key).is_some();
                if before == after && !is_written {
                    continue;
                }
                let (before, after) = differing(before, after, &given[key]);
                left.insert(key.clone(), before);
                right.insert(key.clone(), after);
            }
            (before, after) => {
                left.extend(before.map(|before| (key.clone(), before.clone())));
                right.extend(after.map(|after| (key.clone(), after.clone())));
            }
        }
    }
    (Value::Object(left), Value::Object(right))
}

/// Of a document what is in another one, too.
fn part_of(there: &Value, given: &Value) -> Value {
    match (there, given) {
        (Value::Object(there), Value::Object(given)) => {
            let both =
                there.iter().filter_map(|(key, value)| Some((key.clone(), part_of(value, given.get(key)?))));
            Value::Object(both.collect())
        }
        (Value::Array(there), Value::Array(given)) if there.len() == given.len() => {
            Value::Array(there.iter().zip(given).map(|(there, given)| part_of(there, given)).collect())
        }
        _ => there.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_wrote_is_left_out() {
        let live = json!({"spec": {"a": 1, "filled": 2, "steps": [{"name": "s", "dir": "/"}]}, "labels": {"theirs": 1}});
        let merged = json!({"spec": {"a": 2, "filled": 2, "steps": [{"name": "s", "dir": "/"}]}, "labels": {"theirs": 1, "b": 1}});
        let given = json!({"spec": {"a": 2, "steps": [{"name": "s"}]}, "labels": {"b": 1}});
        let (left, right) = differing(&live, &merged, &given);
        assert_eq!(left, json!({"spec": {"a": 1, "steps": [{"name": "s"}]}, "labels": {}}));
        assert_eq!(right, json!({"spec": {"a": 2, "steps": [{"name": "s"}]}, "labels": {"b": 1}}));
    }
}
