//! What a request must be to be carried out.

use ktk_client::api::ErrorReason;
use serde_json::json;

use super::peer::{Peer, ask, request, rpc};
use super::running::Running;
use crate::limits::BODY_BYTES;

const WHO: &str = r#"{"jsonrpc":"2.0","method":"caller.get","id":1}"#;

fn own_name() -> String {
    format!("uid:{}", rustix::process::geteuid().as_raw())
}

#[tokio::test]
async fn a_call_knows_its_caller_and_every_answer_says_who_gave_it() {
    let server = Running::start().await;
    let reply = ask(&server.socket, &rpc(WHO)).await;
    assert_eq!(reply.json(), json!({"jsonrpc": "2.0", "id": 1, "result": own_name()}));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let health = ask(&server.socket, &request("GET /healthz", &[], "")).await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok"));
    let nowhere = ask(&server.socket, &request("GET /nowhere", &[], "")).await;
    for reply in [reply, health, nowhere] {
        assert_eq!(reply.header("ktk-version"), Some("1.2.3"));
        assert_eq!(reply.header("ktk-build"), Some("b7"));
        assert_eq!(reply.header("ktk-auto-started"), Some("true"));
        assert_eq!(reply.header("ktk-stopping"), None);
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

/// Being this user is no answer to a token that nobody knows.
#[tokio::test]
async fn a_token_that_is_sent_is_judged() {
    let server = Running::start().await;
    let with = |value: &str| rpc(WHO).replacen("\r\n", &format!("\r\nauthorization: {value}\r\n"), 1);
    let reply = ask(&server.socket, &with("Bearer good")).await;
    assert_eq!(reply.json()["result"], "task/build");
    for value in
        ["Bearer bad", "Bearer ", "Basic Z29vZA==", "good", "Bearer good\r\nauthorization: Bearer good"]
    {
        let reply = ask(&server.socket, &with(value)).await;
        assert_eq!((reply.status, &reply.json()["reason"]), (401, &json!("Unauthorized")), "{value}");
    }
}

/// The server is ktk 1.2.3, build b7.
#[tokio::test]
async fn an_older_server_carries_nothing_out_for_whom_it_is_too_old() {
    let server = Running::start().await;
    let from = |build: &str| rpc(WHO).replacen("\r\n", &format!("\r\nktk-not-older-than: {build}\r\n"), 1);
    for build in ["1.2.3 b8", "1.3.0 b1", "2.0.0"] {
        let reply = ask(&server.socket, &from(build)).await;
        assert_eq!((reply.status, &reply.json()["reason"]), (412, &json!("Conflict")), "{build}");
    }
    for build in ["1.2.3 b7", "1.2.3 b6", "1.2.3", "1.2.2 b9", "nonsense", ""] {
        assert_eq!(ask(&server.socket, &from(build)).await.json()["result"], own_name(), "{build}");
    }
}

/// Over plain HTTP the status says why, as `docs/api.md` lists it, and the body says it in full.
#[tokio::test]
async fn each_refusal_has_its_status_over_plain_http() {
    let server = Running::start().await;
    let statuses = [
        ("NotFound", 404),
        ("AlreadyExists", 409),
        ("Conflict", 409),
        ("Fenced", 409),
        ("Invalid", 422),
        ("Ambiguous", 409),
        ("Unauthorized", 401),
        ("Forbidden", 403),
        ("Expired", 410),
        ("TooLarge", 413),
        ("Unavailable", 503),
        ("Timeout", 504),
        ("Internal", 500),
    ];
    assert_eq!(statuses.map(|(reason, _)| reason), ErrorReason::ALL.map(|reason| reason.as_str()));
    for (reason, status) in statuses {
        let path = format!("GET /api/v1/namespaces/default/tasks/{reason}");
        let reply = ask(&server.socket, &request(&path, &[], "")).await;
        assert_eq!((reply.status, &reply.json()["reason"]), (status, &json!(reason)));
        assert_eq!(reply.json()["causes"][0]["field"], "spec.queue", "{reason}");
    }
}

#[tokio::test]
async fn one_connection_carries_many_calls() {
    let server = Running::start().await;
    let mut peer = Peer::connect(&server.socket).await;
    for _ in 0..3 {
        peer.send(&rpc(WHO)).await;
        assert_eq!(peer.reply().await.status, 200);
    }
    peer.send(&rpc(r#"{"jsonrpc":"2.0","method":"caller.get"}"#)).await;
    let nothing = peer.reply().await;
    assert_eq!((nothing.status, nothing.body.as_str()), (204, ""));
    peer.send(&(rpc(WHO) + &rpc(WHO))).await;
    assert_eq!((peer.reply().await.status, peer.reply().await.status), (200, 200));
    peer.send(&rpc("[")).await;
    let broken = peer.reply().await;
    assert_eq!((broken.status, &broken.json()["error"]["code"]), (200, &json!(-32700)));
    let chunked = "POST /rpc HTTP/1.1\r\nhost: localhost:80\r\ncontent-type: application/json; charset=utf-8\r\n\
                   transfer-encoding: chunked\r\n\r\n";
    let (front, back) = WHO.split_at(9);
    peer.send(&format!("{chunked}{:x}\r\n{front}\r\n{:x}\r\n{back}\r\n0\r\n\r\n", front.len(), back.len()))
        .await;
    assert_eq!(peer.reply().await.json()["result"], own_name());
}

#[tokio::test]
async fn every_path_answers_one_method() {
    let server = Running::start().await;
    for (path, allowed) in [("/rpc", "POST"), ("/watch", "GET"), ("/logs", "GET"), ("/healthz", "GET")] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            if method == allowed {
                continue;
            }
            let mut peer = Peer::connect(&server.socket).await;
            peer.send(&request(&format!("{method} {path}"), &["content-type: application/json"], "")).await;
            let head = peer.head().await;
            assert!(head.starts_with("HTTP/1.1 405"), "{method} {path}: {head}");
            assert!(head.contains(&format!("allow: {allowed}")), "{head}");
        }
    }
    for path in ["/", "/rpc/", "/RPC", "//rpc", "/x/../rpc", "/rpc%20", "/healthz/x", "/tasks/healthz", "*"] {
        let line = if path == "*" { "OPTIONS *".to_owned() } else { format!("POST {path}") };
        let reply = ask(&server.socket, &request(&line, &["content-type: application/json"], WHO)).await;
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.json()["reason"], "NotFound");
    }
}

#[tokio::test]
async fn pages_of_browsers_and_foreign_names_are_refused() {
    let server = Running::start().await;
    for method in ["POST /rpc", "GET /watch", "GET /logs?name=build", "GET /healthz", "OPTIONS /rpc"] {
        for origin in ["http://evil.test", "null", "http://localhost", ""] {
            let headers = [&*format!("origin: {origin}"), "content-type: application/json"];
            let reply = ask(&server.socket, &request(method, &headers, "")).await;
            assert_eq!(reply.status, 403, "{method} {origin}");
            assert_eq!(reply.header("access-control-allow-origin"), None);
        }
        for host in [
            "host: evil.test",
            "host: 127.0.0.1.evil.test",
            "host:",
            "x-forwarded-host: localhost",
            "host: localhost\r\nhost: localhost",
        ] {
            let raw = format!("{method} HTTP/1.1\r\n{host}\r\ncontent-length: 0\r\n\r\n");
            let reply = ask(&server.socket, &raw).await;
            assert!([400, 403].contains(&reply.status), "{method} {host}: {}", reply.status);
        }
        let (verb, path) = method.split_once(' ').unwrap();
        let absolute = format!("{verb} http://evil.test{path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(ask(&server.socket, &absolute).await.status, 403);
    }
}

#[tokio::test]
async fn only_json_is_read() {
    let server = Running::start().await;
    for headers in [
        &["content-type: text/plain"][..],
        &["content-type: application/x-www-form-urlencoded"],
        &["content-type: application/jsonp"],
        &["content-type: application/json", "content-type: text/plain"],
        &["content-type: application/json", "content-encoding: gzip"],
        &[],
    ] {
        let reply = ask(&server.socket, &request("POST /rpc", headers, WHO)).await;
        assert_eq!(reply.status, 415, "{headers:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_before_it_is_read() {
    let server = Running::start().await;
    let head = "POST /rpc HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let mut peer = Peer::connect(&server.socket).await;
    peer.send(&format!("{head}content-length: {}\r\n\r\n", BODY_BYTES + 1)).await;
    let reply = peer.reply().await;
    assert_eq!((reply.status, &reply.json()["reason"]), (413, &json!("TooLarge")));
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(peer.is_closed().await);

    // Without a length it is read as far as the limit goes.
    let mut peer = Peer::connect(&server.socket).await;
    peer.send(&format!("{head}transfer-encoding: chunked\r\n\r\n")).await;
    let piece = format!("{:x}\r\n{}\r\n", 1 << 20, " ".repeat(1 << 20));
    for _ in 0..20 {
        if peer.try_send(piece.as_bytes()).await.is_err() {
            break;
        }
    }
    assert_eq!(peer.reply().await.status, 413);

    // The longest that is allowed.
    let longest = format!("{WHO}{}", " ".repeat(BODY_BYTES - WHO.len()));
    assert_eq!(ask(&server.socket, &rpc(&longest)).await.json()["result"], own_name());
}

#[tokio::test]
async fn whoever_sends_everything_first_sees_why_it_was_too_much() {
    let server = Running::start().await;
    let head = "POST /rpc HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let mebibyte = " ".repeat(1 << 20);
    for (length, before, after) in [
        (format!("content-length: {}\r\n\r\n", 40 << 20), String::new(), ""),
        ("transfer-encoding: chunked\r\n\r\n".to_owned(), format!("{:x}\r\n", 1 << 20), "\r\n"),
    ] {
        let mut peer = Peer::connect(&server.socket).await;
        peer.send(&format!("{head}{length}")).await;
        for sent in 0..40 {
            let piece = format!("{before}{mebibyte}{after}");
            peer.try_send(piece.as_bytes()).await.unwrap_or_else(|error| panic!("{sent} MiB: {error}"));
        }
        assert_eq!(peer.reply().await.status, 413);
        assert!(peer.is_closed().await);
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let server = Running::start().await;
    let long = format!("x-long: {}", "a".repeat(70 << 10));
    let many: Vec<_> = (0..120).map(|n| format!("x-{n}: 1")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for headers in [&[&*long][..], &many] {
        let mut peer = Peer::connect(&server.socket).await;
        // The server may close before all is written.
        let _ = peer.try_send(request("GET /healthz", headers, "").as_bytes()).await;
        assert_eq!(peer.reply().await.status, 431);
    }
    let twice = "POST /rpc HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n[]";
    assert_eq!(ask(&server.socket, twice).await.status, 400);
}

/// Nobody in between and the server can take different views of where a request ends.
#[tokio::test]
async fn a_body_of_two_lengths_is_the_last_of_its_connection() {
    let server = Running::start().await;
    let hidden = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for lengths in [
        ["content-length: 6", "transfer-encoding: chunked"],
        ["transfer-encoding: chunked", "content-length: 6"],
    ] {
        let mut peer = Peer::connect(&server.socket).await;
        let head = ["content-type: application/json", lengths[0], lengths[1]];
        peer.send(&format!("{}0\r\n\r\n{hidden}", request("POST /rpc", &head, ""))).await;
        let first = peer.reply().await;
        assert_ne!(first.status, 101, "{first:?}");
        assert!(peer.is_closed().await, "{lengths:?}: what follows is answered");
    }
    let other = request("POST /rpc", &["content-type: application/json", "transfer-encoding: identity"], "");
    assert_eq!(ask(&server.socket, &other).await.status, 400);
}
