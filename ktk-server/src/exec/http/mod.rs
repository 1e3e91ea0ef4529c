//! The executor of `http`: sends one request, and its answer is the task's outputs.
//!
//! There is no pool and no thread: a connection lives as long as its request, so a server that sends nothing holds
//! nothing. Where a request may go, `address` decides; no proxy is asked.

mod address;
mod dial;
mod error;
mod exchange;
mod outputs;
mod sender;
mod tls;

use std::{sync::Arc, time::Duration};

use ktk_client::{
    api::{
        Duration as Shown, Reason,
        http::HttpSpec,
        log::Stream,
        worker::{Grant, Outcome},
    },
    worker::{BoxFuture, Executor, StopSignal},
};
use tokio::sync::mpsc;

use self::sender::Step;
pub use self::{address::AllowedPeers, error::HttpError, exchange::Answer, sender::Sender};
use super::log_end::{end_log, with_loss};
use crate::{
    clock::Clock,
    limits,
    logs::{LogKey, LogStore, LogWriter},
};

/// Header values shorter than this are no secrets that could be told from other text.
const SECRET_BYTES: usize = 6;

/// Sends requests.
#[derive(Clone)]
pub struct HttpExecutor {
    pub sender: Sender,
    pub logs: Arc<dyn LogStore>,
    pub clock: Clock,
}

impl Executor for HttpExecutor {
    fn run(&self, grant: Grant, stop: StopSignal) -> BoxFuture<'static, Outcome> {
        let executor = self.clone();
        Box::pin(async move { executor.attempt(grant, stop).await })
    }
}

fn failed(reason: Reason, message: impl Into<String>) -> Outcome {
    Outcome { reason: Some(reason), message: Some(message.into()), ..Outcome::default() }
}

impl HttpExecutor {
    async fn attempt(self, grant: Grant, stop: StopSignal) -> Outcome {
        let key = LogKey { task: grant.task, attempt: grant.attempt };
        let writer = LogWriter::new(Arc::clone(&self.logs), key, grant.fence);
        let mut diary = Diary { writer, clock: self.clock.clone() };
        let begun = self.clock.now();
        let outcome = match self.ask(&grant, stop.clone(), &mut diary).await {
            Ok(answer) => {
                diary.answer(&answer, self.clock.now().duration_since(begun).unsigned_abs()).await;
                judge(&grant.http.unwrap_or_default(), &answer, &mut diary).await
            }
            Err(outcome) => outcome,
        };
        if let Some(message) = &outcome.message {
            diary.note(&format!("! {message}")).await;
        }
        with_loss(outcome, end_log(diary.writer, stop).await)
    }

    /// The answer, within its time and until somebody stops it: a request cannot be asked to end, so it ends at once.
    async fn ask(&self, grant: &Grant, mut stop: StopSignal, diary: &mut Diary) -> Result<Answer, Outcome> {
        let spec = grant.http.clone().unwrap_or_default();
        let limit = grant.timeout.map_or(limits::HTTP_TIMEOUT, |timeout| timeout.get());
        // Holds a few steps of one request at most.
        let (steps, mut told) = mpsc::unbounded_channel();
        let sending = self.sender.send(&spec, limits::HTTP_BODY_BYTES, move |step| {
            // Whoever listens goes only with the request.
            let _ = steps.send(step);
        });
        let timeout = tokio::time::sleep(limit);
        tokio::pin!(sending, timeout);
        let answer = loop {
            tokio::select! {
                biased;
                Some(step) = told.recv() => diary.step(&step).await,
                answer = &mut sending => break answer.map_err(|error| unanswered(&error)),
                _ = stop.changed() => break Err(failed(Reason::Interrupted, "the request was broken off")),
                () = &mut timeout => {
                    break Err(failed(Reason::Timeout, too_long(limit, grant.timeout.is_some())));
                }
            }
        };
        while let Ok(step) = told.try_recv() {
            diary.step(&step).await;
        }
        answer
    }
}

fn unanswered(error: &HttpError) -> Outcome {
    match error {
        HttpError::Refused(why) => failed(Reason::SpawnError, why),
        HttpError::Unanswered(why) => failed(Reason::HandlerError, why),
    }
}

async fn judge(spec: &HttpSpec, answer: &Answer, diary: &mut Diary) -> Outcome {
    if !spec.expect.matches(answer.status.as_u16()) {
        diary.body(spec, answer).await;
        let words = format!("answered {}, expected {}", answer.status, spec.expect);
        return failed(Reason::HandlerError, words);
    }
    if answer.is_cut {
        let limit = limits::HTTP_BODY_BYTES;
        return failed(Reason::InvalidOutput, format!("the answer's body has more than {limit} bytes"));
    }
    Outcome { outputs: Some(outputs::of(answer)), ..Outcome::default() }
}

fn too_long(limit: Duration, is_given: bool) -> String {
    let limit = Shown::new(limit);
    match is_given {
        true => format!("took longer than its timeout of {limit}"),
        false => format!("took longer than {limit}, which a request without a timeout may take"),
    }
}

/// The attempt's log: a line for each request and answer, without header fields, queries and bodies.
struct Diary {
    writer: LogWriter,
    clock: Clock,
}

impl Diary {
    async fn note(&mut self, line: &str) {
        self.write(Stream::Stderr, format!("{line}\n").as_bytes()).await;
    }

    async fn write(&mut self, stream: Stream, bytes: &[u8]) {
        // A log that cannot be written keeps what it can and marks what it cannot.
        let _ = self.writer.write(stream, bytes, self.clock.now()).await;
        let _ = self.writer.flush().await;
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Asks(method, url) => self.note(&format!("> {method} {url}")).await,
            Step::Redirected(status, url) => self.note(&format!("< {status}: goes on to {url}")).await,
        }
    }

    async fn answer(&mut self, answer: &Answer, lasted: Duration) {
        let size = answer.body.len();
        let more = if answer.is_cut { "more than " } else { "" };
        let millis = lasted.as_millis();
        self.note(&format!("< {}, {more}{size} bytes, {millis} ms", answer.status)).await;
    }

    /// The beginning of an answer that was not expected: what it says is why. Servers may repeat what they were sent.
    async fn body(&mut self, spec: &HttpSpec, answer: &Answer) {
        let cut = &answer.body[..answer.body.len().min(limits::HTTP_ERROR_BYTES)];
        let mut text = String::from_utf8_lossy(cut).into_owned();
        for value in spec.headers.values() {
            // `Bearer abc` is repeated as `abc` by some.
            for part in value.split_whitespace().filter(|part| part.len() >= SECRET_BYTES) {
                text = text.replace(part, "***");
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        self.write(Stream::Stdout, text.as_bytes()).await;
    }
}
