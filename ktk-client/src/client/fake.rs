//! A server that a test plays by hand: each call waits until the test answers it.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::{BoxFuture, Client, Error, Result, Revival, SseByteStream, Transport};
use crate::api::{ApiError, ErrorReason, rpc::ErrorObject};

/// The client's end.
struct FakeTransport {
    calls: mpsc::UnboundedSender<FakeCall>,
    streams: mpsc::UnboundedSender<FakeStream>,
    revivals: Arc<Mutex<Revivals>>,
}

/// How tries to revive the server end, and which there were.
#[derive(Default)]
struct Revivals {
    results: VecDeque<Result<bool>>,
    asked: Vec<Revival>,
}

/// The test's end.
pub(crate) struct FakeServer {
    calls: mpsc::UnboundedReceiver<FakeCall>,
    streams: mpsc::UnboundedReceiver<FakeStream>,
    revivals: Arc<Mutex<Revivals>>,
}

/// A call, or a batch of them, that waits for its answer.
pub(crate) struct FakeCall {
    pub(crate) body: Value,
    answer: oneshot::Sender<Result<Bytes>>,
}

/// A stream that waits to be opened.
pub(crate) struct FakeStream {
    pub(crate) path_and_query: String,
    pub(crate) last_id: Option<String>,
    answer: oneshot::Sender<Result<SseByteStream>>,
}

/// A client and the server that a test plays.
pub(crate) fn pair() -> (Client, FakeServer) {
    let (calls, call_receiver) = mpsc::unbounded_channel();
    let (streams, stream_receiver) = mpsc::unbounded_channel();
    let revivals = Arc::<Mutex<Revivals>>::default();
    let transport = FakeTransport { calls, streams, revivals: revivals.clone() };
    let server = FakeServer { calls: call_receiver, streams: stream_receiver, revivals };
    (Client::with_transport(Arc::new(transport)), server)
}

pub(crate) fn unreachable() -> Error {
    let source = io::Error::from(io::ErrorKind::ConnectionRefused).into();
    Error::Unreachable { address: "fake".into(), source }
}

pub(crate) fn disconnected() -> Error {
    let source = io::Error::from(io::ErrorKind::ConnectionReset).into();
    Error::Disconnected { address: "fake".into(), source }
}

async fn given_up<T>(receiver: oneshot::Receiver<Result<T>>) -> Result<T> {
    receiver.await.unwrap_or_else(|_| Err(disconnected()))
}

impl Transport for FakeTransport {
    fn address(&self) -> String {
        "fake".to_owned()
    }

    fn call(&self, body: Bytes) -> BoxFuture<'_, Result<Bytes>> {
        let (answer, receiver) = oneshot::channel();
        let body = serde_json::from_slice(&body).expect("a JSON body");
        if self.calls.send(FakeCall { body, answer }).is_err() {
            return Box::pin(std::future::ready(Err(unreachable())));
        }
        Box::pin(given_up(receiver))
    }

    fn stream(
        &self,
        path_and_query: String,
        last_id: Option<String>,
    ) -> BoxFuture<'_, Result<SseByteStream>> {
        let (answer, receiver) = oneshot::channel();
        let _ = self.streams.send(FakeStream { path_and_query, last_id, answer });
        Box::pin(given_up(receiver))
    }

    fn revive(&self, why: Revival) -> BoxFuture<'_, Result<bool>> {
        let mut revivals = self.revivals.lock().expect("no panic");
        revivals.asked.push(why);
        let result = revivals.results.pop_front().unwrap_or(Ok(false));
        Box::pin(std::future::ready(result))
    }
}

impl FakeServer {
    /// The next call; a test that waits in vain fails by its runtime's time limit.
    pub(crate) async fn next(&mut self) -> FakeCall {
        self.calls.recv().await.expect("the client is there")
    }

    pub(crate) fn has_call(&self) -> bool {
        !self.calls.is_empty()
    }

    pub(crate) async fn next_stream(&mut self) -> FakeStream {
        self.streams.recv().await.expect("the client is there")
    }

    pub(crate) fn on_revive(&self, result: Result<bool>) {
        self.revivals.lock().expect("no panic").results.push_back(result);
    }

    pub(crate) fn revivals(&self) -> Vec<Revival> {
        self.revivals.lock().expect("no panic").asked.clone()
    }
}

impl FakeCall {
    pub(crate) fn method(&self) -> &str {
        self.body["method"].as_str().expect("one call")
    }

    pub(crate) fn params(&self) -> &Value {
        &self.body["params"]
    }

    pub(crate) fn answer(self, result: impl serde::Serialize) {
        let body = json!({"jsonrpc": "2.0", "id": self.body["id"], "result": result});
        self.raw(&body);
    }

    pub(crate) fn refuse(self, reason: ErrorReason) {
        let error = ErrorObject::from(ApiError::new(reason, "because"));
        let body = json!({"jsonrpc": "2.0", "id": self.body["id"], "error": error});
        self.raw(&body);
    }

    pub(crate) fn raw(self, body: &Value) {
        let _ = self.answer.send(Ok(body.to_string().into()));
    }

    pub(crate) fn fail(self, error: Error) {
        let _ = self.answer.send(Err(error));
    }

    /// Waits until the client does not want the answer any more.
    pub(crate) async fn given_up(&mut self) {
        self.answer.closed().await;
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.answer.is_closed()
    }
}

impl FakeStream {
    /// Opens it; what is sent are its bytes, dropping the sender cuts it.
    pub(crate) fn open(self) -> mpsc::UnboundedSender<String> {
        let (sender, receiver) = mpsc::unbounded_channel::<String>();
        let bytes = futures_util::stream::unfold(receiver, |mut receiver| async {
            let text = receiver.recv().await?;
            Some((Ok(Bytes::from(text)), receiver))
        });
        let _ = self.answer.send(Ok(Box::pin(bytes)));
        sender
    }

    pub(crate) fn fail(self, error: Error) {
        let _ = self.answer.send(Err(error));
    }
}
