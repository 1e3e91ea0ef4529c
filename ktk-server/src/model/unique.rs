//! Who holds a unique key.

use ktk_client::api::{Phase, unique::HeldWhile};
use serde::{Deserialize, Serialize};

use super::row::TaskRow;

/// The key of a task or pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    pub key: String,
    /// How long it is held.
    #[serde(rename = "while")]
    pub held_while: HeldWhile,
    /// Whether it waits for the end of whom it replaces.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

impl Key {
    /// Whether something in this phase has the key: nobody else may be made of it.
    pub fn is_held_in(&self, phase: Phase) -> bool {
        match self.held_while {
            HeldWhile::Pending => phase == Phase::Pending,
            HeldWhile::Unfinished => !phase.is_terminal(),
        }
    }
}

impl TaskRow {
    /// Whether it has its key: nobody else may be made of it.
    pub fn holds_key(&self) -> bool {
        self.rare.unique.as_ref().is_some_and(|key| key.is_held_in(self.phase))
    }

    /// Whether it waits for the end of whom it replaces.
    pub fn waits_for_key(&self) -> bool {
        self.rare.unique.as_ref().is_some_and(|key| key.waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_held_as_long_as_was_said() {
        let key = |held_while| Key { key: "k".into(), held_while, waits: false };
        for phase in Phase::ALL.iter().copied() {
            assert_eq!(key(HeldWhile::Unfinished).is_held_in(phase), !phase.is_terminal(), "{phase}");
            assert_eq!(key(HeldWhile::Pending).is_held_in(phase), phase == Phase::Pending, "{phase}");
        }
    }
}
