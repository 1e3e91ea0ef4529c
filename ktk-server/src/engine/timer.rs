//! The one timer: armed for the earliest thing that a clock moves or lets go, for the earliest end of a
//! lease, and, while anything is unfinished, for the slow sweep.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    Engine,
    error::EngineResult,
    expire::{MoveDue, Outlook, Trim},
    nodes::{BusyNodes, LoseNode},
};
use crate::{limits, store::Store};

/// A wake-up later than this past its time means that the whole process stood still.
pub const PAUSE: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// How long the store is left alone after an error.
const AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// Runs until it is dropped. An error of the store is logged and tried again.
///
/// Whether anything is unfinished is asked at a sweep only: the first change after nothing was arms the next one,
/// so that what happens in between costs no look into the store.
pub async fn run<S: Store>(engine: Arc<Engine<S>>) {
    let mut due = engine.hub.due();
    let mut expiry = engine.hub.expiry();
    let mut versions = engine.hub.versions();
    // Until it has been read, nodes that an earlier server knew have no lease that could end.
    let mut sweep = loop {
        match begin(&engine).await {
            Ok(sweep) => break sweep,
            Err(error) => tracing::error!(%error, "the timer could not read the store"),
        }
        engine.clock.until(Some(engine.clock.now() + AGAIN)).await;
    };
    let mut heard_since = engine.clock.now();
    loop {
        let times = [*due.borrow_and_update(), *expiry.borrow_and_update(), engine.leases.next_end(), sweep];
        let target = times.into_iter().flatten().min();
        tokio::select! {
            () = engine.clock.until(target) => {}
            _ = due.changed() => continue,
            _ = expiry.changed() => continue,
            _ = versions.changed(), if sweep.is_none() => {
                sweep = Some(next_sweep(&engine));
                continue;
            }
            () = engine.leases.changed() => continue,
        }
        if let Some(target) = target
            && engine.clock.now().duration_since(target) > PAUSE
        {
            engine.leases.extend();
            heard_since = engine.clock.now();
        }
        versions.borrow_and_update();
        match tick(&engine, sweep, heard_since).await {
            Ok(next) => sweep = next,
            Err(error) => {
                tracing::error!(%error, "what a clock moves could not be moved");
                engine.clock.until(Some(engine.clock.now() + AGAIN)).await;
            }
        }
    }
}

fn next_sweep<S: Store>(engine: &Engine<S>) -> Timestamp {
    engine.clock.now() + to_signed(limits::SWEEP)
}

fn to_signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

/// Looks at what an earlier server left: nodes that run something have one lease from now on.
pub async fn begin<S: Store>(engine: &Engine<S>) -> EngineResult<Option<Timestamp>> {
    for (node, generation) in engine.read(BusyNodes).await? {
        engine.leases.renew(node, generation, true);
    }
    look(engine).await
}

/// Asks the store when a clock moves the next task; answers with the next sweep, if anything is unfinished.
async fn look<S: Store>(engine: &Engine<S>) -> EngineResult<Option<Timestamp>> {
    engine.hub.forget_due();
    let ahead = engine.read(Outlook).await?;
    engine.hub.add_due(ahead.next_due);
    let is_unfinished = ahead.counts.pending + ahead.counts.running > 0 || ahead.has_hooks;
    Ok(is_unfinished.then(|| next_sweep(engine)))
}

