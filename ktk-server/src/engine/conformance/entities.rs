//! Objects without a namespace: made once, found by what names them, watched, deleted when nobody uses them.

use ktk_client::api::{
    ApiError, Entity, ErrorReason, ListParams, Metadata, Queue, Semaphore,
    entity::CreateParams,
    queue::QueueSpec,
    watch::{WatchEvent, WatchParams},
};

use super::{
    calls::named,
    lab::{Answer, Lab},
};
use crate::{
    engine::{
        changes::WatchPage,
        entity::{CreateEntity, DeleteEntity, GetEntity, Kind, ListEntities},
        viewer::{Filter, Viewer},
    },
    store::Store,
};

impl<S: Store> Lab<S> {
    /// Makes an object without a namespace.
    pub async fn create_entity<K: Kind>(&mut self, object: K) -> Answer<K> {
        let params = CreateParams { object, request_id: None, dry_run: false };
        let operation = CreateEntity::new(self.engine.ask("tester"), params).map_err(ApiError::from)?;
        Ok(self.write(operation).await?.object)
    }

    pub async fn get_entity<K: Kind>(&self, name: &str) -> Answer<K> {
        self.read(GetEntity::<K>::new(named(name))).await
    }

    pub async fn delete_entity<K: Kind>(&mut self, name: &str) -> Answer<K> {
        let operation = DeleteEntity::<K>::new(self.engine.ask("tester"), named(name));
        Ok(self.write(operation).await?.object)
    }

    /// The names of a kind, in the order of the list.
    async fn names<K: Kind>(&self, params: ListParams) -> Vec<String> {
        let list = self.read(ListEntities::<K>::new(params).unwrap()).await.unwrap();
        list.items.iter().map(|item| item.metadata().name().to_owned()).collect()
    }
}

pub async fn made_found_and_listed<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut gpu = Semaphore::new("gpu", 2);
    gpu.metadata.labels.insert("team".into(), "media".into());
    let made = lab.create_entity(gpu).await.unwrap();
    lab.create_entity(Semaphore::new("licence", 1)).await.unwrap();
    let id = made.metadata.id.unwrap().to_string();
    let digest = made.metadata.digest.clone().unwrap();
    for reference in ["gpu", &id, &digest[..6], made.metadata.human_name.as_deref().unwrap()] {
        assert_eq!(lab.get_entity::<Semaphore>(reference).await.unwrap(), made, "{reference}");
    }
    assert_eq!((made.spec.permits, made.metadata.created_by.as_deref()), (2, Some("tester")));
    let missing = lab.get_entity::<Semaphore>("nosuch").await.unwrap_err();
    assert_eq!(
        (missing.reason, &*missing.message),
        (ErrorReason::NotFound, "semaphore \"nosuch\" not found")
    );
    let again = lab.create_entity(Semaphore::new("gpu", 3)).await.unwrap_err();
    assert_eq!(again.reason, ErrorReason::AlreadyExists);
    assert_eq!(lab.names::<Semaphore>(ListParams::default()).await, ["gpu", "licence"]);
    let chosen = ListParams { label_selector: Some("team=media".into()), ..ListParams::default() };
    assert_eq!(lab.names::<Semaphore>(chosen).await, ["gpu"]);
    let first = ListParams { limit: Some(1), ..ListParams::default() };
    let page = lab.read(ListEntities::<Semaphore>::new(first.clone()).unwrap()).await.unwrap();
    let second = ListParams { continue_from: page.continue_from, ..first };
    assert_eq!(lab.names::<Semaphore>(second).await, ["licence"]);
}

pub async fn wrong_ones_are_refused_with_all_causes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = Queue::new("No_Name", QueueSpec { max_running: Some(0), ..QueueSpec::default() });
    object.metadata.namespace = Some("ci".into());
    let refused = lab.create_entity(object).await.unwrap_err();
    let fields: Vec<&str> = refused.causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(fields, ["metadata.name", "metadata.namespace", "spec.maxRunning"]);
    let nameless = Semaphore::assemble(Metadata::default(), Semaphore::new("x", 2_000_000).spec);
    let refused = lab.create_entity(nameless).await.unwrap_err();
    let fields: Vec<&str> = refused.causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(fields, ["metadata.name", "spec.permits"]);
}

pub async fn the_default_queue_always_exists<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    assert_eq!(lab.names::<Queue>(ListParams::default()).await, ["default"]);
    assert_eq!(lab.get_entity::<Queue>("default").await.unwrap().spec, QueueSpec::default());
    let again = lab.create_entity(Queue::new("default", QueueSpec::default())).await.unwrap_err();
    assert_eq!(again.reason, ErrorReason::AlreadyExists);
    assert_eq!(lab.delete_entity::<Queue>("default").await.unwrap_err().reason, ErrorReason::Conflict);
    lab.create_entity(Queue::new("a", QueueSpec::default())).await.unwrap();
    assert_eq!(lab.names::<Queue>(ListParams::default()).await, ["a", "default"]);
}

pub async fn watched_until_they_are_deleted<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let before = lab.dump.version;
    lab.create_entity(Queue::new("q", QueueSpec::default())).await.unwrap();
    lab.create_entity(Semaphore::new("s", 1)).await.unwrap();
    lab.delete_entity::<Queue>("q").await.unwrap();
    assert_eq!(lab.get_entity::<Queue>("q").await.unwrap_err().reason, ErrorReason::NotFound);
    lab.create_entity(Queue::new("q", QueueSpec::default())).await.unwrap();
    let seen = async |kinds: Option<&str>| {
        let params = WatchParams {
            kinds: kinds.map(str::to_owned),
            namespace: Some("ci".into()),
            ..WatchParams::default()
        };
        let filter = Filter::new(params).unwrap();
        let page =
            WatchPage { viewers: vec![Viewer::new(lab.engine.ask("watcher"), filter).into()], after: before };
        let events = lab.read(page).await.unwrap().alone();
        let line = |event: &WatchEvent| match event {
            WatchEvent::Change { object, .. } => format!("+{}", object["metadata"]["name"]),
            WatchEvent::Delete { object, .. } => format!("-{}", object["metadata"]["name"]),
            other => panic!("{other:?}"),
        };
        events.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(seen(Some("Queue,Semaphore")).await, ["+\"s\"", "-\"q\"", "+\"q\""]);
    assert_eq!(seen(Some("Semaphore")).await, ["+\"s\""]);
    assert_eq!(seen(None).await, [""; 0]);
}
