//! Nodes: registration, the one call of a worker, and what a lost node leaves behind.

use ktk_client::api::{
    API_VERSION, ApiError, Duration, ErrorReason, List, Metadata, Node, ObjectRef, Reason, TaskId, names,
    node::{NodePhase, NodeSpec, NodeStatus},
    worker::{Outcome, RegisterParams, Registered, StopOrder, SyncParams, Synced},
};
use uuid::Uuid;

use super::{
    body,
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    read::Selectors,
    unit::Unit,
};
use crate::{
    clock::Clock,
    limits,
    model::row::NodeRow,
    mutants,
    store::{Durability, Operation, Tx},
};

/// `worker.register`.
pub struct RegisterNode {
    pub ask: Ask,
    pub params: RegisterParams,
    pub store_id: Uuid,
}

impl Operation for RegisterNode {
    type Output = Done<Registered>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let params = &self.params;
        if let Err(error) = names::name(&params.name) {
            return Err(EngineError::invalid("the worker", "name", error.to_string()));
        }
        let mut unit = self.ask.unit(tx);
        let generation = unit.tx.node(params.id).await?.map_or(1, |row| row.generation + 1);
        unit.lose_attempts(params.id, "its worker has started again").await?;
        let row = NodeRow {
            id: params.id,
            name: params.name.clone(),
            role: params.role.clone(),
            generation,
            slots: params.slots,
            labels: body::to_text(&params.labels)?,
            types: body::to_text(&params.types)?,
            processes: params.processes,
            phase: NodePhase::Ready,
            registered_at: unit.now,
            heartbeat_at: unit.now,
            version: unit.tx.next_version(),
        };
        unit.tx.put_node(&row).await?;
        unit.finish().await?;
        unit.effects.work = true;
        let answer = Registered { generation, lease: Duration::new(limits::LEASE), store_id: self.store_id };
        Ok(Done { answer, effects: unit.effects })
    }
}

/// `worker.sync`, but for the waiting.
#[derive(Clone)]
pub struct SyncNode {
    pub ask: Ask,
    pub params: SyncParams,
    /// Whether a stop may be pending for this node.
    pub check_stops: bool,
    /// The tasks whose attempts wait for something.
    pub waiting: Vec<Uuid>,
}

impl Operation for SyncNode {
    type Output = Done<Synced>;
    type Error = EngineError;

    fn durability(&self) -> Durability {
        if self.params.reports.is_empty() { Durability::Relaxed } else { Durability::Synced }
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let params = &self.params;
        let mut unit = self.ask.unit(tx);
        let node = unit.tx.node(params.node).await?.filter(|row| row.generation == params.generation);
        let accepted = unit.take_reports(&params.reports).await?;
        let Some(node) = node.filter(|row| row.phase != NodePhase::Lost || mutants::lives("M13")) else {
            unit.finish().await?;
            let answer = Synced { accepted, unknown_node: true, ..Synced::default() };
            return Ok(Done { answer, effects: unit.effects });
        };
        let mut grants = Vec::new();
        if params.resync {
            grants = unit.regrant(&node, &params.held).await?;
        }
        let lent = unit.lent_by(&node, &self.waiting).await?;
        let mut free = (params.free as usize).saturating_sub(grants.len());
        if params.lent > lent {
            // Some that it counts with have been taken back.
            let slots = (node.slots + lent) as usize;
            free = free.min(slots.saturating_sub(params.running as usize + grants.len()));
        }
        if params.leaving {
            unit.leave(&node, params.running == 0).await?;
        } else {
            grants.extend(unit.claim(&node, free).await?);
        }
        unit.finish().await?;
        let mut stops = Vec::new();
        if self.check_stops {
            for row in unit.tx.running_on(node.id).await? {
                if let (Some(stop), Some(fence)) = (row.stop, row.fence)
                    && (!params.stopping.contains(&fence) || stop.now)
                {
                    stops.push(StopOrder { fence, now: stop.now });
                }
            }
        }
        let answer = Synced { accepted, grants, stops, lent, unknown_node: false };
        Ok(Done { answer, effects: unit.effects })
    }
}

/// A look of a call that is held, at the time at which there is something to see.
pub struct HeldLook<F> {
    pub look: SyncNode,
    pub clock: Clock,
    /// Whether the call is still the node's newest: an older one takes no work.
    pub is_newest: F,
}

impl<F> Operation for HeldLook<F>
where
    F: Fn() -> bool + Send + Sync + 'static,
{
    type Output = Done<Synced>;
    type Error = EngineError;

    fn durability(&self) -> Durability {
        self.look.durability()
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        if !(self.is_newest)() {
            return Ok(Done::quiet(Synced::default()));
        }
        let mut look = self.look.clone();
        look.ask.now = self.clock.now();
        look.run(tx).await
    }
}

