//! Flags that say where a task waits, for what, and which node takes it.

use clap::Args;
use ktk_client::api::{
    task::{Affinity, SemaphoreUse, TaskSpec},
    unique::{HeldWhile, OnConflict, UniqueSpec},
};

use super::word;

/// The flags of queues, permits, unique keys and nodes.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct TurnFlags {
    /// Queue that it waits in [default: default]
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,

    /// Higher goes first
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    priority: Option<i32>,

    /// Semaphore of which it holds a permit, or several, while it runs; repeatable
    #[arg(long = "semaphore", value_name = "NAME[=PERMITS]", value_parser = semaphore)]
    semaphores: Vec<SemaphoreUse>,

    /// Key of which there is no second task at a time
    #[arg(long, value_name = "KEY")]
    unique: Option<String>,

    /// How long it holds the key: pending or unfinished [default: unfinished]
    #[arg(long, value_name = "HOW", value_parser = word::<HeldWhile>, requires = "unique")]
    unique_while: Option<HeldWhile>,

    /// What becomes of it while another one holds the key: reject, return or replace [default: reject]
    #[arg(long, value_name = "WHAT", value_parser = word::<OnConflict>, requires = "unique")]
    unique_on_conflict: Option<OnConflict>,

    /// Only nodes with such labels run it
    #[arg(long, value_name = "SELECTOR")]
    node_selector: Option<String>,

    /// Which node is preferred: execution, one that ran earlier tasks of its execution
    #[arg(long, value_name = "WHICH", value_parser = word::<Affinity>)]
    affinity: Option<Affinity>,
}

impl TurnFlags {
    /// The spec with what they say.
    pub(super) fn fill(self, spec: TaskSpec) -> TaskSpec {
        let unique = self.unique.map(|key| UniqueSpec {
            key,
            held_while: self.unique_while.unwrap_or_default(),
            on_conflict: self.unique_on_conflict.unwrap_or_default(),
        });
        TaskSpec {
            queue: self.queue,
            priority: self.priority,
            semaphores: self.semaphores,
            unique,
            node_selector: self.node_selector,
            affinity: self.affinity,
            ..spec
        }
    }
}

/// `NAME` or `NAME=PERMITS`.
fn semaphore(text: &str) -> Result<SemaphoreUse, String> {
    let Some((name, permits)) = text.split_once('=') else { return Ok(SemaphoreUse::One(text.to_owned())) };
    let permits = permits.parse().map_err(|_| format!("{permits:?} is no number of permits"))?;
    Ok(SemaphoreUse::Several { name: name.to_owned(), permits })
}
