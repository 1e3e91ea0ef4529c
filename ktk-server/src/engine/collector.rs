//! The collector: removes what is past its time in small batches, when the timer says that something is, at each slow
//! sweep, and when as many tasks have ended as there was room for.
//!
//! It looks at the clock with suspicion: a jump alone must not let anything go.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Engine, body,
    collect::{Collect, Going, Harvest, PlanHarvest},
    error::{EngineError, EngineResult},
    operation::Done,
};
use crate::{
    clock::Uptime,
    limits,
    model::{
        clocks::later,
        retention::{Jump, Retention},
    },
    store::{Operation, Store, Tx},
};

/// How long the store is left alone after an error.
const AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// Runs until it is dropped. An error of the store is logged and tried again.
pub async fn run<S: Store>(engine: Arc<Engine<S>>) {
    let mut wakes = engine.hub.collections();
    loop {
        wakes.borrow_and_update();
        if let Err(error) = pass(&engine).await {
            tracing::error!(%error, "what is past its time could not be collected");
            engine.hub.add_expiry(Some(engine.clock.now() + AGAIN));
        }
        if wakes.changed().await.is_err() {
            return;
        }
    }
}

/// Removes all that is past its time, and says when to look again.
///
/// # Errors
/// When the store fails: what was removed until then is gone.
pub async fn pass<S: Store>(engine: &Engine<S>) -> EngineResult<Vec<Going>> {
    engine.hub.forget_expiry();
    let retention = engine.retention();
    let now = engine.clock.now();
    let old = engine.read(ReadNote).await?;
    let mut jump = old.as_ref().and_then(|note| note.jump).filter(|jump| jump.counts(now));
    let mut harvest = engine.read(plan(&retention, now, jump)).await?;
    let seen = Note { seen_at: now, uptime: engine.clock.uptime(), jump };
    let leap = old.as_ref().and_then(|old| seen.leap_since(old));
    if let Some(leap) = leap
        && harvest.timed * limits::JUMP_SHARE > harvest.tasks
    {
        jump = Some(leap.after(jump));
        tracing::warn!(
            jump = %shown(leap.by), tasks = harvest.timed, of = harvest.tasks,
            "the clock has jumped ahead, or this server was away: what ended before is kept for as much longer; \
             `ktk gc` collects it"
        );
        harvest = engine.read(plan(&retention, now, jump)).await?;
    }
    let seen = Note { jump, ..seen };
    let ages = !harvest.going.is_empty() || harvest.next.is_some() || harvest.next_aged.is_some();
    if seen.is_news(old.as_ref(), leap.is_some()) && (ages || old.is_some()) {
        engine.write(PutNote { note: seen }).await?;
    }
    let mut gone = Vec::new();
    loop {
        gone.extend(remove(engine, std::mem::take(&mut harvest.going), "ktk").await?);
        let Some(after) = harvest.last.filter(|_| harvest.has_more) else { break };
        harvest = engine.read(PlanHarvest { after: Some(after), ..plan(&retention, now, jump) }).await?;
    }
    if !gone.is_empty() {
        let tasks: u64 = gone.iter().map(|going| going.whole.tasks).sum();
        tracing::info!(tasks, "collected what was past its time");
    }
    arm(engine, &retention, &harvest);
    Ok(gone)
}

/// Removes what is past its time by the clock as it is: somebody asked for it. One plan's worth; says whether there is
/// more.
///
/// # Errors
/// When the store fails: what was removed until then is gone.
pub async fn collect_now<S: Store>(engine: &Engine<S>, by: &str) -> EngineResult<(Vec<Going>, bool)> {
    let now = engine.clock.now();
    if engine.read(ReadNote).await?.is_some_and(|note| note.jump.is_some()) {
        let note = Note { seen_at: now, uptime: engine.clock.uptime(), jump: None };
        engine.write(PutNote { note }).await?;
    }
    let mut harvest = engine.read(plan(&engine.retention(), now, None)).await?;
    let gone = remove(engine, std::mem::take(&mut harvest.going), by).await?;
    // When to look again is the collector's to say.
    engine.hub.collect();
    let is_progress = !gone.is_empty();
    Ok((gone, harvest.has_more && is_progress))
}

/// Until when a jump of the clock keeps anything, if one does.
///
/// # Errors
/// When the store fails.
pub async fn kept_until<S: Store>(engine: &Engine<S>) -> EngineResult<Option<Timestamp>> {
    let jump = engine.read(ReadNote).await?.and_then(|note| note.jump);
    let jump = jump.filter(|jump| jump.counts(engine.clock.now()));
    Ok(jump.map(|jump| later(jump.at, std::time::Duration::try_from(jump.by).unwrap_or_default())))
}

fn plan(retention: &Retention, now: Timestamp, jump: Option<Jump>) -> PlanHarvest {
    PlanHarvest { retention: retention.clone(), now, jump, after: None }
}

/// In batches that others do not notice.
async fn remove<S: Store>(engine: &Engine<S>, going: Vec<Going>, by: &str) -> EngineResult<Vec<Going>> {
    let mut gone = Vec::with_capacity(going.len());
    let mut going = going.into_iter().peekable();
    while going.peek().is_some() {
        let mut tasks = 0;
        let mut batch = Vec::new();
        while let Some(next) =
            going.next_if(|next| batch.is_empty() || tasks + next.whole.tasks <= limits::COLLECT_BATCH as u64)
        {
            tasks += next.whole.tasks;
            batch.push(next);
        }
        gone.extend(engine.write(Collect { ask: engine.ask(by), going: batch }).await?);
    }
    Ok(gone)
}

