//! From what a user typed to a row: exact name, human name, id, unique prefix of the digest.

use ktk_client::api::{ApiError, ErrorReason, ObjectRef, TaskId, id, names::Reference};
use uuid::Uuid;

use super::{
    error::{EngineError, EngineResult},
    operation::Ask,
};
use crate::{
    limits,
    model::row::{PipelineRow, TaskRow},
    store::Tx,
};

/// A task that was named.
pub struct Named {
    pub row: TaskRow,
    /// Whether it was named by its bare name, which means the newest incarnation.
    pub by_name: bool,
}

/// Finds the task that is meant.
///
/// # Errors
/// `NotFound`, `Ambiguous` with the candidates, `Invalid` for what can be no reference, `Forbidden` for a namespace
/// that the asker may not reach.
pub async fn task<T: Tx>(ask: &Ask, tx: &mut T, reference: &ObjectRef) -> EngineResult<Named> {
    ask.enter(&reference.namespace)?;
    task_there(tx, reference).await
}

/// The same, where it has been judged before who asks.
///
/// # Errors
/// As [`task`], without `Forbidden`.
pub async fn task_there<T: Tx>(tx: &mut T, reference: &ObjectRef) -> EngineResult<Named> {
    let parsed = parse("Task", reference)?;
    let namespace = &reference.namespace;
    if let Some(newest) = tx.task_named(namespace, parsed.name()).await? {
        let Some(wanted) = parsed.incarnation() else { return Ok(Named { row: newest, by_name: true }) };
        let found =
            tx.context_tasks(newest.context_id).await?.into_iter().find(|row| row.incarnation == wanted);
        let row = found.ok_or_else(|| {
            let newest = newest.incarnation;
            ApiError::not_found("task", &reference.name)
                .with_hint(format!("the newest incarnation is @{newest}"))
        })?;
        return Ok(Named { row, by_name: false });
    }
    let mut candidates: Vec<TaskRow> = match &parsed {
        Reference::Id { id, .. } => tx.tasks(&[*id]).await?,
        _ => tasks_by_text(tx, namespace, parsed.name()).await?,
    };
    candidates.retain(|row| {
        row.namespace == *namespace && parsed.incarnation().is_none_or(|n| n == row.incarnation)
    });
    match candidates.len() {
        1 => Ok(Named { row: candidates.remove(0), by_name: false }),
        0 => Err(task_missing(tx, reference).await?),
        _ => Err(ambiguous(
            "task",
            reference,
            candidates.iter().map(|row| (row.id, &row.name, row.incarnation)),
        )),
    }
}

/// Tasks of a namespace with this human name or prefix, `CANDIDATES` and one more at most. What lies in
/// other namespaces hides none of them.
async fn tasks_by_text<T: Tx>(tx: &mut T, namespace: &str, text: &str) -> EngineResult<Vec<TaskRow>> {
    let Some(heads) = heads(text) else { return Ok(Vec::new()) };
    let mut limit = limits::CANDIDATES + 1;
    loop {
        let rows = tx.tasks_by_head(heads.clone(), limit).await?;
        let is_all = rows.len() < limit;
        let found: Vec<TaskRow> =
            rows.into_iter().filter(|row| row.namespace == namespace && is_meant(row.id, text)).collect();
        if is_all || found.len() > limits::CANDIDATES {
            return Ok(found);
        }
        limit *= 8;
    }
}

/// As [`tasks_by_text`].
async fn pipelines_by_text<T: Tx>(tx: &mut T, namespace: &str, text: &str) -> EngineResult<Vec<PipelineRow>> {
    let Some(heads) = heads(text) else { return Ok(Vec::new()) };
    let mut limit = limits::CANDIDATES + 1;
    loop {
        let rows = tx.pipelines_by_head(heads.clone(), limit).await?;
        let is_all = rows.len() < limit;
        let found: Vec<PipelineRow> =
            rows.into_iter().filter(|row| row.namespace == namespace && is_meant(row.id, text)).collect();
        if is_all || found.len() > limits::CANDIDATES {
            return Ok(found);
        }
        limit *= 8;
    }
}

