//! From what a store writes to what the judge is shown.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use ktk_client::api::{node::NodePhase, restart::Cascade, task::RunIf, unique::HeldWhile, worker::Fence};

use super::judge::facts::{
    AttemptFact, EntityFact, Entry, Fact, FenceFact, HookFact, ItemFact, KeyFact, PipelineFact, TaskFact,
};
use crate::{
    clock::Clock,
    engine::conformance::cut::{Knife, Written},
    model::{
        gate::Stand,
        row::{PipelineRow, TaskRow},
        unique::Key,
    },
};

/// The record of a run.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Vec<Entry>>>);

impl Record {
    pub fn add(&self, entry: Entry) {
        self.0.lock().unwrap().push(entry);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Takes down every commit behind this knife.
    pub fn attach(&self, knife: &Knife, clock: Clock) {
        let record = self.clone();
        let mut facts = Vec::new();
        knife.record(move |written| match written {
            Written::Begin => facts.clear(),
            Written::Commit if facts.is_empty() => {}
            Written::Commit => {
                let at = clock.now().as_microsecond();
                record.add(Entry::Commit { at, facts: std::mem::take(&mut facts) });
            }
            other => add(&mut facts, other),
        });
    }
}

/// Two runs that are alike have the same.
pub fn fingerprint(entries: &[Entry]) -> u64 {
    let mut hasher = DefaultHasher::new();
    entries.hash(&mut hasher);
    hasher.finish()
}

fn add(facts: &mut Vec<Fact>, written: Written<'_>) {
    match written {
        Written::NewTasks(tasks) => {
            facts.extend(tasks.iter().map(|new| Fact::NewTask(task(&new.row), new.body.clone())));
        }
        Written::Tasks(rows) => facts.extend(rows.iter().map(|row| Fact::Task(task(row)))),
        Written::GoneTasks(ids) => facts.extend(ids.iter().map(|id| Fact::GoneTask(*id))),
        Written::Results(rows) => facts.extend(rows.iter().map(|row| Fact::Result {
            task: row.task_id,
            outputs: row.outputs.clone(),
            resolved: row.resolved.clone(),
        })),
        Written::Attempts(rows) => facts.extend(rows.iter().map(|row| {
            Fact::Attempt(AttemptFact {
                task: row.task_id,
                number: row.number,
                reason: row.reason.map(|reason| reason.as_str()),
                exit_code: row.exit_code,
                finished_at: row.finished_at.as_microsecond(),
            })
        })),
        Written::Needs(rows) => {
            facts.extend(rows.iter().map(|row| Fact::Need { need: row.need, dependent: row.dependent }));
        }
        Written::GoneNeeds(ids) => facts.extend(ids.iter().map(|id| Fact::GoneNeeds(*id))),
        Written::NewPipelines(new) => {
            facts.extend(new.iter().map(|new| Fact::NewPipeline(pipeline(&new.row), new.body.clone())));
        }
        Written::Pipelines(rows) => facts.extend(rows.iter().map(|row| Fact::Pipeline(pipeline(row)))),
        Written::GonePipelines(ids) => facts.extend(ids.iter().map(|id| Fact::GonePipeline(*id))),
        Written::Tombstones(rows) => {
            facts.extend(rows.iter().map(|row| Fact::Deleted { id: row.id, version: row.version }));
        }
        Written::Entities(rows) => facts.extend(rows.iter().map(|row| {
            Fact::Entity(EntityFact {
                id: row.id,
                kind: row.kind.clone(),
                name: row.name.clone(),
                body: row.body.clone(),
                version: row.version,
            })
        })),
        Written::GoneEntities(kind, names) => facts
            .extend(names.iter().map(|name| Fact::GoneEntity { kind: kind.to_owned(), name: name.clone() })),
        Written::Hooks(rows) => facts.extend(rows.iter().map(|row| {
            let (id, task, attempt) = (row.id, row.task_id, row.attempt);
            Fact::Hook(HookFact { id, task, moment: row.moment.as_str(), attempt })
        })),
        Written::GoneHooks(ids) => facts.extend(ids.iter().map(|id| Fact::GoneHook(*id))),
        Written::Node(row) => {
            let phase = match row.phase {
                NodePhase::Ready => "Ready",
                NodePhase::Stopping => "Stopping",
                NodePhase::Stopped => "Stopped",
                NodePhase::Lost => "Lost",
            };
            let labels = row.labels.clone();
            let (id, generation, slots) = (row.id, row.generation, row.slots);
            facts.push(Fact::Node { id, generation, phase, slots, labels });
        }
        Written::Request(row) => facts.push(Fact::Request(row.key.clone())),
        Written::Begin | Written::Commit => {}
    }
}

pub fn fence(fence: Fence) -> FenceFact {
    (fence.epoch, fence.counter)
}

fn micros(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_microsecond)
}

fn task(row: &TaskRow) -> TaskFact {
    TaskFact {
        id: row.id,
        context: row.context_id,
        parent: row.parent_id,
        incarnation: row.incarnation,
        newest: row.newest,
        name: row.name.clone(),
        pipeline: row.pipeline_id,
        execution: row.execution_id,
        spawned_by: row.rare.spawned_by,
        queue: row.queue.clone(),
        priority: row.priority,
        run_if: match row.run_if {
            RunIf::Success => "success",
            RunIf::Failure => "failure",
            RunIf::Always => "always",
        },
        cascade: match row.cascade {
            Cascade::Auto => "auto",
            Cascade::All => "all",
            Cascade::None => "none",
        },
        phase: row.phase.as_str(),
        reason: row.reason.map(|reason| reason.as_str()),
        attempt: row.attempt,
        fence: row.fence.map(fence),
        node: row.node_id,
        digest: row.output_digest.clone(),
        stop: row.stop.map(|stop| stop.reason.as_str()),
        is_admitted: row.admitted,
        is_held: row.rare.held,
        has_wish: row.wish.is_some(),
        is_going: row.deleted_at.is_some(),
        is_stub: row.rare.stub,
        item: row.rare.item.as_ref().map(|item| ItemFact {
            step: item.step,
            index: item.index,
            is_gone: item.gone,
        }),
        is_expanded: row.rare.for_each.as_ref().map(|each| each.is_expanded),
        key: row.rare.unique.as_ref().map(key),
        finished_at: micros(row.finished_at),
        created_at: row.created_at.as_microsecond(),
        ready_at: micros(row.ready_at),
        started_at: micros(row.started_at),
        version: row.version,
    }
}

fn key(key: &Key) -> KeyFact {
    KeyFact { key: key.key.clone(), is_until_start: key.held_while == HeldWhile::Pending, waits: key.waits }
}

fn pipeline(row: &PipelineRow) -> PipelineFact {
    PipelineFact {
        id: row.id,
        context: row.context_id,
        parent: row.parent_id,
        incarnation: row.incarnation,
        newest: row.newest,
        name: row.name.clone(),
        phase: row.phase.as_str(),
        total: row.total,
        max_parallel: row.max_parallel,
        stop: row.cancel.map(|stop| stop.reason.as_str()),
        stand: row.stand().map(Stand::as_str),
        stands_since: row.rare.gate.as_ref().and_then(|gate| micros(gate.since)),
        key: row.rare.unique.as_ref().map(key),
        finished_at: micros(row.finished_at),
        has_started: row.started_at.is_some(),
        has_wish: row.rare.wish.is_some(),
        is_going: row.deleted_at.is_some(),
        version: row.version,
    }
}
