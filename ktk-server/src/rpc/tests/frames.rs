//! Framing to the letter.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::server;

#[tokio::test]
async fn a_call_is_answered_and_its_id_echoed_to_the_letter() {
    let server = server();
    for id in [
        "1",
        "-7",
        "123456789012345678901234567890",
        "1.50",
        "1e400",
        "\"x\"",
        r#""\u0041\/""#,
        "null",
        "\"\"",
    ] {
        let body = format!(
            " {{ \"jsonrpc\": \"2.0\", \"id\" : {id} , \"method\":\"number.add\",\"params\":{{\"a\":1,\"b\":2}} }}\n"
        );
        let answer = server.text(&body).await;
        assert_eq!(answer, format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":3}}"));
    }
}

#[tokio::test]
async fn notifications_are_carried_out_and_not_answered() {
    let server = server();
    let add = r#"{"jsonrpc":"2.0","method":"number.add","params":{"a":1}}"#;
    assert!(server.ask(add).await.is_none());
    assert!(server.ask(format!("[{add},{add}]")).await.is_none());
    assert_eq!(server.sums.load(Ordering::Relaxed), 3);
    assert!(server.ask(r#"{"jsonrpc":"2.0","method":"number.ad"}"#).await.is_none());
    let answers = server.json(format!(r#"[{add},{{"jsonrpc":"2.0","method":"caller.get","id":5}}]"#)).await;
    assert_eq!(answers, json!([{"jsonrpc": "2.0", "id": 5, "result": "uid:1000"}]));
}

#[tokio::test]
async fn what_is_no_call_is_an_invalid_request() {
    let server = server();
    for (body, id) in [
        ("1", Value::Null),
        ("\"x\"", Value::Null),
        ("{}", Value::Null),
        (r#"{"foo":"boo"}"#, Value::Null),
        (r#"{"jsonrpc":"1.0","method":"caller.get","id":4}"#, json!(4)),
        (r#"{"method":"caller.get","id":4}"#, json!(4)),
        (r#"{"jsonrpc":"2.0","method":1,"params":"bar","id":"q"}"#, json!("q")),
        (r#"{"jsonrpc":"2.0","id":4}"#, json!(4)),
        (r#"{"jsonrpc":"2.0","method":"caller.get","id":true}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","method":"caller.get","id":{}}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","method":"caller.get","id":[1]}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","method":"caller.get","params":"bar","id":4}"#, json!(4)),
        (r#"{"jsonrpc":"2.0","method":"caller.get","params":null,"id":4}"#, json!(4)),
        (r#"{"jsonrpc":"2.0","method":"caller.get","id":1,"id":2}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","method":"caller.get","method":"number.add","id":1}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","method":"number.add","params":{"a":1},"params":{"a":2},"id":1}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","jsonrpc":"2.0","method":"caller.get","id":1}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","method":"caller.get","parms":{},"id":1}"#, Value::Null),
        ("[]", Value::Null),
    ] {
        let answer = server.json(body).await;
        assert_eq!(answer["error"]["code"], -32600, "{body}");
        assert_eq!(answer["error"]["data"]["reason"], "Invalid", "{body}");
        assert_eq!(answer["id"], id, "{body}");
    }
    assert_eq!(server.sums.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn each_element_of_a_batch_stands_for_itself() {
    let server = server();
    let answers = server
        .json(
            r#"[1, {"jsonrpc":"2.0","method":"number.add","params":{"a":1,"b":4},"id":"5"},
                {"foo":1}, {"jsonrpc":"2.0","method":"none","id":6}, [],
                {"jsonrpc":"2.0","method":"number.add","params":{"a":2},"id":5}]"#,
        )
        .await;
    let told: Vec<_> = answers
        .as_array()
        .expect("a batch")
        .iter()
        .map(|answer| (answer["id"].clone(), answer["error"]["code"].as_i64(), answer["result"].as_i64()))
        .collect();
    assert_eq!(
        told,
        [
            (Value::Null, Some(-32600), None),
            (json!("5"), None, Some(5)),
            (Value::Null, Some(-32600), None),
            (json!(6), Some(-32601), None),
            (Value::Null, Some(-32600), None),
            (json!(5), None, Some(2)),
        ]
    );
}

#[tokio::test]
async fn a_batch_has_a_limit() {
    let server = server();
    let calls = vec![r#"{"jsonrpc":"2.0","method":"number.add","params":{"a":1},"id":1}"#; 1_001].join(",");
    let answer = server.json(format!("[{calls}]")).await;
    assert_eq!(answer["error"]["data"]["reason"], "TooLarge");
    assert_eq!(server.sums.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_is_no_json_is_a_parse_error() {
    let server = server();
    let bomb = "[".repeat(100_000);
    let braces = "{\"a\":".repeat(100_000);
    let closed = format!("{}{}", "[".repeat(129), "]".repeat(129));
    for body in [
        "",
        "{",
        "nope",
        "{} {}",
        "[1",
        "[1,]",
        "{\"jsonrpc\":\"2.0\",",
        "\u{feff}{}",
        &bomb,
        &braces,
        &closed,
    ] {
        let answer = server.json(body).await;
        assert_eq!(answer["error"]["code"], -32700, "{:.40}", body);
        assert_eq!(answer["id"], Value::Null);
    }
    assert_eq!(server.code(b"\"\xff\"").await, -32700);
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"number.add","params":{{"a":1,"b":{}{}}}}}"#,
        "[".repeat(126),
        "]".repeat(126)
    );
    assert_eq!(server.code(deep).await, -32602, "128 levels are looked into");
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"number.add","params":{"a":1,"c":"[[[[\"[[\\"}}"#;
    assert_eq!(server.code(text.replace("[[[[", &"[".repeat(300))).await, -32602, "brackets in strings");
}
