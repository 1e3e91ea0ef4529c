//! `token.*`: what tokens let whom do, where, and until when.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use ktk_client::{
    Client, Error,
    api::{
        ErrorReason, ListParams, Phase, Pipeline, Queue, Secret, Token,
        log::LogParams,
        pipeline::{PipelineSpec, Step},
        token::{Role, TokenSpec},
        watch::WatchParams,
    },
    client::{
        follow::Target,
        wait::{Condition, WaitParams},
    },
};

use crate::on_both_stores;

on_both_stores!(
    made_listed_and_deleted,
    wrong_ones_are_refused,
    roles_are_kept_to,
    namespaces_are_kept_to,
    what_is_over_is_refused,
    streams_end_with_their_token,
    held_calls_end_with_their_token,
);

/// A client that speaks with a new token.
async fn with(client: &Client, name: &str, role: Role, namespaces: &[&str]) -> Client {
    let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
    with_spec(client, name, TokenSpec { role, namespaces, expires_at: None }).await
}

async fn with_spec(client: &Client, name: &str, spec: TokenSpec) -> Client {
    let issued = client.tokens().create(&Token::new(name, spec)).await.unwrap();
    client.with_token(&issued.token.unwrap())
}

#[track_caller]
fn reason<T: std::fmt::Debug>(answer: Result<T, Error>) -> ErrorReason {
    match answer {
        Err(Error::Api(error)) => error.reason,
        other => panic!("not refused: {other:?}"),
    }
}

async fn made_listed_and_deleted(client: Client) {
    let tokens = client.tokens();
    let spec = TokenSpec { role: Role::Operator, namespaces: vec!["ci".into()], expires_at: None };
    let issued = tokens.create(&Token::new("ci", spec.clone())).await.unwrap();
    let secret = issued.token.unwrap();
    let digits = secret.expose().strip_prefix("ktkt_").unwrap();
    assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let got = tokens.get("ci").await.unwrap();
    assert_eq!((&got, &got.spec), (&issued.object, &spec));
    let all: Vec<Token> = tokens.list_all(ListParams::default()).try_collect().await.unwrap();
    assert!(!serde_json::to_string(&all).unwrap().contains(digits));
    let mine = client.with_token(&secret);
    let whois = mine.auth().whoami().await.unwrap();
    assert_eq!((whois.name.as_str(), whois.role), ("token/ci", Role::Operator));
    assert_eq!(whois.namespaces, ["ci"]);
    assert!(tokens.delete("ci").await.unwrap().gone);
    assert_eq!(reason(mine.auth().whoami().await), ErrorReason::Unauthorized);
    assert!(tokens.get_opt("ci").await.unwrap().is_none());
    assert_eq!(client.auth().whoami().await.unwrap().role, Role::Admin);
}

async fn wrong_ones_are_refused(client: Client) {
    let tokens = client.tokens();
    tokens.create(&Token::new("a", TokenSpec::default())).await.unwrap();
    assert_eq!(
        reason(tokens.create(&Token::new("a", TokenSpec::default())).await),
        ErrorReason::AlreadyExists
    );
    let over = TokenSpec { expires_at: Some(Timestamp::UNIX_EPOCH), ..TokenSpec::default() };
    assert_eq!(reason(tokens.create(&Token::new("b", over)).await), ErrorReason::Invalid);
    let attempt = TokenSpec { role: Role::Attempt, ..TokenSpec::default() };
    assert_eq!(reason(tokens.create(&Token::new("c", attempt)).await), ErrorReason::Invalid);
    for text in ["", "ktkt_", "ktkt_0000000000000000000000000000000000000000000000000000000000000000", "ä"] {
        let other = client.with_token(&Secret::new(text));
        // What is no header at all never leaves the client.
        assert!(other.tasks().get("x").await.is_err(), "{text}");
    }
}

async fn roles_are_kept_to(client: Client) {
    let viewer = with(&client, "v", Role::Viewer, &[]).await;
    let operator = with(&client, "o", Role::Operator, &[]).await;
    let worker = with(&client, "w", Role::Worker, &[]).await;
    let task = crate::process("a", &["true"]);
    assert_eq!(reason(viewer.tasks().create(&task).await), ErrorReason::Forbidden);
    assert_eq!(reason(worker.tasks().create(&task).await), ErrorReason::Forbidden);
    let made = operator.tasks().create(&task).await.unwrap().object;
    assert_eq!(made.metadata.created_by.as_deref(), Some("token/o"));
    crate::ended(&viewer, "a").await;
    assert_eq!(reason(worker.tasks().get("a").await), ErrorReason::Forbidden);
    assert_eq!(reason(operator.tokens().list(ListParams::default()).await), ErrorReason::Forbidden);
    assert_eq!(reason(operator.server().stop(Default::default()).await), ErrorReason::Forbidden);
    assert!(viewer.auth().can("task.get", None).await.unwrap().allowed);
    assert!(!viewer.auth().can("task.create", None).await.unwrap().allowed);
    assert!(!worker.auth().can("/watch", None).await.unwrap().allowed);
    assert!(worker.auth().can("worker.sync", None).await.unwrap().allowed);
    assert_eq!(reason(worker.auth().can("no.such", None).await), ErrorReason::Invalid);
    let mut logs = worker.logs(LogParams { name: "a".into(), ..LogParams::default() });
    assert_eq!(reason(logs.next().await.unwrap()), ErrorReason::Forbidden);
}

