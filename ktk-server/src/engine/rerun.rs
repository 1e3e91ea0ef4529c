//! Restarts that nobody asks for at that moment: wishes that were stored with a cancel, and early
//! cutoff: finished tasks that took something else than what is there now.

use ktk_client::api::{
    Phase,
    change::Changes,
    event::Severity,
    restart::{Action, Cascade, Decision, RestartParams},
    task::{Resolved, RunIf},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    body::{self, RestartBody, TaskBody},
    error::{EngineError, EngineResult},
    lanes::Limits,
    unit::Unit,
};
use crate::{
    model::{
        row::TaskRow,
        settle::{Class, class_of},
    },
    mutants,
    store::Tx,
};

/// A restart that is to be made, or looked at, once the present changes have settled.
#[derive(Clone, Copy, Debug)]
pub enum Rerun {
    /// The wish of this task, which has ended.
    Wish(Uuid),
    /// This finished task, if what it took is not what is there now.
    IfChanged(Uuid),
    /// This step with `forEach`, which had succeeded, if its items came to something else than it collected.
    IfItemsChanged(Uuid),
    /// The wish of this pipeline, which has ended.
    Whole(Uuid),
}

/// A restart that happens when the task has ended: stored with the task.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// The incarnation to restart; the task itself when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub by: String,
    #[serde(default)]
    pub cascade: Cascade,
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
    /// Whether it is part of another task's restart, which has been planned and carried out already.
    #[serde(default)]
    pub is_follower: bool,
}

impl Wish {
    /// Of a restart that somebody asks for, of the task itself.
    pub fn asked(params: &RestartParams, by: &str) -> Self {
        Self {
            reason: params.reason.clone(),
            by: by.to_owned(),
            cascade: params.cascade,
            changes: params.changes.clone(),
            ..Self::default()
        }
    }
}

impl<T: Tx> Unit<'_, T> {
    pub(super) async fn rerun(&mut self, rerun: Rerun) -> EngineResult<()> {
        match rerun {
            Rerun::Wish(id) => self.grant_wish(id).await,
            Rerun::IfChanged(id) => self.rerun_if_changed(id).await,
            Rerun::IfItemsChanged(id) => self.recollect_if_changed(id).await,
            Rerun::Whole(id) => self.grant_whole(id).await,
        }
    }

    async fn grant_wish(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.task(id)?.clone();
        let Some(text) = &row.wish else { return Ok(()) };
        let wish = body::from_text::<Wish>("a stored restart", text);
        self.task_mut(id)?.wish = None;
        let wish = match wish {
            Ok(wish) => wish,
            Err(error) => {
                tracing::error!(task = %id, %error, "a stored restart cannot be read");
                return Ok(());
            }
        };
        if !row.newest || !row.phase.is_terminal() {
            return Ok(());
        }
        let because = RestartBody { reason: wish.reason, changes: wish.changes, by: Some(wish.by) };
        if wish.is_follower {
            // A cascade restarts no cancelled task.
            if row.phase != Phase::Cancelled || mutants::lives("M45") {
                let changes = self.changes_of(id).await?;
                self.try_incarnate(id, RestartBody { changes, ..because }, wish.cascade).await?;
            }
            return Ok(());
        }
        let parent = wish.parent.unwrap_or(id);
        self.load(&[parent]).await?;
        let parent = self.task(parent).map_or_else(|_| row.clone(), TaskRow::clone);
        if let Some(need) = self.lost_need(&parent).await? {
            let words = format!("not restarted as asked: it needs {need}");
            self.task_event(&row, Severity::Warning, "NotRestarted", words);
            return Ok(());
        }
        let Some(body) = self.body(parent.id).await? else {
            let words = "not restarted as asked: its stored manifest cannot be read".into();
            self.task_event(&row, Severity::Warning, "NotRestarted", words);
            return Ok(());
        };
        // What was in order when it was asked for may not be any more: a queue is gone, a key is held.
        match self.changed(&parent, body, &because.changes, Limits::Lost).await {
            Err(EngineError::Refused(error)) => {
                let words = format!("not restarted as asked: {}", error.message);
                self.task_event(&row, Severity::Warning, "NotRestarted", words);
                return Ok(());
            }
            changed => drop(changed?),
        }
        // What is there now may be another picture than when it was asked for.
        let plan = self.plan(std::slice::from_ref(&parent), wish.cascade).await?;
        self.carry_out(&plan, &[parent.id], &because, wish.cascade).await?;
        Ok(())
    }

    /// Early cutoff: compares what a finished task took from its needs with what they have come to.
    async fn rerun_if_changed(&mut self, id: Uuid) -> EngineResult<()> {
        let Some(row) = self.tasks.get(&id).cloned() else { return Ok(()) };
        let is_candidate = row.newest && row.phase.is_terminal() && row.phase != Phase::Cancelled;
        if !is_candidate || row.deleted_at.is_some() || self.is_cancelled_for(&row).await? {
            return Ok(());
        }
        if self.lost_need(&row).await?.is_some() {
            return Ok(());
        }
        self.flush().await?;
        let Some(text) = self.tx.task_results(&[id]).await?.into_iter().find_map(|row| row.resolved) else {
            return Ok(());
        };
        let Some(body) = self.body(id).await? else { return Ok(()) };
        let Ok(saw) = body::from_text::<Vec<Resolved>>(&row.name, &text) else { return Ok(()) };
        self.load_newest(&body.needs).await?;
        match self.compare(&row, &body, &saw) {
            Compared::Changed(need) => {
                let words = format!("{need} came to something else");
                self.decided(&row, Action::Restart, words)?;
                let because = RestartBody {
                    reason: Some(format!("UpstreamChanged: {need}")),
                    changes: body.changes(),
                    by: Some("ktk".into()),
                };
                self.try_incarnate(id, because, Cascade::Auto).await?;
            }
            Compared::Equal(needs) => {
                let words = format!("{} came to the same as before: nothing to run again", needs.join(", "));
                self.decided(&row, Action::Keep, words)?;
            }
            Compared::Untouched => {}
        }
        Ok(())
    }

    /// Records which way it went, and why.
    pub(super) fn decided(&mut self, row: &TaskRow, action: Action, why: String) -> EngineResult<()> {
        let reason = if action == Action::Restart { "UpstreamChanged" } else { "Kept" };
        self.task_event(row, Severity::Normal, reason, why.clone());
        self.task_mut(row.id)?.rare.decision = Some(Decision { action, why, at: self.now });
        Ok(())
    }

    fn compare(&self, row: &TaskRow, body: &TaskBody, saw: &[Resolved]) -> Compared {
        let mut equal = Vec::new();
        for (context, saw) in body.needs.iter().zip(saw) {
            let Some(now) = self.newest_of(*context) else { continue };
            let is_settled = match row.run_if {
                RunIf::Success => class_of(now) == Class::Good,
                RunIf::Failure | RunIf::Always => class_of(now) != Class::Live,
            };
            if !is_settled || now.cascade == Cascade::None {
                continue;
            }
            if differs(now, saw) {
                return Compared::Changed(saw.need.clone());
            }
            if now.id != saw.id {
                equal.push(saw.need.clone());
            }
        }
        if equal.is_empty() { Compared::Untouched } else { Compared::Equal(equal) }
    }

    /// What a task was restarted with: a cascade restarts it with the same.
    pub(super) async fn changes_of(&mut self, id: Uuid) -> EngineResult<Changes> {
        Ok(self.body(id).await?.map(|body| body.changes()).unwrap_or_default())
    }

    /// Whether the task's pipeline was cancelled and this step with it: nothing of it starts by itself.
    pub(super) async fn is_cancelled_for(&mut self, row: &TaskRow) -> EngineResult<bool> {
        let Some(pipeline) = row.pipeline_id else { return Ok(false) };
        Ok(!self.pipeline(pipeline).await?.spares(row.run_if))
    }
}

