//! Calls: frames them as JSON-RPC, repeats what may be repeated, reads the answers.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Client, Error, Result, Revival, clock, entropy, pause::Pauses};
use crate::{
    api::{
        ApiError, Method,
        rpc::{Repeatable, Request, Response},
    },
    limits,
};

/// How a call is carried out.
///
/// ```
/// use std::time::Duration;
/// use ktk_client::{Client, api::task};
/// # fn example(client: Client) {
/// let options = client.call_options::<task::Get>().timeout(Some(Duration::from_secs(2)));
/// assert!(options.repeatable, "it only reads");
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long the answer is waited for; for as long as it takes when absent.
    pub timeout: Option<Duration>,
    /// Whether the call may be sent again when its answer got lost: it only reads, or carries a
    /// request id.
    pub repeatable: bool,
    /// Whether the caller follows a server that it has spoken to: one that was stopped is not
    /// started for it.
    pub following: bool,
}

impl CallOptions {
    /// A time limit of its own, or none.
    ///
    /// ```
    /// use ktk_client::{Client, api::task};
    /// # fn example(client: Client) {
    /// let patient = client.call_options::<task::ListTasks>().timeout(None);
    /// assert_eq!(patient.timeout, None);
    /// # }
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// May be sent again when its answer got lost.
    ///
    /// ```
    /// use ktk_client::{Client, api::task};
    /// # fn example(client: Client) {
    /// // With a request id of one's own.
    /// let options = client.call_options::<task::Create>().repeatable();
    /// assert!(options.repeatable);
    /// # }
    /// ```
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Does not start a server that was stopped.
    ///
    /// ```
    /// use ktk_client::{Client, api::task};
    /// # fn example(client: Client) {
    /// let options = client.call_options::<task::Get>().following();
    /// assert!(options.following);
    /// # }
    /// ```
    #[must_use]
    pub fn following(mut self) -> Self {
        self.following = true;
        self
    }
}

/// Whether a method only reads: its answer can be asked for again.
fn only_reads(method: &str) -> bool {
    let verb = method.rsplit('.').next().unwrap_or(method);
    matches!(verb, "get" | "list" | "table" | "tree" | "why" | "check" | "plan" | "status" | "discover")
}

impl Client {
    /// The options of a call of this method: the client's time limit, repeatable where the
    /// method only reads.
    ///
    /// ```
    /// use ktk_client::{Client, api::task};
    /// # fn example(client: Client) {
    /// assert!(client.call_options::<task::Get>().repeatable);
    /// assert!(!client.call_options::<task::Cancel>().repeatable);
    /// # }
    /// ```
    pub fn call_options<M: Method>(&self) -> CallOptions {
        CallOptions { timeout: Some(self.shared.timeout), repeatable: only_reads(M::NAME), following: false }
    }

    /// Calls a method.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{ObjectRef, task};
    /// let task = client.call::<task::Get>(&ObjectRef::new("media", "thumbnails")).await?;
    /// # drop(task);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Api`] where the server refused; the others where it could not be asked.
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Output> {
        self.call_with::<M>(params, self.call_options::<M>()).await
    }

