//! What things take: cells of processor time and memory. What nobody knows is `<unknown>`, never a number.

use jiff::Timestamp;
use ktk_client::api::usage::{Measured, TaskUsage};

use super::age;
use crate::ui::Cell;

/// What several attempts take together; of some that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    /// Attempts that run.
    pub(crate) running: u64,
    measured: Measured,
    has_unknown: bool,
    /// When the one that runs longest began.
    pub(crate) since: Option<Timestamp>,
}

impl Total {
    /// Adds an attempt.
    pub(crate) fn add(&mut self, task: &TaskUsage) {
        self.running += 1;
        self.since = [self.since, task.started_at].into_iter().flatten().min();
        match task.usage {
            Some(usage) => {
                self.measured.processes += usage.processes;
                self.measured.cpu_millis += usage.cpu_millis;
                self.measured.memory_bytes += usage.memory_bytes;
            }
            None => self.has_unknown = true,
        }
    }

    /// What they take, where that is known of all.
    pub(crate) fn measured(&self) -> Option<Measured> {
        (!self.has_unknown).then_some(self.measured)
    }
}

/// `250m`: thousandths of a processor.
pub(crate) fn cpu(measured: Option<Measured>) -> Cell {
    measured.map_or_else(unknown, |measured| Cell::new(format!("{}m", measured.cpu_millis)))
}

/// `34Mi`.
pub(crate) fn memory(measured: Option<Measured>) -> Cell {
    measured.map_or_else(unknown, |measured| {
        Cell::new(match measured.memory_bytes {
            small if small < 1 << 20 => format!("{}Ki", small >> 10),
            large => format!("{}Mi", large >> 20),
        })
    })
}

/// How long ago something began.
pub(crate) fn since(time: Option<Timestamp>, now: Timestamp) -> Cell {
    time.map_or_else(Cell::none, |time| Cell::new(age::age(Some(time), now)))
}

/// `<unknown>`.
pub(crate) fn unknown() -> Cell {
    Cell::new("<unknown>")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(usage: serde_json::Value, started: &str) -> TaskUsage {
        let mut task = json!({"metadata": {"name": "x"}, "queue": "q", "attempt": 1, "startedAt": started});
        if !usage.is_null() {
            task["usage"] = usage;
        }
        serde_json::from_value(task).expect("a task")
    }

    #[test]
    fn a_total_is_known_where_all_are() {
        let one = json!({"processes": 1, "cpuMillis": 250, "memoryBytes": 3 << 20});
        let mut total = Total::default();
        assert_eq!(cpu(total.measured()).text(), "0m");
        total.add(&task(one.clone(), "2026-11-22T12:00:00Z"));
        total.add(&task(one, "2026-11-22T11:00:00Z"));
        assert_eq!((cpu(total.measured()).text(), memory(total.measured()).text()), ("500m", "6Mi"));
        assert_eq!(total.since, Some("2026-11-22T11:00:00Z".parse().expect("a time")));
        total.add(&task(json!(null), "2026-11-22T12:00:00Z"));
        assert_eq!((total.running, cpu(total.measured()).text()), (3, "<unknown>"));
        assert_eq!(memory(Some(Measured { memory_bytes: 2048, ..Measured::default() })).text(), "2Ki");
    }
}
