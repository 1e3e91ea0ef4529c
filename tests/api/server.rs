//! `server.*`, and who may speak to one.

use ktk_client::{
    Client,
    api::{
        list::ListParams,
        server::{CollectParams, StopParams},
    },
};
use ktk_tests::{Place, eventually, is_alive};

use crate::{on_both_stores, process};

on_both_stores!(it_tells_how_it_is, it_collects, it_stops);

async fn it_tells_how_it_is(client: Client) {
    client.tasks().create(&process("x", &["sleep", "1000"])).await.unwrap();
    client
        .tasks()
        .create(&ktk_client::api::Task::new(
            "y",
            ktk_client::api::task::TaskSpec {
                needs: vec!["x".into()],
                ..ktk_client::api::task::TaskSpec::command(["true"])
            },
        ))
        .await
        .unwrap();
    let status = client.server().status().await.unwrap();
    assert_eq!(status.counts.running + status.counts.pending, 2);
    assert_eq!(status.version, env!("CARGO_PKG_VERSION"));
    assert!(is_alive(status.pid) && !status.stopping && status.auto_started);
    client.tasks().cancel("y").await.unwrap();
    client.tasks().cancel("x").await.unwrap();
}

/// `server.collect`: what goes and why; twice is as once.
async fn it_collects(client: Client) {
    let mut task = process("x", &["true"]);
    task.spec.ttl_after_finished = Some(ktk_client::api::Duration::from_secs(3600));
    client.tasks().create(&task).await.unwrap();
    client.tasks().cancel("x").await.ok();
    for dry_run in [true, false] {
        let collected =
            client.server().collect(CollectParams { dry_run, ..CollectParams::default() }).await.unwrap();
        assert_eq!((collected.items, collected.next), (vec![], None));
        assert_eq!((&*collected.retention, collected.kept_until), ("30d,100000", None));
    }
    let params = CollectParams { dry_run: true, after: Some("nonsense".into()), ..CollectParams::default() };
    assert!(client.server().collect(params).await.unwrap_err().to_string().contains("after"));
    let shown = client.tasks().get("x").await.unwrap();
    assert_eq!(shown.spec.ttl_after_finished, task.spec.ttl_after_finished);
}

async fn it_stops(client: Client) {
    client.tasks().create(&process("x", &["sleep", "1000"])).await.unwrap();
    let while_idle = StopParams { if_idle: true, ..StopParams::default() };
    assert!(client.server().stop(while_idle).await.unwrap_err().is_conflict());
    let now = StopParams { drain: Some(ktk_client::api::Duration::default()), ..StopParams::default() };
    let stopping = client.server().stop(now).await.unwrap();
    eventually("it has gone", std::time::Duration::from_secs(20), || (!is_alive(stopping.pid)).then_some(()));
    assert!(client.tasks().list(ListParams::default()).await.unwrap_err().is_unreachable());
}

#[test]
fn the_sdk_starts_one_where_none_is() {
    use ktk_client::client::{Autostart, ServerAddress};
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let builder = Client::builder().address(ServerAddress::DataDir(place.data().to_owned()));
        let client = builder.autostart(Autostart::Auto).program(place.binary()).build().unwrap();
        let made = client.tasks().create(&process("hello", &["echo", "hello"])).await.unwrap();
        assert_eq!(made.object.metadata.name(), "hello");
    });
    place.ok("wait hello");
    assert_eq!(place.ok("logs hello"), "hello\n");
    place.server();
}
