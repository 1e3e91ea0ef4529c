//! Giving work to a node: claims, and grants that are given again after a lost answer.

use std::{collections::BTreeMap, sync::Arc};

use ktk_client::api::{
    Duration, Reason,
    hook::Moment,
    task::Resolved,
    template,
    worker::{Fence, Grant, Outcome},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    attempt_token,
    body::{self, PipelineHeader, TaskBody},
    error::{EngineError, EngineResult},
    evaluate, incarnate, object,
    unit::Unit,
};
use crate::{
    limits,
    model::{
        phase::Event,
        row::{NodeRow, TaskRow},
    },
    mutants,
    store::Tx,
};

/// What a node can run.
pub fn executors(node: &NodeRow) -> Vec<String> {
    let mut executors: Vec<String> = serde_json::from_str(&node.types).unwrap_or_default();
    if node.processes {
        executors.push(String::new());
    }
    executors
}

impl<T: Tx> Unit<'_, T> {
    /// Claims up to `free` attempts for a node and says how to run them.
    pub async fn claim(&mut self, node: &NodeRow, free: usize) -> EngineResult<Vec<Grant>> {
        let limit = free.min(limits::CLAIM_BATCH);
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.settle().await?;
        self.flush().await?;
        if !self.tx.lanes().await?.is_empty() {
            return self.claim_in_lanes(node, limit).await;
        }
        let rows = self.tx.claimable(&executors(node), limit).await?;
        self.grant_all(node, rows).await
    }

    /// Grants these tasks to a node, in this order.
    pub(super) async fn grant_all(&mut self, node: &NodeRow, rows: Vec<TaskRow>) -> EngineResult<Vec<Grant>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        for row in rows {
            self.adopt(row);
        }
        let mut bodies: BTreeMap<Uuid, String> = self.tx.task_bodies(&ids).await?.into_iter().collect();
        let mut grants = Vec::with_capacity(ids.len());
        for id in ids {
            let text = bodies.remove(&id).unwrap_or_default();
            if let Some(grant) = self.grant(node, id, &text).await? {
                grants.push(grant);
            }
        }
        Ok(grants)
    }

    async fn grant(&mut self, node: &NodeRow, id: Uuid, text: &str) -> EngineResult<Option<Grant>> {
        let fence = self.tx.next_fence();
        let now = self.now;
        let row = self.task(id)?.clone();
        let body: TaskBody = match body::from_text(&row.name, text) {
            Ok(body) => body,
            Err(error) => return self.refuse(id, error.to_string()).await,
        };
        let taken = self.taken(&row, &body).await?;
        let mut evaluated = None;
        if row.rare.jq.is_some() {
            match self.values_for(&row, &taken).await? {
                Some(inputs) => evaluated = inputs,
                None => return Ok(None),
            }
        }
        if !taken.is_empty() {
            self.result_mut(id).resolved = Some(body::to_text(&taken)?);
        }
        let keepalive = body.spec.keepalive;
        let mut next = row;
        next.attempt += 1;
        match self.grant_of(&next, fence, body, evaluated.as_deref(), &taken).await? {
            Ok(mut grant) => {
                grant.granted_at = now;
                let (token, digest) = attempt_token::draw(&self.shared.entropy, id);
                grant.token = Some(token);
                let row = self.begin_attempt(id, fence).await?;
                row.token = Some(digest);
                row.node = Some(format!("{}.g{}", node.name, node.generation));
                row.node_id = Some(node.id);
                row.begin_clocks(now, None, keepalive);
                Ok(Some(grant))
            }
            Err(why) => self.refuse(id, why).await,
        }
    }

    /// The next attempt of a task begins.
    pub(super) async fn begin_attempt(&mut self, id: Uuid, fence: Fence) -> EngineResult<&mut TaskRow> {
        let now = self.now;
        let row = self.task_mut(id)?;
        row.attempt += 1;
        row.started_at = Some(now);
        row.exit_code = None;
        row.message = None;
        row.rare.progress = None;
        self.transit(id, Event::Grant).await?;
        self.happened(id, Moment::Start)?;
        let row = self.task_mut(id)?;
        row.fence = Some(fence);
        Ok(row)
    }

    /// The inputs that were evaluated, where they were; `None` where it was on something else than is there now,
    /// and the task waits for its values once more.
    async fn values_for(
        &mut self,
        row: &TaskRow,
        taken: &[Resolved],
    ) -> EngineResult<Option<Option<String>>> {
        let stored = self.tx.task_results(&[row.id]).await?.pop().unwrap_or_default();
        if row.is_item() {
            // What its step took never changes.
            return Ok(Some(stored.inputs));
        }
        let resolved = stored.resolved.as_deref().unwrap_or("[]");
        if serde_json::from_str::<Vec<Resolved>>(resolved).is_ok_and(|resolved| resolved == taken) {
            return Ok(Some(stored.inputs));
        }
        self.task_mut(row.id)?.ready_at = None;
        self.transit(row.id, Event::Wait).await?;
        self.forget_values(row.id)?;
        self.make_ready(row.id).await?;
        // It took a place in this batch that another task can have.
        self.effects.work = true;
        Ok(None)
    }

    /// A task that cannot be run as it was asked for.
    pub(super) async fn refuse(&mut self, id: Uuid, why: String) -> EngineResult<Option<Grant>> {
        self.task_mut(id)?.message = Some(why);
        self.transit(id, Event::Fail(Reason::InvalidInput)).await?;
        // It took a place in this batch that another task can have.
        self.effects.work = true;
        Ok(None)
    }

    /// What a worker needs to run an attempt, or why nobody can say: something stored cannot be read.
    async fn grant_of(
        &mut self,
        row: &TaskRow,
        fence: Fence,
        body: TaskBody,
        evaluated: Option<&str>,
        taken: &[Resolved],
    ) -> EngineResult<Result<Grant, String>> {
        let inputs = match evaluate::inputs_of(&body, evaluated) {
            Err(EngineError::Bug(why)) => return Ok(Err(why)),
            inputs => inputs?,
        };
        let header = match self.header_of(row).await {
            Err(EngineError::Bug(why)) => return Ok(Err(why)),
            header => header?,
        };
        let needs = match self.outputs_of(taken).await {
            Err(EngineError::Bug(why)) => return Ok(Err(why)),
            needs => needs?,
        };
        Ok(build(row, fence, body, inputs, &header, needs))
    }

    async fn header_of(&mut self, row: &TaskRow) -> EngineResult<Arc<PipelineHeader>> {
        match row.pipeline_id {
            Some(pipeline) => self.shared.header(self.tx, pipeline).await,
            None => Ok(Arc::default()),
        }
    }

    /// The outputs of what was taken from each need, by its name; `null` where it has none.
    async fn outputs_of(&mut self, taken: &[Resolved]) -> EngineResult<BTreeMap<String, Value>> {
        let has_outputs = |taken: &&Resolved| taken.output_digest.is_some();
        let ids: Vec<Uuid> = taken.iter().filter(has_outputs).map(|taken| taken.id).collect();
        let mut texts: BTreeMap<Uuid, String> = BTreeMap::new();
        if !ids.is_empty() {
            self.flush().await?;
            let results = self.tx.task_results(&ids).await?;
            texts.extend(results.into_iter().filter_map(|row| Some((row.task_id, row.outputs?))));
        }
        let mut outputs = BTreeMap::new();
        for taken in taken {
            let root = self.tasks.get(&taken.id).map(|row| row.context_id).filter(|_| mutants::lives("M15"));
            if let Some(root) = root {
                let first = self.tx.task_results(&[root]).await?;
                texts.extend(first.into_iter().filter_map(|row| Some((taken.id, row.outputs?))));
            }
            let value = match texts.get(&taken.id) {
                Some(text) => body::from_text("outputs", text)?,
                None => Value::Null,
            };
            outputs.insert(taken.need.clone(), value);
        }
        Ok(outputs)
    }

    /// Grants of this node that are not among those it holds: an answer was lost on its way.
    /// They are given again, with the fences they had.
    pub async fn regrant(&mut self, node: &NodeRow, held: &[Fence]) -> EngineResult<Vec<Grant>> {
        self.flush().await?;
        let rows = self.tx.running_on(node.id).await?;
        let mut grants = Vec::new();
        for row in rows {
            let Some(fence) = row.fence.filter(|fence| !held.contains(fence)) else { continue };
            let id = self.adopt(row.clone());
            let grant = match self.body(id).await? {
                Some(body) => {
                    let results = self.tx.task_results(&[id]).await?;
                    let stored = results.into_iter().next().unwrap_or_default();
                    let resolved = stored.resolved.as_deref().unwrap_or("[]");
                    match body::from_text::<Vec<Resolved>>(&row.name, resolved) {
                        Ok(taken) => {
                            self.grant_of(&row, fence, body, stored.inputs.as_deref(), &taken).await?
                        }
                        Err(error) => Err(error.to_string()),
                    }
                }
                None => Err("its stored manifest cannot be read".into()),
            };
            match grant {
                Ok(mut grant) => {
                    grant.granted_at = row.started_at.unwrap_or(self.now);
                    // Only the digest of the first was kept.
                    let (token, digest) = attempt_token::draw(&self.shared.entropy, id);
                    grant.token = Some(token);
                    self.task_mut(id)?.token = Some(digest);
                    grants.push(grant);
                }
                Err(why) => {
                    let reason = Some(Reason::InvalidInput);
                    self.end_attempt(&row, Outcome { reason, message: Some(why), ..Outcome::default() })
                        .await?;
                }
            }
        }
        Ok(grants)
    }
}

