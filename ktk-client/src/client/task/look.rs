//! What there is to say of tasks beyond themselves: their tree, what they wait for, what they take.

use super::Tasks;
use crate::{
    api::{
        List, ListParams, Task, task,
        usage::{self, TaskUsage},
        why::{self, WhyAnswer},
    },
    client::Result,
};

impl Tasks {
    /// One page of running tasks with what their attempts take. The answer takes half a second, over which it measures.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// for task in client.tasks().usage(Default::default()).await?.items {
    ///     println!("{} {:?}", task.metadata.name(), task.usage.map(|usage| usage.cpu_millis));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::list`].
    pub async fn usage(&self, params: ListParams) -> Result<List<TaskUsage>> {
        self.client.call::<usage::Usage>(&self.scoped(params)).await
    }

    /// All incarnations of a task's restart context, oldest first.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// for incarnation in client.tasks().tree("thumbnails").await?.items {
    ///     println!("{}", incarnation.incarnation_name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::get`].
    pub async fn tree(&self, name: impl Into<String>) -> Result<List<Task>> {
        self.client.call::<task::Tree>(&self.client.reference(name)).await
    }

    /// Everything that a pending task waits for.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{:?}", client.tasks().why("thumbnails").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn why(&self, name: impl Into<String>) -> Result<WhyAnswer> {
        self.client.call::<why::Why>(&self.client.reference(name)).await
    }
}
