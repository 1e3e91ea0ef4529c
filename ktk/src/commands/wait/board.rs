//! The objects that a command waits for and what is known of each. Pure: changes in, verdicts out.

use serde_json::Value;
use uuid::Uuid;

use super::{
    condition::{Goal, Seen, Verdict},
    snapshot::Snapshot,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    id: Option<Uuid>,
    context: Option<Uuid>,
    incarnation: u32,
    follows_newest: bool,
}

/// One object that is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    kind: &'static str,
    namespace: String,
    typed: String,
    identity: Option<Identity>,
    seen: Seen,
    whole: Option<Value>,
    conditions_met: usize,
    verdict: Verdict,
}

impl Target {
    /// An object by what the user typed, not looked up yet. `kind` is `Task` or `Pipeline`.
    pub(crate) fn new(kind: &'static str, namespace: &str, typed: &str) -> Self {
        Self {
            kind,
            namespace: namespace.to_owned(),
            typed: typed.to_owned(),
            identity: None,
            seen: Seen::Absent,
            whole: None,
            conditions_met: 0,
            verdict: Verdict::Open,
        }
    }

    /// `task/x`, as in every message.
    pub(crate) fn label(&self) -> String {
        format!("{}/{}", self.kind.to_ascii_lowercase(), self.typed)
    }

    /// What was seen of it last.
    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    /// What that says about the goal.
    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Takes the object that a look-up by the typed reference found. A name follows the newest
    /// incarnation; an id, a digest and `name@N` stay with what they named.
    pub(crate) fn found(&mut self, object: &Snapshot) {
        self.identity = Some(Identity {
            id: object.metadata.id,
            context: object.context(),
            incarnation: object.metadata.incarnation(),
            follows_newest: object.metadata.name() == self.typed,
        });
        self.seen = object.seen();
        self.whole.clone_from(&object.whole);
    }

    fn is_about(&self, object: &Snapshot) -> bool {
        if object.kind != self.kind || object.metadata.namespace() != self.namespace {
            return false;
        }
        match self.identity {
            Some(identity) if identity.follows_newest => {
                identity.context == object.context() && object.metadata.incarnation() >= identity.incarnation
            }
            Some(identity) => identity.id == object.metadata.id,
            None => {
                let metadata = &object.metadata;
                metadata.name() == self.typed
                    || format!("{}@{}", metadata.name(), metadata.incarnation()) == self.typed
                    || metadata.id.is_some_and(|id| id.to_string() == self.typed)
            }
        }
    }

    fn observe(&mut self, object: &Snapshot, is_gone: bool) -> bool {
        if !self.is_about(object) {
            return false;
        }
        if !is_gone {
            self.found(object);
            return true;
        }
        if self.identity.is_some_and(|identity| identity.id == object.metadata.id) {
            self.seen = Seen::Deleted;
            self.whole = None;
            self.identity = None;
            return true;
        }
        false
    }

    fn judge(&mut self, goal: &Goal) {
        self.verdict = goal.judge(&mut self.conditions_met, self.seen, self.whole.as_ref());
    }
}

/// All objects that a command waits for.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    goal: Goal,
    targets: Vec<Target>,
}

impl Board {
    /// Objects of which each has been looked up; judges each.
    pub(crate) fn new(goal: Goal, mut targets: Vec<Target>) -> Self {
        targets.iter_mut().for_each(|target| target.judge(&goal));
        Self { goal, targets }
    }

    /// What is waited for.
    pub(crate) fn goal(&self) -> &Goal {
        &self.goal
    }

    /// All objects, in the order given.
    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Takes a change of some object; the answer is the targets that are no longer open by it.
    pub(crate) fn observe(&mut self, object: &Snapshot, is_gone: bool) -> Vec<&Target> {
        let goal = &self.goal;
        let mut settled = Vec::new();
        for target in self.targets.iter_mut().filter(|target| target.verdict != Verdict::Met) {
            let before = target.verdict;
            if target.observe(object, is_gone) {
                target.judge(goal);
                if target.verdict != before && target.verdict != Verdict::Open {
                    settled.push(&*target);
                }
            }
        }
        settled
    }

    /// Whether nothing is open any more; a lost one ends the waiting unless it is to go on.
    pub(crate) fn is_over(&self, keep_waiting: bool) -> bool {
        let has_open = self.targets.iter().any(|target| target.verdict == Verdict::Open);
        let has_lost = self.targets.iter().any(|target| target.verdict == Verdict::Lost);
        !has_open || (has_lost && !keep_waiting)
    }

