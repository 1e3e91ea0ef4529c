//! `GET /watch`: nothing is skipped, nothing comes twice or backwards, also over connections and servers.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt as _;
use ktk_client::{
    Client,
    api::{
        list::ListParams,
        watch::{WatchEvent, WatchParams},
    },
};
use ktk_tests::Place;

use crate::{ended, on_both_stores, process};

on_both_stores!(each_change_once_in_order, selectors_and_deletions, an_old_version_is_expired_or_whole);

const SOON: Duration = Duration::from_secs(30);

/// Reads on until `is_last` holds; the versions only grow.
async fn read_until(
    client: &Client,
    params: WatchParams,
    mut is_last: impl FnMut(&WatchEvent) -> bool,
) -> Vec<WatchEvent> {
    let mut events = client.watch(params);
    let mut seen: Vec<WatchEvent> = Vec::new();
    let mut version = 0;
    loop {
        let event = tokio::time::timeout(SOON, events.next()).await.expect("an event").unwrap().unwrap();
        if matches!(event, WatchEvent::Bookmark { .. }) {
            continue;
        }
        assert!(event.version() > version, "{} after {version}", event.version());
        version = event.version();
        let ends = is_last(&event);
        seen.push(event);
        if ends {
            return seen;
        }
    }
}

fn name_and_phase(event: &WatchEvent) -> (String, String) {
    let object = match event {
        WatchEvent::Change { object, .. } | WatchEvent::Delete { object, .. } => object,
        _ => panic!("{event:?}"),
    };
    let text = |pointer: &str| {
        object.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    (text("/metadata/name"), text("/status/phase"))
}

async fn each_change_once_in_order(client: Client) {
    let version = client.tasks().list_whole(ListParams::default()).await.unwrap().version;
    for number in 0..10 {
        client.tasks().create(&process(&format!("t{number}"), &["true"])).await.unwrap();
    }
    for number in 0..10 {
        ended(&client, &format!("t{number}")).await;
    }
    let params = WatchParams { kinds: Some("Task".into()), version: Some(version), ..WatchParams::default() };
    let mut done = 0;
    let events = read_until(&client, params.clone(), |event| {
        done += u32::from(name_and_phase(event).1 == "Succeeded");
        done == 10
    })
    .await;
    // From the middle on, exactly the rest, at least in its latest state.
    let middle = events[events.len() / 2].version();
    let mut latest: BTreeMap<String, String> = BTreeMap::new();
    let last = events.last().unwrap().version();
    let rest = WatchParams { version: Some(middle), ..params };
    for event in read_until(&client, rest, |event| event.version() >= last).await {
        assert!(event.version() > middle);
        let (name, phase) = name_and_phase(&event);
        latest.insert(name, phase);
    }
    let after: std::collections::BTreeSet<String> =
        events.iter().filter(|event| event.version() > middle).map(|event| name_and_phase(event).0).collect();
    assert_eq!(latest.keys().cloned().collect::<std::collections::BTreeSet<_>>(), after);
    assert!(latest.values().all(|phase| phase == "Succeeded"));
}

async fn selectors_and_deletions(client: Client) {
    let version = client.tasks().list_whole(ListParams::default()).await.unwrap().version;
    let mut object = process("mine", &["true"]);
    object.metadata.labels.insert("team".into(), "a".into());
    client.tasks().create(&process("other", &["true"])).await.unwrap();
    client.tasks().create(&object).await.unwrap();
    ended(&client, "mine").await;
    ended(&client, "other").await;
    client.tasks().delete("mine").await.unwrap();
    client.tasks().delete("other").await.unwrap();
    let params = WatchParams {
        label_selector: Some("team=a".into()),
        version: Some(version),
        ..WatchParams::default()
    };
    let events = read_until(&client, params, |event| matches!(event, WatchEvent::Delete { .. })).await;
    assert!(events.iter().all(|event| name_and_phase(event).0 == "mine"), "{events:#?}");
}

async fn an_old_version_is_expired_or_whole(client: Client) {
    client.tasks().create(&process("x", &["true"])).await.unwrap();
    ended(&client, "x").await;
    let params = WatchParams { kinds: Some("Task".into()), version: Some(0), ..WatchParams::default() };
    let events = read_until(&client, params, |event| name_and_phase(event).1 == "Succeeded").await;
    assert!(!events.is_empty());
    let bad = WatchParams { kinds: Some("Nosuch".into()), ..WatchParams::default() };
    assert!(client.watch(bad).next().await.unwrap().is_err());
}

#[test]
fn it_goes_on_over_the_servers_death() {
    let place = Place::started();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let client = place.client();
        let version = client.tasks().list_whole(ListParams::default()).await.unwrap().version;
        let params =
            WatchParams { kinds: Some("Task".into()), version: Some(version), ..WatchParams::default() };
        let mut events = client.watch(params);
        let mut latest: BTreeMap<String, String> = BTreeMap::new();
        let mut version = version;
        for round in 0..4 {
            let name = format!("t{round}");
            client.tasks().create(&process(&name, &["true"])).await.unwrap();
            while latest.get(&name).map(String::as_str) != Some("Succeeded") {
                let event =
                    tokio::time::timeout(SOON, events.next()).await.expect("an event").unwrap().unwrap();
                assert!(event.version() >= version, "{} after {version}", event.version());
                version = event.version();
                if !matches!(event, WatchEvent::Bookmark { .. }) {
                    let (name, phase) = name_and_phase(&event);
                    latest.insert(name, phase);
                }
            }
            place.kill_server();
            place.start();
        }
        assert_eq!(latest.len(), 4);
    });
}
