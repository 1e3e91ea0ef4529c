//! Hooks: each is written down once, in the commit in which it happens, and called in order; again only by another
//! server.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{
    Judge,
    contexts::Touched,
    facts::{AttemptFact, HookFact, TaskFact},
};

/// What is known of hooks.
#[derive(Default)]
pub struct Hooks {
    /// Those that are to be called, in the order in which they were written down.
    waiting: Vec<HookFact>,
    /// Those that the present server has called.
    pub called: BTreeSet<Uuid>,
    /// Those that were ever called.
    ever: BTreeSet<Uuid>,
}

/// What must be written down in a commit.
pub type Expected = (Uuid, &'static str, u32);

impl Judge {
    pub(super) fn expect_hook(&self, task: Uuid, moment: &'static str, attempt: u32, touched: &mut Touched) {
        if self.specs.get(&task).is_some_and(|spec| spec.has_hook(moment)) {
            touched.expected_hooks.push((task, moment, attempt));
        }
    }

    pub(super) fn expect_of_attempt(&self, attempt: &AttemptFact, touched: &mut Touched) {
        if matches!(attempt.reason, Some("Timeout" | "KeepaliveLost" | "DeadlineExceeded")) {
            self.expect_hook(attempt.task, "onTimeout", attempt.number, touched);
        }
    }

    pub(super) fn expect_of_end(&self, task: &TaskFact, touched: &mut Touched) {
        // What was taken back, and an item that its step has no more, never ran.
        if task.reason != Some("Reused") && task.item.is_none_or(|item| !item.is_gone) {
            self.expect_hook(task.id, "onFinish", task.attempt, touched);
        }
    }

    pub(super) fn check_hooks(&mut self, touched: &Touched) {
        let moment = |hook: &HookFact| hook.moment;
        // Of a pipeline that goes with its end only its hook is left.
        let is_known =
            |hook: &HookFact| self.specs.contains_key(&hook.task) || !touched.deleted.contains(&hook.task);
        let is_judged = |hook: &&HookFact| moment(hook) != "onKeepalive" && is_known(hook);
        let written = touched.hooks.iter().filter(is_judged);
        let mut written: Vec<Expected> =
            written.map(|hook| (hook.task, moment(hook), hook.attempt)).collect();
        let mut expected = touched.expected_hooks.clone();
        expected.retain(|(of, ..)| self.specs.contains_key(of) || !touched.deleted.contains(of));
        written.sort_unstable();
        expected.sort_unstable();
        if !expected.is_empty() || !written.is_empty() {
            self.rule("S2", written == expected, || format!("hooks {written:?} instead of {expected:?}"));
        }
        self.hooks.waiting.extend(touched.hooks.iter().cloned());
        let gone = &touched.gone_hooks;
        let ever = &self.hooks.ever;
        let uncalled: Vec<Uuid> = gone.iter().filter(|id| !ever.contains(id)).copied().collect();
        if !gone.is_empty() {
            self.rule("S2", uncalled.is_empty(), || {
                format!("forgotten before they were called: {uncalled:?}")
            });
        }
        self.hooks.waiting.retain(|hook| !gone.contains(&hook.id));
    }

    pub(super) fn called(&mut self, id: Uuid) {
        let waiting = &self.hooks.waiting;
        let hook = waiting.iter().find(|hook| hook.id == id).cloned();
        let first = hook.as_ref().and_then(|hook| waiting.iter().find(|other| other.task == hook.task));
        let is_first = first.is_some_and(|first| first.id == id);
        self.rule("S2", is_first, || format!("{hook:?} was called out of its order"));
        self.hooks.ever.insert(id);
        let is_new = self.hooks.called.insert(id);
        self.rule("S2", is_new, || format!("{hook:?} was called twice by one server"));
    }

    pub(super) fn check_no_hook_waits(&mut self) {
        let left = self.hooks.waiting.clone();
        self.rule("S2", left.is_empty(), || format!("never called: {left:?}"));
    }
}
