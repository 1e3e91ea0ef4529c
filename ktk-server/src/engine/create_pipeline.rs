//! `pipeline.create`: a pipeline and all its tasks in one transaction.

use std::collections::BTreeMap;

use ktk_client::api::{
    ApiError, Cause, ErrorReason, Method, Phase, Pipeline, TaskId, check, field, id,
    list::Created,
    pipeline::{Create, CreateParams, Step},
    task::Checked,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    body::{self, PipelineBody, PipelineHeader, TaskBody},
    create_task::{FirstAnswer, add, already_exists, beyond, queue_of},
    error::{EngineError, EngineResult},
    incarnate::Root,
    lanes::{self, Named},
    object,
    operation::{Ask, Done},
    requests::Remembered,
    typed::{Typed, Types},
    unique::{self, Entry},
    unit::Unit,
    whole::{self, WholeEntry},
};
use crate::{
    limits,
    model::{
        rare::PipelineRare,
        row::{NeedRow, NewPipeline, PipelineRow},
        unique::Key,
    },
    store::{Operation, Tx},
};

/// What a step does, and its unique key.
type Work = (Typed, Option<Key>);

/// Makes a pipeline.
pub struct CreatePipeline {
    ask: Ask,
    params: CreateParams,
    /// The steps' needs as indices of steps.
    needs: Vec<Vec<usize>>,
    /// What is wrong as far as it can be said without the store.
    causes: Vec<Cause>,
    /// The handlers of present nodes.
    types: Vec<String>,
    request: Option<Remembered>,
}

impl CreatePipeline {
    /// Checks all that can be checked without the store: it is told with the rest. `expressions` is what is wrong with
    /// its expressions.
    ///
    /// # Errors
    /// `Invalid` for what can be no request id; `Forbidden` for a namespace that is not the asker's.
    pub fn new(
        ask: Ask,
        params: CreateParams,
        types: &[String],
        expressions: Vec<Cause>,
    ) -> EngineResult<Self> {
        ask.enter(params.object.metadata.namespace())?;
        let request = Remembered::new(&ask, Create::NAME, params.request_id.as_deref(), &params)?;
        let mut causes = check::pipeline(&params.object, &params.params);
        causes.extend(expressions);
        let needs = match causes.is_empty() {
            true => step_needs(&params.object.spec.steps)?,
            false => Vec::new(),
        };
        Ok(Self { ask, params, needs, causes, types: types.to_vec(), request })
    }
}

/// A key that an earlier step has.
fn taken<'a>(keys: &mut BTreeMap<String, &'a str>, key: &Key, field: &str, step: &'a str) -> Option<Cause> {
    let other = keys.insert(key.key.clone(), step)?;
    let words = format!("{:?} is the key of step {other:?} already", key.key);
    Some(Cause::new(format!("{field}.unique.key"), words))
}

fn step_needs(steps: &[Step]) -> EngineResult<Vec<Vec<usize>>> {
    let index: BTreeMap<&str, usize> =
        steps.iter().enumerate().map(|(i, step)| (step.name.as_str(), i)).collect();
    let mut needs = Vec::with_capacity(steps.len());
    for (i, step) in steps.iter().enumerate() {
        let mut list = Vec::with_capacity(step.needs.len());
        for (j, need) in step.needs.iter().enumerate() {
            let found = index.get(need.as_str()).ok_or_else(|| {
                let cause =
                    Cause::new(format!("spec.steps[{i}].needs[{j}]"), format!("there is no step {need:?}"));
                ApiError::invalid("the pipeline", vec![cause])
            })?;
            list.push(*found);
        }
        needs.push(list);
    }
    Ok(needs)
}

