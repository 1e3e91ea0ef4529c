//! Calls through a router with a few methods.

mod calls;
mod frames;
mod specification;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use ktk_client::api::{ApiError, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Barrier;

use super::{Caller, Router};

macro_rules! methods {
    ($($kind:ident = $name:literal: $params:ty => $output:ty;)*) => {
        $(
            #[derive(JsonSchema)]
            struct $kind;
            impl Method for $kind {
                const NAME: &'static str = $name;
                type Params = $params;
                type Output = $output;
            }
        )*
    };
}
use methods;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Add {
    a: i64,
    #[serde(default)]
    b: i64,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Nothing {}

methods! {
    Sum = "number.add": Add => i64;
    Who = "caller.get": Nothing => String;
    Meet = "barrier.wait": Nothing => bool;
    Refuse = "thing.refuse": Nothing => bool;
    Panic = "thing.panic": Nothing => bool;
}

struct Server {
    router: Arc<Router>,
    sums: Arc<AtomicUsize>,
}

fn server() -> Server {
    let sums = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sums);
    let barrier = Arc::new(Barrier::new(1_000));
    let router = Router::builder()
        .method::<Sum, _, _>(move |_, Add { a, b }| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move { Ok(a + b) }
        })
        .method::<Who, _, _>(|caller, Nothing {}| async move { Ok(caller.by.name) })
        .method::<Meet, _, _>(move |_, Nothing {}| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                Ok(true)
            }
        })
        .method::<Refuse, _, _>(|_, Nothing {}| async {
            Err(ApiError::conflict("x lives").with_hint("wait for its end"))
        })
        .method::<Panic, _, _>(|_, Nothing {}| async { panic!("secret detail") })
        .build();
    Server { router: Arc::new(router), sums }
}

impl Server {
    async fn ask(&self, body: impl AsRef<[u8]>) -> Option<Bytes> {
        self.router.handle(Caller::user(1000), body.as_ref()).await
    }

    async fn text(&self, body: &str) -> String {
        String::from_utf8(self.ask(body).await.expect("an answer").into()).expect("UTF-8")
    }

    async fn json(&self, body: impl AsRef<[u8]>) -> Value {
        serde_json::from_slice(&self.ask(body).await.expect("an answer")).expect("JSON")
    }

    async fn code(&self, body: impl AsRef<[u8]>) -> i64 {
        self.json(body).await["error"]["code"].as_i64().expect("an error")
    }
}
