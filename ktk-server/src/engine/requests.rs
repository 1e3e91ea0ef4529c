//! Requests that carry an id are done once: the second time gives the first answer.

use ktk_client::api::ApiError;
use ktk_client::api::ErrorReason;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{
    body,
    error::{EngineError, EngineResult},
    unit::Unit,
};
use crate::{model::row::RequestRow, store::Tx};

/// A request that may be repeated.
#[derive(Clone, Debug)]
pub struct Remembered {
    key: String,
    digest: [u8; 32],
}

impl Remembered {
    /// From the method, the caller's id and the whole request; `None` without an id.
    pub fn new<P: Serialize>(method: &str, id: Option<&str>, params: &P) -> EngineResult<Option<Self>> {
        let Some(id) = id else { return Ok(None) };
        if id.is_empty() || id.len() > 128 || id.chars().any(char::is_control) {
            return Err(EngineError::invalid(
                "the request",
                "requestId",
                "must be 1 to 128 printable characters",
            ));
        }
        let text = body::to_text(params)?;
        Ok(Some(Self { key: format!("{method} {id}"), digest: Sha256::digest(text.as_bytes()).into() }))
    }
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
        let Some(request) = request else { return Ok(None) };
        match self.tx.request(&request.key).await? {
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

    /// Remembers the answer to this request.
    pub async fn remember<A: Serialize>(
        &mut self,
        request: Option<&Remembered>,
        answer: &A,
    ) -> EngineResult<()> {
        let Some(request) = request else { return Ok(()) };
        let row = RequestRow {
            key: request.key.clone(),
            digest: request.digest,
            answer: body::to_text(answer)?,
            at: self.now,
        };
        Ok(self.tx.insert_request(&row).await?)
    }
}
