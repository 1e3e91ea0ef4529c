//! `task.*`.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _};
use ktk_client::{
    Client,
    api::{
        ErrorReason, Phase, Reason, Task,
        list::ListParams,
        patch::{Patch, PatchParams},
        restart::{AdoptParams, Cascade, RestartParams},
        table::TableParams,
        task::{self, CancelParams, CreateParams, DeleteParams, TaskSpec},
        token::{Role, Token, TokenSpec},
    },
    client::{
        follow::Target,
        wait::{Condition, WaitParams},
    },
};
use serde_json::json;

use crate::{ended, on_both_stores, process};

on_both_stores!(
    created_once,
    dry_runs_make_nothing,
    applied,
    checked_and_not_made,
    got_and_listed,
    pages_lose_and_repeat_nothing,
    tables_are_lists,
    a_batch_stands_each_for_itself,
    references,
    restarted,
    cancelled_and_deleted,
    refused,
    too_large,
    outputs_travel,
    patched,
    measured,
);

async fn created_once(client: Client) {
    let object = process("x", &["true"]);
    let params = CreateParams {
        object: object.clone(),
        request_id: Some("r1".into()),
        caller_env: None,
        dry_run: false,
    };
    let first = client.tasks().create_with(params.clone()).await.unwrap();
    assert!(first.created);
    // The first answer again.
    let again = client.tasks().create_with(params.clone()).await.unwrap();
    assert_eq!(again.object.metadata.id, first.object.metadata.id);
    assert!(again.created);
    let other = CreateParams { object: process("y", &["true"]), ..params };
    assert!(client.tasks().create_with(other).await.unwrap_err().is_conflict());
    assert!(client.tasks().get_opt("y").await.unwrap().is_none());
    assert!(client.tasks().create(&object).await.unwrap_err().is_already_exists());
    let elsewhere = client.in_namespace("other").tasks().create(&object).await.unwrap();
    assert_eq!(elsewhere.object.metadata.namespace(), "other");
}

async fn checked_and_not_made(client: Client) {
    let good = process("x", &["true"]);
    assert_eq!(client.tasks().check(&good).await.unwrap(), []);
    let mut wrong = good.clone();
    wrong.spec.queue = Some("nosuch".into());
    wrong.spec.needs = vec!["nobody".into()];
    wrong.spec.priority = Some(i32::MAX);
    let causes = client.tasks().check(&wrong).await.unwrap();
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    // Its priority is wrong by itself: who asks knows that.
    assert_eq!(fields, ["spec.queue", "spec.needs[0]"]);
    assert!(client.tasks().get_opt("x").await.unwrap().is_none());
}

async fn got_and_listed(client: Client) {
    for name in ["a", "b", "c"] {
        let mut object = process(name, &["true"]);
        object.metadata.labels.insert("first".into(), (name == "a").to_string());
        client.tasks().create(&object).await.unwrap();
    }
    let done = ended(&client, "a").await;
    let status = done.status.unwrap();
    assert_eq!((status.phase, status.exit_code, status.attempts.len()), (Phase::Succeeded, Some(0), 1));
    assert_eq!(done.metadata.execution_id, done.metadata.id);
    let names = async |params: ListParams| -> Vec<String> {
        let list = client.tasks().list(params).await.unwrap();
        list.items.iter().map(|task| task.metadata.name().to_owned()).collect()
    };
    assert_eq!(names(ListParams::default()).await, ["a", "b", "c"]);
    let labelled = ListParams { label_selector: Some("first=true".into()), ..ListParams::default() };
    assert_eq!(names(labelled).await, ["a"]);
    let field = ListParams { field_selector: Some("metadata.name=b".into()), ..ListParams::default() };
    assert_eq!(names(field).await, ["b"]);
    let bad = ListParams { label_selector: Some("a in".into()), ..ListParams::default() };
    assert!(client.tasks().list(bad).await.unwrap_err().is_invalid());
    let whole = client.tasks().list_whole(ListParams::default()).await.unwrap();
    assert!(whole.version > 0);
    assert!(client.in_namespace("none").tasks().list(ListParams::default()).await.unwrap().items.is_empty());
    assert_eq!(client.tasks().all_namespaces().list(ListParams::default()).await.unwrap().items.len(), 3);
}

