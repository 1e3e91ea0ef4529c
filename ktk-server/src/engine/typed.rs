//! What a task gets of its type when it is made. It keeps that: later changes of the type are for later tasks.

use std::{collections::BTreeMap, sync::Arc};

use ktk_client::api::{Cause, TaskType, field, jq, task::TaskSpec, task_type::TaskTypeSpec, template};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    create_task::type_causes,
    error::EngineResult,
    lanes::{self, Named},
    shared::Shared,
    unit::Unit,
};
use crate::{model::schema::Schema, store::Tx};

/// What a task got of its type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TypeUse {
    /// What was asked for, with the version that it came to.
    pub asked: TaskSpec,
    /// The type as it then was.
    pub definition: TaskTypeSpec,
}

/// What a task does, and the type that made it so.
pub type Typed = (TaskSpec, Option<Box<TypeUse>>);

/// Finds types for the tasks of one operation, each once.
pub struct Types<'h> {
    /// The handlers of present nodes; without them any name may be one.
    handlers: Option<&'h [String]>,
    found: BTreeMap<String, Option<Arc<TaskType>>>,
}

impl<'h> Types<'h> {
    pub fn new(handlers: Option<&'h [String]>) -> Self {
        Self { handlers, found: BTreeMap::new() }
    }

    /// The type that a name means; `None` where it is a handler's name alone.
    async fn find<T: Tx>(
        &mut self,
        tx: &mut T,
        shared: &Shared,
        name: &str,
    ) -> EngineResult<Option<Arc<TaskType>>> {
        if let Some(found) = self.found.get(name) {
            return Ok(found.clone());
        }
        let found = shared.catalogue(tx).await?.find(name)?;
        self.found.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    /// What a task that was asked for does: completed by its type, where it has one.
    ///
    /// # Errors
    /// In the inner result every cause, with fields below `prefix`.
    pub async fn complete<T: Tx>(
        &mut self,
        unit: &mut Unit<'_, T>,
        asked: &TaskSpec,
        prefix: &str,
        params: &BTreeMap<String, Value>,
    ) -> EngineResult<Result<Typed, Vec<Cause>>> {
        let Some(name) = &asked.type_name else { return Ok(Ok((asked.clone(), None))) };
        let Some(found) = self.find(unit.tx, unit.shared, name).await? else {
            let field = field::member(prefix, "type");
            let cause = self.handlers.and_then(|handlers| type_causes(Some(name), &field, handlers));
            return Ok(cause.map_or_else(|| Ok((asked.clone(), None)), |cause| Err(vec![cause])));
        };
        let mut asked = asked.clone();
        asked.type_name = Some(found.reference());
        let used = TypeUse { asked, definition: found.spec.clone() };
        let spec = used.spec();
        let mut causes = Vec::new();
        if let Some(run) = &spec.run {
            let field = field::member(prefix, "type");
            causes.extend(template::check(run, &field, params, &spec.inputs));
        }
        if let Some(http) = &spec.http {
            let field = field::member(prefix, "type");
            causes.extend(template::check_http(http, &field, params, &spec.inputs));
        }
        // What the task names itself is looked up with the rest of its manifest.
        let queue = spec.queue.as_deref().filter(|_| used.asked.queue.is_none());
        let semaphores = if used.asked.semaphores.is_empty() { &*spec.semaphores } else { &[] };
        causes.extend(lanes::causes(unit.tx, &[Named::new(prefix, queue, semaphores)]).await?);
        causes.extend(unit.input_causes(&used.definition, prefix, &spec));
        Ok(if causes.is_empty() { Ok((spec, Some(Box::new(used)))) } else { Err(causes) })
    }
}

impl TypeUse {
    /// What is done.
    pub fn spec(&self) -> TaskSpec {
        self.definition.complete(&self.asked)
    }
}

impl<T: Tx> Unit<'_, T> {
    /// What of the inputs breaks the type's schema.
    pub(super) fn input_causes(
        &self,
        definition: &TaskTypeSpec,
        prefix: &str,
        spec: &TaskSpec,
    ) -> Vec<Cause> {
        let Some(schema) = &definition.inputs else { return Vec::new() };
        if jq::holds_expression(&spec.inputs) {
            // Judged once they are evaluated.
            return Vec::new();
        }
        let inputs = Value::Object(spec.inputs.clone().into_iter().collect());
        causes(&self.shared.schema(schema), &field::member(prefix, "inputs"), &inputs)
    }

    /// What of the evaluated inputs breaks the schema of the task's type.
    pub(super) async fn broken_inputs(
        &mut self,
        id: Uuid,
        inputs: &BTreeMap<String, Value>,
    ) -> EngineResult<Option<String>> {
        let Some(of_type) = self.body(id).await?.and_then(|body| body.of_type) else { return Ok(None) };
        let Some(schema) = &of_type.definition.inputs else { return Ok(None) };
        let inputs = Value::Object(inputs.clone().into_iter().collect());
        let causes = causes(&self.shared.schema(schema), "inputs", &inputs);
        Ok((!causes.is_empty()).then(|| in_words(&causes)))
    }

    /// What of the outputs breaks the schema of the task's type.
    pub(super) fn output_causes(&self, definition: &TaskTypeSpec, outputs: &Value) -> Vec<Cause> {
        match &definition.outputs {
            Some(schema) => causes(&self.shared.schema(schema), "outputs", outputs),
            None => Vec::new(),
        }
    }
}

fn causes(schema: &Result<Arc<Schema>, String>, field: &str, value: &Value) -> Vec<Cause> {
    match schema {
        Ok(schema) => schema.causes(field, value),
        Err(why) => vec![Cause::new(field, format!("the schema of its type {why}"))],
    }
}

/// Causes in one line, as a task's message.
pub fn in_words(causes: &[Cause]) -> String {
    let words = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message));
    words.collect::<Vec<_>>().join("; ")
}