    /// Calls a method with options of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use std::time::Duration;
    /// use ktk_client::api::{ObjectRef, task};
    /// let options = client.call_options::<task::Get>().timeout(Some(Duration::from_secs(2)));
    /// let task = client.call_with::<task::Get>(&ObjectRef::new("media", "thumbnails"), options).await?;
    /// # drop(task);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_with<M: Method>(&self, params: &M::Params, options: CallOptions) -> Result<M::Output> {
        let id = self.shared.next_call.fetch_add(1, Ordering::Relaxed);
        let body = Bytes::from(frame::<M>(id, params)?);
        let mut pauses = Pauses::new(limits::CALL_PAUSES);
        let mut retries = 0;
        loop {
            let answer = self.send(M::NAME, body.clone(), options).await?;
            let response: Response = serde_json::from_slice(&answer).map_err(no_answer)?;
            match read_result(response) {
                // A server that is being stopped, or a store that takes nothing: perhaps it does in a moment.
                Err(error)
                    if error.is_unavailable() && options.repeatable && retries < limits::CALL_RETRIES =>
                {
                    retries += 1;
                    clock::sleep(pauses.next()).await;
                }
                result => return result,
            }
        }
    }

    /// Calls a method that changes something, so that it is done once: with a request id, a new one unless the
    /// caller gave one, the call may be sent again when its answer got lost.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{ObjectRef, task::{self, CancelParams}};
    /// let reference = ObjectRef::new("media", "thumbnails");
    /// client.call_once::<task::Cancel>(CancelParams { reference, now: false, request_id: None }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_once<M>(&self, mut params: M::Params) -> Result<M::Output>
    where
        M: Method<Params: Repeatable>,
    {
        params.identify(entropy::request_id);
        self.call_with::<M>(&params, self.call_options::<M>().repeatable()).await
    }

    /// Calls a method once for each of `params`, in as few requests as the limits allow (one,
    /// up to 1,000 calls and 12 MiB). The answers are in the order of `params`.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{ObjectRef, task};
    /// let names = ["fetch", "resize", "publish"].map(|name| ObjectRef::new("default", name));
    /// for answer in client.call_batch::<task::Get>(&names).await? {
    ///     println!("{}", answer.map_or_else(|refused| refused.to_string(), |task| task.incarnation_name()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Api`] only where the whole batch was refused; what one call was refused with is
    /// in its place of the answer. Where a later request of a big batch fails, the calls of the
    /// earlier ones have been carried out.
    pub async fn call_batch<M: Method>(
        &self,
        params: &[M::Params],
    ) -> Result<Vec<Result<M::Output, ApiError>>> {
        self.call_batch_with::<M>(params, self.call_options::<M>()).await
    }

    /// [`Client::call_batch`] with options of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{ObjectRef, task};
    /// let names = ["fetch", "resize"].map(|name| ObjectRef::new("default", name));
    /// let options = client.call_options::<task::Get>().timeout(None);
    /// let answers = client.call_batch_with::<task::Get>(&names, options).await?;
    /// assert_eq!(answers.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::call_batch`].
    pub async fn call_batch_with<M: Method>(
        &self,
        params: &[M::Params],
        options: CallOptions,
    ) -> Result<Vec<Result<M::Output, ApiError>>> {
        let mut answers = Vec::with_capacity(params.len());
        let mut rest = params;
        while !rest.is_empty() {
            let (body, count) = frame_batch::<M>(rest)?;
            let answer = self.send(M::NAME, Bytes::from(body), options).await?;
            answers.extend(read_batch::<M::Output>(&answer, count)?);
            rest = &rest[count..];
        }
        Ok(answers)
    }

    /// Sends a body until it was answered, as often as `options` allow.
    pub(super) async fn send(&self, name: &str, body: Bytes, options: CallOptions) -> Result<Bytes> {
        let why = if options.following { Revival::Resume } else { Revival::Call };
        let mut pauses = Pauses::new(limits::CALL_PAUSES);
        let mut retries = 0;
        let mut is_revived = false;
        loop {
            let error = match clock::within(options.timeout, self.transport().call(body.clone())).await {
                Some(Ok(answer)) => {
                    self.shared.answered.store(true, Ordering::Relaxed);
                    return Ok(answer);
                }
                Some(Err(error)) => error,
                None => {
                    let after = options.timeout.unwrap_or_default();
                    return Err(Error::Timeout { call: name.to_owned(), after });
                }
            };
            match error {
                // Nothing was sent, so nothing is done twice.
                Error::Unreachable { .. } if !is_revived => {
                    is_revived = true;
                    if !self.transport().revive(why).await? && retries == 0 {
                        return Err(error);
                    }
                }
                Error::Unreachable { .. } | Error::Disconnected { .. }
                    if options.repeatable && retries < limits::CALL_RETRIES =>
                {
                    retries += 1;
                    is_revived = false;
                    clock::sleep(pauses.next()).await;
                }
                error => return Err(error),
            }
        }
    }
}

fn no_answer(error: serde_json::Error) -> Error {
    Error::Protocol(format!("no JSON-RPC answer: {error}"))
}

fn frame<M: Method>(id: u64, params: &M::Params) -> Result<Vec<u8>> {
    let request = Request { jsonrpc: "2.0", id, method: M::NAME, params };
    serde_json::to_vec(&request)
        .map_err(|error| Error::Config(format!("parameters of {} cannot be sent: {error}", M::NAME)))
}

/// As many calls as one batch holds, numbered from 0, and how many they are: at least one.
fn frame_batch<M: Method>(params: &[M::Params]) -> Result<(Vec<u8>, usize)> {
    let mut body = vec![b'['];
    let mut count = 0;
    for params in params.iter().take(limits::BATCH_CALLS) {
        let call = frame::<M>(count as u64, params)?;
        if count > 0 && body.len() + call.len() + 2 > limits::BATCH_BYTES {
            break;
        }
        if count > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&call);
        count += 1;
    }
    body.push(b']');
    Ok((body, count))
}

fn read_result<T: DeserializeOwned>(response: Response) -> Result<T> {
    match (response.error, response.result) {
        (Some(error), _) => Err(ApiError::from(error).into()),
        (None, result) => {
            let text = result.as_ref().map_or("null", |result| result.get());
            serde_json::from_str(text).map_err(|error| {
                Error::Protocol(format!("the result is not what this version understands: {error}"))
            })
        }
    }
}

fn read_batch<T: DeserializeOwned>(answer: &[u8], count: usize) -> Result<Vec<Result<T, ApiError>>> {
    if answer.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        let response: Response = serde_json::from_slice(answer).map_err(no_answer)?;
        return Err(match response.error {
            Some(error) => ApiError::from(error).into(),
            None => Error::Protocol("one answer to a batch of calls".to_owned()),
        });
    }
    let responses: Vec<Response> = serde_json::from_slice(answer).map_err(no_answer)?;
    let mut answers: Vec<Option<Result<T, ApiError>>> = (0..count).map(|_| None).collect();
    for response in responses {
        let place = match &response.id {
            Value::Number(id) => id.as_u64().and_then(|id| answers.get_mut(usize::try_from(id).ok()?)),
            _ => None,
        };
        let place = place.ok_or_else(|| {
            Error::Protocol(format!("an answer to a call that was not made: {}", response.id))
        })?;
        *place = Some(match read_result(response) {
            Ok(result) => Ok(result),
            Err(Error::Api(error)) => Err(error),
            Err(error) => return Err(error),
        });
    }
    answers
        .into_iter()
        .map(|answer| answer.ok_or_else(|| Error::Protocol("a call of a batch has no answer".to_owned())))
        .collect()
}