async fn pages_lose_and_repeat_nothing(client: Client) {
    let many: Vec<Task> = (0..25).map(|number| process(&format!("t{number:02}"), &["true"])).collect();
    for made in client.tasks().create_many(&many).await.unwrap() {
        made.unwrap();
    }
    let page = ListParams { limit: Some(7), ..ListParams::default() };
    let first = client.tasks().list(page.clone()).await.unwrap();
    assert_eq!(first.items.len(), 7);
    // Objects come and go between the pages.
    client.tasks().create(&process("a-new-one", &["true"])).await.unwrap();
    ended(&client, "t03").await;
    client.tasks().delete("t03").await.unwrap();
    let mut names: Vec<String> = first.items.iter().map(|task| task.metadata.name().to_owned()).collect();
    let mut from = first.continue_from;
    while let Some(token) = from {
        let next = ListParams { continue_from: Some(token), ..page.clone() };
        let list = client.tasks().list(next).await.unwrap();
        names.extend(list.items.iter().map(|task| task.metadata.name().to_owned()));
        from = list.continue_from;
    }
    let expected: Vec<String> = (0..25).map(|number| format!("t{number:02}")).collect();
    assert_eq!(names, expected);
    let all: Vec<Task> = client.tasks().list_all(page.clone()).try_collect().await.unwrap();
    assert_eq!(all.len(), 25);
    let bad = ListParams { continue_from: Some("nonsense".into()), ..page };
    assert!(client.tasks().list(bad).await.is_err());
}

async fn tables_are_lists(client: Client) {
    let many: Vec<Task> = (0..5).map(|number| process(&format!("t{number}"), &["true"])).collect();
    for made in client.tasks().create_many(&many).await.unwrap() {
        made.unwrap();
    }
    for number in 0..5 {
        ended(&client, &format!("t{number}")).await;
    }
    let list = ListParams { limit: Some(2), ..ListParams::default() };
    let mut params = TableParams { list, wide: true, labels: true };
    let (mut lines, mut tasks) = (Vec::new(), Vec::new());
    loop {
        let page = client.tasks().table(params.clone()).await.unwrap();
        let same = client.tasks().list(params.list.clone()).await.unwrap();
        assert!(page.items.len() <= 2);
        assert_eq!((page.version, &page.continue_from), (same.version, &same.continue_from));
        lines.extend(page.items);
        tasks.extend(same.items);
        params.list.continue_from = page.continue_from;
        if params.list.continue_from.is_none() {
            break;
        }
    }
    assert_eq!((lines.len(), tasks.len()), (5, 5));
    for (line, task) in lines.iter().zip(&tasks) {
        assert_eq!((line.name.as_str(), line.phase), (task.metadata.name(), Phase::Succeeded));
        let wide = line.wide.as_ref().unwrap();
        assert!(task.metadata.digest.as_ref().unwrap().starts_with(&wide.digest));
        assert_eq!(line.labels.as_ref(), Some(&task.metadata.labels));
    }
    let narrow = client.tasks().all_namespaces().table(TableParams::default()).await.unwrap();
    assert_eq!(narrow.items[0].namespace.as_deref(), Some("default"));
    assert!(narrow.items.iter().all(|line| line.wide.is_none() && line.labels.is_none()));
    let mut bad = TableParams::default();
    bad.list.field_selector = Some("status.colour=red".into());
    assert!(client.tasks().table(bad).await.unwrap_err().is_invalid());
}

async fn a_batch_stands_each_for_itself(client: Client) {
    let tasks = [
        process("a", &["true"]),
        process("Bad_Name", &["true"]),
        process("a", &["true"]),
        process("b", &["true"]),
    ];
    let answers = client.tasks().create_many(&tasks).await.unwrap();
    assert!(answers[0].as_ref().unwrap().created);
    assert_eq!(answers[1].as_ref().unwrap_err().reason, ErrorReason::Invalid);
    assert_eq!(answers[2].as_ref().unwrap_err().reason, ErrorReason::AlreadyExists);
    assert!(answers[3].as_ref().unwrap().created);
    let references = ["a", "none", "b"].map(|name| client.tasks().reference(name));
    let answers = client.call_batch::<task::Get>(&references).await.unwrap();
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(answers[1].as_ref().unwrap_err().reason, ErrorReason::NotFound);
}

