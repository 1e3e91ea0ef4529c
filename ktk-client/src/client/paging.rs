//! Lists over all their pages.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream};

use super::{Client, Result};
use crate::api::{List, ListParams, Method};

/// The objects of a list, page after page. The next page is asked for when its first object is.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// use futures_util::TryStreamExt;
/// let mut tasks = client.tasks().list_all(Default::default());
/// while let Some(task) = tasks.try_next().await? {
///     println!("{}", task.metadata.name());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct ListStream<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

impl<T> Stream for ListStream<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// All objects of a list, as a stream over its pages.
pub(super) fn list_all<M, T>(client: Client, params: ListParams) -> ListStream<T>
where
    M: Method<Params = ListParams, Output = List<T>>,
    T: Send + 'static,
{
    let pages = stream::unfold(Some(params), move |params| {
        let client = client.clone();
        async move {
            let mut params = params?;
            match client.call::<M>(&params).await {
                Ok(mut page) => {
                    params.continue_from = page.continue_from.take();
                    let next = params.continue_from.is_some().then_some(params);
                    Some((Ok(page.items), next))
                }
                Err(error) => Some((Err(error), None)),
            }
        }
    });
    let objects = pages.flat_map(|page| match page {
        Ok(items) => stream::iter(items).map(Ok).left_stream(),
        Err(error) => stream::iter([Err(error)]).right_stream(),
    });
    ListStream(Box::pin(objects))
}

/// All pages of a list as one, with the version of the first: a watch from there misses nothing.
pub(super) async fn list_whole<M, T>(client: &Client, mut params: ListParams) -> Result<List<T>>
where
    M: Method<Params = ListParams, Output = List<T>>,
{
    let mut whole = client.call::<M>(&params).await?;
    while let Some(continue_from) = whole.continue_from.take() {
        params.continue_from = Some(continue_from);
        let page = client.call::<M>(&params).await?;
        whole.items.extend(page.items);
        whole.continue_from = page.continue_from;
    }
    Ok(whole)
}