async fn task_missing<T: Tx>(tx: &mut T, reference: &ObjectRef) -> EngineResult<EngineError> {
    let error = ApiError::not_found("task", &reference.name);
    let is_pipeline = tx.pipeline_named(&reference.namespace, &reference.name).await?.is_some();
    Ok(EngineError::Refused(if is_pipeline {
        error.with_hint(format!("there is a pipeline of this name: pipeline/{}", reference.name))
    } else {
        error
    }))
}

/// Finds the pipeline that is meant.
///
/// # Errors
/// `NotFound`, `Ambiguous` with the candidates, `Invalid` for what can be no reference, `Forbidden` for a namespace
/// that the asker may not reach.
pub async fn pipeline<T: Tx>(ask: &Ask, tx: &mut T, reference: &ObjectRef) -> EngineResult<PipelineRow> {
    ask.enter(&reference.namespace)?;
    let parsed = parse("Pipeline", reference)?;
    let namespace = &reference.namespace;
    let is_meant = |row: &PipelineRow| parsed.incarnation().is_none_or(|wanted| wanted == row.incarnation);
    if let Some(newest) = tx.pipeline_named(namespace, parsed.name()).await? {
        if is_meant(&newest) {
            return Ok(newest);
        }
        let all = tx.pipelines_named(namespace, parsed.name()).await?;
        return all.into_iter().find(is_meant).ok_or_else(|| {
            let hint = format!("the newest incarnation is @{}", newest.incarnation);
            ApiError::not_found("pipeline", &reference.name).with_hint(hint).into()
        });
    }
    let mut candidates: Vec<PipelineRow> = match &parsed {
        Reference::Id { id, .. } => tx.pipelines(&[*id]).await?,
        _ => pipelines_by_text(tx, namespace, parsed.name()).await?,
    };
    candidates.retain(|row| row.namespace == *namespace && is_meant(row));
    match candidates.len() {
        1 => Ok(candidates.remove(0)),
        0 => Err(ApiError::not_found("pipeline", &reference.name).into()),
        _ => Err(ambiguous(
            "pipeline",
            reference,
            candidates.iter().map(|row| (row.id, &row.name, row.incarnation)),
        )),
    }
}

fn parse(kind: &str, reference: &ObjectRef) -> EngineResult<Reference> {
    reference.name.parse().map_err(|error: ktk_client::api::names::InvalidName| {
        EngineError::invalid(&format!("{kind} reference"), "ref.name", error.to_string())
    })
}

/// The heads that a text may stand for: those of a human name, else those of a prefix.
fn heads(text: &str) -> Option<std::ops::RangeInclusive<u64>> {
    id::human_name_range(text).or_else(|| id::prefix_range(text))
}

/// Whether an object is meant by this text, given that its head is in the text's range.
fn is_meant(id: Uuid, text: &str) -> bool {
    id::is_human_name(text) || TaskId::new(id).digest_hex().starts_with(text)
}

fn ambiguous<'a>(
    kind: &str,
    reference: &ObjectRef,
    candidates: impl Iterator<Item = (Uuid, &'a String, u32)>,
) -> EngineError {
    let mut lines: Vec<String> = candidates
        .map(|(id, name, incarnation)| {
            format!("{} {name}@{incarnation}", &TaskId::new(id).digest_hex()[..id::SHORT_DIGITS])
        })
        .collect();
    let more = lines.len() > limits::CANDIDATES;
    lines.truncate(limits::CANDIDATES);
    let list = lines.join(", ");
    let error = ApiError::new(
        ErrorReason::Ambiguous,
        format!("{:?} fits several {kind}s: {list}{}", reference.name, if more { ", …" } else { "" }),
    );
    EngineError::Refused(error.with_hint("give more digits, or the name"))
}