async fn references(client: Client) {
    // So many digests of so few digits that two begin alike.
    let many: Vec<Task> = (0..400).map(|number| process(&format!("t{number}"), &["true"])).collect();
    let made = client.tasks().create_many(&many).await.unwrap();
    let digests: Vec<String> =
        made.into_iter().map(|made| made.unwrap().object.metadata.digest.unwrap().to_string()).collect();
    let mut seen = BTreeSet::new();
    let twice = digests.iter().map(|digest| &digest[..4]).find(|prefix| !seen.insert(*prefix));
    if let Some(prefix) = twice {
        let error = client.tasks().get(prefix).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::Ambiguous));
        let candidates: Vec<&String> = digests.iter().filter(|digest| digest.starts_with(prefix)).collect();
        assert!(candidates.len() >= 2);
        let message = error.to_string();
        assert!(message.contains("t"), "the candidates are named: {message}");
    }
    let task = client.tasks().get(digests[7].clone()).await.unwrap();
    assert_eq!(task.metadata.name(), "t7");
    assert_eq!(
        client.tasks().get(task.metadata.human_name.clone().unwrap()).await.unwrap().metadata.name(),
        "t7"
    );
    assert_eq!(client.tasks().get("t7@1").await.unwrap().metadata.id, task.metadata.id);
    assert!(client.tasks().get(&digests[7][..3]).await.unwrap_err().is_not_found());
}

async fn restarted(client: Client) {
    client.tasks().create(&process("x", &["false"])).await.unwrap();
    ended(&client, "x").await;
    let plan = client.tasks().restart("x").dry_run().await.unwrap();
    assert_eq!((plan.created, plan.plan.len(), plan.plan[0].action.as_str()), (false, 1, "restart"));
    let second = client.tasks().restart("x").reason("once more").request_id("r1").await.unwrap();
    assert!(second.created);
    assert_eq!((second.restarted[0].incarnation, second.restarted[0].parent_incarnation), (2, 1));
    ended(&client, "x").await;
    let again = client.tasks().restart("x").reason("once more").request_id("r1").await.unwrap();
    assert_eq!(again.object.metadata.id, second.object.metadata.id);
    let other = client.tasks().restart("x").cascade(Cascade::All).request_id("r1").await;
    assert!(other.unwrap_err().is_conflict());
    assert!(client.tasks().restart("x").if_newest(1).await.unwrap_err().is_conflict());
    let reference = client.tasks().reference("x@1");
    let params: RestartParams = serde_json::from_value(json!({"ref": reference})).unwrap();
    assert!(client.tasks().restart_with(params).await.unwrap().created);
    ended(&client, "x").await;
    let params = AdoptParams { reference: client.tasks().reference("x@1"), ..AdoptParams::default() };
    let refused = client.tasks().adopt_with(params).await;
    assert!(refused.unwrap_err().is_conflict(), "it has failed");
    let tree = client.tasks().tree("x").await.unwrap();
    let parents: Vec<_> =
        tree.items.iter().map(|task| task.metadata.restart.as_ref().unwrap().parent_id).collect();
    assert_eq!(parents, [None, tree.items[0].metadata.id, tree.items[0].metadata.id]);
    let contexts: BTreeSet<_> =
        tree.items.iter().map(|task| task.metadata.restart.as_ref().unwrap().context_id).collect();
    assert_eq!(contexts.len(), 1);
    let listed =
        client.tasks().list(ListParams { all_incarnations: true, ..ListParams::default() }).await.unwrap();
    assert_eq!(listed.items.len(), 3);
}

async fn cancelled_and_deleted(client: Client) {
    for name in ["a", "b"] {
        client.tasks().create(&process(name, &["sleep", "1000"])).await.unwrap();
    }
    client.tasks().cancel("a").await.unwrap();
    let status = ended(&client, "a").await.status.unwrap();
    assert_eq!((status.phase, status.reason), (Phase::Cancelled, Some(Reason::ByUser)));
    assert!(client.tasks().cancel("a").await.unwrap_err().is_conflict());
    let params =
        CancelParams { reference: client.tasks().reference("b"), now: true, ..CancelParams::default() };
    client.tasks().cancel_with(params).await.unwrap();
    ended(&client, "b").await;
    assert!(client.tasks().delete("a").await.unwrap().gone);
    assert!(client.tasks().get_opt("a").await.unwrap().is_none());
    let params =
        DeleteParams { reference: client.tasks().reference("b"), now: true, ..DeleteParams::default() };
    assert!(client.tasks().delete_with(params).await.unwrap().gone);
    assert!(client.tasks().delete("b").await.unwrap_err().is_not_found());
}

