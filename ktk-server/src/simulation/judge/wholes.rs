//! Pipelines as a whole: their permits, their key, their time and their hooks, and what their steps have of them.

use uuid::Uuid;

use super::{Judge, contexts::Touched, facts::PipelineFact};

impl Judge {
    /// How many permits of a semaphore pipelines hold.
    pub(super) fn held_by_wholes(&self, semaphore: &str) -> u32 {
        let holds = |row: &&PipelineFact| row.stand == Some("holds");
        let permits = |row: &PipelineFact| self.wholes.get(&row.id)?.permits().get(semaphore).copied();
        self.pipelines.values().filter(holds).filter_map(permits).sum()
    }

    /// What the change of a pipeline's row says of its times, its permits and its hooks.
    pub(super) fn follow_whole(&mut self, now: &PipelineFact, touched: &mut Touched) {
        let before = self.pipelines.get(&now.id).cloned();
        let old_phase = before.as_ref().map_or("Pending", |before| before.phase);
        let had_ended = before.as_ref().is_some_and(PipelineFact::is_terminal);
        let at = self.latest;
        let (set_out, began) = self.began.entry(now.id).or_insert((at, None));
        let was_over = before.as_ref().is_some_and(PipelineFact::is_over);
        let was_stopped = before.as_ref().is_some_and(|before| before.stop.is_some());
        let goes_on = was_stopped && now.stop.is_none() && !now.is_terminal();
        if (had_ended && !now.is_terminal()) || goes_on {
            (*set_out, *began) = (at, None);
        }
        if now.phase == "Running" && (old_phase != "Running" || goes_on) {
            *began = Some(at);
        }
        let holds = now.stand == Some("holds");
        if holds && before.as_ref().is_none_or(|before| before.stand != Some("holds")) {
            let waited = before.as_ref().filter(|before| before.stand == Some("waits"));
            touched.passed.push((now.id, self.rank_of_whole(waited.unwrap_or(now))));
        }
        if now.is_over() && !was_over {
            self.expect_whole_hook(now.id, "onTimeout", touched);
        }
        match now.phase {
            phase if phase == old_phase => {}
            "Running" => self.expect_whole_hook(now.id, "onStart", touched),
            _ if now.is_terminal() => self.expect_whole_hook(now.id, "onFinish", touched),
            _ => {}
        }
    }

    fn expect_whole_hook(&self, pipeline: Uuid, moment: &'static str, touched: &mut Touched) {
        if self.wholes.get(&pipeline).is_some_and(|whole| whole.has_hook(moment)) {
            touched.expected_hooks.push((pipeline, moment, 0));
        }
    }

    /// Nothing of a pipeline starts before it has its key and its permits; what is made has its queue and priority.
    pub(super) fn check_wholes(&mut self, touched: &Touched) {
        for id in &touched.granted {
            let Some(task) = self.tasks.get(id).cloned() else { continue };
            let Some(row) = task.pipeline.and_then(|pipeline| self.pipelines.get(&pipeline)).cloned() else {
                continue;
            };
            let has_permits = row.stand.is_none_or(|stand| stand == "holds");
            let has_key = row.key.as_ref().is_none_or(|key| !key.waits);
            self.rule("S4W", has_permits && has_key, || format!("{row:?} waits, and it starts: {task:?}"));
        }
        for id in &touched.whole {
            let Some(whole) = self.wholes.get(id).cloned() else { continue };
            let steps = self.steps.get(id).cloned().unwrap_or_default();
            for context in steps {
                let Some(task) =
                    self.newest_within(*id, context).filter(|task| task.parent.is_none()).cloned()
                else {
                    continue;
                };
                let short = task.name.split_once('.').map_or("", |(_, step)| step);
                let Some(step) = whole.steps.iter().find(|step| step.name == short) else { continue };
                let queue = step.queue.as_ref().or(whole.queue.as_ref());
                let queue = queue.map_or("default", String::as_str);
                let priority = step.priority.or(whole.priority).unwrap_or(0);
                self.rule("S4Q", task.queue == queue && task.priority == priority, || {
                    format!("not in {queue} with {priority}: {task:?}")
                });
            }
        }
        let wholes = self.pipelines.values().filter(|row| touched.pipelines.contains(&row.id));
        let ended =
            wholes.clone().find(|row| row.is_terminal() && row.stand.is_some_and(|stand| stand != "away"));
        let ended = ended.cloned();
        self.rule("P36", ended.is_none(), || format!("it has ended and stands for permits: {ended:?}"));
    }
}
