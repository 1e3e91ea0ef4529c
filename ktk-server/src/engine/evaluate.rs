//! Expressions: what is to be evaluated, and what follows from the values.
//!
//! A task whose needs have settled and that has expressions is not queued at once: its row says `Evaluating`, and the
//! evaluator takes it. Evaluating is no part of a transaction. What was taken from the needs is noted before and
//! compared after it, so that values are kept only for what the needs still are; a crash in between leaves the row
//! as it was, and it is evaluated again.

use std::collections::{BTreeMap, BTreeSet};

use ktk_client::api::{
    Phase, Reason,
    jq::{self, ForEach},
    task::Resolved,
};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{
    body::{self, TaskBody},
    error::{EngineError, EngineResult},
    expand::Item,
    operation::{Ask, Done},
    unit::Unit,
};
use crate::{
    jq::Scope,
    limits,
    model::{phase::Event, rare::Stage, row::TaskRow},
    store::{Operation, Tx},
};

pub use crate::jq::Item as ItemScope;

/// The expressions of a task, and what they see.
#[derive(Clone, Debug)]
pub struct Job {
    /// What the needs had come to.
    pub taken: Vec<Resolved>,
    pub scope: Scope,
    /// Judged before the first attempt alone.
    pub when: Option<String>,
    /// The inputs as they were written.
    pub inputs: BTreeMap<String, Value>,
    /// What makes the items of a step.
    pub for_each: Option<ForEach>,
    /// Of an item.
    pub item: Option<ItemScope>,
}

/// What the expressions of a task came to.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It may go on, with these inputs where expressions made them.
    Go(Option<BTreeMap<String, Value>>),
    /// It is these items.
    Expand(Vec<Item>),
    /// Its condition is false.
    Skip,
    /// One failed.
    Fail(String),
}

/// Loads what is to be evaluated, `limit` tasks at most, but for these.
pub struct LoadJobs {
    pub ask: Ask,
    pub limit: usize,
    pub but: BTreeSet<Uuid>,
}

impl Operation for LoadJobs {
    /// What cannot be read comes with the reason: it fails as its expressions would.
    type Output = Vec<(Uuid, Result<Job, String>)>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let mut jobs = Vec::new();
        for row in unit.tx.evaluating(self.limit + self.but.len()).await? {
            if self.but.contains(&row.id) || jobs.len() == self.limit {
                continue;
            }
            unit.adopt(row.clone());
            let job = match unit.job(&row).await {
                Ok(job) => Ok(job),
                Err(EngineError::Bug(why)) => Err(why),
                Err(error) => return Err(error),
            };
            jobs.push((row.id, job));
        }
        Ok(jobs)
    }
}

impl<T: Tx> Unit<'_, T> {
    async fn job(&mut self, row: &TaskRow) -> EngineResult<Job> {
        let body = self
            .body(row.id)
            .await?
            .ok_or_else(|| EngineError::Bug(format!("the stored manifest of {} cannot be read", row.name)))?;
        let taken = self.taken(row, &body).await?;
        let scope = self.scope(row, &taken).await?;
        let item = Self::item_scope(row, &body);
        let spec = body.spec;
        Ok(Job {
            taken,
            scope,
            item,
            for_each: spec.for_each,
            when: spec.when.filter(|_| row.attempt == 0).map(|when| when.jq),
            inputs: spec.inputs,
        })
    }

    /// What a task takes from its needs as they are now.
    pub(super) async fn taken(&mut self, row: &TaskRow, body: &TaskBody) -> EngineResult<Vec<Resolved>> {
        if let Some(item) = &row.rare.item {
            return self.taken_by_step(item).await;
        }
        debug_assert_eq!(row.needs as usize, body.needs.len());
        self.load_newest(&body.needs).await?;
        Ok(self.resolved(body))
    }

    /// What the expressions of a task see.
    async fn scope(&mut self, row: &TaskRow, taken: &[Resolved]) -> EngineResult<Scope> {
        let params = match row.pipeline_id {
            Some(pipeline) => Some(raw(&self.shared.header(self.tx, pipeline).await?.params)?),
            None => None,
        };
        // What a step took from one that had put out nothing stays nothing for its items, whatever came later.
        let has_outputs = |taken: &&Resolved| taken.output_digest.is_some();
        let ids: Vec<Uuid> = taken.iter().filter(has_outputs).map(|taken| taken.id).collect();
        let mut texts: BTreeMap<Uuid, String> = BTreeMap::new();
        if !ids.is_empty() {
            let results = self.tx.task_results(&ids).await?;
            texts.extend(results.into_iter().filter_map(|row| Some((row.task_id, row.outputs?))));
        }
        let mut needs = BTreeMap::new();
        for taken in taken {
            let text = texts.remove(&taken.id).unwrap_or_else(|| "null".to_owned());
            let outputs = RawValue::from_string(text).map_err(|error| {
                EngineError::Bug(format!("the stored outputs of {} cannot be read: {error}", taken.need))
            })?;
            needs.insert(taken.need.clone(), outputs);
        }
        Ok(Scope { params, needs, by_name: row.pipeline_id.is_some() })
    }

    /// A task with expressions whose needs have settled waits for the evaluator; says whether it is one.
    pub(super) fn waits_for_values(&mut self, id: Uuid) -> EngineResult<bool> {
        match self.task(id)?.rare.jq {
            None | Some(Stage::Evaluated) => return Ok(false),
            Some(Stage::Evaluating) => {}
            Some(Stage::Waiting) => self.task_mut(id)?.rare.jq = Some(Stage::Evaluating),
        }
        self.effects.evaluations = true;
        Ok(true)
    }

    /// What its needs come to next is another thing: values that are there, or on their way, hold no longer.
    pub(super) fn forget_values(&mut self, id: Uuid) -> EngineResult<()> {
        if self.task(id)?.rare.jq.is_some_and(|stage| stage != Stage::Waiting) {
            self.task_mut(id)?.rare.jq = Some(Stage::Waiting);
        }
        Ok(())
    }
}

