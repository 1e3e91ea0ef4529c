//! Tasks as manifests say.

use super::Tasks;
use crate::{
    api::{
        Task,
        apply::{AppliedObject, ApplyParams},
        task,
    },
    client::Result,
};

impl Tasks {
    /// Makes a task as it is given, or changes it until it is so, as a member of no set. What others have set, and
    /// this does not name, stays.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Task, task::TaskSpec};
    /// let applied = client.tasks().apply(&Task::new("hello", TaskSpec::command(["echo", "hello"]))).await?;
    /// println!("{}", applied.outcome.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::apply_with`].
    pub async fn apply(&self, task: &Task) -> Result<AppliedObject<Task>> {
        self.apply_with(ApplyParams {
            caller_env: self.client.caller_env(),
            ..ApplyParams::new(task.clone())
        })
        .await
    }

    /// The same with parameters of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Task, apply::ApplyParams, task::TaskSpec};
    /// let params = ApplyParams { source: Some("team".into()), dry_run: true, ..ApplyParams::new(Task::new("hello", TaskSpec::command(["echo", "hello"]))) };
    /// println!("{}", client.tasks().apply_with(params).await?.outcome.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` for what has no name, and for what cannot be so or stays as it was made, with all causes.
    pub async fn apply_with(&self, mut params: ApplyParams<Task>) -> Result<AppliedObject<Task>> {
        let namespace = self.client.namespace();
        params.object.metadata.namespace.get_or_insert_with(|| namespace.to_owned());
        self.client.call_once::<task::Apply>(params).await
    }
}
