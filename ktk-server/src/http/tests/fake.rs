//! A backend in memory, which tests move by hand.

use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, FutureExt, ready};
use ktk_client::api::{
    ApiError, Cause, ErrorReason, Method, ObjectRef, Secret,
    log::LogParams,
    task,
    watch::{WatchEvent, WatchParams},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use super::super::{Backend, Identity, Lifecycle, LogTarget};
use crate::engine::{
    changes::Told,
    operation::{Ask, By},
    shared::Shared,
    viewer::{Filter, Viewer},
};
use crate::entropy::Entropy;
use crate::logs::{Cursor, Entry, Fence, LogKey, LogStore, MemoryLogStore, Stream};
use crate::rpc::{Caller, Router};

pub(super) const TASK: Uuid = Uuid::from_u128(7);
const PAGE: usize = 3;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Words {
    pub(super) text: Option<String>,
}

#[derive(JsonSchema)]
pub(super) struct Who;

impl Method for Who {
    const NAME: &'static str = "caller.get";
    type Params = Words;
    type Output = String;
}

#[derive(JsonSchema)]
struct Hang;

impl Method for Hang {
    const NAME: &'static str = "call.hang";
    type Params = Nothing;
    type Output = bool;
}

/// Refuses for the reason that the name says, with all that a refusal can tell.
fn refused(name: &str) -> ApiError {
    let reason = ErrorReason::ALL.into_iter().find(|reason| reason.as_str() == name);
    let error = ApiError::new(reason.unwrap_or(ErrorReason::NotFound), format!("{name}, said the server"));
    let causes = vec![Cause::new("spec.queue", "there is no such queue")];
    ApiError { causes, ..error }.with_hint("ask again").with_request_id("r-17")
}

pub(super) struct Fake {
    router: Router,
    versions: watch::Sender<u64>,
    lifecycle: watch::Sender<Lifecycle>,
    logs: Arc<MemoryLogStore>,
    identity: Identity,
    state: Mutex<State>,
    /// How many `call.hang` have begun, and how many of them have ended.
    pub(super) hanging: watch::Sender<(usize, usize)>,
    /// How many streams of logs or watches looked at the backend.
    pub(super) looks: watch::Sender<usize>,
}

struct State {
    target: LogTarget,
    changes: Vec<(u64, bool)>,
    oldest: u64,
    failure: Option<ApiError>,
    pad: usize,
}

impl Fake {
    pub(super) fn new() -> Arc<Self> {
        let hanging = watch::Sender::new((0, 0));
        let waiting = hanging.clone();
        let router = Router::builder()
            .method::<Who, _, _>(|caller: Caller, _| async move { Ok(caller.by.name) })
            .method::<task::Get, _, _>(|_, reference: ObjectRef| async move { Err(refused(&reference.name)) })
            .method::<Hang, _, _>(move |_, Nothing {}| {
                let waiting = waiting.clone();
                async move {
                    waiting.send_modify(|(begun, _)| *begun += 1);
                    let _ended = Ended(waiting);
                    std::future::pending().await
                }
            })
            .build();
        Arc::new(Self {
            router,
            versions: watch::Sender::new(0),
            lifecycle: watch::Sender::new(Lifecycle::Running),
            logs: Arc::default(),
            identity: Identity { version: "1.2.3".into(), build: "b7".into(), is_auto_started: true },
            state: Mutex::new(State {
                target: LogTarget { task: TASK, attempt: 0, is_terminal: false, is_running: false },
                changes: Vec::new(),
                oldest: 0,
                failure: None,
                pad: 0,
            }),
            hanging,
            looks: watch::Sender::new(0),
        })
    }

    pub(super) fn commit(&self) -> u64 {
        let version = *self.versions.borrow() + 1;
        self.versions.send_replace(version);
        version
    }

    /// How many wait for changes.
    pub(super) fn waiting(&self) -> usize {
        self.versions.receiver_count()
    }

    /// A change that a watch of kind `Task` sees, or one that it does not.
    pub(super) fn change(&self, matches: bool) -> u64 {
        let version = *self.versions.borrow() + 1;
        self.state.lock().unwrap().changes.push((version, matches));
        self.commit()
    }

    /// Makes objects this much longer.
    pub(super) fn pad(&self, bytes: usize) {
        self.state.lock().unwrap().pad = bytes;
    }

    pub(super) fn forget_before(&self, version: u64) {
        self.state.lock().unwrap().oldest = version;
    }

    pub(super) fn fail_with(&self, error: ApiError) {
        self.state.lock().unwrap().failure = Some(error);
        self.commit();
    }

    pub(super) fn set_target(&self, attempt: u32, is_running: bool, is_terminal: bool) {
        self.state.lock().unwrap().target = LogTarget { task: TASK, attempt, is_terminal, is_running };
        self.commit();
    }

    pub(super) async fn write(&self, attempt: u32, stream: Stream, text: &[u8]) {
        let key = LogKey { task: TASK, attempt };
        let end = self.logs.end(key).await.unwrap();
        let time = "2026-11-21T10:00:00Z".parse::<jiff::Timestamp>().unwrap()
            + jiff::SignedDuration::from_secs(i64::try_from(end).unwrap());
        let entry = Entry { time, stream, bytes: bytes::Bytes::copy_from_slice(text) };
        self.logs.append(key, Fence::default(), end, &[entry]).await.unwrap();
    }

    pub(super) async fn skip(&self, attempt: u32, bytes: u64) {
        let key = LogKey { task: TASK, attempt };
        let end = self.logs.end(key).await.unwrap();
        self.logs.skip(key, Fence::default(), end, bytes).await.unwrap();
    }

    pub(super) async fn whole_log(&self, attempt: u32) -> Vec<u8> {
        let key = LogKey { task: TASK, attempt };
        let (mut all, mut from) = (Vec::new(), Cursor::START);
        loop {
            let chunk = self.logs.read(key, from, 1 << 16).await.unwrap();
            if chunk.next.offset == from.offset {
                return all;
            }
            all.extend(chunk.entries.iter().flat_map(|entry| entry.bytes.to_vec()));
            from = chunk.next;
        }
    }

    pub(super) fn live(&self, lifecycle: Lifecycle) {
        self.lifecycle.send_replace(lifecycle);
    }
}

/// Whoever may see everything.
pub(in crate::http) fn nobody() -> Ask {
    let shared = Shared::new(Entropy::seeded(1), None);
    Ask {
        shared,
        now: jiff::Timestamp::UNIX_EPOCH,
        by: "nobody".into(),
        scope: None,
        namespaces: None,
        token: None,
    }
}

struct Ended(watch::Sender<(usize, usize)>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.send_modify(|(_, ended)| *ended += 1);
    }
}