async fn refused(client: Client) {
    let spec = TaskSpec { needs: vec!["nobody".into()], priority: Some(7), ..TaskSpec::command(["true"]) };
    let error = client.tasks().create(&Task::new("x", spec)).await.unwrap_err();
    assert!(error.to_string().contains("nobody"), "{error}");
    let mut bad = process("Bad_Name", &[]);
    bad.metadata.labels.insert("-".into(), "x".into());
    let error = client.tasks().create(&bad).await.unwrap_err();
    let causes = &error.api().unwrap().causes;
    assert!(causes.len() >= 3, "all that is wrong: {causes:?}");
    assert!(causes.iter().any(|cause| cause.field == "metadata.name"), "{causes:?}");
    let unknown = Task::new("x", TaskSpec { type_name: Some("no-such-type".into()), ..TaskSpec::default() });
    assert!(client.tasks().create(&unknown).await.unwrap_err().is_invalid());
    assert!(client.tasks().list(ListParams::default()).await.unwrap().items.is_empty());
}

async fn too_large(client: Client) {
    let mut spec = TaskSpec::command(["true"]);
    spec.inputs.insert("x".into(), json!("x".repeat((1 << 20) + 1)));
    let error = client.tasks().create(&Task::new("x", spec)).await.unwrap_err();
    assert!(matches!(error.reason(), Some(ErrorReason::TooLarge | ErrorReason::Invalid)), "{error:?}");
    let mut spec = TaskSpec::command(["true"]);
    spec.inputs.insert("x".into(), json!("x".repeat(17 << 20)));
    let error = client.tasks().create(&Task::new("x", spec)).await.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::TooLarge), "{error:?}");
    assert!(client.tasks().get_opt("x").await.unwrap().is_none());
}

async fn outputs_travel(client: Client) {
    let give = "printf '{\"a\": [1, {\"b\": null}], \"t\": \"ä\"}' >\"$KTK_OUTPUT\"";
    client.tasks().create(&process("give", &["sh", "-c", give])).await.unwrap();
    let take =
        "cat \"$KTK_NEEDS\" \"$KTK_INPUTS\" >\"$KTK_DIR/taken\"; printf 'x=1\\ny=a=b\\n' >\"$KTK_OUTPUT\"";
    let mut spec = TaskSpec { needs: vec!["give".into()], ..TaskSpec::command(["sh", "-c", take]) };
    spec.inputs.insert("width".into(), json!(200));
    client.tasks().create(&Task::new("take", spec)).await.unwrap();
    let status = ended(&client, "take").await.status.unwrap();
    assert_eq!(status.phase, Phase::Succeeded);
    assert_eq!(json!(status.outputs), json!({"x": "1", "y": "a=b"}));
    let taken = std::fs::read_to_string(format!("{}/taken", status.directory.unwrap())).unwrap();
    let mut values = serde_json::Deserializer::from_str(&taken).into_iter::<serde_json::Value>();
    assert_eq!(values.next().unwrap().unwrap(), json!({"give": {"a": [1, {"b": null}], "t": "ä"}}));
    assert_eq!(values.next().unwrap().unwrap(), json!({"width": 200}));
    client.tasks().create(&process("bad", &["sh", "-c", "echo nonsense >\"$KTK_OUTPUT\""])).await.unwrap();
    let status = ended(&client, "bad").await.status.unwrap();
    assert_eq!((status.phase, status.reason), (Phase::Failed, Some(Reason::InvalidOutput)));
}

async fn patched(client: Client) {
    let tasks = client.tasks();
    let mut task = process("x", &["true"]);
    task.spec.hold = true;
    tasks.create(&task).await.unwrap();
    let change = json!({"metadata": {"labels": {"team": "media"}}, "spec": {"priority": 7}});
    let patched = tasks.patch("x", Patch::Merge(change.clone())).await.unwrap();
    assert!(patched.changed);
    assert_eq!(patched.object.spec.priority, Some(7));
    assert!(!tasks.patch("x", Patch::Merge(change)).await.unwrap().changed);
    let of = |patch| PatchParams::new(tasks.reference("x"), patch);
    let hold = Patch::Json(vec![json!({"op": "remove", "path": "/spec/hold"})]);
    let dry = tasks.patch_with(PatchParams { dry_run: true, ..of(hold.clone()) }).await.unwrap();
    assert!(dry.changed && !dry.object.spec.hold);
    assert!(tasks.get("x").await.unwrap().spec.hold, "a dry run changes nothing");
    let old = PatchParams {
        version: patched.object.metadata.version.map(|version| version - 1),
        ..of(hold.clone())
    };
    assert!(tasks.patch_with(old).await.unwrap_err().is_conflict());
    let version = patched.object.metadata.version;
    tasks.patch_with(PatchParams { version, ..of(hold) }).await.unwrap();
    assert_eq!(ended(&client, "x").await.status.unwrap().phase, Phase::Succeeded);
    let late = tasks.patch("x", Patch::Merge(json!({"spec": {"priority": 1}}))).await.unwrap_err();
    assert!(late.is_invalid());
    assert!(tasks.patch("nosuch", Patch::Merge(json!({}))).await.unwrap_err().is_not_found());
}

