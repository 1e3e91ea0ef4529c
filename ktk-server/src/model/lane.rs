//! Lanes: tasks that are limited alike wait in one line. All tasks of a lane have the same executor, queue, permits, node
//! selector and affinity, so that a paused queue or a taken permit closes a lane as a whole and is not met task by task. Lane 0
//! is everybody else: the default queue without permits and selector.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ktk_client::api::selector::LabelSelector;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The lane of tasks that nothing limits but the default queue.
pub const PLAIN: u32 = 0;

/// What the tasks of a lane have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lane {
    /// Empty for a process, else the handler's name.
    pub executor: String,
    pub queue: String,
    /// How many permits of which semaphores each task holds while it runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub semaphores: BTreeMap<String, u32>,
    /// kubectl's label selector grammar, against the labels of nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// They prefer the nodes that ran what comes before them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub near: bool,
}

impl Lane {
    /// Whether a node with these executors and labels can run its tasks.
    pub fn fits(&self, executors: &[String], labels: &BTreeMap<String, String>) -> bool {
        // A stored selector was read before it was stored.
        let is_chosen =
            |text: &String| text.parse::<LabelSelector>().is_ok_and(|selector| selector.matches(labels));
        executors.contains(&self.executor) && self.selector.as_ref().is_none_or(is_chosen)
    }

    /// Whether both need permits of one semaphore.
    pub fn shares(&self, other: &Self) -> bool {
        self.semaphores.keys().any(|name| other.semaphores.contains_key(name))
    }
}

/// The first of a lane was passed by later ones, because it did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    pub task: Uuid,
    pub times: u32,
    pub since: Timestamp,
}

/// A lane as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRow {
    pub id: u32,
    pub lane: Lane,
    pub passed: Option<Passed>,
}

/// What runs in a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// All that hold permits.
    pub all: u64,
    /// Those on nodes: only they count against a queue's `maxRunning`.
    pub on_nodes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_chosen_by_what_it_has() {
        let labels = BTreeMap::from([("zone".to_owned(), "eu".to_owned())]);
        let lane = |executor: &str, selector: Option<&str>| Lane {
            executor: executor.into(),
            selector: selector.map(str::to_owned),
            ..Lane::default()
        };
        let executors = [String::new(), "resize".to_owned()];
        assert!(lane("resize", Some("zone=eu")).fits(&executors, &labels));
        assert!(lane("", None).fits(&executors, &labels));
        assert!(!lane("", Some("zone=us")).fits(&executors, &labels));
        assert!(!lane("other", None).fits(&executors, &labels));
    }
}
