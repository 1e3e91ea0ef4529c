//! `pipeline.why`: what a pipeline waits for as a whole, and what its pending steps wait for.

use std::collections::BTreeSet;

use ktk_client::api::{
    ObjectRef, Phase, Reason,
    why::{PipelineWhyAnswer, Wait},
};

use super::{
    error::{EngineError, EngineResult},
    operation::Ask,
    resolve,
    why::{Look, whole_hold, whole_key},
};
use crate::{
    limits,
    model::{gate::Stand, row::TaskRow},
    store::{Operation, Tx},
};

/// `pipeline.why`.
pub struct PipelineWhy {
    pub ask: Ask,
    pub reference: ObjectRef,
}

impl Operation for PipelineWhy {
    type Output = PipelineWhyAnswer;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<PipelineWhyAnswer> {
        let row = resolve::pipeline(&self.ask, tx, &self.reference).await?;
        let mut answer = PipelineWhyAnswer {
            pipeline: format!("{}@{}", row.name, row.incarnation),
            phase: row.phase,
            reason: row.reason,
            waits: Vec::new(),
            steps: Vec::new(),
            more_steps: 0,
        };
        let look = Look::new(&self.ask, tx).await?;
        let mut pending = tx.pipeline_tasks(row.id).await?;
        pending.retain(|step| step.phase == Phase::Pending);
        answer.waits.extend(row.rare.held.then(|| whole_hold(&row)));
        pending.retain(|step| !(row.rare.held && step.rare.held));
        answer.waits.extend(whole_key(tx, &row).await?);
        answer.waits.extend(look.gate(tx, &row).await?);
        answer.waits.extend(paused(&look, &mut pending));
        if !row.waits_for_key() && row.stand() != Some(Stand::Waits) {
            told_apart(&mut pending);
            answer.more_steps = pending.len().saturating_sub(limits::WHY_STEPS) as u64;
            for step in pending.iter().take(limits::WHY_STEPS) {
                answer.steps.push(look.task(tx, step).await?);
            }
        }
        Ok(answer)
    }
}

/// The queue that all steps wait in which are ready, where it is paused: they need not be told one by one.
fn paused(look: &Look<'_>, pending: &mut Vec<TaskRow>) -> Option<Wait> {
    let ready = pending.iter().filter(|step| step.is_queued());
    let queues: BTreeSet<&String> = ready.map(|step| &step.queue).collect();
    let queue = queues.first().filter(|queue| queues.len() == 1 && look.is_paused(queue))?.to_string();
    pending.retain(|step| !step.is_queued());
    look.queue(&queue)
}

/// What waits for others that can still move says least.
fn told_apart(pending: &mut [TaskRow]) {
    pending.sort_by_key(|step| (step.reason == Some(Reason::WaitingForUpstream), step.id));
}
