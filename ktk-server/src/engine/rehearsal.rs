//! A dry run of what makes something: it is done to its end, and taken back.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Engine, body,
    error::{EngineError, EngineResult},
    operation::Done,
    requests::Remembered,
};
use crate::store::{Durability, Operation, Store, Tx};

/// An operation that fails with its own answer: whatever fails changes nothing.
struct Rehearsal<O>(O);

impl<O, A> Operation for Rehearsal<O>
where
    O: Operation<Output = Done<A>, Error = EngineError>,
    A: Serialize + Send + Sync + 'static,
{
    type Output = Done<A>;
    type Error = EngineError;

    /// Nothing of it is kept, so there is nothing to sync.
    fn durability(&self) -> Durability {
        Durability::Relaxed
    }

    fn is_rehearsal(&self) -> bool {
        true
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Done<A>> {
        let done = self.0.run(tx).await?;
        Err(EngineError::Rehearsed(body::to_text(&done.answer)?))
    }
}

impl<S: Store> Engine<S> {
    /// Runs an operation that may write; a dry run answers the same and leaves all as it was.
    ///
    /// # Errors
    /// Whatever the operation refuses, or the store's failure.
    pub async fn write_or_rehearse<O, A>(&self, operation: O, is_dry_run: bool) -> EngineResult<A>
    where
        O: Operation<Output = Done<A>, Error = EngineError>,
        A: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        if !is_dry_run {
            return self.write(operation).await;
        }
        match self.store.write(Rehearsal(operation)).await {
            Err(EngineError::Rehearsed(answer)) => body::from_text("what a dry run answers", &answer),
            Err(error) => Err(error),
            Ok(done) => Ok(done.answer),
        }
    }

    /// The same, once for each request id; a dry run is not remembered.
    ///
    /// # Errors
    /// As [`Engine::write_or_rehearse`], and `Conflict` for an id of another request.
    pub async fn write_once_or_rehearse<O, A>(
        &self,
        request: Option<Remembered>,
        operation: O,
        is_dry_run: bool,
    ) -> EngineResult<A>
    where
        O: Operation<Output = Done<A>, Error = EngineError>,
        A: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        match is_dry_run {
            true => self.write_or_rehearse(operation, true).await,
            false => self.write_once(request, operation).await,
        }
    }
}
