//! Requests that carry an id are done once: the second time gives the first answer.

use std::marker::PhantomData;

use jiff::Timestamp;
use ktk_client::api::{ApiError, ErrorReason, Method, rpc::Repeatable};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{
    body,
    error::{EngineError, EngineResult},
    operation::{Asker, Done},
    unit::Unit,
};
use crate::{
    model::row::RequestRow,
    store::{Durability, Operation, Tx},
};

/// A request that may be repeated.
#[derive(Clone, Debug)]
pub struct Remembered {
    key: String,
    digest: [u8; 32],
}

impl Remembered {
    /// From who asks, the method, the caller's id and the whole request; `None` without an id. What one asker has done
    /// is no answer to another: ids of different askers never meet.
    ///
    /// # Errors
    /// `Invalid` for an id that is none.
    pub fn new<P: Serialize>(
        asker: &impl Asker,
        method: &str,
        id: Option<&str>,
        params: &P,
    ) -> EngineResult<Option<Self>> {
        let Some(id) = id else { return Ok(None) };
        if id.is_empty() || id.len() > 128 || id.chars().any(char::is_control) {
            return Err(EngineError::invalid(
                "the request",
                "requestId",
                "must be 1 to 128 printable characters",
            ));
        }
        let text = body::to_text(params)?;
        let key = format!("{method} {} {id}", asker.identity());
        Ok(Some(Self { key, digest: Sha256::digest(text.as_bytes()).into() }))
    }

    /// From the parameters of a method that carry it.
    ///
    /// # Errors
    /// `Invalid` for an id that is none.
    pub fn of<M: Method<Params: Repeatable>>(
        asker: &impl Asker,
        params: &M::Params,
    ) -> EngineResult<Option<Self>> {
        Self::new(asker, M::NAME, params.request_id(), params)
    }
}

/// An operation that is done once for each request id: asked again, it does nothing and gives its first answer, to
/// the letter.
pub struct Once<O> {
    pub operation: O,
    pub request: Option<Remembered>,
    pub now: Timestamp,
}

impl<O, A> Operation for Once<O>
where
    O: Operation<Output = Done<A>, Error = EngineError>,
    A: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Output = Done<A>;
    type Error = EngineError;

    fn durability(&self) -> Durability {
        if self.request.is_some() { Durability::Synced } else { self.operation.durability() }
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        if let Some(first) = first_answer(tx, self.request.as_ref()).await? {
            return Ok(Done::quiet(first));
        }
        let done = self.operation.run(tx).await?;
        remember(tx, self.request.as_ref(), self.now, &done.answer).await?;
        Ok(done)
    }
}

/// Looks for the first answer, and does nothing; for what is more than one transaction.
pub struct Asked<A> {
    pub request: Remembered,
    pub answer: PhantomData<fn() -> A>,
}

impl<A: DeserializeOwned + Send + 'static> Operation for Asked<A> {
    type Output = Option<A>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        first_answer(tx, Some(&self.request)).await
    }
}

/// Keeps the answer of what is more than one transaction.
pub struct Answered<A>(pub A);

impl<A: Clone + Send + Sync + 'static> Operation for Answered<A> {
    type Output = Done<A>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, _tx: &mut T) -> EngineResult<Self::Output> {
        Ok(Done::quiet(self.0.clone()))
    }
}

/// The first answer to a request, if it was made before.
async fn first_answer<A: DeserializeOwned, T: Tx>(
    tx: &mut T,
    request: Option<&Remembered>,
) -> EngineResult<Option<A>> {
    let Some(request) = request else { return Ok(None) };
    match tx.request(&request.key).await? {
        None => Ok(None),
        Some(row) if row.digest == request.digest => {
            body::from_text("a remembered answer", &row.answer).map(Some)
        }
        Some(_) => Err(EngineError::Refused(
            ApiError::new(ErrorReason::Conflict, "this requestId was used for another request")
                .with_hint("use a new requestId for every new request"),
        )),
    }
}

/// Remembers the answer to a request.
async fn remember<A: Serialize, T: Tx>(
    tx: &mut T,
    request: Option<&Remembered>,
    at: Timestamp,
    answer: &A,
) -> EngineResult<()> {
    let Some(request) = request else { return Ok(()) };
    let (key, digest) = (request.key.clone(), request.digest);
    let row = RequestRow { key, digest, answer: body::to_text(answer)?, at };
    Ok(tx.insert_request(&row).await?)
}

impl<T: Tx> Unit<'_, T> {
    /// The first answer to this request, if it was made before.
    ///
    /// # Errors
    /// `Conflict` when the id was used for another body.
    pub async fn first_answer<A: DeserializeOwned>(
        &mut self,
        request: Option<&Remembered>,
    ) -> EngineResult<Option<A>> {
        first_answer(self.tx, request).await
    }

    /// Remembers the answer to this request.
    pub async fn remember<A: Serialize>(
        &mut self,
        request: Option<&Remembered>,
        answer: &A,
    ) -> EngineResult<()> {
        remember(self.tx, request, self.now, answer).await
    }
}
