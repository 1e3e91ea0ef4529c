//! What becomes of a call whose frame is right.

use std::sync::Arc;

use ktk_client::api::ErrorReason;
use ktk_client::client::Transport;
use serde_json::json;

use super::super::{Caller, LocalTransport, Router};
use super::{Add, Nothing, Refuse, Sum, Who, server};

#[tokio::test]
async fn the_calls_of_a_batch_run_at_the_same_time_and_are_answered_in_order() {
    let calls: Vec<_> =
        (0..1_000).map(|id| json!({"jsonrpc": "2.0", "method": "barrier.wait", "id": id})).collect();
    let answers = server().json(serde_json::to_vec(&calls).unwrap()).await;
    let ids: Vec<_> =
        answers.as_array().unwrap().iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (0..1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn wrong_parameters_are_named_one_by_one() {
    let server = server();
    let answer = server
        .json(r#"{"jsonrpc":"2.0","id":1,"method":"number.add","params":{"c":1,"b":"x","a":1,"d":[]}}"#)
        .await;
    assert_eq!(answer["error"]["code"], -32602);
    let data = &answer["error"]["data"];
    assert_eq!(data["reason"], "Invalid");
    assert_eq!(data["causes"][0]["field"], "b");
    assert_eq!(data["causes"][0]["message"], "invalid type: string \"x\", expected i64");
    assert_eq!(data["causes"][1]["field"], "c");
    let answer =
        server.json(r#"{"jsonrpc":"2.0","id":1,"method":"number.add","params":{"e":1,"a":1,"f":2}}"#).await;
    let causes = answer["error"]["data"]["causes"].as_array().unwrap();
    assert_eq!(causes.iter().map(|cause| cause["field"].as_str().unwrap()).collect::<Vec<_>>(), ["e", "f"]);
    let answer = server.json(r#"{"jsonrpc":"2.0","id":1,"method":"number.add"}"#).await;
    assert_eq!(answer["error"]["message"], "Request number.add is invalid: a: is missing");
    assert_eq!(server.code(r#"{"jsonrpc":"2.0","id":1,"method":"number.add","params":[1,2]}"#).await, -32602);
}

#[tokio::test]
async fn refusals_unknown_methods_and_panics_are_told_apart() {
    let server = server();
    let refused = server.json(r#"{"jsonrpc":"2.0","id":1,"method":"thing.refuse"}"#).await;
    assert_eq!(
        refused["error"],
        json!({"code": -32000, "message": "x lives", "data": {"reason": "Conflict", "hint": "wait for its end"}})
    );
    let unknown = server.json(r#"{"jsonrpc":"2.0","id":1,"method":"number.ad"}"#).await;
    assert_eq!(unknown["error"]["code"], -32601);
    assert_eq!(unknown["error"]["data"]["reason"], "Invalid");
    assert_eq!(unknown["error"]["data"]["hint"], "did you mean \"number.add\"?");
    let broken = server.json(r#"[{"jsonrpc":"2.0","id":1,"method":"thing.panic"}]"#).await;
    assert_eq!(broken[0]["error"]["code"], -32603);
    assert_eq!(broken[0]["error"]["data"]["reason"], "Internal");
    assert!(!broken.to_string().contains("secret"));
    let request = broken[0]["error"]["data"]["requestId"].as_str().expect("what the log has it by");
    assert!(broken[0]["error"]["message"].as_str().unwrap().contains(request));
    assert_eq!(
        server.router.methods().collect::<Vec<_>>(),
        ["barrier.wait", "caller.get", "number.add", "thing.panic", "thing.refuse"]
    );
}

#[test]
fn a_method_has_one_handler() {
    // A mistake of the program itself, made before anything is served, ends it.
    let twice = std::panic::catch_unwind(|| {
        Router::builder()
            .method::<Who, _, _>(|_, Nothing {}| async { Ok(String::new()) })
            .method::<Who, _, _>(|_, Nothing {}| async { Ok(String::new()) })
    });
    let why = twice.err().expect("it panics");
    assert!(why.downcast_ref::<String>().is_some_and(|why| why.contains("registered twice")));
}

#[tokio::test]
async fn a_typed_client_reaches_the_router_in_its_process() {
    let transport =
        LocalTransport::new(server().router, Caller { by: "worker".into(), ..Caller::own_worker() });
    assert!(transport.stream("/watch".into(), None).await.is_err());
    let client = ktk_client::Client::with_transport(Arc::new(transport));
    assert_eq!(client.call::<Sum>(&Add { a: 2, b: 3 }).await.expect("a sum"), 5);
    assert_eq!(client.call::<Who>(&Nothing {}).await.expect("a name"), "worker");
    let error = client.call::<Refuse>(&Nothing {}).await.expect_err("refused");
    assert_eq!(error.reason(), Some(ErrorReason::Conflict));
    let many: Vec<_> = (0..1_500).map(|a| Add { a, b: 1 }).collect();
    let sums = client.call_batch::<Sum>(&many).await.expect("answers");
    assert!(sums.into_iter().map(|sum| sum.expect("a sum")).eq(1..=1_500));
}
