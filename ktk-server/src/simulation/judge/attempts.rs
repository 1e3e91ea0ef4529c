//! Attempts: numbers, limits, pauses, fences, ends.

use uuid::Uuid;

use super::{
    Judge,
    contexts::Touched,
    facts::{AttemptFact, TaskFact},
};

const RETRIED: [&str; 7] =
    ["ExitCode", "Signal", "Timeout", "KeepaliveLost", "HandlerError", "NodeLost", "Interrupted"];

impl Judge {
    pub(super) fn ended(&mut self, attempt: &AttemptFact, touched: &mut Touched) {
        self.expect_of_attempt(attempt, touched);
        self.since.ended.insert((attempt.task, attempt.number));
        let is_there = self.tasks.contains_key(&attempt.task);
        self.rule("P10", is_there, || format!("an end of what is not there: {attempt:?}"));
        let known = self.attempts.entry(attempt.task).or_default();
        let next = known.len() as u32 + 1;
        known.push(attempt.clone());
        self.rule("P10", attempt.number == next, || format!("the end number {next} is {attempt:?}"));
    }

    /// A fence that is new is a grant.
    pub(super) fn check_fence(&mut self, before: &TaskFact, now: &TaskFact, touched: &mut Touched) {
        if now.is_for_each() {
            let holds = now.fence.is_none() && now.node.is_none() && now.attempt == 0;
            return self.rule("P14", holds, || format!("a step runs in the place of its items: {now:?}"));
        }
        let runs = now.phase == "Running";
        let is_external = self.is_external(now.id);
        if let Some(fence) = before.fence.filter(|fence| now.fence != Some(*fence)) {
            self.since.fences.insert((before.id, fence));
        }
        if !runs {
            let holds = now.fence.is_none() && now.attempt == before.attempt;
            return self.rule("P14", holds, || format!("it does not run and has a grant: {now:?}"));
        }
        // One that nobody claims may end and begin again in one commit.
        let is_again = is_external && now.attempt == before.attempt + 1;
        if before.phase == "Running" && !is_again {
            let holds = (now.fence, now.node, now.attempt) == (before.fence, before.node, before.attempt);
            return self.rule("P14", holds, || format!("{before:?} was given away: {now:?}"));
        }
        let Some(fence) = now.fence else {
            return self.rule("P14", false, || format!("it runs without a grant: {now:?}"));
        };
        // Rows of one commit are written in any order.
        let newest = self.fence;
        let is_new = touched.fences.insert(fence) && fence > newest;
        self.rule("P14", is_new && fence.0 == self.epoch, || format!("{fence:?} after {newest:?}"));
        let node = now.node.and_then(|node| self.nodes.get(&node)).map(|node| node.phase);
        let holds = if is_external { now.node.is_none() } else { node == Some("Ready") };
        self.rule("P14", holds, || format!("granted to a node that is {node:?}: {now:?}"));
        let was_ready = is_external || before.reason == Some("Queued");
        self.rule("P20", was_ready && !before.stops_for_good(), || format!("started out of {before:?}"));
        self.rule("P20", !now.is_held || before.phase == "Running", || {
            format!("held, and it starts: {now:?}")
        });
        touched.granted.push(now.id);
        self.expect_hook(now.id, "onStart", now.attempt, touched);
        self.since.grants.insert(now.id);
    }

    pub(super) fn check_number(&mut self, id: Uuid) {
        let Some(now) = self.tasks.get(&id).cloned() else { return };
        let ends = self.attempts.get(&now.id).cloned().unwrap_or_default();
        let number = ends.len() as u32 + 1;
        self.rule("P11", now.attempt == number, || {
            format!("attempt {} is number {number} of {}", now.attempt, now.name)
        });
        let Some(last) = ends.last() else { return };
        let retry = self.specs.get(&now.id).and_then(|spec| spec.retry.clone()).unwrap_or_default();
        let counted: Vec<&AttemptFact> =
            ends.iter().filter(|end| end.reason != Some("Interrupted")).collect();
        let count = counted.len() as u32;
        let is_within = match retry.limit {
            Some(limit) => count <= limit,
            None => count <= 1 && counted.iter().all(|end| end.reason == Some("NodeLost")),
        };
        self.rule("P11", is_within, || format!("{}: one more after {ends:?}, {retry:?}", now.name));
        let is_listed = match (&retry.on_exit_codes, last.reason) {
            (Some(codes), Some("ExitCode")) => last.exit_code.is_some_and(|code| codes.contains(&code)),
            (_, Some("Reported")) => self.asked_again.contains(&(last.task, last.number)),
            _ => last.reason.is_some_and(|reason| RETRIED.contains(&reason)),
        };
        self.rule("P13", is_listed, || format!("{} goes on after {last:?}", now.name));
        if !matches!(last.reason, Some("NodeLost" | "Interrupted")) {
            let seconds =
                |duration: Option<ktk_client::api::Duration>| duration.map(|d| d.get().as_secs_f64());
            let backoff = seconds(retry.backoff).unwrap_or(1.0);
            let most = seconds(retry.max_backoff).unwrap_or(60.0_f64.max(backoff));
            let power = i32::try_from(count.saturating_sub(1)).unwrap_or(i32::MAX);
            let pause = (backoff * retry.factor.unwrap_or(2.0).powi(power)).min(most);
            // Stores keep microseconds.
            let earliest = last.finished_at + (pause * 1e6) as i64 - 1;
            let at = self.latest;
            self.rule("P12", at >= earliest, || {
                format!("{} started at {at}, {pause} s after {last:?} is {earliest}", now.name)
            });
        }
    }
}