fn build(
    row: &TaskRow,
    fence: Fence,
    body: TaskBody,
    inputs: BTreeMap<String, Value>,
    header: &PipelineHeader,
    needs: BTreeMap<String, Value>,
) -> Result<Grant, String> {
    let run = match &body.spec.run {
        Some(run) => Some(
            template::render(run, &header.params, &inputs)
                .map_err(|cause| format!("{}: {}", cause.field, cause.message))?,
        ),
        None => None,
    };
    let http = match &body.spec.http {
        Some(http) => Some(
            template::render_http(http, &header.params, &inputs)
                .map_err(|cause| format!("{}: {}", cause.field, cause.message))?,
        ),
        None => None,
    };
    Ok(Grant {
        task: row.id,
        attempt: row.attempt,
        fence,
        name: row.name.clone(),
        namespace: row.namespace.clone(),
        context: row.context_id,
        directory_owner: object::directory_owner(row),
        // A type with a process is a process, one with a request a request; else any version's task is for the handler of the type's name.
        type_name: match (&run, &http) {
            (Some(_), _) | (_, Some(_)) => None,
            (None, None) => body.spec.type_name.as_deref().map(|name| incarnate::bare(name).to_owned()),
        },
        run,
        http,
        caller_env: body.caller_env.or_else(|| header.caller_env.clone()),
        inputs,
        needs,
        timeout: body.spec.timeout,
        grace_period: Duration::new(body.spec.grace_period()),
        token: None,
        granted_at: row.updated_at,
    })
}
