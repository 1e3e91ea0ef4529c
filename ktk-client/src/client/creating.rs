//! Creating without an end: objects come from a stream, go out in batches, and no more is taken than is answered.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream};

use super::{BoxFuture, Result};
use crate::{
    api::{ApiError, list::Created},
    limits,
};

/// What became of one object.
///
/// ```
/// use ktk_client::{api::Task, client::creating::CreateResult};
/// fn name(outcome: &CreateResult<Task>) -> &str {
///     outcome.as_ref().map_or("refused", |created| created.object.metadata.name())
/// }
/// ```
pub type CreateResult<T> = Result<Created<T>, ApiError>;

/// What became of each object, in the order in which they came. It ends after its first error: objects that were
/// taken by then may have been created.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use futures_util::{TryStreamExt, stream};
/// use ktk_client::api::{Task, task::TaskSpec};
/// let tasks = vec![Task::new("a", TaskSpec::handler("resize")), Task::new("b", TaskSpec::handler("resize"))];
/// let mut created = client.tasks().create_stream(stream::iter(tasks));
/// while let Some(outcome) = created.try_next().await? {
///     println!("{}", outcome.map_or_else(|refused| refused.to_string(), |made| made.object.incarnation_name()));
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct CreateStream<T>(Pin<Box<dyn Stream<Item = Result<CreateResult<T>>> + Send>>);

impl<T> Stream for CreateStream<T> {
    type Item = Result<CreateResult<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// Creates what a stream brings: each time as much as is there, up to a batch. The next objects are taken when the
/// answers of those before have been.
pub(super) fn create_stream<T, S, C>(objects: S, create: C) -> CreateStream<T>
where
    T: Send + 'static,
    S: Stream<Item = T> + Send + 'static,
    C: Fn(Vec<T>) -> BoxFuture<'static, Result<Vec<CreateResult<T>>>> + Send + 'static,
{
    let batches = Box::pin(objects.ready_chunks(limits::BATCH_CALLS));
    let answers = stream::unfold(Some((batches, create)), |state| async move {
        let (mut batches, create) = state?;
        let batch = batches.next().await?;
        match create(batch).await {
            Ok(answers) => Some((answers.into_iter().map(Ok).collect(), Some((batches, create)))),
            Err(error) => Some((vec![Err(error)], None)),
        }
    });
    CreateStream(Box::pin(answers.flat_map(stream::iter)))
}
