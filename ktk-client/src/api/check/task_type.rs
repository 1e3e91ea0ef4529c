//! Task types.

use serde_json::Value;

use super::{Causes, http, process, work::Work};
use crate::api::{Cause, field, task_type::TaskTypeSpec};

/// The most bytes of a schema as JSON.
const MAX_SCHEMA: usize = 64 << 10;

/// What is wrong with the process, the defaults and the size of the schemas of a type. Whether a schema is one, the
/// server says.
pub(in crate::api) fn task_type(spec: &TaskTypeSpec) -> Vec<Cause> {
    let mut causes = Causes::default();
    schema(&mut causes, "spec.inputs", spec.inputs.as_ref());
    schema(&mut causes, "spec.outputs", spec.outputs.as_ref());
    Work::from(&spec.defaults.policies()).check_policies(&mut causes, "spec.defaults");
    super::work::check_inputs(&mut causes, "spec.defaults.inputs", &spec.defaults.inputs);
    let kinds =
        [("run", spec.run.is_some()), ("http", spec.http.is_some()), ("external", spec.external.is_some())];
    let mut given = kinds.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name);
    if let Some(first) = given.next() {
        for other in given {
            causes.push(
                field::member("spec", other),
                format!("either `{first}` or `{other}`: remove one of them"),
            );
        }
    }
    if let Some(run) = &spec.run {
        process::check(&mut causes, "spec.run", run);
    }
    if let Some(spec) = &spec.http {
        http::check(&mut causes, "spec.http", spec);
    }
    causes.into_vec()
}

fn schema(causes: &mut Causes, field: &str, schema: Option<&Value>) {
    let Some(schema) = schema else { return };
    if !schema.is_object() && !schema.is_boolean() {
        causes.push(field, "must be a JSON Schema: a mapping, or true or false");
    }
    let size = super::params::json_size(schema);
    if size > MAX_SCHEMA {
        causes.push(field, format!("has {size} bytes: {MAX_SCHEMA} are allowed"));
    }
}