async fn namespaces_are_kept_to(client: Client) {
    let ci = with(&client, "ci", Role::Operator, &["ci"]).await.in_namespace("ci");
    let step = Step { name: "s".into(), run: crate::process("x", &["true"]).spec.run, ..Step::default() };
    let spec = PipelineSpec { steps: vec![step], ..PipelineSpec::default() };
    for namespace in ["ci", "web"] {
        let own = client.in_namespace(namespace);
        let mut task = crate::process("a", &["echo", "hello"]);
        task.metadata.namespace = Some(namespace.into());
        own.tasks().create(&task).await.unwrap();
        let mut pipeline = Pipeline::new("p", spec.clone());
        pipeline.metadata.namespace = Some(namespace.into());
        own.pipelines().create(&pipeline).await.unwrap();
        crate::ended(&own, "a").await;
        crate::ended(&own, "p.s").await;
    }
    assert_eq!(ci.tasks().get("a").await.unwrap().metadata.namespace(), "ci");
    let web = ci.in_namespace("web");
    let id = client.in_namespace("web").tasks().get("a").await.unwrap().metadata.id.unwrap().to_string();
    for name in ["a", "p.s", &id] {
        assert_eq!(reason(web.tasks().get(name).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().tree(name).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().why(name).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().restart(name).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().adopt(name).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().cancel(name).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().pause(name).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().resume(name).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().delete(name).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().complete(name, Default::default()).await), ErrorReason::Forbidden);
        assert_eq!(reason(web.tasks().fail(name, "no").await), ErrorReason::Forbidden);
        let mut logs = web.logs(LogParams {
            name: name.to_owned(),
            namespace: Some("web".into()),
            ..LogParams::default()
        });
        assert_eq!(reason(logs.next().await.unwrap()), ErrorReason::Forbidden);
        // By the id alone, in its own namespace, it is not there.
        assert!(name == "a" || name == "p.s" || reason(ci.tasks().get(name).await) == ErrorReason::NotFound);
    }
    for refused in [
        reason(web.pipelines().get("p").await),
        reason(web.pipelines().restart("p").await),
        reason(web.pipelines().cancel("p").await),
        reason(web.pipelines().delete("p").await),
        reason(web.tasks().list(ListParams::default()).await),
        reason(web.pipelines().list(ListParams::default()).await),
        reason(web.events().list(Default::default()).await),
        reason(ci.queues().create(&Queue::new("q", Default::default())).await),
        reason(ci.queues().pause("default").await),
    ] {
        assert_eq!(refused, ErrorReason::Forbidden);
    }
    let mut foreign = crate::process("b", &["true"]);
    foreign.metadata.namespace = Some("web".into());
    assert_eq!(reason(ci.tasks().create(&foreign).await), ErrorReason::Forbidden);
    let mut foreign = Pipeline::new("q", spec);
    foreign.metadata.namespace = Some("web".into());
    assert_eq!(reason(ci.pipelines().create(&foreign).await), ErrorReason::Forbidden);
    let names = |namespace: &str, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{namespace}/{name}")).collect()
    };
    let full = |metadata: &ktk_client::api::Metadata| format!("{}/{}", metadata.namespace(), metadata.name());
    let tasks = ci.tasks().all_namespaces().list(ListParams::default()).await.unwrap();
    assert_eq!(
        tasks.items.iter().map(|task| full(&task.metadata)).collect::<Vec<_>>(),
        names("ci", &["a", "p.s"])
    );
    let pipelines = ci.pipelines().all_namespaces().list(ListParams::default()).await.unwrap();
    assert_eq!(pipelines.items.iter().map(|p| full(&p.metadata)).collect::<Vec<_>>(), names("ci", &["p"]));
    let events = ci.events().all_namespaces().list(Default::default()).await.unwrap();
    assert!(!events.items.is_empty() && events.items.iter().all(|event| event.metadata.namespace() == "ci"));
    // A semaphore is everybody's; who holds it elsewhere is not told.
    client.semaphores().create(&ktk_client::api::Semaphore::new("gpu", 1)).await.unwrap();
    for (namespace, name) in [("web", "holder"), ("ci", "waiter")] {
        let mut task = crate::process(name, &["sleep", "600"]);
        task.metadata.namespace = Some(namespace.into());
        task.spec.semaphores = vec![ktk_client::api::task::SemaphoreUse::One("gpu".into())];
        client.tasks().create(&task).await.unwrap();
        let wanted = if name == "holder" { Phase::Running } else { Phase::Pending };
        let own = client.in_namespace(namespace);
        ktk_tests::eventually_async("it stands in the line", Duration::from_secs(20), || async {
            (own.tasks().get(name).await.unwrap().status.unwrap().phase == wanted).then_some(())
        })
        .await;
    }
    let all = client.semaphores().get("gpu").await.unwrap().status.unwrap();
    assert_eq!((all.held, all.holders.len(), all.waiters.len()), (1, 1, 1));
    let own = ci.semaphores().get("gpu").await.unwrap().status.unwrap();
    assert_eq!((own.held, own.holders.len(), own.waiters.len()), (1, 0, 1));
    let why = ci.tasks().why("waiter").await.unwrap();
    assert!(why.waits.iter().all(|wait| wait.holders.is_empty()), "{why:?}");
    client.in_namespace("web").tasks().cancel("holder").await.unwrap();
    ci.tasks().cancel("waiter").await.unwrap();
    // A watch of everything, from the beginning, tells of its own alone.
    client.in_namespace("web").tasks().delete("a").await.unwrap();
    client.in_namespace("ci").tasks().delete("a").await.unwrap();
    let params = WatchParams { version: Some(0), ..WatchParams::default() };
    let mut watch = ci.watch(params);
    let mut seen = Vec::new();
    while !seen.iter().any(|name| name == "deleted a") {
        let event =
            tokio::time::timeout(Duration::from_secs(20), watch.next()).await.unwrap().unwrap().unwrap();
        let text = serde_json::to_value(&event).unwrap().to_string();
        assert!(!text.contains("\"web\""), "{text}");
        if text.contains("deletedAt") {
            seen.push("deleted a".to_owned());
        }
    }
}

