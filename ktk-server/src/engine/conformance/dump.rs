//! Everything that a store holds, read in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use ktk_client::api::{Entity, Phase, Queue, Semaphore, queue::QueueSpec, task::Resolved};
use uuid::Uuid;

use crate::{
    engine::{body, entity, error::EngineError},
    model::{
        entity::EntityRow,
        gate::Stand,
        row::{AttemptRow, NeedRow, NewTask, NodeRow, PipelineRow, ResultRow, TaskRow},
    },
    store::{ListQuery, Operation, Tx},
};

/// Reads everything.
pub struct ReadAll;

/// Everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dump {
    pub tasks: BTreeMap<Uuid, TaskRow>,
    pub pipelines: BTreeMap<Uuid, PipelineRow>,
    pub nodes: BTreeMap<Uuid, NodeRow>,
    pub needs: Vec<NeedRow>,
    pub results: BTreeMap<Uuid, ResultRow>,
    pub attempts: Vec<AttemptRow>,
    /// The permits that each unfinished task asked for.
    pub wants: BTreeMap<Uuid, BTreeMap<String, u32>>,
    /// The sizes of semaphores.
    pub permits: BTreeMap<String, u32>,
    pub queues: BTreeMap<String, QueueSpec>,
    pub version: u64,
    pub next_due: Option<jiff::Timestamp>,
}

impl Operation for ReadAll {
    type Output = Dump;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Dump, EngineError> {
        let query = ListQuery { limit: 100_000, ..ListQuery::default() };
        let tasks = tx.list_tasks(&query).await?;
        let pipelines = tx.list_pipelines(&query).await?;
        let ids: Vec<Uuid> = tasks.iter().map(|row| row.id).collect();
        let mut contexts: Vec<Uuid> = tasks.iter().map(|row| row.context_id).collect();
        contexts.sort_unstable();
        contexts.dedup();
        let unfinished: Vec<Uuid> =
            tasks.iter().filter(|row| !row.phase.is_terminal()).map(|row| row.id).collect();
        let mut wants = BTreeMap::new();
        for (id, text) in tx.task_bodies(&unfinished).await? {
            if let Ok(body) = body::from_text::<body::TaskBody>("a task", &text) {
                if body.spec.for_each.is_some() {
                    // Permits are its items'.
                    continue;
                }
                let uses = body.spec.semaphores.iter().map(|used| (used.name().to_owned(), used.permits()));
                wants.insert(id, uses.collect());
            }
        }
        let semaphores = tx.list_entities("Semaphore", None, usize::MAX).await?;
        let queues = tx.list_entities("Queue", None, usize::MAX).await?;
        Ok(Dump {
            wants,
            permits: specs::<Semaphore, _>(&semaphores, |object| object.spec.permits)?,
            queues: specs::<Queue, _>(&queues, |object| object.spec)?,
            tasks: tasks.into_iter().map(|row| (row.id, row)).collect(),
            pipelines: pipelines.into_iter().map(|row| (row.id, row)).collect(),
            nodes: tx.nodes().await?.into_iter().map(|row| (row.id, row)).collect(),
            needs: tx.needs_of(&contexts).await?,
            results: tx.task_results(&ids).await?.into_iter().map(|row| (row.task_id, row)).collect(),
            attempts: tx.attempts(&ids).await?,
            version: tx.version().await?,
            next_due: tx.next_due().await?,
        })
    }
}

impl Dump {
    /// The newest incarnation of each context.
    pub fn newest(&self) -> BTreeMap<Uuid, &TaskRow> {
        self.tasks.values().filter(|row| row.newest).map(|row| (row.context_id, row)).collect()
    }

    /// How many permits of a semaphore are held.
    pub fn held(&self, semaphore: &str) -> u64 {
        let running = self.tasks.values().filter(|row| row.phase == Phase::Running);
        let held = running.filter_map(|row| self.wants.get(&row.id)?.get(semaphore));
        let of_tasks: u64 = held.map(|permits| u64::from(*permits)).sum();
        let gates = self.pipelines.values().filter(|row| !row.phase.is_terminal());
        let gates = gates.filter_map(|row| row.rare.gate.as_ref()).filter(|gate| gate.stand == Stand::Holds);
        of_tasks
            + gates.filter_map(|gate| gate.of.semaphores.get(semaphore)).map(|n| u64::from(*n)).sum::<u64>()
    }

    /// What runs in a queue on nodes: attempts, since one that follows another is a new one.
    pub fn running_in(&self, queue: &str) -> BTreeSet<(Uuid, u32)> {
        let runs =
            |row: &&TaskRow| row.phase == Phase::Running && row.node_id.is_some() && row.queue == queue;
        let running = self.tasks.values().filter(runs);
        running.map(|row| (row.id, row.attempt)).collect()
    }

    /// What a task took from its needs.
    pub fn resolved(&self, task: Uuid) -> Vec<Resolved> {
        let text = self.results.get(&task).and_then(|row| row.resolved.as_deref());
        text.map(|text| body::from_text("resolved needs", text).unwrap()).unwrap_or_default()
    }

    /// The contexts that a context needs.
    pub fn needs_of(&self, context: Uuid) -> impl Iterator<Item = Uuid> {
        self.needs.iter().filter(move |row| row.dependent == context).map(|row| row.need)
    }

    /// The newest tasks that belong to an incarnation of a pipeline.
    pub fn steps(&self, pipeline: Uuid) -> impl Iterator<Item = &TaskRow> {
        let mut steps: BTreeMap<Uuid, &TaskRow> = BTreeMap::new();
        for row in self.tasks.values().filter(|row| row.pipeline_id == Some(pipeline)) {
            let known = steps.entry(row.context_id).or_insert(row);
            if known.incarnation < row.incarnation {
                *known = row;
            }
        }
        steps.into_values()
    }
}

fn specs<K: Entity, V>(rows: &[EntityRow], of: fn(K) -> V) -> Result<BTreeMap<String, V>, EngineError> {
    rows.iter().map(|row| Ok((row.name.clone(), of(entity::object(row)?)))).collect()
}

/// Makes a stored manifest unreadable.
pub struct BreakBody {
    pub row: TaskRow,
}

impl Operation for BreakBody {
    type Output = ();
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), EngineError> {
        let row = TaskRow { version: tx.next_version(), ..self.row.clone() };
        let id = row.id;
        let (results, attempts) = (tx.task_results(&[id]).await?, tx.attempts(&[id]).await?);
        tx.delete_tasks(&[id]).await?;
        tx.insert_tasks(&[NewTask { row, body: "nonsense".into() }]).await?;
        tx.put_task_results(&results).await?;
        Ok(tx.insert_attempts(&attempts).await?)
    }
}

/// Puts tasks into another namespace whose heads lie beside the one of this task.
pub struct Crowd {
    pub beside: TaskRow,
}

impl Operation for Crowd {
    type Output = ();
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), EngineError> {
        let mut crowd = Vec::new();
        for n in 0..100 {
            let id = Uuid::from_u128(0xc0de_0000 + u128::from(n));
            let row = TaskRow {
                id,
                context_id: id,
                execution_id: id,
                namespace: "other".into(),
                name: format!("crowd-{n}"),
                // As near as can be, on both sides.
                head: self.beside.head ^ n,
                version: tx.next_version(),
                ..self.beside.clone()
            };
            crowd.push(NewTask { row, body: "{\"spec\":{\"type\":\"job\"}}".into() });
        }
        Ok(tx.insert_tasks(&crowd).await?)
    }
}
