//! What a program that is not the SDK may send over the socket, and what it gets.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use ktk_tests::Place;
use serde_json::{Value, json};

/// Sends bytes, closes its side, and reads to the end: the status and the body.
pub(crate) fn send(place: &Place, head: &str, body: &[u8]) -> (u16, String) {
    let mut stream = UnixStream::connect(place.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head =
        format!("{head}\r\nhost: localhost\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    // A server that has refused does not read to the end.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (status, body)
}

const JSON: &str = "POST /rpc HTTP/1.1\r\ncontent-type: application/json";

pub(crate) fn call(place: &Place, body: &str) -> Value {
    let (status, answer) = send(place, JSON, body.as_bytes());
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn what_is_no_request() {
    let place = Place::started();
    let code = |body: &str| call(&place, body)["error"]["code"].clone();
    assert_eq!(code("{"), -32700);
    assert_eq!(code(&"[".repeat(100_000)), -32700);
    assert_eq!(
        code(&format!(
            r#"{{"jsonrpc": "2.0", "id": 1, "method": "task.get", "params": {}"#,
            "{\"a\":".repeat(50_000)
        )),
        -32700
    );
    assert_eq!(code("1"), -32600);
    assert_eq!(code("[]"), -32600);
    assert_eq!(code(r#"{"jsonrpc": "2.0", "id": 1, "method": "no.such"}"#), -32601);
    assert_eq!(code(r#"{"jsonrpc": "2.0", "id": 1, "method": "task.get", "params": {"name": 7}}"#), -32602);
    let missing = call(
        &place,
        r#"{"jsonrpc": "2.0", "id": "x", "method": "task.get", "params": {"namespace": "default", "name": "none"}}"#,
    );
    assert_eq!(
        (&missing["error"]["code"], &missing["error"]["data"]["reason"], &missing["id"]),
        (&json!(-32000), &json!("NotFound"), &json!("x"))
    );
    place.ok("get tasks");
}

#[test]
fn bodies_have_a_limit() {
    let place = Place::started();
    let (status, _) = send(&place, JSON, &vec![b' '; 20 << 20]);
    assert_eq!(status, 413);
    let many: Vec<Value> =
        (0..1001).map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "server.status"})).collect();
    let (_, answer) = send(&place, JSON, serde_json::to_string(&many).unwrap().as_bytes());
    assert!(answer.contains("TooLarge"), "{answer}");
    place.ok("get tasks");
}

#[test]
fn browsers_are_turned_away() {
    let place = Place::started();
    let body = br#"{"jsonrpc": "2.0", "id": 1, "method": "server.status"}"#;
    assert_eq!(send(&place, JSON, body).0, 200);
    assert_eq!(send(&place, &format!("{JSON}\r\norigin: http://evil.example"), body).0, 403);
    assert_eq!(send(&place, "POST /rpc HTTP/1.1\r\ncontent-type: text/plain", body).0, 415);
    assert_eq!(send(&place, "POST /rpc HTTP/1.1", body).0, 415);
    assert_eq!(send(&place, "GET /rpc HTTP/1.1", b"").0, 405);
    assert_eq!(send(&place, "GET /nosuch HTTP/1.1", b"").0, 404);
    assert_eq!(send(&place, "GET /healthz HTTP/1.1", b"").0, 200);
}

#[test]
fn batches_are_answered_in_order_and_notifications_not_at_all() {
    let place = Place::started();
    let answers = call(
        &place,
        r#"[
        {"jsonrpc": "2.0", "id": 1, "method": "server.status"},
        {"jsonrpc": "2.0", "method": "server.status"},
        {"jsonrpc": "2.0", "id": 2, "method": "no.such"},
        7
    ]"#,
    );
    let ids: Vec<&Value> = answers.as_array().unwrap().iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!(1), &json!(2), &Value::Null]);
}

#[test]
fn who_sends_slowly_or_nothing_disturbs_nobody() {
    let place = Place::started();
    let idle: Vec<UnixStream> = (0..200).map(|_| UnixStream::connect(place.socket()).unwrap()).collect();
    for mut stream in &idle {
        stream.write_all(b"POST /rpc HT").unwrap();
    }
    assert_eq!(place.ok("run -- echo still here"), "still here\n");
    drop(idle);
}
