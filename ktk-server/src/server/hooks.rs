//! Calls the hooks that the engine has written down: of one task one after the other, of several tasks several at
//! once. None holds anything else up, and one that was called when the server died is called again.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use ktk_client::api::http::HttpSpec;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use uuid::Uuid;

use crate::{
    engine::{
        Engine,
        hooks::{NextHooks, Order, SettleHook},
    },
    exec::{
        environment::Surroundings,
        http::Sender,
        launcher::{Ended, Mark, Process, SpawnRequest},
        starter::Starter,
    },
    limits,
    model::row::HookRow,
    store::Store,
};

/// How long the store is left alone after an error.
const AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// Bytes of a hook's last words that an event shows.
const LAST_WORDS: usize = 200;

/// Calls hooks for as long as it is polled.
pub(super) async fn call_all<S: Store>(engine: Arc<Engine<S>>, caller: HookCaller) {
    let mut wakes = engine.hub.hooks();
    let mut busy: BTreeSet<Uuid> = BTreeSet::new();
    let mut calls = FuturesUnordered::new();
    loop {
        wakes.borrow_and_update();
        let waiting = match engine.read(NextHooks).await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!(%error, "hooks cannot be read");
                engine.clock.until(Some(engine.clock.now() + AGAIN)).await;
                continue;
            }
        };
        for row in waiting {
            if calls.len() >= limits::HOOKS_AT_ONCE {
                break;
            }
            if busy.insert(row.task_id) {
                calls.push(call(&engine, &caller, row));
            }
        }
        tokio::select! {
            Some(task) = calls.next() => drop(busy.remove(&task)),
            // Nobody tells any more only when the engine is gone.
            _ = wakes.changed() => {}
        }
    }
}

/// Calls one hook and takes down what it came to; answers with its task.
async fn call<S: Store>(engine: &Engine<S>, caller: &HookCaller, row: HookRow) -> Uuid {
    let task = row.task_id;
    let failure = match Order::of(&row) {
        Ok(order) => caller.call(order).await.err(),
        Err(error) => Some(error.to_string()),
    };
    loop {
        let settle = SettleHook { ask: engine.ask("ktk"), row: row.clone(), failure: failure.clone() };
        let Err(error) = engine.write(settle).await else { return task };
        tracing::error!(%error, "a hook that was called is still in the store");
        engine.clock.until(Some(engine.clock.now() + AGAIN)).await;
    }
}

/// What calling a hook takes.
pub(super) struct HookCaller {
    pub(super) starter: Arc<Starter>,
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) work_dir: PathBuf,
    pub(super) store_id: String,
    pub(super) sender: Sender,
}

impl HookCaller {
    async fn call(&self, order: Order) -> Result<(), String> {
        if order.hook.url.is_some() {
            return self.send(order).await;
        }
        let process = self.starter.spawn(self.request(order)?).await.map_err(|error| error.to_string())?;
        // One that is given up is killed.
        match tokio::time::timeout(limits::HOOK_TIMEOUT, ended(process)).await {
            Ok(result) => result,
            Err(_) => Err(format!("took longer than {} s and was killed", limits::HOOK_TIMEOUT.as_secs())),
        }
    }

    /// Tells a hook that is a URL. What went wrong says nothing of the URL but its host: it may hold a secret.
    async fn send(&self, order: Order) -> Result<(), String> {
        let Order { hook, notice, .. } = order;
        let mut headers = hook.headers;
        headers.insert("Ktk-Hook".to_owned(), notice.hook.clone());
        headers.insert("Ktk-Hook-Id".to_owned(), notice.id.to_string());
        let body = serde_json::to_value(&notice).map_err(|error| error.to_string())?;
        let request = HttpSpec {
            method: "POST".to_owned(),
            url: hook.url.unwrap_or_default(),
            headers,
            body: Some(body),
            ..HttpSpec::default()
        };
        let sending = self.sender.send(&request, limits::HTTP_ERROR_BYTES, drop);
        match tokio::time::timeout(limits::HOOK_TIMEOUT, sending).await {
            Ok(Ok(answer)) if request.expect.matches(answer.status.as_u16()) => Ok(()),
            Ok(Ok(answer)) => Err(format!("answered {}", answer.status)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("took longer than {} s and was given up", limits::HOOK_TIMEOUT.as_secs())),
        }
    }

    fn request(&self, order: Order) -> Result<SpawnRequest, String> {
        let Order { hook, env, dir, notice } = order;
        let stdin = serde_json::to_vec(&notice).map_err(|error| error.to_string())?;
        let mut variables = env.unwrap_or_else(|| self.surroundings.own.clone());
        let name = if notice.is_pipeline { "KTK_PIPELINE_NAME" } else { "KTK_TASK_NAME" };
        let own = [
            ("KTK_HOOK", notice.hook.clone()),
            ("KTK_HOOK_ID", notice.id.to_string()),
            ("KTK_HOOK_ATTEMPT", notice.attempt.to_string()),
            (name, notice.name.clone()),
            ("KTK_NAMESPACE", notice.namespace.clone()),
            ("KTK_PHASE", notice.phase.to_string()),
            ("KTK_REASON", notice.reason.map(|reason| reason.to_string()).unwrap_or_default()),
            ("KTK_SERVER", self.surroundings.server.clone()),
            ("KTK_AUTOSTART", "never".to_owned()),
        ];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
        // Attempts are counted from 1: what a hook leaves behind is nobody else's.
        let mark = Mark { store_id: self.store_id.clone(), task_id: notice.task.to_string(), attempt: 0 };
        let dir = dir.map_or_else(|| self.work_dir.clone(), PathBuf::from);
        let env = variables.into_iter().collect();
        Ok(SpawnRequest { mark, argv: hook.command, env, dir, stdin: Some(stdin) })
    }
}

async fn ended(process: Process) -> Result<(), String> {
    let Process { stdout, stderr, mut running, .. } = process;
    let output = async { tokio::join!(last_words(stdout), last_words(stderr)).1 };
    tokio::pin!(output);
    // What it started may hold its output; what it said before its end is there.
    let (how, words) = tokio::select! {
        words = &mut output => (running.wait().await, words),
        how = running.wait() => (how, output.await),
    };
    let words = if words.is_empty() { words } else { format!(": {words}") };
    match how {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(code) => Err(format!("exit code {code}{words}")),
        Ended::Signaled(signal) => Err(format!("signal {signal}{words}")),
        _ => Err("its end was lost".to_owned()),
    }
}

/// The last line of a stream, cut to what an event shows.
async fn last_words(mut stream: impl AsyncRead + Unpin) -> String {
    let (mut last, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        last.extend_from_slice(&buffer[..count]);
        let excess = last.len().saturating_sub(4 * LAST_WORDS);
        last.drain(..excess);
    }
    let text = String::from_utf8_lossy(&last);
    let line = text.trim_end().lines().next_back().unwrap_or_default();
    line.chars().take(LAST_WORDS).collect()
}
