//! What a text may cost. Sizes are counted as work is done, so a bomb is refused before it goes off.

use super::{Fatal, Place};

/// The most bytes of a text, and of the scalars that its aliases repeat.
pub const MAX_BYTES: usize = 16 << 20;

/// The most values of a text, those that aliases repeat included.
pub const MAX_NODES: usize = 2_000_000;

/// The most events of the parser.
pub const MAX_EVENTS: usize = 5_000_000;

/// The most aliases.
pub const MAX_ALIASES: usize = 1_000;

/// The deepest nesting: what a request may have (128), without what it puts around a manifest.
pub const MAX_DEPTH: usize = 120;

/// The size of a tree.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
    pub(super) depth: usize,
}

/// What has been spent.
#[derive(Default)]
pub(super) struct Budget {
    events: usize,
    nodes: usize,
    aliases: usize,
    copied_bytes: usize,
}

impl Budget {
    pub(super) fn event(&mut self, place: Place) -> Result<(), Fatal> {
        spend(&mut self.events, 1, MAX_EVENTS, place, "parts")
    }

    pub(super) fn node(&mut self, place: Place) -> Result<(), Fatal> {
        spend(&mut self.nodes, 1, MAX_NODES, place, "values")
    }

    pub(super) fn alias(&mut self, place: Place) -> Result<(), Fatal> {
        spend(&mut self.aliases, 1, MAX_ALIASES, place, "aliases")
    }

    /// Before a tree is copied.
    pub(super) fn copy(&mut self, size: Size, place: Place) -> Result<(), Fatal> {
        spend(&mut self.nodes, size.nodes, MAX_NODES, place, "values, those of aliases included")?;
        spend(&mut self.copied_bytes, size.bytes, MAX_BYTES, place, "bytes by aliases")
    }

    pub(super) fn depth(depth: usize, place: Place) -> Result<(), Fatal> {
        if depth > MAX_DEPTH {
            return Err(Fatal::new(place, format!("nests deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }
}

fn spend(spent: &mut usize, cost: usize, limit: usize, place: Place, what: &str) -> Result<(), Fatal> {
    *spent = spent.saturating_add(cost);
    if *spent > limit {
        return Err(Fatal::new(place, format!("more than {limit} {what}")));
    }
    Ok(())
}
