//! `event.list`.

use ktk_client::{
    Client,
    api::event::{ListParams, Severity},
};

use crate::{ended, on_both_stores, process};

on_both_stores!(what_happened_in_order);

async fn what_happened_in_order(client: Client) {
    client.tasks().create(&process("x", &["false"])).await.unwrap();
    let task = ended(&client, "x").await;
    client.tasks().create(&process("y", &["true"])).await.unwrap();
    ended(&client, "y").await;
    let of_x = ListParams { object: task.metadata.id, ..ListParams::default() };
    let events = client.events().list(of_x).await.unwrap().items;
    let reasons: Vec<&str> = events.iter().map(|event| event.reason.as_str()).collect();
    assert_eq!(reasons, ["Created", "Started", "Failed"]);
    assert_eq!(events[2].severity, Severity::Warning);
    assert!(events.windows(2).all(|two| two[0].at <= two[1].at));
    assert!(events.iter().all(|event| event.object.name == "x" && event.object.incarnation == 1));
    assert_eq!(client.events().list(ListParams::default()).await.unwrap().items.len(), 6);
    assert!(client.in_namespace("none").events().list(ListParams::default()).await.unwrap().items.is_empty());
    assert_eq!(client.events().all_namespaces().list(ListParams::default()).await.unwrap().items.len(), 6);
}
