//! The rows of `top`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ktk_client::{
    Client,
    api::{
        DEFAULT_QUEUE, Node, Queue,
        usage::{Measured, TaskUsage},
    },
};
use serde_json::{Value, json};

use super::super::fetch::{self, Query};
use crate::{
    error::CliError,
    kinds::Kind,
    ui::Cell,
    view::{
        object::Object,
        usage::{Total, cpu, memory, since, unknown},
    },
};

/// A row of any of the tables.
pub(super) struct Row {
    pub(super) name: String,
    namespace: Option<String>,
    pub(super) usage: Option<Measured>,
    cells: Vec<Cell>,
    pub(super) value: Value,
}

impl Row {
    /// By what rows are sorted: by namespace, then name.
    pub(super) fn place(&self) -> (Option<&str>, &str) {
        (self.namespace.as_deref(), &self.name)
    }

    pub(super) fn cells(self, has_namespace: bool) -> Vec<Cell> {
        let namespace = self.namespace.filter(|_| has_namespace).map(Cell::new);
        namespace.into_iter().chain([Cell::new(self.name)]).chain(self.cells).collect()
    }
}

/// The titles of a kind's table.
pub(super) fn titles(kind: Kind, has_namespace: bool) -> Vec<Cell> {
    let titles: &[&'static str] = match kind {
        Kind::Task if has_namespace => {
            &["NAMESPACE", "NAME", "CPU(cores)", "MEMORY(bytes)", "PROCESSES", "NODE", "RUNNING"]
        }
        Kind::Task => &["NAME", "CPU(cores)", "MEMORY(bytes)", "PROCESSES", "NODE", "RUNNING"],
        Kind::Node => &["NAME", "RUNNING", "SLOTS", "CPU(cores)", "MEMORY(bytes)", "OLDEST"],
        _ => &["NAME", "RUNNING", "WAITING", "OLDEST", "CPU(cores)", "MEMORY(bytes)"],
    };
    titles.iter().map(|title| Cell::new(*title)).collect()
}

pub(super) fn of_task(task: TaskUsage, now: Timestamp) -> Row {
    let processes = task.usage.map_or_else(unknown, |usage| Cell::new(usage.processes.to_string()));
    Row {
        name: task.metadata.name().to_owned(),
        namespace: Some(task.metadata.namespace().to_owned()),
        usage: task.usage,
        cells: vec![
            cpu(task.usage),
            memory(task.usage),
            processes,
            task.node.clone().map_or_else(Cell::none, Cell::new),
            since(task.started_at, now),
        ],
        value: serde_json::to_value(&task).unwrap_or_default(),
    }
}

/// What each key of all running tasks takes together.
async fn totals(
    client: &Client,
    key: impl Fn(&TaskUsage) -> Option<String>,
) -> Result<BTreeMap<String, Total>, CliError> {
    let mut totals: BTreeMap<String, Total> = BTreeMap::new();
    for task in super::usage(client, None, None).await? {
        if let Some(key) = key(&task) {
            totals.entry(key).or_default().add(&task);
        }
    }
    Ok(totals)
}

async fn all(client: &Client, kind: Kind, query: &Query) -> Result<Vec<Object>, CliError> {
    Ok(fetch::list(client, kind, query).await.map_err(fetch::refused_list)?.objects)
}

pub(super) async fn of_nodes(
    client: &Client,
    labels: Option<String>,
    now: Timestamp,
) -> Result<Vec<Row>, CliError> {
    // A node's tasks name it with the number of its start.
    let totals = totals(client, |task| Some(task.node.as_deref()?.rsplit_once(".g")?.0.to_owned())).await?;
    let nodes = all(client, Kind::Node, &Query { labels, ..Query::default() }).await?;
    let rows = nodes.iter().filter_map(|object| match object {
        Object::Node(node) => Some(&**node),
        _ => None,
    });
    let row = |node: &Node| {
        let shown = node.metadata.name();
        let plain = shown.strip_suffix(&format!(".g{}", node.status.generation)).unwrap_or(shown);
        let total = totals.get(plain).copied().unwrap_or_default();
        let usage = total.measured();
        Row {
            name: shown.to_owned(),
            namespace: None,
            usage,
            cells: vec![
                Cell::new(total.running.to_string()),
                Cell::new(node.spec.slots.to_string()),
                cpu(usage),
                memory(usage),
                since(total.since, now),
            ],
            value: json!({
                "metadata": {"name": shown}, "running": total.running, "slots": node.spec.slots,
                "usage": usage, "oldest": total.since,
            }),
        }
    };
    Ok(rows.map(row).collect())
}

pub(super) async fn of_queues(
    client: &Client,
    labels: Option<String>,
    now: Timestamp,
) -> Result<Vec<Row>, CliError> {
    // What nobody here runs has no process: it takes nothing of any machine.
    let totals = totals(client, |task| task.node.is_some().then(|| task.queue.clone())).await?;
    let mut oldest: BTreeMap<String, Timestamp> = BTreeMap::new();
    let waiting = Query { fields: Some("status.phase=Pending".to_owned()), ..Query::default() };
    let mut take = |objects: Vec<Object>| {
        for object in objects {
            let Object::Task(task) = object else { continue };
            let ready = task.status.as_ref().and_then(|status| status.ready_at);
            if let Some(ready) = ready {
                let queue = task.spec.queue.clone().unwrap_or_else(|| DEFAULT_QUEUE.to_owned());
                let first = oldest.entry(queue).or_insert(ready);
                *first = ready.min(*first);
            }
        }
    };
    fetch::each_page(client, Kind::Task, &waiting, &mut take).await.map_err(fetch::refused_list)?;
    let queues = all(client, Kind::Queue, &Query { labels, ..Query::default() }).await?;
    let rows = queues.iter().filter_map(|object| match object {
        Object::Queue(queue) => Some(&**queue),
        _ => None,
    });
    let row = |queue: &Queue| {
        let name = queue.metadata.name();
        let total = totals.get(name).copied().unwrap_or_default();
        let (usage, first) = (total.measured(), oldest.get(name).copied());
        let waiting = queue.status.as_ref().map(|status| status.waiting);
        Row {
            name: name.to_owned(),
            namespace: None,
            usage,
            cells: vec![
                Cell::new(total.running.to_string()),
                waiting.map_or_else(unknown, |waiting| Cell::new(waiting.to_string())),
                since(first, now),
                cpu(usage),
                memory(usage),
            ],
            value: json!({
                "metadata": {"name": name}, "running": total.running, "waiting": waiting, "oldest": first,
                "usage": usage,
            }),
        }
    };
    Ok(rows.map(row).collect())
}