/// What a finished task took from its needs, beside what they are now.
enum Compared {
    /// This need is another, or came to something else.
    Changed(String),
    /// These needs were restarted and came to the same.
    Equal(Vec<String>),
    /// No need was restarted, or none has settled.
    Untouched,
}

/// Whether a need is another, or came to something else, than what was taken from it. The same
/// incarnation in the same phase is the same; between incarnations no digest equals nothing.
pub(super) fn differs(now: &TaskRow, saw: &Resolved) -> bool {
    if now.phase != saw.phase {
        return true;
    }
    if now.id == saw.id {
        return now.output_digest != saw.output_digest;
    }
    now.output_digest.is_none() || now.output_digest != saw.output_digest
}

#[cfg(test)]
mod tests {
    use ktk_client::api::{Phase, task::Resolved};
    use proptest::{prelude::*, sample::select};

    use super::{Wish, differs};
    use crate::{
        model::row::TaskRow,
        store::conformance::rows::{id, task as task_row},
    };

    /// An incarnation that has ended, and what was once taken.
    fn pair() -> impl Strategy<Value = (TaskRow, Resolved)> {
        let digest = || prop::option::of(select(vec!["aa", "bb"]));
        (1..3u64, 1..3u64, select(Phase::ALL), select(Phase::ALL), digest(), digest()).prop_map(
            |(now_id, saw_id, now_phase, saw_phase, now_digest, saw_digest)| {
                let mut now = task_row(now_id);
                (now.phase, now.output_digest) = (now_phase, now_digest.map(str::to_owned));
                let output_digest = saw_digest.map(str::to_owned);
                let saw = Resolved { need: "x".into(), id: id(saw_id), phase: saw_phase, output_digest };
                (now, saw)
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_still_the_same_incarnation_in_the_same_state_does_not_differ((now, _) in pair()) {
            let output_digest = now.output_digest.clone();
            let saw = Resolved { need: "x".into(), id: now.id, phase: now.phase, output_digest };
            prop_assert!(!differs(&now, &saw));
        }

        #[test]
        fn between_incarnations_only_an_equal_digest_is_equal((now, saw) in pair()) {
            prop_assume!(now.id != saw.id);
            let is_equal = now.phase == saw.phase && now.output_digest.is_some()
                && now.output_digest == saw.output_digest;
            prop_assert_eq!(differs(&now, &saw), !is_equal);
        }

        #[test]
        fn another_phase_or_another_digest_always_differs((now, saw) in pair()) {
            if now.phase != saw.phase || now.output_digest != saw.output_digest {
                prop_assert!(differs(&now, &saw));
            }
        }
    }

    #[test]
    fn a_stored_wish_is_read_back() {
        let wish = Wish { reason: Some("r".into()), by: "uid:1".into(), ..Wish::default() };
        let text = serde_json::to_string(&wish).expect("a wish is JSON");
        let read: Wish = serde_json::from_str(&text).expect("our own text");
        assert_eq!((read.reason, read.by), (wish.reason, wish.by));
    }
}
