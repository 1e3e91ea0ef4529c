//! `get`, `list` and `tree` of tasks and pipelines.

use ktk_client::api::{
    ApiError, Cause, List, ListParams, ObjectRef, Pipeline, Task,
    selector::{FieldSelector, LabelSelector, PIPELINE_FIELDS, TASK_FIELDS},
};

use super::{
    body, entity,
    error::{EngineError, EngineResult},
    object,
    operation::Ask,
    resolve,
    room::Shown,
    unresolved,
};
use crate::{
    limits,
    model::{
        entity::EntityRow,
        row::{PipelineRow, TaskRow},
    },
    store::{ListQuery, Operation, Tx},
};

/// `task.get`.
pub struct GetTask {
    pub ask: Ask,
    pub reference: ObjectRef,
}

impl Operation for GetTask {
    type Output = Task;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Task> {
        let row = resolve::task(&self.ask, tx, &self.reference).await?.row;
        self.ask.check_sees(&row)?;
        object::task(tx, &self.ask.shared, &row).await
    }
}

/// `task.tree`.
pub struct TaskTree {
    pub ask: Ask,
    pub reference: ObjectRef,
}

impl Operation for TaskTree {
    type Output = List<Task>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<List<Task>> {
        let row = resolve::task(&self.ask, tx, &self.reference).await?.row;
        self.ask.check_sees(&row)?;
        let rows = tx.context_tasks(row.context_id).await?;
        let items = object::tasks(tx, &self.ask.shared, &rows).await?;
        Ok(List::new(items, tx.version().await?))
    }
}

/// `pipeline.get`.
pub struct GetPipeline {
    pub ask: Ask,
    pub reference: ObjectRef,
}

impl Operation for GetPipeline {
    type Output = Pipeline;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Pipeline> {
        let row = resolve::pipeline(&self.ask, tx, &self.reference).await?;
        Ok(object::pipelines(tx, &self.ask.shared, &[row]).await?.remove(0))
    }
}

/// Selectors of a list or watch, parsed.
#[derive(Clone, Debug)]
pub struct Selectors {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selectors {
    /// Parses both selectors.
    ///
    /// # Errors
    /// `Invalid` that says what was found and what was expected.
    pub fn parse(labels: Option<&str>, fields: Option<&str>, known: &[&str]) -> EngineResult<Self> {
        let invalid = |field: &str, message: String| {
            ApiError::invalid("the selector", vec![Cause::new(field, message)])
        };
        let labels = labels.unwrap_or("").parse::<LabelSelector>();
        let labels = labels.map_err(|error| invalid("labelSelector", error.to_string()))?;
        let fields = FieldSelector::parse(fields.unwrap_or(""), known);
        let fields = fields.map_err(|error| invalid("fieldSelector", error.to_string()))?;
        Ok(Self { labels, fields })
    }

    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether a task matches.
    pub fn task(&self, row: &TaskRow) -> bool {
        self.fields.matches(|field| object::task_field(row, field).into())
            && (self.labels.is_empty() || self.labels.matches(&body::labels(row.labels.as_deref())))
    }

    /// Whether a pipeline matches.
    pub fn pipeline(&self, row: &PipelineRow) -> bool {
        self.fields.matches(|field| object::pipeline_field(row, field).into())
            && (self.labels.is_empty() || self.labels.matches(&body::labels(row.labels.as_deref())))
    }

    /// Whether an object without a namespace matches.
    pub fn entity(&self, row: &EntityRow) -> bool {
        self.fields.matches(|field| entity::field(row, field).into()) && self.labels(row.labels.as_deref())
    }