async fn measured(client: Client) {
    // A child in a session of its own belongs to the attempt too.
    let busy = "setsid sh -c 'while :; do :; done' & echo begun; wait";
    client.tasks().create(&process("busy", &["sh", "-c", busy])).await.unwrap();
    client.tasks().create(&Task::new("outside", TaskSpec::external())).await.unwrap();
    client.tasks().create(&process("done", &["true"])).await.unwrap();
    ended(&client, "done").await;
    let condition = Condition::Running;
    let mut running =
        client.wait([Target::Task(client.tasks().reference("busy"))], WaitParams::until(condition));
    running.next().await.unwrap().unwrap();
    let list = loop {
        let list = client.tasks().usage(ListParams::default()).await.unwrap();
        // The shell may not have started its child yet.
        if list.items[0].usage.is_some_and(|usage| usage.processes >= 2 && usage.cpu_millis > 0) {
            break list;
        }
    };
    let names: Vec<&str> = list.items.iter().map(|item| item.metadata.name()).collect();
    assert_eq!(names, ["busy", "outside"]);
    let (busy, outside) = (&list.items[0], &list.items[1]);
    assert_eq!((busy.queue.as_str(), busy.attempt, outside.usage), ("default", 1, None));
    assert!(busy.usage.unwrap().memory_bytes > 10_000 && busy.node.is_some(), "{busy:?}");
    // Who is for another namespace sees nothing of it.
    let spec = TokenSpec { role: Role::Viewer, namespaces: vec!["ci".into()], expires_at: None };
    let issued = client.tokens().create(&Token::new("ci", spec)).await.unwrap();
    let other = client.with_token(&issued.token.unwrap());
    assert!(other.tasks().all_namespaces().usage(ListParams::default()).await.unwrap().items.is_empty());
    client.tasks().cancel("busy").await.unwrap();
    ended(&client, "busy").await;
    let none = ListParams { field_selector: Some("metadata.name=busy".into()), ..ListParams::default() };
    assert!(client.tasks().usage(none).await.unwrap().items.is_empty());
}

async fn dry_runs_make_nothing(client: Client) {
    let tasks = client.tasks();
    let params =
        CreateParams { object: process("x", &["true"]), request_id: None, caller_env: None, dry_run: true };
    for _ in 0..2 {
        let would = tasks.create_with(params.clone()).await.unwrap();
        assert!(would.created && would.object.metadata.id.is_some());
        assert!(tasks.get("x").await.unwrap_err().is_not_found());
    }
    tasks.create(&process("x", &["true"])).await.unwrap();
    assert!(tasks.create_with(params).await.unwrap_err().is_already_exists());
    let version = tasks.get("x").await.unwrap().metadata.version.map(|version| version + 1_000);
    let delete = DeleteParams { reference: tasks.reference("x"), version, ..DeleteParams::default() };
    assert!(tasks.delete_with(delete).await.unwrap_err().is_conflict());
}

async fn applied(client: Client) {
    let tasks = client.tasks();
    let wanted = |priority| {
        let mut task = process("x", &["true"]);
        (task.spec.hold, task.spec.priority) = (true, Some(priority));
        task
    };
    for (priority, expected) in [(1, "created"), (1, "unchanged"), (2, "configured")] {
        let applied = tasks.apply(&wanted(priority)).await.unwrap();
        assert_eq!((applied.outcome.as_str(), applied.object.spec.priority), (expected, Some(priority)));
    }
    let mut other = wanted(2);
    other.spec.timeout = "1m".parse().ok();
    assert!(tasks.apply(&other).await.unwrap_err().is_invalid());
}