async fn what_is_over_is_refused(client: Client) {
    let end = Timestamp::now() + Duration::from_millis(1_500);
    let spec = TokenSpec { expires_at: Some(end), ..TokenSpec::default() };
    let short = with_spec(&client, "short", spec).await;
    short.auth().whoami().await.unwrap();
    let mut watch = short.watch(WatchParams::default());
    let begun = std::time::Instant::now();
    let last = tokio::time::timeout(Duration::from_secs(10), last_of(&mut watch)).await.unwrap();
    assert_eq!(reason::<()>(Err(last)), ErrorReason::Unauthorized);
    assert!(begun.elapsed() < Duration::from_secs(7));
    assert_eq!(reason(short.auth().whoami().await), ErrorReason::Unauthorized);
}

/// What a stream ends with.
async fn last_of<T, S: futures_util::Stream<Item = Result<T, Error>> + Unpin>(stream: &mut S) -> Error {
    loop {
        if let Err(error) = stream.next().await.unwrap() {
            return error;
        }
    }
}

async fn streams_end_with_their_token(client: Client) {
    let viewer = with(&client, "v", Role::Viewer, &[]).await;
    client.tasks().create(&crate::process("long", &["sleep", "600"])).await.unwrap();
    let follow = LogParams { name: "long".into(), follow: true, ..LogParams::default() };
    let (mut watch, mut logs) = (viewer.watch(WatchParams::default()), viewer.logs(follow));
    // Both are open before the token goes.
    watch.next().await.unwrap().unwrap();
    let logs = tokio::spawn(async move { last_of(&mut logs).await });
    client.tokens().delete("v").await.unwrap();
    let within = Duration::from_secs(5);
    let last = tokio::time::timeout(within, last_of(&mut watch)).await.unwrap();
    assert_eq!(reason::<()>(Err(last)), ErrorReason::Unauthorized);
    let last = tokio::time::timeout(within, logs).await.unwrap().unwrap();
    assert_eq!(reason::<()>(Err(last)), ErrorReason::Unauthorized);
    client.tasks().cancel("long").await.unwrap();
    crate::ended(&client, "long").await;
}

/// What is held by the server, as waiting for an end is, ends as well.
async fn held_calls_end_with_their_token(client: Client) {
    let viewer = with(&client, "v", Role::Viewer, &[]).await;
    client.tasks().create(&crate::process("long", &["sleep", "600"])).await.unwrap();
    let target = Target::Task(viewer.tasks().reference("long"));
    let mut waiting = viewer.wait([target], WaitParams::until(Condition::Finished));
    let held = tokio::time::timeout(Duration::from_millis(300), waiting.next()).await;
    assert!(held.is_err(), "{held:?}");
    client.tokens().delete("v").await.unwrap();
    let last = tokio::time::timeout(Duration::from_secs(5), waiting.next()).await.unwrap().unwrap();
    assert_eq!(reason(last), ErrorReason::Unauthorized);
    client.tasks().cancel("long").await.unwrap();
    crate::ended(&client, "long").await;
}