    /// Whether labels alone match: all that is known of what is gone.
    pub fn labels(&self, labels: Option<&str>) -> bool {
        self.labels.is_empty() || self.labels.matches(&body::labels(labels))
    }
}

pub(super) type Place = (String, String, u32);

pub(super) fn page_start(params: &ListParams) -> EngineResult<Option<Place>> {
    let Some(text) = &params.continue_from else { return Ok(None) };
    let place = serde_json::from_str(text);
    place
        .map(Some)
        .map_err(|_| EngineError::invalid("the list", "continue", "is no token of a page of this server"))
}

pub(super) fn page_limit(params: &ListParams) -> usize {
    params.limit.map_or(limits::PAGE, |limit| (limit as usize).clamp(1, limits::PAGE))
}

/// `task.list`.
pub struct ListTasks {
    pub ask: Ask,
    pub params: ListParams,
}

impl Operation for ListTasks {
    type Output = List<Task>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<List<Task>> {
        let (found, next) =
            page_of_tasks(tx, &self.ask, &self.params, &task_selectors(&self.params)?).await?;
        let items = if self.params.summary {
            let shown = Shown::of_tasks(tx, &found).await?;
            let slim = |row| {
                let mut task = object::slim(&self.ask.shared, row);
                shown.show(&mut task, row);
                task
            };
            found.iter().map(slim).collect()
        } else {
            object::tasks(tx, &self.ask.shared, &found).await?
        };
        let mut list = List::new(items, tx.version().await?);
        list.continue_from = next;
        Ok(list)
    }
}

pub(super) fn task_selectors(params: &ListParams) -> EngineResult<Selectors> {
    Selectors::parse(params.label_selector.as_deref(), params.field_selector.as_deref(), TASK_FIELDS)
}

/// The tasks of a page, and the token of the next.
pub(super) async fn page_of_tasks<T: Tx>(
    tx: &mut T,
    ask: &Ask,
    params: &ListParams,
    selectors: &Selectors,
) -> EngineResult<(Vec<TaskRow>, Option<String>)> {
    if let Some(namespace) = &params.namespace {
        ask.enter(namespace)?;
    }
    let limit = page_limit(params);
    let mut query = ListQuery {
        namespace: params.namespace.clone(),
        after: page_start(params)?,
        newest_only: !params.all_incarnations && !params.unresolved,
        limit: limits::SCAN_PAGE.min(limit + 1),
    };
    let mut found = Vec::new();
    let mut has_more = true;
    while found.len() <= limit && has_more {
        let mut rows = tx.list_tasks(&query).await?;
        has_more = rows.len() == query.limit;
        query.after = rows.last().map(|row| (row.namespace.clone(), row.name.clone(), row.incarnation));
        if params.unresolved {
            unresolved::retain_unresolved(tx, &mut rows, params.all_incarnations).await?;
        }
        found.extend(rows.into_iter().filter(|row| ask.sees(row) && selectors.task(row)));
    }
    let next = cut(&mut found, limit, |row| (row.namespace.clone(), row.name.clone(), row.incarnation))?;
    Ok((found, next))
}

/// Cuts a page to its limit; the token of the next page where there is more.
pub(super) fn cut<R>(
    found: &mut Vec<R>,
    limit: usize,
    place: impl Fn(&R) -> Place,
) -> EngineResult<Option<String>> {
    if found.len() <= limit {
        return Ok(None);
    }
    found.truncate(limit);
    found.last().map(|row| body::to_text(&place(row))).transpose()
}

/// `pipeline.list`.
pub struct ListPipelines {
    pub ask: Ask,
    pub params: ListParams,
}

impl Operation for ListPipelines {
    type Output = List<Pipeline>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<List<Pipeline>> {
        let params = &self.params;
        let selectors = Selectors::parse(
            params.label_selector.as_deref(),
            params.field_selector.as_deref(),
            PIPELINE_FIELDS,
        )?;
        if let Some(namespace) = &params.namespace {
            self.ask.enter(namespace)?;
        }
        let limit = page_limit(params);
        let mut query = ListQuery {
            namespace: params.namespace.clone(),
            after: page_start(params)?,
            newest_only: !params.all_incarnations,
            limit: limits::SCAN_PAGE.min(limit + 1),
        };
        let mut found = Vec::new();
        let mut has_more = true;
        while found.len() <= limit && has_more {
            let rows = tx.list_pipelines(&query).await?;
            has_more = rows.len() == query.limit;
            query.after = rows.last().map(|row| (row.namespace.clone(), row.name.clone(), row.incarnation));
            let is_seen = |row: &PipelineRow| self.ask.reaches(&row.namespace) && selectors.pipeline(row);
            found.extend(rows.into_iter().filter(is_seen));
        }
        let next = cut(&mut found, limit, |row| (row.namespace.clone(), row.name.clone(), row.incarnation))?;
        let items = if params.summary {
            found.iter().map(|row| object::pipeline_summary(&self.ask.shared, row)).collect()
        } else {
            object::pipelines(tx, &self.ask.shared, &found).await?
        };
        let mut list = List::new(items, tx.version().await?);
        list.continue_from = next;
        Ok(list)
    }
}