fn raw<V: serde::Serialize>(value: &V) -> EngineResult<Box<RawValue>> {
    serde_json::value::to_raw_value(value)
        .map_err(|error| EngineError::Bug(format!("a value has no JSON: {error}")))
}

/// Lets follow what the expressions of a task came to.
pub struct TakeVerdict {
    pub ask: Ask,
    pub task: Uuid,
    /// What the needs had come to when it was loaded; absent where it could not be.
    pub taken: Option<Vec<Resolved>>,
    pub verdict: Verdict,
}

impl Operation for TakeVerdict {
    type Output = Done<()>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        unit.load(&[self.task]).await?;
        let Some(row) = unit.tasks.get(&self.task).cloned() else { return Ok(Done::quiet(())) };
        if row.phase != Phase::Pending || !row.is_evaluating() {
            return Ok(Done::quiet(()));
        }
        if let Some(taken) = &self.taken {
            let now = match unit.body(row.id).await? {
                Some(body) => unit.taken(&row, &body).await?,
                None => Vec::new(),
            };
            if now != *taken {
                // A need has come to something else meanwhile: once more, on that.
                unit.effects.evaluations = true;
                return Ok(Done { answer: (), effects: unit.effects });
            }
            if !taken.is_empty() {
                unit.result_mut(row.id).resolved = Some(body::to_text(taken)?);
            }
        }
        unit.take_verdict(&row, &self.verdict).await?;
        unit.finish().await?;
        Ok(Done { answer: (), effects: unit.effects })
    }
}

impl<T: Tx> Unit<'_, T> {
    async fn take_verdict(&mut self, row: &TaskRow, verdict: &Verdict) -> EngineResult<()> {
        match verdict {
            Verdict::Go(inputs) => {
                if let Some(inputs) = inputs {
                    let text = body::to_text(inputs)?;
                    if text.len() > limits::VALUES_BYTES {
                        let length = text.len();
                        let limit = limits::VALUES_BYTES;
                        return self
                            .fail_input(
                                row.id,
                                format!("its inputs have {length} bytes, the limit is {limit}"),
                            )
                            .await;
                    }
                    if let Some(why) = self.broken_inputs(row.id, inputs).await? {
                        return self.fail_input(row.id, why).await;
                    }
                    self.result_mut(row.id).inputs = Some(text);
                }
                self.task_mut(row.id)?.rare.jq = Some(Stage::Evaluated);
                self.make_ready(row.id).await
            }
            Verdict::Expand(items) => self.expand(row.id, items).await,
            Verdict::Skip => {
                self.task_mut(row.id)?.message = Some("its condition (`when`) is false".into());
                self.skip(row.id, Reason::WhenFalse).await
            }
            Verdict::Fail(why) => self.fail_input(row.id, why.clone()).await,
        }
    }

    pub(super) async fn fail_input(&mut self, id: Uuid, why: String) -> EngineResult<()> {
        self.task_mut(id)?.message = Some(why);
        self.transit(id, Event::Fail(Reason::InvalidInput)).await
    }
}

/// The inputs that a task runs with: those that expressions made, else those that were written.
pub(super) fn inputs_of(body: &TaskBody, evaluated: Option<&str>) -> EngineResult<BTreeMap<String, Value>> {
    match evaluated {
        Some(text) => body::from_text("the evaluated inputs", text),
        None if jq::holds_expression(&body.spec.inputs) => {
            Err(EngineError::Bug("its inputs have not been evaluated".into()))
        }
        None => Ok(body.spec.inputs.clone()),
    }
}