impl Operation for CreatePipeline {
    type Output = Done<Created<Pipeline>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        if let Some(first) = unit.first_answer::<FirstAnswer>(self.request.as_ref()).await? {
            return again(&mut unit, first).await;
        }
        let object = &self.params.object;
        let (namespace, name) = (object.metadata.namespace(), object.metadata.name());
        let params = check::merged_params(object, &self.params.params);
        let works = self.checked(&mut unit, &params).await?;
        let (key, replaced) = match unit.enter_whole(namespace, name, &object.spec, &params).await? {
            WholeEntry::New(key, replaced) => (key, replaced),
            WholeEntry::Holder(holder) => {
                let first = FirstAnswer { id: holder.id, created: false };
                unit.remember(self.request.as_ref(), &first).await?;
                return again(&mut unit, first).await;
            }
        };
        let (mut row, body) = self.make_pipeline(&mut unit).await?;
        whole::describe(&mut row, &object.spec, key);
        unit.set_gate(&mut row, &object.spec).await?;
        row.set_out(unit.now);
        unit.effects.arm(row.rare.due_at);
        if unit.replace_wholes(&replaced).await?
            && let Some(key) = row.rare.unique.as_mut()
        {
            key.waits = true;
        }
        let id = row.id;
        let text = body::to_text(&body)?;
        unit.tx.insert_pipelines(&[NewPipeline { row: row.clone(), body: text }]).await?;
        self.make_tasks(&mut unit, &row, works).await?;
        unit.remember(self.request.as_ref(), &FirstAnswer { id, created: true }).await?;
        unit.finish().await?;
        let row = unit.pipeline(id).await?.clone();
        let mut pipeline = object::pipeline_summary(unit.shared, &row);
        object::fill_pipeline(&mut pipeline, body);
        Ok(Done { answer: Created { object: pipeline, created: true }, effects: unit.effects })
    }
}

/// `pipeline.check`.
pub struct CheckPipeline(pub CreatePipeline);

impl Operation for CheckPipeline {
    type Output = Checked;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Checked> {
        let CreatePipeline { ask, params, .. } = &self.0;
        let mut unit = ask.unit(tx);
        let merged = check::merged_params(&params.object, &params.params);
        let (_, causes) = self.0.judge(&mut unit, &merged).await?;
        Ok(beyond(causes, &check::pipeline(&params.object, &params.params)))
    }
}

async fn again<T: Tx>(unit: &mut Unit<'_, T>, first: FirstAnswer) -> EngineResult<Done<Created<Pipeline>>> {
    let rows = unit.tx.pipelines(&[first.id]).await?;
    if rows.is_empty() {
        let gone =
            ApiError::new(ErrorReason::NotFound, "the pipeline that this request made has been deleted");
        return Err(gone.into());
    }
    let object = object::pipelines(unit.tx, unit.shared, &rows).await?.remove(0);
    Ok(Done::quiet(Created { object, created: first.created }))
}

