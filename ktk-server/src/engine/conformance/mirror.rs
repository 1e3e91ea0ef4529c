//! A watch that has followed from the beginning: what it knows must be what is stored.

use std::{collections::BTreeMap, sync::Arc};

use ktk_client::api::watch::{WatchEvent, WatchParams};
use serde_json::Value;
use uuid::Uuid;

use super::dump::Dump;
use crate::{
    engine::{
        Engine,
        changes::WatchPage,
        viewer::{Filter, Viewer},
    },
    store::Store,
};

/// What a watcher knows.
#[derive(Default)]
pub struct Mirror {
    after: u64,
    newest: u64,
    /// The version and phase of every object that it has heard of and that is not gone.
    objects: BTreeMap<Uuid, (u64, String)>,
}

impl Mirror {
    /// A watcher that begins with a list made at this version.
    pub fn listed(dump: &Dump) -> Self {
        Self { after: dump.version, newest: dump.version, objects: known(dump) }
    }

    /// Reads to the end of what has happened.
    pub async fn follow<S: Store>(&mut self, engine: &Arc<Engine<S>>) {
        loop {
            let filter = Filter::new(WatchParams { summary: true, ..WatchParams::default() }).unwrap();
            let page = WatchPage {
                viewers: vec![Viewer::new(engine.ask("watcher"), filter).into()],
                after: self.after,
            };
            let told = engine.read(page).await.unwrap();
            let (upto, events) = (told.upto, told.alone());
            if upto == self.after {
                assert!(events.is_empty(), "events without progress");
                return;
            }
            assert!(upto > self.after, "a watch goes backwards");
            self.after = upto;
            for event in events {
                self.take(event);
            }
        }
    }

    fn take(&mut self, event: WatchEvent) {
        assert!(event.version() > self.newest, "version {} again or too late", event.version());
        self.newest = event.version();
        match event {
            WatchEvent::Change { version, object } => {
                assert_eq!(object["metadata"]["version"], version);
                let phase = object["status"]["phase"].as_str().unwrap().to_owned();
                self.objects.insert(id(&object), (version, phase));
            }
            WatchEvent::Delete { object, .. } => {
                self.objects.remove(&id(&object));
            }
            other => panic!("the engine makes no {other:?}"),
        }
    }

    /// Everything it knows is so, and it knows everything.
    pub fn check(&self, dump: &Dump) {
        assert_eq!(self.objects, known(dump), "what a watch says and what is stored");
    }
}

fn known(dump: &Dump) -> BTreeMap<Uuid, (u64, String)> {
    let tasks = dump.tasks.values().map(|row| (row.id, (row.version, row.phase.to_string())));
    let pipelines = dump.pipelines.values().map(|row| (row.id, (row.version, row.phase.to_string())));
    tasks.chain(pipelines).collect()
}

fn id(object: &Value) -> Uuid {
    object["metadata"]["id"].as_str().unwrap().parse().unwrap()
}
