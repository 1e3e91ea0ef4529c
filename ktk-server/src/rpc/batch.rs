//! A request's body as a whole: one call or many, carried out at once and answered in order.

use bytes::Bytes;
use futures_util::future::join_all;
use ktk_client::api::{
    ErrorReason,
    rpc::{ErrorObject, INVALID_REQUEST},
};
use serde_json::value::RawValue;

use super::frame::{self, BadCall, Body};
use super::{Caller, Router};
use crate::limits::BATCH_CALLS;

impl Router {
    /// Carries out what a body asks for; nothing when no answer is wanted.
    ///
    /// The calls of a batch run at the same time, so that a store can commit them together; one that must come
    /// after another belongs into a later request. Dropping the future gives up what still runs.
    pub async fn handle(&self, caller: Caller, body: &[u8]) -> Option<Bytes> {
        let answer = match frame::read_body(body) {
            Ok(Body::One(call)) => self.answer(caller, call).await?,
            Ok(Body::Batch(calls)) if calls.is_empty() => {
                refusal(frame::frame_error(INVALID_REQUEST, ErrorReason::Invalid, "an empty batch"))
            }
            Ok(Body::Batch(calls)) => self.answer_all(&caller, &calls).await?,
            Ok(Body::TooMany) => {
                let message = format!("a batch has at most {BATCH_CALLS} calls: send several");
                refusal(frame::frame_error(INVALID_REQUEST, ErrorReason::TooLarge, message))
            }
            Err(error) => refusal(error),
        };
        Some(answer.into())
    }

    async fn answer_all(&self, caller: &Caller, calls: &[&RawValue]) -> Option<Vec<u8>> {
        let answers = join_all(calls.iter().map(|call| self.answer(caller.clone(), call))).await;
        let length = answers.iter().flatten().map(|answer| answer.len() + 1).sum::<usize>() + 1;
        let mut all = Vec::with_capacity(length);
        for answer in answers.iter().flatten() {
            all.push(if all.is_empty() { b'[' } else { b',' });
            all.extend_from_slice(answer);
        }
        if all.is_empty() {
            return None;
        }
        all.push(b']');
        Some(all)
    }

    async fn answer(&self, caller: Caller, call: &RawValue) -> Option<Vec<u8>> {
        let mut answer = Vec::new();
        match frame::read_call(call) {
            Ok(call) => {
                let outcome = self.call(caller, &call.method, call.params).await;
                let id = call.id?;
                match outcome {
                    Ok(result) => frame::write_result(&mut answer, id, &result),
                    Err(error) => frame::write_error(&mut answer, Some(id), &error),
                }
            }
            Err(BadCall { id, error }) => frame::write_error(&mut answer, id, &error),
        }
        Some(answer)
    }
}

fn refusal(error: ErrorObject) -> Vec<u8> {
    let mut answer = Vec::new();
    frame::write_error(&mut answer, None, &error);
    answer
}
