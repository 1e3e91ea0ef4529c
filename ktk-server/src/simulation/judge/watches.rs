//! Watches: every object that changed, in order, none twice, none missing.

use uuid::Uuid;

use super::{
    Judge,
    facts::{Page, Told},
};

impl Judge {
    pub(super) fn check_watch(&mut self, after: u64, told: &Told<Page>) {
        match told {
            Told::Done(page) => {
                let upto = page.upto;
                let expected: Vec<(u64, Uuid, bool)> = self
                    .current
                    .range(after + 1..upto.max(after) + 1)
                    .map(|(version, (id, is_gone))| (*version, *id, *is_gone))
                    .collect();
                self.rule("P44", page.events == expected, || {
                    format!("after {after} up to {upto}: {:?} instead of {expected:?}", page.events)
                });
                let is_end = !page.events.is_empty() || self.current.range(after + 1..).next().is_none();
                self.rule("P44", upto >= after && is_end, || format!("silence after {after}"));
            }
            Told::Refused(reason) => {
                let newest = self.version;
                let holds = *reason == "Expired" && after > newest;
                self.rule("P44", holds, || format!("{reason} for {after}, the newest is {newest}"));
            }
            Told::Unknown => {}
        }
    }
}
