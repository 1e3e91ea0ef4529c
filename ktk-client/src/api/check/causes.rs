//! Collects causes, up to a limit.

use crate::api::{Cause, names::printable};

/// The most causes of one answer.
const MAX_CAUSES: usize = 1_000;

#[derive(Default)]
pub(super) struct Causes {
    list: Vec<Cause>,
    left_out: usize,
}

impl Causes {
    pub(super) fn push(&mut self, field: impl Into<String>, message: impl Into<String>) {
        if self.list.len() < MAX_CAUSES {
            self.list.push(Cause::new(printable(field.into()), printable(message.into())));
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn extend(&mut self, causes: Vec<Cause>) {
        for cause in causes {
            self.push(cause.field, cause.message);
        }
    }

    pub(super) fn into_vec(mut self) -> Vec<Cause> {
        if self.left_out > 0 {
            self.list.push(Cause::new("", format!("and {} more problems", self.left_out)));
        }
        self.list
    }
}
