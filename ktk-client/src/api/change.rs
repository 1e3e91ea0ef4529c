//! Changes of a restart: fields of `spec` by their path, and their new values.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{
    Cause,
    field::{self, Segment},
    task::TaskSpec,
};

/// Fields by their path below `spec` (`inputs.width`, `run.env.RETRY`) and their new values. `null` takes an
/// optional field away; in `inputs` it is a value as any other.
///
/// ```
/// use ktk_client::api::change::Changes;
/// let changes = Changes::from([("inputs.width".to_owned(), 100.into()), ("timeout".to_owned(), "5m".into())]);
/// assert_eq!(changes.len(), 2);
/// ```
pub type Changes = BTreeMap<String, Value>;

/// Fields that say where a task stands among others. All incarnations stand in the same place.
const FIXED: [&str; 2] = ["needs", "runIf"];

/// Maps whose members are the user's: a `null` there takes nothing away.
const MAPS: [&str; 4] = ["inputs", "run.env", "http.headers", BODY];

/// The one of them that is none at all where it is absent.
const BODY: &str = "http.body";

/// The spec with the changes made.
///
/// ```
/// use ktk_client::api::{change, task::TaskSpec};
/// use serde_json::json;
/// let changes = [("inputs.width".to_owned(), json!(100)), ("timeout".to_owned(), json!("5m"))].into();
/// let changed = change::apply(&TaskSpec::command(["true"]), &changes).unwrap();
/// assert_eq!(changed.inputs["width"], json!(100));
/// let wrong = [("input.width".to_owned(), json!(100))].into();
/// assert_eq!(change::apply(&changed, &wrong).unwrap_err()[0].message, "is no field of a task's spec");
/// ```
///
/// # Errors
/// Every change whose path is no field, and every value of a wrong type.
pub fn apply(spec: &TaskSpec, changes: &Changes) -> Result<TaskSpec, Vec<Cause>> {
    match apply_all(spec, changes) {
        Err(causes) if changes.len() > 1 => {
            // One wrong value hides another: each is tried alone.
            let alone = |(path, value): (&String, &Value)| {
                apply_all(spec, &Changes::from([(path.clone(), value.clone())])).err().unwrap_or_default()
            };
            let mut each: Vec<Cause> = changes.iter().flat_map(alone).collect();
            let is_new = |cause: &Cause| each.iter().all(|one| one.field != cause.field);
            let together: Vec<Cause> = causes.into_iter().filter(is_new).collect();
            each.extend(together);
            Err(each)
        }
        made => made,
    }
}

/// Those of the changes that can be made, each by itself.
///
/// ```
/// use ktk_client::api::{change::{self, Changes}, task::TaskSpec};
/// let changes = Changes::from([("priority".to_owned(), 5.into()), ("color".to_owned(), "red".into())]);
/// assert!(change::sound(&TaskSpec::external(), &changes).keys().eq(["priority"]));
/// ```
pub fn sound(spec: &TaskSpec, changes: &Changes) -> Changes {
    let is_sound = |path: &String, value: &mut Value| {
        apply_all(spec, &Changes::from([(path.clone(), value.clone())])).is_ok()
    };
    let mut sound = changes.clone();
    sound.retain(is_sound);
    sound
}

fn apply_all(spec: &TaskSpec, changes: &Changes) -> Result<TaskSpec, Vec<Cause>> {
    let mut json = to_json(spec);
    let mut causes = Vec::new();
    for (path, value) in changes {
        if let Err(message) = read_path(path).and_then(|segments| set(&mut json, &segments, value)) {
            causes.push(Cause::new(path, message));
        }
    }
    if !causes.is_empty() {
        return Err(causes);
    }
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&json, &mut track);
    let mut note: &mut dyn FnMut(serde_ignored::Path<'_>) =
        &mut |path| unknown.push(field::to_text(&field::of_ignored(&path)));
    let changed = TaskSpec::deserialize(serde_ignored::Deserializer::new(tracked, &mut note));
    causes.extend(unknown.into_iter().map(|path| Cause::new(path, "is no field of a task's spec")));
    match changed {
        Ok(changed) if causes.is_empty() => Ok(changed),
        Ok(_) => Err(causes),
        Err(error) => {
            causes.push(Cause::new(field::to_text(&field::of_error(&track.path())), error.to_string()));
            Err(causes)
        }
    }
}

