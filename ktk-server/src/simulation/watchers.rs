//! Watchers, who read page by page, lose their connection and resume.

use ktk_client::api::watch::{WatchEvent, WatchParams};
use rand::RngExt;
use serde_json::Value;
use uuid::Uuid;

use super::{
    judge::facts::{Call, Entry, Page},
    people::map,
    world::World,
};
use crate::engine::{
    changes::{Told, WatchPage},
    viewer::{Filter, Viewer},
};

/// Somebody who follows all changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watcher {
    /// Up to where everything was seen.
    after: u64,
}

impl World {
    /// A watcher reads on, resumes from an earlier place, or asks for what was never given.
    pub fn watch(&mut self) {
        if self.people.watchers.len() < 3 {
            self.people.watchers.push(Watcher::default());
        }
        let index = self.rng.random_range(0..self.people.watchers.len());
        let seen = self.people.watchers[index].after;
        let after = match self.rng.random_range(0..10) {
            0 => seen.saturating_sub(self.rng.random_range(0..20)),
            1 => seen + 5_000_000,
            _ => seen,
        };
        let kinds = Some("Task,Pipeline,Queue,Semaphore".to_owned());
        let params = WatchParams { summary: true, kinds, ..WatchParams::default() };
        let filter = Filter::new(params).unwrap();
        let told = self
            .look(WatchPage { viewers: vec![Viewer::new(self.engine.ask("watcher"), filter).into()], after });
        let told = map(told, |told: Told| Page {
            upto: told.upto,
            events: told.alone().iter().map(seen_of).collect(),
        });
        if let Some(page) = told.done() {
            self.people.watchers[index].after = page.upto;
        }
        self.record.add(Entry::Call(Call::Watch { after, told }));
    }
}

fn seen_of(event: &WatchEvent) -> (u64, Uuid, bool) {
    match event {
        WatchEvent::Change { version, object } => (*version, id(object), false),
        WatchEvent::Delete { version, object } => (*version, id(object), true),
        other => panic!("the engine makes no {other:?}"),
    }
}

fn id(object: &Value) -> Uuid {
    object["metadata"]["id"].as_str().unwrap().parse().unwrap()
}