impl CreatePipeline {
    /// What each step does.
    ///
    /// # Errors
    /// `Invalid` with all that is wrong.
    async fn checked<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        params: &BTreeMap<String, Value>,
    ) -> EngineResult<Vec<Work>> {
        let (works, causes) = self.judge(unit, params).await?;
        match causes.is_empty() {
            true => Ok(works),
            false => {
                let name = self.params.object.metadata.name();
                Err(ApiError::invalid(&format!("Pipeline {name:?}"), causes).into())
            }
        }
    }

    /// What each step does, and all that is wrong.
    async fn judge<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        params: &BTreeMap<String, Value>,
    ) -> EngineResult<(Vec<Work>, Vec<Cause>)> {
        let mut causes = self.causes.clone();
        add(&mut causes, self.limit_causes(unit).await?);
        let (works, more) = self.works(unit, params).await?;
        add(&mut causes, more);
        Ok((works, causes))
    }

    /// Queues and semaphores that steps name and that are not there.
    async fn limit_causes<T: Tx>(&self, unit: &mut Unit<'_, T>) -> EngineResult<Vec<Cause>> {
        let object = &self.params.object;
        let defaults = object.spec.defaults.iter();
        let mut named: Vec<Named<'_>> = defaults
            .map(|defaults| Named::new("spec.defaults", defaults.queue.as_deref(), &defaults.semaphores))
            .collect();
        named.push(Named::new("spec", object.spec.queue.as_deref(), &object.spec.semaphores));
        named.extend(object.spec.steps.iter().enumerate().map(|(index, step)| {
            Named::new(field::item("spec.steps", index), step.queue.as_deref(), &step.semaphores)
        }));
        let mut causes = lanes::causes(unit.tx, &named).await?;
        named.retain(|one| one.prefix != "spec");
        causes.extend(lanes::causes_beside(unit.tx, &object.spec.semaphores, &named).await?);
        Ok(causes)
    }

    async fn make_pipeline<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
    ) -> EngineResult<(PipelineRow, PipelineBody)> {
        let object = &self.params.object;
        let id = unit.draw_id().await?;
        let name = self.free_name(unit, &id).await?;
        let header = PipelineHeader {
            params: check::merged_params(object, &self.params.params),
            caller_env: self.params.caller_env.clone(),
            annotations: object.metadata.annotations.clone(),
            created_by: Some(unit.by.to_owned()),
        };
        let row = PipelineRow {
            id: id.id(),
            context_id: id.id(),
            parent_id: None,
            incarnation: 1,
            newest: true,
            namespace: object.metadata.namespace().to_owned(),
            name,
            head: id.head(),
            labels: body::labels_text(&object.metadata.labels)?,
            phase: Phase::Pending,
            reason: None,
            message: None,
            total: object.spec.steps.len() as u32,
            done: 0,
            failed: 0,
            cancelled: 0,
            admitted: 0,
            max_parallel: object.spec.max_parallel,
            fail_fast: object.spec.fail_fast,
            tripped: false,
            cancel: None,
            restarts: 0,
            created_at: unit.now,
            updated_at: unit.now,
            started_at: None,
            finished_at: None,
            deleted_at: None,
            version: unit.tx.next_version(),
            rare: PipelineRare { ttl: object.spec.ttl_after_finished, ..PipelineRare::default() },
        };
        Ok((row, PipelineBody { header, spec: object.spec.clone(), restart: None, applied: None }))
    }

    /// The name that was given, or, for a run, another where it is taken.
    async fn free_name<T: Tx>(&self, unit: &mut Unit<'_, T>, id: &TaskId) -> EngineResult<String> {
        let metadata = &self.params.object.metadata;
        let namespace = metadata.namespace().to_owned();
        let Some(name) = metadata.name.clone() else {
            return self.drawn_name(unit, id).await;
        };
        if unit.tx.pipeline_named(&namespace, &name).await?.is_none() {
            return Ok(name);
        }
        if !self.params.new_name_if_taken {
            return Err(already_exists("pipeline", &name));
        }
        for _ in 0..limits::NAME_DRAWS {
            let head = TaskId::new(unit.shared.entropy.id(unit.now)).head();
            let other = format!("{name}-{}", id::two_words(head));
            if unit.tx.pipeline_named(&namespace, &other).await?.is_none() {
                return Ok(other);
            }
        }
        Err(already_exists("pipeline", &name))
    }

    /// A name that nobody gave: the human one, or words behind what it is to begin with.
    async fn drawn_name<T: Tx>(&self, unit: &mut Unit<'_, T>, id: &TaskId) -> EngineResult<String> {
        let metadata = &self.params.object.metadata;
        let Some(prefix) = &metadata.generate_name else { return Ok(id.human_name().to_owned()) };
        let mut head = id.head();
        for _ in 0..limits::NAME_DRAWS {
            let name = format!("{prefix}{}", id::two_words(head));
            if unit.tx.pipeline_named(metadata.namespace(), &name).await?.is_none() {
                return Ok(name);
            }
            head = TaskId::new(unit.shared.entropy.id(unit.now)).head();
        }
        Err(already_exists("pipeline", prefix))
    }

    /// What each step does, completed by its type, with its key; and what is wrong with the others.
    async fn works<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        params: &BTreeMap<String, Value>,
    ) -> EngineResult<(Vec<Work>, Vec<Cause>)> {
        let spec = &self.params.object.spec;
        let mut types = Types::new(Some(&self.types));
        let (mut works, mut causes) = (Vec::with_capacity(spec.steps.len()), Vec::new());
        let mut keys: BTreeMap<String, &str> = BTreeMap::new();
        for (index, step) in spec.steps.iter().enumerate() {
            let (asked, field) = (spec.task_spec(step), format!("spec.steps[{index}]"));
            match types.complete(unit, &asked, &field, params).await? {
                Ok(work) => match unique::key_of(&work.0, &field, params) {
                    Ok(key) => {
                        causes.extend(key.as_ref().and_then(|key| taken(&mut keys, key, &field, &step.name)));
                        works.push((work, key));
                    }
                    Err(more) => causes.extend(more),
                },
                Err(more) => causes.extend(more),
            }
        }
        Ok((works, causes))
    }

    async fn make_tasks<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        pipeline: &PipelineRow,
        works: Vec<Work>,
    ) -> EngineResult<()> {
        let steps = &self.params.object.spec.steps;
        let mut ids = Vec::with_capacity(steps.len());
        for _ in steps {
            ids.push(unit.draw_id().await?);
        }
        let mut edges = Vec::new();
        for ((index, step), work) in steps.iter().enumerate().zip(works) {
            let needs: Vec<Uuid> = self.needs[index].iter().map(|need| ids[*need].id()).collect();
            let dependent = ids[index].id();
            edges.extend(needs.iter().map(|need| NeedRow { need: *need, dependent }));
            self.make_task(unit, pipeline, (step, work), &ids[index], needs).await?;
        }
        unit.tx.insert_needs(&edges).await?;
        for id in &ids {
            unit.start_out(id.id()).await?;
        }
        Ok(())
    }

    async fn make_task<T: Tx>(
        &self,
        unit: &mut Unit<'_, T>,
        pipeline: &PipelineRow,
        (step, ((spec, of_type), key)): (&Step, Work),
        id: &TaskId,
        needs: Vec<Uuid>,
    ) -> EngineResult<()> {
        let object = &self.params.object;
        let mut labels = object.metadata.labels.clone();
        labels.extend(step.labels.clone());
        let name = format!("{}.{}", pipeline.name, step.name);
        if unit.tx.task_named(&pipeline.namespace, &name).await?.is_some() {
            return Err(already_exists("task", &name));
        }
        let root = Root {
            namespace: pipeline.namespace.clone(),
            name: Some(name),
            labels: body::labels_text(&labels)?,
            step: Some((pipeline.id, step.name.clone())),
            queue: queue_of(spec.queue.as_deref()),
            body: TaskBody {
                spec,
                annotations: step.annotations.clone(),
                created_by: Some(unit.by.to_owned()),
                caller_env: None,
                needs,
                restart: None,
                of_type,
                item: None,
                applied: None,
            },
        };
        let mut row = unit.root_row(id, &root);
        // Every need is a new task that has not ended.
        row.live_needs = row.needs;
        row.lane = unit.lane_of(&root.body.spec, &root.queue).await?;
        row.rare.held = root.body.spec.hold;
        if let (Some(unique), Some(key)) = (&root.body.spec.unique, &key) {
            let what = format!("step {:?} of Pipeline {:?}", step.name, pipeline.name);
            if let Entry::Replaces(holders) = unit.enter(&what, &row.namespace, (unique, key), None).await? {
                row.rare.unique = Some(key.clone());
                unit.replace_holders(&mut row, holders).await?;
            }
        }
        row.rare.unique = row.rare.unique.or(key);
        unit.insert(row, body::to_text(&root.body)?);
        Ok(())
    }
}
