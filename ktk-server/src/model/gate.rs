//! The permits of a pipeline as a whole: its steps wait behind a gate until it has them.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{lane::Lane, permits::Rank, row::PipelineRow};

/// The executor of lanes in which pipelines wait. No handler can have this name.
pub const WHOLE: &str = "!pipeline";

/// Where a pipeline stands with its permits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stand {
    /// No step of it is ready, or it has ended.
    #[default]
    Away,
    /// In the line.
    Waits,
    /// It has them.
    Holds,
}

impl Stand {
    /// The word in stored rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Waits => "waits",
            Self::Holds => "holds",
        }
    }
}

/// What a pipeline that needs permits waits for, and where it stands. The store finds it by lane and stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gate {
    pub lane: u32,
    pub stand: Stand,
    pub priority: i32,
    /// When it came to stand so.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::optional")]
    pub since: Option<Timestamp>,
    /// What the lane is of.
    pub of: Lane,
}

impl PipelineRow {
    /// Where it stands with its permits; `None` where it needs none.
    pub fn stand(&self) -> Option<Stand> {
        self.rare.gate.as_ref().map(|gate| gate.stand)
    }

    /// Its place in the line.
    pub fn rank(&self) -> Rank {
        let gate = self.rare.gate.as_ref();
        (Reverse(gate.map_or(0, |gate| gate.priority)), gate.and_then(|gate| gate.since), self.id)
    }
}
