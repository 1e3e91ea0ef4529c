//! `GET /api/v1/…`: objects for people with curl, and the statuses of what is refused.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use ktk_tests::Place;
use serde_json::{Value, json};

use crate::raw_http;

struct Got {
    status: u16,
    head: String,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn get_with(place: &Place, path: &str, headers: &str) -> Got {
    let mut stream = UnixStream::connect(place.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Got { status, head: head.to_owned(), body: body.to_owned() }
}

fn get(place: &Place, path: &str) -> Got {
    get_with(place, path, "")
}

fn names(got: &Got) -> Vec<String> {
    let items = got.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn objects_are_read_by_their_paths() {
    let place = Place::started();
    place.ok("create task a --label team=media --external");
    place.ok("create task b --external");
    place.ok("create task c -n other --external");
    place.ok("create queue q --max-running 2");
    assert_eq!(names(&get(&place, "/api/v1/tasks")), ["a", "b", "c"]);
    assert_eq!(names(&get(&place, "/api/v1/tasks?labelSelector=team%3Dmedia")), ["a"]);
    assert_eq!(names(&get(&place, "/api/v1/namespaces/other/tasks")), ["c"]);
    let running = get(&place, "/api/v1/namespaces/default/tasks?fieldSelector=status.phase=Running&limit=1");
    assert_eq!(names(&running), ["a"]);
    let next: String =
        running.json()["continue"].as_str().unwrap().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let path = format!("/api/v1/namespaces/default/tasks?fieldSelector=status.phase=Running&continue={next}");
    assert_eq!(names(&get(&place, &path)), ["b"]);
    let task = get(&place, "/api/v1/namespaces/default/tasks/a@1").json();
    assert_eq!((&task["kind"], &task["metadata"]["name"]), (&json!("Task"), &json!("a")));
    let over_rpc = raw_http::call(
        &place,
        r#"{"jsonrpc": "2.0", "id": 1, "method": "task.get", "params": {"namespace": "default", "name": "a"}}"#,
    );
    assert_eq!(task, over_rpc["result"], "one object, whichever way it is read");
    assert_eq!(get(&place, "/api/v1/queues/q").json()["spec"]["maxRunning"], 2);
    for kinds in ["pipelines", "events", "queues", "semaphores", "tasktypes", "nodes"] {
        assert_eq!(get(&place, &format!("/api/v1/{kinds}")).json()["kind"], "List", "{kinds}");
    }
    assert_eq!(get(&place, "/api/v1/openrpc.json").json()["openrpc"], "1.3.2");
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let place = Place::started();
    place.ok("create task a --external");
    let path = "/api/v1/namespaces/default/tasks/a";
    let first = get(&place, path);
    let tag = first.header("etag").unwrap().to_owned();
    let again = get_with(&place, path, &format!("if-none-match: {tag}\r\n"));
    assert_eq!((again.status, &*again.body, again.header("etag")), (304, "", Some(&*tag)));
    assert_eq!(get_with(&place, path, "if-none-match: \"other\"\r\n").status, 200);
    place.ok("complete task/a");
    let changed = get_with(&place, path, &format!("if-none-match: {tag}\r\n"));
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(&*tag));
}

/// 401 and 403 are the gate's, 410 is the watch's, 503 needs a store that fails: they are looked at where they are.
#[test]
fn what_is_refused_has_its_status() {
    let place = Place::started();
    place.ok("create task a --external");
    for (path, status, reason) in [
        ("/api/v1/tasks?labelSelector=team%3D%3D%3D", 422, "Invalid"),
        ("/api/v1/tasks?fieldSelector=nosuch=1", 422, "Invalid"),
        ("/api/v1/tasks?lableSelector=a", 400, "Invalid"),
        ("/api/v1/tasks?limit=many", 400, "Invalid"),
        ("/api/v1/queues/default?limit=1", 400, "Invalid"),
        ("/watch?kinds=Cow", 422, "Invalid"),
        ("/watch?version=x", 400, "Invalid"),
        ("/api/v1/namespaces/default/tasks/none", 404, "NotFound"),
        ("/api/v1/namespaces/none/tasks/a", 404, "NotFound"),
        ("/api/v1/namespaces/default/tasks/../../etc/passwd", 404, "NotFound"),
        ("/api/v1/cows", 404, "NotFound"),
    ] {
        let got = get(&place, path);
        assert_eq!((got.status, &got.json()["reason"]), (status, &json!(reason)), "{path}: {}", got.body);
    }
    let (status, body) =
        raw_http::send(&place, "POST /api/v1/tasks HTTP/1.1\r\ncontent-type: application/json", b"{}");
    assert_eq!(status, 405, "{body}");
    assert_eq!(names(&get(&place, "/api/v1/namespaces/none/tasks")), [""; 0]);
}
