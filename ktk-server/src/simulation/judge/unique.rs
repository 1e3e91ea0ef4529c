//! Unique keys: nobody else of a key is made while it is held, and who replaces its holder waits for its end.

use uuid::Uuid;

use super::{
    Judge,
    contexts::Touched,
    facts::{KeyFact, PipelineFact, TaskFact},
};

/// What is known of who has a key: whether it waits for it, and whether it keeps it to its end.
type Holder = (Uuid, bool, bool);

impl Judge {
    pub(super) fn note_key(&mut self, task: &TaskFact, touched: &mut Touched) {
        let Some(key) = &task.key else { return };
        touched.keys.insert(key.key.clone());
        match task.is_terminal() {
            true => self.keyed.remove(&task.id),
            false => self.keyed.insert(task.id),
        };
    }

    pub(super) fn check_keys(&mut self, touched: &Touched) {
        for key in &touched.keys {
            let tasks = self.keyed.iter().filter_map(|id| self.tasks.get(id));
            let holders: Vec<Holder> =
                tasks.filter_map(|task| holder(task.id, task.key.as_ref(), task.phase, key)).collect();
            self.check_holders(key, &holders);
        }
        let wholes: Vec<PipelineFact> =
            touched.pipelines.iter().filter_map(|id| self.pipelines.get(id)).cloned().collect();
        for key in wholes.iter().filter_map(|row| row.key.as_ref()) {
            let rows = self.pipelines.values();
            let holders: Vec<Holder> =
                rows.filter_map(|row| holder(row.id, row.key.as_ref(), row.phase, &key.key)).collect();
            self.check_holders(&key.key, &holders);
        }
        for id in &touched.granted {
            let task =
                self.tasks.get(id).filter(|task| task.key.as_ref().is_some_and(|key| key.waits)).cloned();
            self.rule("S6K", task.is_none(), || format!("it waits for its key, and starts: {task:?}"));
        }
    }

    /// What is held only until it starts may be held again, by a retry, while another has it.
    fn check_holders(&mut self, key: &str, holders: &[Holder]) {
        let (waiting, held): (Vec<&Holder>, Vec<&Holder>) = holders.iter().partition(|(_, waits, _)| *waits);
        let kept = held.iter().filter(|(_, _, is_kept)| *is_kept).count();
        let holds = kept <= 1 && waiting.len() <= 1 && (waiting.is_empty() || !held.is_empty());
        self.rule("S6K", holds, || format!("{key}: {waiting:?} wait for {held:?}"));
    }

    /// Where nothing was made, who holds the key is the answer.
    pub(super) fn answered_by_holder(&mut self, id: Uuid) {
        // An answer that is given again names who was the holder then.
        if self.since.commits == 0 {
            return;
        }
        let of_task = self.tasks.get(&id).map(|task| (task.key.clone(), task.phase));
        let of_whole = self.pipelines.get(&id).map(|row| (row.key.clone(), row.phase));
        let found = of_task.or(of_whole);
        let holds =
            found.as_ref().is_some_and(|(key, phase)| key.as_ref().is_some_and(|key| key.is_held_in(phase)));
        self.rule("S6A", holds, || format!("{id} is the answer and holds nothing: {found:?}"));
    }
}

fn holder(id: Uuid, own: Option<&KeyFact>, phase: &str, key: &str) -> Option<Holder> {
    let own = own.filter(|own| own.key == key && own.is_held_in(phase))?;
    Some((id, own.waits, !own.is_until_start))
}