/// Nodes that run something, with their generations: a server that starts has not heard of them, and gives
/// each a lease before it takes them for lost.
pub struct BusyNodes;

impl Operation for BusyNodes {
    type Output = Vec<(Uuid, u32)>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut busy = Vec::new();
        for node in tx.nodes().await? {
            if !tx.running_on(node.id).await?.is_empty() {
                busy.push((node.id, node.generation));
            }
        }
        Ok(busy)
    }
}

/// A node missed its lease.
pub struct LoseNode {
    pub ask: Ask,
    pub node: Uuid,
    pub generation: u32,
}

impl Operation for LoseNode {
    type Output = Done<()>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let node = unit.tx.node(self.node).await?.filter(|row| row.generation == self.generation);
        let Some(mut node) = node else { return Ok(Done::quiet(())) };
        unit.lose_attempts(node.id, "its node missed its lease").await?;
        node.phase = NodePhase::Lost;
        node.version = unit.tx.next_version();
        unit.tx.put_node(&node).await?;
        unit.let_others_pass();
        unit.finish().await?;
        Ok(Done { answer: (), effects: unit.effects })
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Ends, as lost, whatever runs on a node.
    async fn lose_attempts(&mut self, node: Uuid, why: &str) -> EngineResult<()> {
        self.end_attempts(node, Reason::NodeLost, why).await
    }

    async fn end_attempts(&mut self, node: Uuid, reason: Reason, why: &str) -> EngineResult<()> {
        self.flush().await?;
        for row in self.tx.running_on(node).await? {
            self.adopt(row.clone());
            let outcome =
                Outcome { reason: Some(reason), message: Some(format!("lost: {why}")), ..Outcome::default() };
            self.end_attempt(&row, outcome).await?;
        }
        Ok(())
    }

    async fn leave(&mut self, node: &NodeRow, has_left: bool) -> EngineResult<()> {
        if has_left {
            // What it was given and never heard of would run nowhere for ever.
            self.end_attempts(node.id, Reason::Interrupted, "its worker has left").await?;
        }
        let phase = if has_left { NodePhase::Stopped } else { NodePhase::Stopping };
        if node.phase != phase {
            let version = self.tx.next_version();
            let row = NodeRow { phase, version, heartbeat_at: self.now, ..node.clone() };
            self.tx.put_node(&row).await?;
            self.let_others_pass();
        }
        Ok(())
    }

    /// Nobody waits behind what no present node can run.
    fn let_others_pass(&mut self) {
        self.effects.work = true;
        self.looks_for_externals = true;
    }
}

/// `node.list` and `node.get`.
pub struct ListNodes {
    pub named: Option<ObjectRef>,
    pub selectors: Selectors,
}

impl Operation for ListNodes {
    type Output = List<Node>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut items = Vec::new();
        for row in tx.nodes().await? {
            let wanted = self
                .named
                .as_ref()
                .is_none_or(|named| named.name == row.name || named.name == row.id.to_string());
            if wanted && self.selectors.labels(Some(&row.labels)) {
                let running = tx.running_on(row.id).await?.len() as u32;
                items.push(object(&row, running));
            }
        }
        if let Some(named) = self.named.as_ref().filter(|_| items.is_empty()) {
            return Err(
                ApiError::new(ErrorReason::NotFound, format!("node {:?} not found", named.name)).into()
            );
        }
        items.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Ok(List::new(items, tx.version().await?))
    }
}

fn object(row: &NodeRow, running: u32) -> Node {
    let id = TaskId::new(row.id);
    let labels = body::labels(Some(&row.labels));
    Node {
        api_version: API_VERSION.into(),
        kind: "Node".into(),
        metadata: Metadata {
            name: Some(row.name.clone()),
            id: Some(row.id),
            digest: Some(id.digest_hex()),
            human_name: Some(id.human_name().to_owned()),
            // Where every other object has them, so that tables and selectors find them.
            labels: labels.clone(),
            created_at: Some(row.registered_at),
            version: Some(row.version),
            ..Metadata::default()
        },
        spec: NodeSpec {
            role: row.role.clone(),
            slots: row.slots,
            labels,
            types: serde_json::from_str(&row.types).unwrap_or_default(),
        },
        status: NodeStatus {
            phase: row.phase,
            generation: row.generation,
            running,
            last_heartbeat_at: row.heartbeat_at,
        },
    }
}