/// The parameters of a pipeline with the changes made: `params.date`, `params.limits.cpu`.
///
/// ```
/// use ktk_client::api::change::{self, Changes};
/// let params = [("date".to_owned(), "2026-11-21".into())].into();
/// let changes = Changes::from([("params.date".to_owned(), "2026-11-22".into())]);
/// assert_eq!(change::apply_to_params(&params, &changes).unwrap()["date"], "2026-11-22");
/// ```
///
/// # Errors
/// Every change whose path is no parameter.
pub fn apply_to_params(
    params: &BTreeMap<String, Value>,
    changes: &Changes,
) -> Result<BTreeMap<String, Value>, Vec<Cause>> {
    let mut json = json!(params);
    let mut causes = Vec::new();
    for (path, value) in changes {
        let segments = match path.strip_prefix("params.").map(read_path) {
            Some(Ok(segments)) => segments,
            Some(Err(message)) => {
                causes.push(Cause::new(path, message));
                continue;
            }
            None => {
                let message = "of a pipeline only its parameters can change: write params.NAME=VALUE";
                causes.push(Cause::new(path, message));
                continue;
            }
        };
        let is_known = matches!(&segments[0], Segment::Key(name) if params.contains_key(name));
        let made = match is_known {
            true => set(&mut json, &segments, value),
            false => Err("is no parameter of this pipeline".to_owned()),
        };
        causes.extend(made.err().map(|message| Cause::new(path, message)));
    }
    match json {
        Value::Object(members) if causes.is_empty() => Ok(members.into_iter().collect()),
        _ => Err(causes),
    }
}

/// The changes that make one spec of the other.
///
/// ```
/// use ktk_client::api::{change, task::TaskSpec};
/// let (old, new) = (TaskSpec::command(["a"]), TaskSpec::command(["b"]));
/// assert_eq!(change::apply(&old, &change::between(&old, &new)), Ok(new));
/// ```
pub fn between(old: &TaskSpec, new: &TaskSpec) -> Changes {
    let mut changes = Changes::new();
    compare(&mut changes, "", &to_json(old), &to_json(new));
    changes
}

fn to_json(spec: &TaskSpec) -> Value {
    serde_json::to_value(spec).expect("a spec has string keys and finite numbers")
}

fn read_path(path: &str) -> Result<Vec<Segment>, String> {
    let segments = field::parse(path);
    if segments.is_empty() || field::to_text(&segments) != path {
        return Err("is no path of a field: write it as inputs.width".to_owned());
    }
    match &segments[0] {
        Segment::Key(key) if FIXED.contains(&key.as_str()) => {
            Err("cannot change by a restart: all incarnations stand in the same place".to_owned())
        }
        _ => Ok(segments),
    }
}

fn set(json: &mut Value, path: &[Segment], value: &Value) -> Result<(), String> {
    let mut place = json;
    for segment in path {
        place = match segment {
            Segment::Key(key) => {
                if place.is_null() {
                    *place = json!({});
                }
                let Some(object) = place.as_object_mut() else {
                    return Err(format!("{key:?} is no member there: its parent is no object"));
                };
                object.entry(key).or_insert(Value::Null)
            }
            Segment::Index(index) => {
                let Some(items) = place.as_array_mut() else {
                    return Err(format!("[{index}] is no item there: its parent is no list"));
                };
                let length = items.len();
                items.get_mut(*index).ok_or_else(|| format!("the list has {length} items"))?
            }
        };
    }
    place.clone_from(value);
    Ok(())
}

fn compare(changes: &mut Changes, path: &str, old: &Value, new: &Value) {
    if old == new {
        return;
    }
    let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else {
        changes.insert(path.to_owned(), new.clone());
        return;
    };
    let is_map = MAPS.iter().any(|map| path.strip_prefix(map).is_some_and(|rest| !rest.starts_with(is_word)));
    let gone: Vec<&String> = before.keys().filter(|key| !after.contains_key(*key)).collect();
    if is_map && !gone.is_empty() {
        changes.insert(path.to_owned(), new.clone());
        return;
    }
    for key in gone {
        let path = field::member(path, key);
        // An empty map is left out of a manifest.
        let is_map = MAPS.contains(&path.as_str()) && path != BODY;
        let absent = if is_map { json!({}) } else { Value::Null };
        changes.insert(path, absent);
    }
    for (key, value) in after {
        let path = field::member(path, key);
        match before.get(key) {
            Some(old) => compare(changes, &path, old, value),
            None if value.as_object().is_some_and(|members| !members.is_empty()) => {
                compare(changes, &path, &json!({}), value);
            }
            None => drop(changes.insert(path, value.clone())),
        }
    }
}

fn is_word(first: char) -> bool {
    first.is_alphanumeric() || matches!(first, '_' | '-')
}

#[cfg(test)]
mod tests;
