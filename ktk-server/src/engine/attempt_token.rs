//! Tokens of attempts: each speaks for one running attempt, and is refused when that has ended. Only their digests
//! are stored.

use ktk_client::api::{ApiError, ErrorReason, Phase, Secret, id, token::Role};
use uuid::Uuid;

use super::{
    credentials::{digest, is_equal},
    error::{EngineError, EngineResult},
    operation::{By, Scope},
};
use crate::{
    entropy::Entropy,
    store::{Operation, Tx},
};

/// How a token begins: one that turns up in a log can be told from other text.
const PREFIX: &str = "ktka_";

/// A new token of a task's attempt, and what is stored of it.
pub(super) fn draw(entropy: &Entropy, task: Uuid) -> (Secret, [u8; 32]) {
    let text = format!("{PREFIX}{}{}", task.simple(), id::hex(&entropy.key()));
    let digest = digest(&text);
    (Secret::new(text), digest)
}

/// Whose task a token says that it is.
fn task_of(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text.strip_prefix(PREFIX)?.get(..32)?).ok()
}

/// Finds out who speaks with a token.
pub struct Identify {
    pub token: Secret,
}

impl Operation for Identify {
    type Output = By;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<By> {
        let text = self.token.expose();
        let refused = || {
            let error =
                ApiError::new(ErrorReason::Unauthorized, "this token speaks for no attempt that runs");
            EngineError::Refused(error.with_hint("an attempt's token ends with the attempt: unset KTK_TOKEN"))
        };
        let task = task_of(text).ok_or_else(refused)?;
        let row = tx.tasks(&[task]).await?.pop().ok_or_else(refused)?;
        let is_its_own = row.token.is_some_and(|own| is_equal(&own, &digest(text)));
        if row.phase != Phase::Running || !is_its_own {
            return Err(refused());
        }
        let scope = Scope {
            task,
            attempt: row.attempt,
            execution: row.execution_id,
            namespace: row.namespace.clone(),
        };
        Ok(By { name: format!("task/{}", row.name), scope: Some(scope), role: Role::Attempt, token: None })
    }
}

/// Whether an attempt still runs.
pub struct AttemptRuns {
    pub scope: Scope,
}

impl Operation for AttemptRuns {
    type Output = bool;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<bool> {
        let row = tx.tasks(&[self.scope.task]).await?.pop();
        Ok(row.is_some_and(|row| row.phase == Phase::Running && row.attempt == self.scope.attempt))
    }
}
