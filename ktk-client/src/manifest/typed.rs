//! From a tree to a typed object: every unknown field and every wrong type, then every check.
//!
//! A wrong value is told, replaced by one that fits, and reading goes on: so one run finds them all.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    Manifest, Problem, Problems, document,
    fields::{self, Kind},
    node::Node,
    wording,
};
use crate::api::{
    API_VERSION,
    field::{self, Segment},
};

type Path = Vec<Segment>;

/// So many wrong values are replaced; then reading ends.
const MAX_REPLACED: usize = 60;

/// So often another value is tried in one place.
const MAX_TRIES: usize = 3;

const SERVERS_OWN: &str = "only the server sets this: remove it";

pub(super) fn task(source: &str, root: &Node, problems: &mut Problems) -> Option<Manifest> {
    Reader::new(source, root, Kind::Task, problems).read(Manifest::Task)
}

pub(super) fn pipeline(source: &str, root: &Node, problems: &mut Problems) -> Option<Manifest> {
    Reader::new(source, root, Kind::Pipeline, problems).read(Manifest::Pipeline)
}

pub(super) fn queue(source: &str, root: &Node, problems: &mut Problems) -> Option<Manifest> {
    Reader::new(source, root, Kind::Queue, problems).read(Manifest::Queue)
}

pub(super) fn semaphore(source: &str, root: &Node, problems: &mut Problems) -> Option<Manifest> {
    Reader::new(source, root, Kind::Semaphore, problems).read(Manifest::Semaphore)
}

pub(super) fn task_type(source: &str, root: &Node, problems: &mut Problems) -> Option<Manifest> {
    Reader::new(source, root, Kind::TaskType, problems).read(|object| Manifest::TaskType(Box::new(object)))
}

struct Reader<'a> {
    source: &'a str,
    root: &'a Node,
    kind: Kind,
    problems: &'a mut Problems,
    /// Values that were wrong, and how often each was replaced.
    replaced: HashMap<Path, usize>,
    /// Objects that have unknown fields: what they lack may be meant by those.
    misspelt: Vec<Path>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a str, root: &'a Node, kind: Kind, problems: &'a mut Problems) -> Self {
        Self { source, root, kind, problems, replaced: HashMap::new(), misspelt: Vec::new() }
    }

    fn read<T: DeserializeOwned>(mut self, wrap: fn(T) -> Manifest) -> Option<Manifest> {
        let mut json = self.root.to_json(false);
        self.prepare(json.as_object_mut()?);
        for path in fields::lists_for_objects(self.kind, &json) {
            self.replace(&mut json, path, "invalid type: sequence, expected a map")?;
        }
        loop {
            let mut unknown = Vec::new();
            let mut track = serde_path_to_error::Track::new();
            let tracked = serde_path_to_error::Deserializer::new(&json, &mut track);
            let mut note: &mut dyn FnMut(serde_ignored::Path<'_>) =
                &mut |path| unknown.push(field::of_ignored(&path));
            let tracked = serde_ignored::Deserializer::new(tracked, &mut note);
            let result = T::deserialize(tracked);
            let path = track.path();
            match result {
                Ok(object) => {
                    unknown.iter().for_each(|path| self.report_unknown(path));
                    let manifest = wrap(object);
                    self.report_causes(&manifest);
                    return Some(manifest);
                }
                Err(error) => self.replace(&mut json, field::of_error(&path), &error.to_string())?,
            }
        }
    }

    fn report(&mut self, (line, column): (u32, u32), path: &[Segment], message: String) {
        let source = self.source.to_owned();
        self.problems.push(Problem { source, line, column, field: field::to_text(path), message });
    }

    /// Takes out what was told already or is the server's, and fills in what must be there.
    fn prepare(&mut self, object: &mut Map<String, Value>) {
        object.insert("apiVersion".to_owned(), API_VERSION.into());
        object.insert("kind".to_owned(), self.kind.name().into());
        let forged = |key: &str| [Segment::Key("metadata".to_owned()), Segment::Key(key.to_owned())];
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for key in fields::of_server() {
                if metadata.remove(key).is_some() && !self.problems.passes_servers_own {
                    let path = forged(key);
                    self.report(self.root.find(&path).key_place(), &path, SERVERS_OWN.to_owned());
                }
            }
        }
        if object.remove("status").is_some() && !self.problems.passes_servers_own {
            let path = [Segment::Key("status".to_owned())];
            self.report(self.root.find(&path).key_place(), &path, SERVERS_OWN.to_owned());
        }
        if !object.contains_key("spec") {
            let path = vec![Segment::Key("spec".to_owned())];
            self.report((self.root.line, self.root.column), &path, "missing: it says what to do".to_owned());
            self.replaced.insert(path, 0);
        }
        for key in ["metadata", "spec"] {
            object.entry(key).or_insert_with(|| Value::Object(Map::new()));
        }
    }

    fn report_unknown(&mut self, path: &[Segment]) {
        let Some((Segment::Key(key), container)) = path.split_last() else { return };
        let message = fields::unknown(self.kind, container, key);
        if self.problems.passes_unknown {
            let (line, column) = self.root.find(path).key_place();
            let (source, field) = (self.source.to_owned(), field::to_text(path));
            return self.problems.unknown.push(Problem { source, line, column, field, message });
        }
        self.report(self.root.find(path).key_place(), path, message);
        self.misspelt.push(container.to_vec());
    }

    /// Tells a wrong value and puts another in its place. `None` where that is not possible.
    fn replace(&mut self, json: &mut Value, path: Path, error: &str) -> Option<()> {
        let found = self.root.find(&path);
        let times = self.replaced.get(&path).copied().unwrap_or_default();
        if times == 0 {
            let message = wording::wrong_value(error, found.node, &path);
            self.report(found.place(), &path, message);
        }
        // What is still wrong after that lacks something that no empty value has.
        if self.replaced.len() > MAX_REPLACED || times > MAX_TRIES {
            return None;
        }
        let (last, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(json, |value, segment| match segment {
            Segment::Key(key) => value.get_mut(key),
            Segment::Index(index) => value.get_mut(index),
        })?;
        match (last, parent) {
            (Segment::Key(key), Value::Object(members)) => {
                members.remove(key)?;
                if parents.is_empty() {
                    members.insert(key.clone(), Value::Object(Map::new()));
                }
            }
            (Segment::Index(index), Value::Array(items)) => {
                let fitting = [Value::Object(Map::new()), Value::from(""), Value::from(1)];
                *items.get_mut(*index)? = fitting.get(times)?.clone();
            }
            _ => return None,
        }
        self.replaced.insert(path, times + 1);
        Some(())
    }

    /// Tells what [`crate::api::check`] finds, but for what follows from a problem told already.
    fn report_causes(&mut self, manifest: &Manifest) {
        for cause in document::causes(manifest) {
            let path = field::parse(&cause.field);
            let found = self.root.find(&path);
            let is_absent = found.depth < path.len();
            let follows_from = |replaced: &Path| path.starts_with(replaced) || replaced.starts_with(&path);
            let is_misspelt = |container: &Path| {
                path == *container
                    || is_absent && path.len() == container.len() + 1 && path.starts_with(container)
            };
            if self.replaced.keys().any(follows_from) || self.misspelt.iter().any(is_misspelt) {
                continue;
            }
            self.report(found.place(), &path, cause.message);
        }
    }
}