impl Backend for Fake {
    fn router(&self) -> &Router {
        &self.router
    }

    fn versions(&self) -> watch::Receiver<u64> {
        self.versions.subscribe()
    }

    fn identify(&self, token: Secret) -> BoxFuture<'_, Result<By, ApiError>> {
        ready(match token.expose() {
            "good" => Ok("task/build".into()),
            _ => Err(ApiError::new(ErrorReason::Unauthorized, "no such token")),
        })
        .boxed()
    }

    fn watch_start<'a>(
        &'a self,
        _by: &'a By,
        params: WatchParams,
    ) -> BoxFuture<'a, Result<(Arc<Viewer>, u64), ApiError>> {
        let oldest = self.state.lock().unwrap().oldest;
        let start = params.version.unwrap_or(*self.versions.borrow());
        let filter = Filter::new(params).map_err(ApiError::from);
        let result = filter.and_then(|filter| {
            if start < oldest {
                return Err(ApiError::new(ErrorReason::Expired, format!("the history begins at {oldest}")));
            }
            Ok((Arc::new(Viewer::new(nobody(), filter)), start))
        });
        ready(result).boxed()
    }

    fn watch_page(&self, viewers: Vec<Arc<Viewer>>, after: u64) -> BoxFuture<'_, Result<Told, ApiError>> {
        self.looks.send_modify(|count| *count += 1);
        let state = self.state.lock().unwrap();
        if let Some(failure) = &state.failure {
            return ready(Err(failure.clone())).boxed();
        }
        let newest = *self.versions.borrow();
        let later: Vec<_> = state.changes.iter().filter(|(version, _)| *version > after).collect();
        let upto = later.get(PAGE - 1).map_or(newest, |(version, _)| *version);
        let told = later.iter().take(PAGE).filter(|(_, matches)| *matches).flat_map(|(version, _)| {
            let mut object = json!({"kind": "Task", "n": version});
            if state.pad > 0 {
                object["pad"] = "x".repeat(state.pad).into();
            }
            let event = Arc::new(WatchEvent::Change { version: *version, object });
            (0..viewers.len()).map(move |index| (index, Arc::clone(&event)))
        });
        let events = told.collect();
        ready(Ok(Told { events, upto })).boxed()
    }

    fn newest(&self) -> BoxFuture<'_, Result<u64, ApiError>> {
        ready(Ok(*self.versions.borrow())).boxed()
    }

    fn log_target<'a>(
        &'a self,
        _by: &'a By,
        params: &'a LogParams,
    ) -> BoxFuture<'a, Result<LogTarget, ApiError>> {
        self.looks.send_modify(|count| *count += 1);
        let is_known = params.name == "build" || params.name == TASK.to_string();
        let target = self.state.lock().unwrap().target;
        let result = if is_known { Ok(target) } else { Err(ApiError::not_found("Task", &params.name)) };
        ready(result).boxed()
    }

    fn logs(&self) -> Arc<dyn LogStore> {
        Arc::clone(&self.logs) as Arc<dyn LogStore>
    }

    fn lifecycle(&self) -> watch::Receiver<Lifecycle> {
        self.lifecycle.subscribe()
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }
}
