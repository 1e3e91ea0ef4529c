//! Who calls hooks: of one task one after the other, of several tasks several at once. A call takes its time, and a
//! server may die in it.

use rand::RngExt;
use tokio::sync::watch;

use super::{
    judge::facts::{Call, Entry, Told},
    world::{World, ready},
};
use crate::{
    engine::hooks::{NextHooks, SettleHook},
    limits,
    model::row::HookRow,
};

/// The caller of the present server.
#[derive(Debug, Default)]
pub struct HookCaller {
    /// What is being called.
    calls: Vec<HookRow>,
    wakes: Option<watch::Receiver<u64>>,
    /// Whether it looks for more without being woken.
    looks: bool,
}

impl World {
    /// A server's caller begins: what another one was calling is called again.
    pub fn begin_hooks(&mut self) {
        self.faults.interrupted_hooks += self.hooks.calls.len() as u64;
        self.hooks = HookCaller { calls: Vec::new(), wakes: Some(self.engine.hub.hooks()), looks: true };
    }

    /// It calls what there is, or has called one; says whether there was anything to do.
    pub fn call_hooks(&mut self) -> bool {
        let is_woken = self.hooks.wakes.as_ref().is_some_and(|wakes| wakes.has_changed().unwrap_or(true));
        if is_woken || self.hooks.looks {
            self.begin_calls();
            return true;
        }
        if self.hooks.calls.is_empty() {
            return false;
        }
        let index = self.rng.random_range(0..self.hooks.calls.len());
        let row = self.hooks.calls[index].clone();
        let failure = self.one_in(5).then(|| "exit code 1".to_owned());
        let (ask, id) = (self.engine.ask("ktk"), row.id);
        let starts = self.starts;
        let told: Told<()> = self.ask(Ok(SettleHook { ask, row, failure }));
        let is_settled = told.done().is_some();
        self.record.add(Entry::Call(Call::HookSettled { told }));
        // It is tried again until the store has taken it.
        if is_settled && starts == self.starts {
            self.hooks.calls.retain(|row| row.id != id);
            self.hooks.looks = true;
        }
        true
    }

    fn begin_calls(&mut self) {
        if let Some(wakes) = &mut self.hooks.wakes {
            wakes.borrow_and_update();
        }
        self.hooks.looks = false;
        for row in ready(self.engine.read(NextHooks)).expect("the store can be read") {
            if self.hooks.calls.len() >= limits::HOOKS_AT_ONCE {
                break;
            }
            if self.hooks.calls.iter().all(|call| call.task_id != row.task_id) {
                self.record.add(Entry::Call(Call::HookCalled { id: row.id }));
                self.hooks.calls.push(row);
            }
        }
    }
}
