//! The fields of a kind, as the API's own types describe them.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::kinds::Kind;

/// A schema, with what it refers to.
#[derive(Debug)]
pub(crate) struct Schema {
    root: Value,
    definitions: Map<String, Value>,
}

/// One field, as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field<'s> {
    /// Its name.
    pub(crate) name: &'s str,
    /// `string`, `[]Step`, `map[string]string`.
    pub(crate) type_name: String,
    /// Whether an object must have it.
    pub(crate) is_required: bool,
    /// What is said of it.
    pub(crate) words: String,
    /// The only values that it can have.
    pub(crate) choices: Vec<&'s str>,
    shape: &'s Value,
}

impl Schema {
    /// That of a kind.
    pub(crate) fn of(kind: Kind) -> Self {
        let settings = SchemaSettings::draft07().with(|settings| settings.meta_schema = None);
        let mut schemas = settings.into_generator();
        let mut root = (kind.row().schema)(&mut schemas);
        for transform in schemas.transforms_mut() {
            transform.transform(&mut root);
        }
        Self { root: root.to_value(), definitions: schemas.take_definitions(true) }
    }

    /// What is said of the whole.
    pub(crate) fn words(&self) -> String {
        words(&self.root["description"])
    }

    /// Its fields, by name.
    pub(crate) fn fields(&self) -> Vec<Field<'_>> {
        self.fields_of(&self.root)
    }

    /// The fields below a field; below a list those of its items, below a map those of its values.
    pub(crate) fn below<'s>(&'s self, field: &Field<'s>) -> Vec<Field<'s>> {
        self.fields_of(field.shape)
    }

    fn fields_of<'s>(&'s self, schema: &'s Value) -> Vec<Field<'s>> {
        let mut fields: Vec<Field<'s>> = Vec::new();
        for shape in self.variants(schema) {
            if let Some(inner) = inner(shape) {
                fields.extend(self.fields_of(inner));
            }
            let required = shape["required"].as_array().map_or(&[][..], Vec::as_slice);
            for (name, shape) in shape["properties"].as_object().into_iter().flatten() {
                if fields.iter().all(|known| known.name != name) {
                    fields.push(self.field(name, shape, required.iter().any(|known| known == name)));
                }
            }
        }
        fields.sort_by_key(|field| field.name);
        fields
    }

    fn field<'s>(&'s self, name: &'s str, shape: &'s Value, is_required: bool) -> Field<'s> {
        let own = &shape["description"];
        let said = match own {
            Value::Null => self.variants(shape).first().map_or(own, |variant| &variant["description"]),
            own => own,
        };
        let choices = self.variants(shape).into_iter().flat_map(choices).collect();
        Field { name, type_name: self.type_name(shape), is_required, words: words(said), choices, shape }
    }

    /// What a value can be, references followed, without the nothing that stands for what is absent.
    fn variants<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        if let Some(target) = self.target(schema) {
            return self.variants(target);
        }
        for several in ["allOf", "anyOf", "oneOf"] {
            if let Some(list) = schema[several].as_array() {
                return list.iter().flat_map(|one| self.variants(one)).collect();
            }
        }
        if schema["type"] == "null" { Vec::new() } else { vec![schema] }
    }

    fn target(&self, schema: &Value) -> Option<&Value> {
        self.definitions.get(schema["$ref"].as_str()?.rsplit('/').next()?)
    }

    fn type_name(&self, schema: &Value) -> String {
        if let Some(target) = self.target(schema) {
            let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            return if target["properties"].is_object() { name.to_owned() } else { self.type_name(target) };
        }
        for several in ["allOf", "anyOf", "oneOf"] {
            if let Some(list) = schema[several].as_array() {
                let mut names: Vec<String> = list.iter().map(|one| self.type_name(one)).collect();
                names.retain(|name| name != "null");
                names.dedup();
                return names.join(" or ");
            }
        }
        let word = match &schema["type"] {
            Value::Array(words) => words.iter().filter_map(Value::as_str).find(|word| *word != "null"),
            word => word.as_str(),
        };
        match (word, schema["items"].is_null(), &schema["additionalProperties"]) {
            (Some("array"), false, _) => match self.type_name(&schema["items"]) {
                several if several.contains(' ') => format!("[]({several})"),
                one => format!("[]{one}"),
            },
            (Some("object"), _, Value::Object(_) | Value::Bool(true)) => {
                format!("map[string]{}", self.type_name(&schema["additionalProperties"]))
            }
            (Some("object"), _, _) => "Object".to_owned(),
            (Some(word), _, _) => word.to_owned(),
            (None, _, _) if !choices(schema).is_empty() => "string".to_owned(),
            (None, _, _) => "any".to_owned(),
        }
    }
}

/// What a list or a map is of.
fn inner(shape: &Value) -> Option<&Value> {
    [&shape["items"], &shape["additionalProperties"]].into_iter().find(|inner| inner.is_object())
}

fn choices(shape: &Value) -> Vec<&str> {
    let listed = shape["enum"].as_array().map_or(&[][..], Vec::as_slice);
    shape.get("const").into_iter().chain(listed).filter_map(Value::as_str).collect()
}

/// Words of a type's documentation, in one line and without its links.
pub(crate) fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace("[`", "`").replace("`]", "`").replace('\n', " ")
}

/// The text in lines of at most so many letters, where its words allow it.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<Cow<'_, str>> {
    let mut lines: Vec<Cow<'_, str>> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                let line = line.to_mut();
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KINDS;

    fn field<'s>(schema: &'s Schema, path: &[&str]) -> Field<'s> {
        let mut found = None;
        for name in path {
            let fields = found.as_ref().map_or_else(|| schema.fields(), |field| schema.below(field));
            found = fields.into_iter().find(|field| field.name == *name);
            assert!(found.is_some(), "{path:?} has no {name}");
        }
        found.expect("a path")
    }

    #[test]
    fn types_are_said_as_kubectl_says_them() {
        let schema = Schema::of(Kind::Task);
        for (path, type_name) in [
            (&["spec"][..], "TaskSpec"),
            (&["spec", "run", "command"], "[]string"),
            (&["spec", "inputs"], "map[string]any"),
            (&["metadata", "labels"], "map[string]string"),
            (&["spec", "priority"], "integer"),
            (&["spec", "semaphores"], "[](string or Object)"),
            (&["spec", "runAfter"], "string"),
            (&["status", "attempts"], "[]Attempt"),
        ] {
            assert_eq!(field(&schema, path).type_name, type_name, "{path:?}");
        }
        assert_eq!(field(&schema, &["spec", "runIf"]).choices, ["success", "failure", "always"]);
        assert_eq!(field(&schema, &["spec", "semaphores", "permits"]).type_name, "integer");
        assert!(field(&schema, &["metadata"]).is_required);
    }

    #[test]
    fn each_kind_has_fields_and_every_field_has_words() {
        let mut mute = Vec::new();
        for row in KINDS {
            let schema = Schema::of(row.kind);
            assert!(!schema.words().is_empty() && schema.fields().len() > 3, "{}", row.manifest);
            let mut open = schema.fields();
            while let Some(field) = open.pop() {
                mute.extend(
                    (field.words.is_empty() || field.type_name.is_empty())
                        .then(|| format!("{} {}", row.manifest, field.name)),
                );
                open.extend(schema.below(&field));
            }
        }
        assert!(mute.is_empty(), "fields of which nothing is said: {mute:?}");
    }

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrapped("one two  three", 8), ["one two", "three"]);
        assert_eq!(wrapped("incomprehensible", 4), ["incomprehensible"]);
        assert!(wrapped("", 4).is_empty());
    }
}
