//! Requests: they wait where processes do, are handed out with their references filled in, and can be a type's.

use ktk_client::api::{TaskType, http::HttpSpec, restart::RestartParams, task_type::TaskTypeSpec};
use serde_json::json;

use super::{
    build::{Job, job, pipeline},
    calls::restart,
    lab::Lab,
};
use crate::store::Store;

fn http(url: &str) -> HttpSpec {
    HttpSpec {
        method: "POST".into(),
        url: url.into(),
        headers: [("X-Width".to_owned(), "{{ inputs.width }}".to_owned())].into(),
        body: Some(json!({"width": "{{ inputs.width }}"})),
        ..HttpSpec::default()
    }
}

fn asking(name: &str, url: &str) -> Job {
    let mut job = job(name).input("width", json!(200));
    job.step.type_name = None;
    job.step.http = Some(http(url));
    job
}

pub async fn handed_out_with_what_they_refer_to<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(asking("a", "https://h/{{ inputs.width }}?key=1")).await;
    lab.make_pipeline(pipeline("p", [asking("s", "https://h/{{ inputs.width }}")])).await;
    for (name, url) in [("a", "https://h/200?key=1"), ("p.s", "https://h/200")] {
        let grant = lab.running(name).await;
        let sent = grant.http.clone().expect("a request");
        assert_eq!((&*sent.url, &*sent.headers["X-Width"]), (url, "200"));
        assert_eq!(sent.body, Some(json!({"width": 200})));
        assert_eq!((grant.run, grant.type_name), (None, None));
    }
    let row = lab.dump.tasks.values().find(|row| row.name == "a").expect("it is there");
    assert!(!row.is_process() && !row.has_handler() && !row.is_external());
    assert_eq!(row.command, "POST https://h/{{ inputs.width }}?…", "no query in tables");
    let status = lab.get("a").await.unwrap().status.unwrap();
    assert_eq!(status.directory, None, "there is no process that has one");
}

pub async fn what_cannot_be_filled_in_is_no_request<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let refused = lab.create(asking("a", "https://h/{{ inputs.nothing }}")).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.http.url");
    lab.make(job("up")).await;
    lab.make(asking("a", "https://{{ inputs.host }}/").needs(["up"]).made("host", ".needs.up.host")).await;
    lab.give("up", json!({"host": "me@evil.test"})).await;
    lab.evaluate().await;
    assert!(lab.claim(8).await.is_empty());
    assert_eq!(lab.state("a").await, "Failed/InvalidInput");
}

pub async fn changed_by_a_restart<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(asking("a", "https://h/1")).await;
    lab.succeed("a").await;
    let changes =
        [("http.url".to_owned(), json!("https://h/2")), ("http.body.deep.x".to_owned(), json!([1]))];
    lab.restart_with(RestartParams { changes: changes.into(), ..restart("a") }).await.unwrap();
    let sent = lab.running("a").await.http.expect("a request");
    assert_eq!((&*sent.url, sent.body), ("https://h/2", Some(json!({"width": 200, "deep": {"x": [1]}}))));
    lab.succeed("a").await;
    let wrong = [("http.url".to_owned(), json!("ftp://h"))].into();
    let refused = lab.restart_with(RestartParams { changes: wrong, ..restart("a") }).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.http.url");
    let other = [("http".to_owned(), json!(null)), ("run.command".to_owned(), json!(["true"]))].into();
    lab.restart_with(RestartParams { changes: other, ..restart("a") }).await.unwrap();
    assert!(lab.running("a").await.run.is_some());
    let newest = lab.dump.newest();
    assert!(newest.values().any(|row| row.name == "a" && row.is_process()), "a process from now on");
}

pub async fn of_a_type<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let spec = TaskTypeSpec { http: Some(http("https://h/{{ inputs.width }}")), ..TaskTypeSpec::default() };
    lab.create_entity(TaskType::new("ask", spec)).await.unwrap();
    lab.make(job("a").of_type("ask").input("width", json!(5))).await;
    let grant = lab.running("a").await;
    assert_eq!((&*grant.http.expect("a request").url, grant.type_name), ("https://h/5", None));
    let refused = lab.create(job("b").of_type("ask")).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.type.url", "{refused:?}");
}