    /// The targets of which nothing is decided yet.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| target.verdict == Verdict::Open)
    }

    /// The targets that cannot meet the goal any more.
    pub(crate) fn lost(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| target.verdict == Verdict::Lost)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::condition::Condition, *};

    fn id(n: u8) -> String {
        format!("01936f2e-8c00-7000-8000-0000000000{n:02}")
    }

    fn task(name: &str, number: u8, incarnation: u32, phase: &str) -> Snapshot {
        let object = json!({"kind": "Task", "status": {"phase": phase}, "metadata": {
            "name": name, "id": id(number), "restart": {"contextId": id(1), "incarnation": incarnation}}});
        serde_json::from_value(object).expect("an object")
    }

    fn found(typed: &str, object: &Snapshot) -> Target {
        let mut target = Target::new("Task", "default", typed);
        target.found(object);
        target
    }

    fn is_met(board: &Board) -> bool {
        board.targets().iter().all(|target| target.verdict == Verdict::Met)
    }

    fn end() -> Goal {
        Goal::new(vec![], false)
    }

    #[test]
    fn a_name_follows_the_newest_incarnation() {
        let first = task("x", 1, 1, "Running");
        let mut board = Board::new(end(), vec![found("x", &first)]);
        assert!(board.observe(&task("x", 2, 2, "Running"), false).is_empty());
        assert!(board.observe(&task("x", 1, 1, "Cancelled"), false).is_empty(), "an older one says nothing");
        assert_eq!(board.observe(&task("x", 2, 2, "Succeeded"), false).len(), 1);
        assert!(is_met(&board));
    }

    #[test]
    fn an_id_stays_with_that_one() {
        let first = task("x", 1, 1, "Running");
        for typed in [id(1), "x@1".to_owned()] {
            let mut board = Board::new(end(), vec![found(&typed, &first)]);
            assert!(board.observe(&task("x", 2, 2, "Succeeded"), false).is_empty());
            assert_eq!(board.observe(&task("x", 1, 1, "Failed"), false).len(), 1);
            assert!(board.is_over(false) && !is_met(&board));
        }
    }

    #[test]
    fn what_is_absent_is_found_when_it_comes() {
        let mut board = Board::new(end(), vec![Target::new("Task", "default", "x")]);
        assert!(!board.is_over(false));
        assert!(board.observe(&task("y", 3, 1, "Succeeded"), false).is_empty());
        assert!(board.observe(&task("x", 1, 1, "Pending"), false).is_empty());
        assert_eq!(board.observe(&task("x", 1, 1, "Skipped"), false)[0].label(), "task/x");
        assert!(is_met(&board));
    }

    #[test]
    fn a_field_is_judged_with_each_change() {
        let goal = || Goal::new(vec!["jsonpath={.status.progress}=40".parse().expect("a condition")], false);
        let with_progress = |progress: u8, phase: &str| {
            let object = json!({"kind": "Task", "status": {"phase": phase, "progress": progress},
                "metadata": {"name": "x", "id": id(1)}});
            Snapshot::read(object, goal().needs_whole()).expect("an object")
        };
        let mut board = Board::new(goal(), vec![found("x", &with_progress(10, "Running"))]);
        assert!(board.observe(&with_progress(20, "Running"), false).is_empty());
        assert_eq!(board.observe(&with_progress(40, "Running"), false)[0].verdict(), Verdict::Met);
        let mut board = Board::new(goal(), vec![found("x", &with_progress(10, "Running"))]);
        assert_eq!(board.observe(&with_progress(50, "Succeeded"), false)[0].verdict(), Verdict::Lost);
    }

    #[test]
    fn deletion_ends_the_waiting() {
        let first = task("x", 1, 1, "Running");
        let mut board = Board::new(end(), vec![found("x", &first)]);
        assert_eq!(board.observe(&first, true)[0].seen(), Seen::Deleted);
        assert!(board.is_over(false) && board.is_over(true) && !is_met(&board));
        let gone = Goal::new(vec![Condition::Delete], false);
        let mut board = Board::new(gone, vec![found("x", &first)]);
        assert_eq!(board.observe(&first, true)[0].verdict(), Verdict::Met);
    }

    #[test]
    fn with_keep_waiting_a_failure_does_not_end_it() {
        let other = serde_json::from_value(json!({"kind": "Task", "status": {"phase": "Running"},
            "metadata": {"name": "y", "id": id(9)}}))
        .expect("an object");
        let targets = vec![found("x", &task("x", 1, 1, "Failed")), found("y", &other)];
        let mut board = Board::new(end(), targets);
        assert!(board.is_over(false) && !board.is_over(true));
        assert_eq!(board.lost().count(), 1);
        board.observe(&task("x", 2, 2, "Succeeded"), false);
        assert_eq!(board.open().count(), 1);
        assert_eq!(board.lost().count(), 0);
    }
}
