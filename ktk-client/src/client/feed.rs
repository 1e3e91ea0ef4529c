//! A stream of events that survives its connections: resumes where it was cut.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock, atomic::Ordering},
};

use futures_util::{Stream, StreamExt, stream};

use super::{
    Client, ConnectionHook, ConnectionState, Error, Result, Revival, SseByteStream, clock,
    pause::Pauses,
    sse::{SseEvent, SseParser},
};
use crate::{
    api::{ApiError, ErrorReason},
    limits,
};

/// A hook that may still be set while nothing was read.
pub(super) type LateHook = Arc<OnceLock<ConnectionHook>>;

/// The events of one query, over as many connections as it takes.
pub(super) struct Feed {
    client: Client,
    path_and_query: String,
    last_id: Option<String>,
    stream: Option<SseByteStream>,
    parser: SseParser,
    events: VecDeque<SseEvent>,
    pauses: Pauses,
    /// Whether it was ever connected: from then on it waits for its server.
    is_following: bool,
    /// Whether the user was told that the connection is lost.
    is_lost: bool,
    on_connection: LateHook,
}

impl Feed {
    pub(super) fn new(client: Client, path_and_query: String, on_connection: LateHook) -> Self {
        Self {
            client,
            path_and_query,
            last_id: None,
            stream: None,
            parser: SseParser::new(limits::STREAM_EVENT_BYTES),
            events: VecDeque::new(),
            pauses: Pauses::new(limits::FOLLOW_PAUSES),
            is_following: false,
            is_lost: false,
            on_connection,
        }
    }

    /// The next event. What the server refuses, and its being stopped, end the feed.
    pub(super) async fn next(&mut self) -> Result<SseEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                if event.name == "error" {
                    self.take_error(&event.data).await?;
                    continue;
                }
                if event.id.is_some() {
                    self.last_id.clone_from(&event.id);
                }
                return Ok(event);
            }
            let Some(stream) = &mut self.stream else {
                self.connect().await?;
                continue;
            };
            match stream.next().await {
                Some(Ok(chunk)) => {
                    self.pauses.reset();
                    self.parser.push(&chunk, &mut self.events).map_err(|_| {
                        let limit = limits::STREAM_EVENT_BYTES >> 20;
                        Error::Protocol(format!("an event of over {limit} MiB"))
                    })?;
                }
                Some(Err(error)) if !error.is_retryable() => return Err(error),
                Some(Err(_)) | None => self.stream = None,
            }
        }
    }

    /// An error that the server sent into the stream: final, or asking to come back.
    async fn take_error(&mut self, data: &str) -> Result<()> {
        let error: ApiError = serde_json::from_str(data)
            .map_err(|_| Error::Protocol(format!("an error event without an error: {data}")))?;
        if !matches!(error.reason, ErrorReason::Unavailable | ErrorReason::Timeout) {
            return Err(error.into());
        }
        self.stream = None;
        self.events.clear();
        clock::sleep(self.pauses.next()).await;
        Ok(())
    }

    /// Connects; waits for the server where it was there before.
    async fn connect(&mut self) -> Result<()> {
        self.is_following |= self.client.shared.answered.load(Ordering::Relaxed);
        let mut is_revived = false;
        loop {
            let transport = self.client.transport();
            let opening = transport.stream(self.path_and_query.clone(), self.last_id.clone());
            let limit = self.client.shared.timeout;
            let error = match clock::within(Some(limit), opening).await {
                Some(Ok(stream)) => {
                    self.parser.reset();
                    self.stream = Some(stream);
                    self.is_following = true;
                    if std::mem::take(&mut self.is_lost) {
                        self.announce(ConnectionState::Restored);
                    }
                    return Ok(());
                }
                Some(Err(error)) => error,
                None => Error::Timeout { call: self.path_and_query.clone(), after: limit },
            };
            if !error.is_retryable() || error.is_stopping() {
                return Err(error);
            }
            if matches!(error, Error::Unreachable { .. }) {
                let why = if self.is_following { Revival::Resume } else { Revival::Call };
                // Once without a pause; a server that comes and goes is not started in a loop.
                if transport.revive(why).await? && !std::mem::replace(&mut is_revived, true) {
                    continue;
                }
            }
            if !self.is_following {
                return Err(error);
            }
            if !std::mem::replace(&mut self.is_lost, true) {
                self.announce(ConnectionState::Lost { error: error.to_string() });
            }
            clock::sleep(self.pauses.next()).await;
        }
    }

    fn announce(&self, state: ConnectionState) {
        if let Some(hook) = self.on_connection.get().or(self.client.shared.on_connection.as_ref()) {
            hook(state);
        }
    }
}

/// What a stream is made of: one item after the other, until there is none or one failed.
pub(super) trait Source: Send {
    type Item: Send;

    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Item>>> + Send;
}

/// The stream of a source that is made when it is first polled. It ends after its first error.
pub(super) fn stream_of<S: Source + 'static>(
    start: impl FnOnce() -> Result<S> + Send + 'static,
) -> Pin<Box<dyn Stream<Item = Result<S::Item>> + Send>> {
    enum State<S, F> {
        Start(F),
        Running(S),
        Ended,
    }
    Box::pin(stream::unfold(State::Start(start), |state| async move {
        let source = match state {
            State::Start(start) => start(),
            State::Running(source) => Ok(source),
            State::Ended => return None,
        };
        let mut source = match source {
            Ok(source) => source,
            Err(error) => return Some((Err(error), State::Ended)),
        };
        match source.next().await {
            Ok(Some(item)) => Some((Ok(item), State::Running(source))),
            Ok(None) => None,
            Err(error) => Some((Err(error), State::Ended)),
        }
    }))
}