/// Does what is due; answers with the next sweep.
pub async fn tick<S: Store>(
    engine: &Engine<S>,
    sweep: Option<Timestamp>,
    heard_since: Timestamp,
) -> EngineResult<Option<Timestamp>> {
    let mut ended = engine.leases.take_ended().into_iter();
    while let Some((node, generation)) = ended.next() {
        tracing::warn!(%node, generation, "a node missed its lease");
        let lost = engine.write(LoseNode { ask: engine.ask("ktk"), node, generation }).await;
        if let Err(error) = lost {
            // They miss another lease before this is tried again.
            engine.leases.renew(node, generation, true);
            ended.for_each(|(node, generation)| engine.leases.renew(node, generation, true));
            return Err(error);
        }
    }
    let is_due = engine.hub.due().borrow().is_some_and(|due| due <= engine.clock.now());
    if is_due {
        loop {
            engine.hub.forget_due();
            let moved = engine.write(MoveDue { ask: engine.ask("ktk"), heard_since }).await;
            let after = moved.inspect_err(|_| engine.hub.add_due(Some(engine.clock.now())))?;
            engine.hub.add_due(after.next);
            if after.moved < limits::DUE_BATCH {
                break;
            }
        }
    }
    if engine.hub.expiry().borrow().is_some_and(|at| at <= engine.clock.now()) {
        engine.hub.forget_expiry();
        engine.hub.collect();
    }
    if sweep.is_some_and(|sweep| sweep <= engine.clock.now()) {
        engine.write(Trim { ask: engine.ask("ktk") }).await?;
        let next = look(engine).await?;
        engine.hub.sweep();
        return Ok(next);
    }
    Ok(sweep)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use ktk_client::api::node::NodePhase;
    use uuid::Uuid;

    use super::*;
    use crate::{
        clock::Clock,
        engine::shared::Shared,
        entropy::Entropy,
        jq::Jq,
        model::row::HookRow,
        store::{Operation, StoreError, StoreInfo, StoreResult, Tx, conformance::rows, memory::MemoryStore},
    };

    /// A store whose first reads fail.
    #[derive(Clone, Debug)]
    struct Unwilling {
        store: MemoryStore,
        refuses: Arc<AtomicU32>,
    }

    impl Store for Unwilling {
        async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
            self.store.write(operation).await
        }

        async fn read<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
            let is_unwilling = |left: u32| left.checked_sub(1);
            if self.refuses.fetch_update(Relaxed, Relaxed, is_unwilling).is_ok() {
                return Err(StoreError::Unavailable("not yet".into()).into());
            }
            self.store.read(operation).await
        }

        fn info(&self) -> StoreInfo {
            self.store.info()
        }
    }

    /// A node that an earlier server knew, and what it runs.
    struct Busy;

    impl Operation for Busy {
        type Output = ();
        type Error = StoreError;

        async fn run<T: Tx>(&self, tx: &mut T) -> StoreResult<()> {
            let mut node = rows::node(1);
            node.phase = NodePhase::Ready;
            tx.put_node(&node).await?;
            let mut task = rows::task(2);
            task.phase = ktk_client::api::Phase::Running;
            task.reason = None;
            task.node_id = Some(node.id);
            tx.insert_tasks(&[rows::new_task(task)]).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_look_is_tried_until_the_store_answers() {
        let store = MemoryStore::new(Uuid::from_u128(1));
        store.write(Busy).await.unwrap();
        let refuses = Arc::new(AtomicU32::new(3));
        let unwilling = Unwilling { store, refuses: Arc::clone(&refuses) };
        let shared = Shared::new(Entropy::seeded(1), None);
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
        let (engine, _) = Engine::new(unwilling, clock, shared, Jq::here());
        let look = |seconds| tokio::time::timeout(Duration::from_secs(seconds), run(Arc::clone(&engine)));
        assert!(look(2).await.is_err(), "it runs until it is dropped");
        assert!(refuses.load(Relaxed) < 3 && engine.leases.next_end().is_none());
        assert!(look(5).await.is_err());
        assert_eq!(refuses.load(Relaxed), 0);
        assert!(engine.leases.next_end().is_some(), "who ran something has a lease from now on");
    }

    /// A hook whose wake-up was lost.
    struct HookLeft;

    impl Operation for HookLeft {
        type Output = ();
        type Error = StoreError;

        async fn run<T: Tx>(&self, tx: &mut T) -> StoreResult<()> {
            let (id, task_id) = (Uuid::from_u128(3), Uuid::from_u128(2));
            let moment = ktk_client::api::hook::Moment::Finish;
            tx.insert_hooks(&[HookRow { id, task_id, moment, attempt: 1, body: "{}".into() }]).await
        }
    }

    #[tokio::test]
    async fn a_hook_alone_keeps_the_sweep_armed() {
        let store = MemoryStore::new(Uuid::from_u128(1));
        let shared = Shared::new(Entropy::seeded(1), None);
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
        let (engine, _) = Engine::new(store, clock, shared, Jq::here());
        assert_eq!(begin(&engine).await.unwrap(), None);
        engine.store.write(HookLeft).await.unwrap();
        assert_eq!(begin(&engine).await.unwrap(), Some(next_sweep(&engine)));
    }
}
