//! The examples of the specification's page (jsonrpc.org), as far as they are about the frame. Parameters are named
//! here: a list of them is refused as `Invalid params`, which the specification leaves to each method.

use ktk_client::api::{ApiError, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Caller, Router, methods};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Subtraction {
    subtrahend: i64,
    minuend: i64,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Nothing {}

methods! {
    Subtract = "subtract": Subtraction => i64;
    GetData = "get_data": Nothing => (String, i64);
    NotifyHello = "notify_hello": Nothing => bool;
}

fn router() -> Router {
    Router::builder()
        .method::<Subtract, _, _>(|_, Subtraction { subtrahend, minuend }| async move {
            Ok::<_, ApiError>(minuend - subtrahend)
        })
        .method::<GetData, _, _>(|_, Nothing {}| async { Ok(("hello".to_owned(), 5)) })
        .method::<NotifyHello, _, _>(|_, Nothing {}| async { Ok(true) })
        .build()
}

async fn ask(body: &str) -> Option<Value> {
    let answer = router().handle(Caller::user(1000), body.as_bytes()).await?;
    Some(without_words(serde_json::from_slice(&answer).expect("an answer is JSON")))
}

/// What the specification leaves open: the words of an error, and what a server says beyond it.
fn without_words(mut answer: Value) -> Value {
    match &mut answer {
        Value::Array(answers) => {
            for answer in answers {
                *answer = without_words(answer.take());
            }
        }
        answer => {
            if let Some(error) = answer.get_mut("error").and_then(Value::as_object_mut) {
                assert!(error["message"].as_str().is_some_and(|words| !words.is_empty()));
                error.retain(|name, _| name == "code");
            }
        }
    }
    answer
}

fn refused(code: i64, id: impl Into<Value>) -> Value {
    json!({"jsonrpc": "2.0", "error": {"code": code}, "id": id.into()})
}

fn answered(result: impl Into<Value>, id: impl Into<Value>) -> Value {
    json!({"jsonrpc": "2.0", "result": result.into(), "id": id.into()})
}

#[tokio::test]
async fn the_examples_of_the_specification() {
    let examples: Vec<(&str, Option<Value>)> = vec![
        // With named parameters.
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
            Some(answered(19, 3)),
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
            Some(answered(19, 4)),
        ),
        // With positional parameters.
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
            Some(refused(-32602, 1)),
        ),
        // Notifications, one of a method that is not there.
        (r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#, None),
        (r#"{"jsonrpc": "2.0", "method": "foobar"}"#, None),
        // A method that is not there.
        (r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#, Some(refused(-32601, "1"))),
        // Invalid JSON.
        (
            r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
            Some(refused(-32700, Value::Null)),
        ),
        // An invalid request.
        (r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#, Some(refused(-32600, Value::Null))),
        // A batch of invalid JSON.
        (
            r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]"#,
            Some(refused(-32700, Value::Null)),
        ),
        // An empty list.
        ("[]", Some(refused(-32600, Value::Null))),
        // Invalid batches, not empty.
        ("[1]", Some(json!([refused(-32600, Value::Null)]))),
        (
            "[1,2,3]",
            Some(json!([
                refused(-32600, Value::Null),
                refused(-32600, Value::Null),
                refused(-32600, Value::Null)
            ])),
        ),
        // A batch of everything.
        (
            r#"[
                {"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 7, "subtrahend": 0}, "id": "1"},
                {"jsonrpc": "2.0", "method": "notify_hello", "params": {}},
                {"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": "2"},
                {"foo": "boo"},
                {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
                {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
            ]"#,
            Some(json!([
                answered(7, "1"),
                answered(19, "2"),
                refused(-32600, Value::Null),
                refused(-32601, "5"),
                answered(json!(["hello", 5]), "9"),
            ])),
        ),
        // A batch of notifications.
        (
            r#"[
                {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
                {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
            ]"#,
            None,
        ),
    ];
    for (request, expected) in examples {
        assert_eq!(ask(request).await, expected, "{request}");
    }
}

#[tokio::test]
async fn what_the_examples_leave_out() {
    let edges: Vec<(&str, Option<Value>)> = vec![
        // No parameters, in each way to say so.
        (
            r#"{"jsonrpc":"2.0","method":"get_data","params":[],"id":1}"#,
            Some(answered(json!(["hello", 5]), 1)),
        ),
        (
            r#"{"jsonrpc":"2.0","method":"get_data","params":[ ],"id":1}"#,
            Some(answered(json!(["hello", 5]), 1)),
        ),
        (
            r#"{"jsonrpc":"2.0","method":"get_data","params":{},"id":1}"#,
            Some(answered(json!(["hello", 5]), 1)),
        ),
        (r#"{"jsonrpc":"2.0","method":"subtract","params":[],"id":1}"#, Some(refused(-32602, 1))),
        // An id that is null is one, and is answered.
        (
            r#"{"jsonrpc":"2.0","method":"get_data","id":null}"#,
            Some(answered(json!(["hello", 5]), Value::Null)),
        ),
        // However the text is written.
        (
            "{\"jsonrpc\":\"2\\u002e0\",\"m\\u0065thod\":\"get\\u005fdata\",\"id\":\"\\u0061\"}",
            Some(answered(json!(["hello", 5]), "a")),
        ),
        // A method in another case is another method, a reserved one is not there.
        (r#"{"jsonrpc":"2.0","method":"Get_Data","id":1}"#, Some(refused(-32601, 1))),
        (r#"{"jsonrpc":"2.0","method":"rpc.nothing","id":1}"#, Some(refused(-32601, 1))),
        // A version is a string.
        (r#"{"jsonrpc":2.0,"method":"get_data","id":1}"#, Some(refused(-32600, 1))),
        (r#"{"jsonrpc":null,"method":"get_data","id":1}"#, Some(refused(-32600, 1))),
        // A member that is there twice, in the frame and in its parameters, at any depth.
        (r#"{"jsonrpc":"2.0","method":"get_data","id":1,"id":1}"#, Some(refused(-32600, Value::Null))),
        (
            r#"{"jsonrpc":"2.0","method":"subtract","params":{"minuend":1,"minuend":1,"subtrahend":1},"id":1}"#,
            Some(refused(-32602, 1)),
        ),
        // A batch in a batch is no request.
        ("[[]]", Some(json!([refused(-32600, Value::Null)]))),
        // A notification whose parameters are wrong is not answered either.
        (r#"{"jsonrpc":"2.0","method":"subtract","params":{"x":1}}"#, None),
        ("  \t\r\n[ ]\n", Some(refused(-32600, Value::Null))),
        (" ", Some(refused(-32700, Value::Null))),
    ];
    for (request, expected) in edges {
        assert_eq!(ask(request).await, expected, "{request}");
    }
}
