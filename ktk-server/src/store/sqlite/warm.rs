//! The unfinished tasks that the writer wrote last, as the file has them. What is claimed and reported soon after it
//! was made need not be read back, and of what changes only the columns that changed are written.
//!
//! Only the writer has them: nobody else writes this file. They are forgotten with every transaction that is taken
//! back.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    model::row::TaskRow,
    store::precision::{Kept as _, kept},
};

/// The most tasks.
const TASKS: usize = 4_096;

/// The most text of one, in bytes: what is larger is read again.
const TEXT: usize = 2_048;

/// A task as the file has it.
#[derive(Debug)]
pub(super) struct WarmTask {
    /// Its place in the file.
    pub seq: i64,
    pub row: TaskRow,
    /// Its manifest, where it is at hand.
    pub body: Option<String>,
}

/// What the writer remembers; a reader nothing.
#[derive(Debug, Default)]
pub(super) struct Warm {
    remembers: bool,
    tasks: HashMap<Uuid, Box<WarmTask>>,
    /// How many have found no room.
    refused: usize,
}

impl Warm {
    /// That of the connection that writes.
    pub(super) fn of_the_writer() -> Self {
        Self { remembers: true, ..Self::default() }
    }

    pub(super) fn get(&self, id: &Uuid) -> Option<&WarmTask> {
        self.tasks.get(id).map(|task| &**task)
    }

    /// A root that is its context's only incarnation.
    pub(super) fn newest(&self, context: &Uuid) -> Option<&WarmTask> {
        self.get(context).filter(|task| task.row.newest && task.row.context_id == *context)
    }

    /// Remembers a row that was written, if there is room: work is taken in the order in which it came, so that those
    /// who are here go before those who come. Where they stay, all are forgotten in the end.
    pub(super) fn put(&mut self, seq: i64, row: &TaskRow, body: Option<&str>) {
        let text = body.map_or(0, str::len) + texts(row);
        if !self.remembers || row.phase.is_terminal() || text > TEXT {
            self.forget(&row.id);
            return;
        }
        if self.tasks.len() >= TASKS && !self.tasks.contains_key(&row.id) {
            self.refused += 1;
            if self.refused < TASKS {
                return;
            }
            self.forget_all();
        }
        let body = body.map(str::to_owned);
        self.tasks.insert(row.id, Box::new(WarmTask { seq, row: row.kept(), body }));
    }

    /// Remembers what a row that is known has become.
    pub(super) fn change(&mut self, row: &TaskRow) {
        let Some(known) = self.tasks.get_mut(&row.id) else { return };
        if row.phase.is_terminal() || texts(row) > TEXT {
            self.forget(&row.id);
        } else {
            known.row = row.kept();
        }
    }

    /// The same where it went its ordinary course.
    pub(super) fn follow(&mut self, row: &TaskRow) {
        let Some(known) = self.tasks.get_mut(&row.id) else { return };
        if row.phase.is_terminal() || texts(row) > TEXT {
            self.forget(&row.id);
        } else {
            take_course(&mut known.row, row);
        }
    }

    pub(super) fn forget(&mut self, id: &Uuid) {
        self.tasks.remove(id);
    }

    /// What was remembered may have been taken back.
    pub(super) fn forget_all(&mut self) {
        self.tasks.clear();
        self.refused = 0;
    }
}

/// The length of its texts that people can make long.
fn texts(row: &TaskRow) -> usize {
    [&row.labels, &row.message, &row.wish].into_iter().flatten().map(String::len).sum()
}

/// Brings a row up to one from which it differs only in its ordinary course.
fn take_course(row: &mut TaskRow, after: &TaskRow) {
    row.phase = after.phase;
    row.reason = after.reason;
    row.message.clone_from(&after.message);
    row.admitted = after.admitted;
    row.attempt = after.attempt;
    row.counted = after.counted;
    row.lost = after.lost;
    row.fence = after.fence;
    row.token = after.token;
    row.node_id = after.node_id;
    row.node.clone_from(&after.node);
    row.exit_code = after.exit_code;
    row.output_digest.clone_from(&after.output_digest);
    row.updated_at = kept(after.updated_at);
    row.ready_at = after.ready_at.map(kept);
    row.started_at = after.started_at.map(kept);
    row.finished_at = after.finished_at.map(kept);
    row.version = after.version;
}

/// Whether a row differs from another only in what a claim and the end of an attempt write.
pub(super) fn is_ordinary_course(before: &TaskRow, after: &TaskRow) -> bool {
    // All fields are named, so that a new one has to be thought of.
    let TaskRow {
        id,
        context_id,
        parent_id,
        incarnation,
        newest,
        namespace,
        name,
        head,
        pipeline_id,
        step,
        execution_id,
        labels,
        command,
        executor,
        queue,
        lane,
        priority,
        run_if,
        cascade,
        phase: _,
        reason: _,
        message: _,
        admitted: _,
        needs,
        live_needs,
        bad_needs,
        attempt: _,
        counted: _,
        lost: _,
        fence: _,
        token: _,
        node_id: _,
        node: _,
        exit_code: _,
        output_digest: _,
        stop,
        wish,
        created_at,
        updated_at: _,
        ready_at: _,
        started_at: _,
        finished_at: _,
        due_at,
        deleted_at,
        version: _,
        rare,
    } = before;
    *id == after.id
        && *context_id == after.context_id
        && *parent_id == after.parent_id
        && *incarnation == after.incarnation
        && *newest == after.newest
        && *namespace == after.namespace
        && *name == after.name
        && *head == after.head
        && *pipeline_id == after.pipeline_id
        && *step == after.step
        && *execution_id == after.execution_id
        && *labels == after.labels
        && *command == after.command
        && *executor == after.executor
        && *queue == after.queue
        && *lane == after.lane
        && *priority == after.priority
        && *run_if == after.run_if
        && *cascade == after.cascade
        && (*needs, *live_needs, *bad_needs) == (after.needs, after.live_needs, after.bad_needs)
        && *stop == after.stop
        && *wish == after.wish
        && *created_at == after.created_at
        && *due_at == after.due_at
        && *deleted_at == after.deleted_at
        && *rare == after.rare
}
