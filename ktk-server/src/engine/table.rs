//! `task.table`: lists as people see them.

use ktk_client::api::{
    List,
    table::{TableParams, TaskLine, WideCells},
};

use super::{
    body,
    error::{EngineError, EngineResult},
    object,
    operation::Ask,
    read,
    room::Shown,
};
use crate::{
    model::row::{LineRow, TaskRow},
    store::{ListQuery, Operation, Tx},
};

/// `task.table`.
pub struct TaskTable {
    pub ask: Ask,
    pub params: TableParams,
}

impl Operation for TaskTable {
    type Output = List<TaskLine>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<List<TaskLine>> {
        let selectors = read::task_selectors(&self.params.list)?;
        let has_many_columns = self.params.wide || self.params.labels;
        let is_chosen = self.ask.is_limited() || self.params.list.unresolved || !selectors.is_empty();
        let (lines, next) = if has_many_columns || is_chosen {
            let (rows, next) = read::page_of_tasks(tx, &self.ask, &self.params.list, &selectors).await?;
            let shown = Shown::of_tasks(tx, &rows).await?;
            (rows.iter().map(|row| self.full_line(row, &shown)).collect(), next)
        } else {
            self.page(tx).await?
        };
        let mut list = List::new(lines, tx.version().await?);
        list.continue_from = next;
        Ok(list)
    }
}

impl TaskTable {
    /// A page that needs nothing of a task beyond its line.
    async fn page<T: Tx>(&self, tx: &mut T) -> EngineResult<(Vec<TaskLine>, Option<String>)> {
        let params = &self.params.list;
        let limit = read::page_limit(params);
        let query = ListQuery {
            namespace: params.namespace.clone(),
            after: read::page_start(params)?,
            newest_only: !params.all_incarnations,
            limit: limit + 1,
        };
        let mut found = tx.list_lines(&query).await?;
        let next =
            read::cut(&mut found, limit, |row| (row.namespace.clone(), row.name.clone(), row.incarnation))?;
        let shown = Shown::of(tx, found.iter().any(|row| row.executor.is_some())).await?;
        Ok((found.into_iter().map(|row| self.line(row, &shown)).collect(), next))
    }

    fn line(&self, row: LineRow, shown: &Shown) -> TaskLine {
        let LineRow { namespace, name, incarnation, phase, reason, attempt, created_at, lane, executor } =
            row;
        let reason = executor.and_then(|executor| shown.reason(lane, &executor)).or(reason);
        let namespace = self.params.list.namespace.is_none().then_some(namespace);
        TaskLine {
            namespace,
            name,
            incarnation,
            phase,
            reason,
            attempt,
            created_at,
            wide: None,
            labels: None,
        }
    }

    fn full_line(&self, row: &TaskRow, shown: &Shown) -> TaskLine {
        TaskLine {
            wide: self.params.wide.then(|| Box::new(wide(row))),
            labels: self.params.labels.then(|| body::labels(row.labels.as_deref())),
            ..self.line(LineRow::from(row), shown)
        }
    }
}

fn wide(row: &TaskRow) -> WideCells {
    WideCells {
        queue: row.queue.clone(),
        node: row.node.clone(),
        pipeline: object::pipeline_name(row).map(str::to_owned),
        ready_at: row.ready_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        exit_code: row.exit_code,
        progress: row.rare.progress.clone(),
        digest: format!("{:016x}", row.head),
        command: match row.is_for_each() {
            true => Some(format!("forEach:{}", row.command)),
            false => (!row.has_handler()).then(|| row.command.clone()),
        },
        type_name: row.has_handler().then(|| row.executor.clone()),
    }
}