/// When to look again.
fn arm<S: Store>(engine: &Engine<S>, retention: &Retention, harvest: &Harvest) {
    engine.hub.add_expiry(harvest.next);
    if let (Some(age), Some(next)) = (retention.least_age(), harvest.next_aged) {
        // A little later, so that there is more than one to collect.
        let slack = (age.get() / limits::AGE_SLACK).min(limits::AGE_SLACK_MAX);
        engine.hub.add_expiry(Some(later(next, slack)));
    }
    // A look at everything costs as much as there is: not before a share of that has ended.
    let slack = harvest.tasks.max(retention.least_count().unwrap_or_default()) / limits::COLLECT_SLACK;
    let room = harvest.room.map(|room| room.saturating_add(slack));
    engine.hub.set_room(room);
}

fn shown(by: SignedDuration) -> ktk_client::api::Duration {
    std::time::Duration::try_from(by).unwrap_or_default().into()
}

/// What is noted of the clock, for the next look and for the next start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    pub seen_at: Timestamp,
    /// How long the machine had been up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime: Option<Uptime>,
    /// A jump that still keeps something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<Jump>,
}

impl Note {
    /// Time that has passed since an earlier look by the clock alone: nobody counted it.
    fn leap_since(&self, old: &Self) -> Option<Jump> {
        let passed = self.seen_at.duration_since(old.seen_at);
        let counted = self.uptime.as_ref().zip(old.uptime.as_ref()).and_then(|(now, old)| now.since(old));
        let by = passed.saturating_sub(counted.unwrap_or_default());
        let is_jump = by > SignedDuration::try_from(limits::CLOCK_JUMP).unwrap_or(SignedDuration::MAX);
        is_jump.then_some(Jump { at: self.seen_at, by, is_proved: counted.is_some() })
    }

    /// Whether it says something that the old one does not.
    fn is_news(&self, old: Option<&Self>, has_leapt: bool) -> bool {
        let Some(old) = old else { return true };
        let age = self.seen_at.duration_since(old.seen_at).abs();
        let is_old = age > SignedDuration::try_from(limits::CLOCK_NOTE).unwrap_or(SignedDuration::MAX);
        let is_same_boot = match (&self.uptime, &old.uptime) {
            (Some(now), Some(old)) => now.since(old).is_some(),
            (now, old) => now.is_some() == old.is_some(),
        };
        is_old || has_leapt || !is_same_boot || self.jump != old.jump
    }
}

/// The name of the fact.
const NOTE: &str = "clock";

/// Reads the note of the last look.
pub struct ReadNote;

impl Operation for ReadNote {
    type Output = Option<Note>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let Some(text) = tx.fact(NOTE).await? else { return Ok(None) };
        // One that cannot be read is as good as none.
        Ok(body::from_text("the note of the clock", &text).ok())
    }
}

struct PutNote {
    note: Note,
}

impl Operation for PutNote {
    type Output = Done<()>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        tx.put_fact(NOTE, &body::to_text(&self.note)?).await?;
        Ok(Done::quiet(()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn note(hour: i64, boot: &str, up: i64) -> Note {
        let uptime = json!({"boot": boot, "up": SignedDuration::from_hours(up)});
        let seen_at = Timestamp::from_second(1_800_000_000 + hour * 3_600).unwrap();
        Note { seen_at, uptime: serde_json::from_value(uptime).unwrap(), jump: None }
    }

    #[test]
    fn only_time_that_nobody_counted_is_a_jump() {
        let leap =
            |from: &Note, to: &Note| to.leap_since(from).map(|leap| (leap.by.as_hours(), leap.is_proved));
        for (from, to, expected) in [
            (note(0, "a", 5), note(100, "a", 105), None),
            (note(0, "a", 5), note(100, "a", 6), Some((99, true))),
            (note(0, "a", 5), note(1, "a", 5), None),
            (note(0, "a", 5), note(-100, "a", 6), None),
            // The machine was started anew: nobody knows how long it was off.
            (note(0, "a", 5), note(100, "b", 6), Some((100, false))),
            (note(0, "a", 5), note(100, "a", 1), Some((100, false))),
            (note(0, "a", 5), Note { uptime: None, ..note(100, "a", 5) }, Some((100, false))),
        ] {
            assert_eq!(leap(&from, &to), expected, "{from:?} {to:?}");
        }
    }

    #[test]
    fn it_is_noted_now_and_then_and_whatever_is_new() {
        let old = note(0, "a", 5);
        let minutes =
            |minutes| Note { seen_at: old.seen_at + SignedDuration::from_mins(minutes), ..old.clone() };
        assert!(!minutes(10).is_news(Some(&old), false) && minutes(11).is_news(Some(&old), false));
        assert!(minutes(0).is_news(Some(&old), true) && minutes(0).is_news(None, false));
        assert!(note(0, "b", 0).is_news(Some(&old), false));
        let jump = Jump { at: old.seen_at, by: SignedDuration::from_hours(9), is_proved: true };
        assert!(Note { jump: Some(jump), ..old.clone() }.is_news(Some(&old), false));
    }
}
