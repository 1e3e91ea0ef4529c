//! What one call may take, counted while the filter runs: an orderly end before the orderless one.

use std::{
    cell::Cell,
    panic::resume_unwind,
    time::{Duration, Instant},
};

use jaq_core::{DataT, Lut, data::HasLut};
use jaq_json::Val;

use super::Fault;

/// So many steps pass between two looks at the clock.
const STEPS_PER_LOOK: u32 = 256;

/// The limits of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) time: Duration,
    /// Bytes of the stack.
    pub(super) stack: usize,
}

/// What is left of a call's limits.
#[derive(Debug)]
pub(super) struct Budget {
    ends_at: Instant,
    stack: usize,
    base: usize,
    steps: Cell<u32>,
}

impl Budget {
    /// A call that begins here and now.
    pub(super) fn begin(limits: Limits) -> Self {
        Self {
            ends_at: Instant::now() + limits.time,
            stack: limits.stack,
            base: stack_pointer(),
            steps: Cell::new(0),
        }
    }

    /// One step further. What is over its limits unwinds with the fault.
    fn spend(&self) {
        if self.base.abs_diff(stack_pointer()) > self.stack {
            resume_unwind(Box::new(Fault::TooDeep));
        }
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if steps.is_multiple_of(STEPS_PER_LOOK) {
            self.look();
        }
    }

    /// Looks at the clock.
    pub(super) fn look(&self) {
        if Instant::now() > self.ends_at {
            resume_unwind(Box::new(Fault::TooSlow));
        }
    }
}

/// About where the stack is now.
#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0u8;
    (&raw const here).addr()
}

/// jq whose every step is counted.
pub(super) struct Metered;

/// What a running filter carries with it.
#[derive(Clone)]
pub(super) struct Meter<'a> {
    pub(super) lut: &'a Lut<Metered>,
    pub(super) budget: &'a Budget,
}

impl DataT for Metered {
    type V<'a> = Val;
    type Data<'a> = Meter<'a>;
}

impl<'a> HasLut<'a, Metered> for Meter<'a> {
    fn lut(&self) -> &'a Lut<Metered> {
        self.budget.spend();
        self.lut
    }
}
