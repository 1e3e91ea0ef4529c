//! What there is to say of pipelines beyond themselves: what they wait for.

use super::Pipelines;
use crate::{
    api::why::{self, PipelineWhyAnswer},
    client::Result,
};

impl Pipelines {
    /// Everything that a pipeline waits for as a whole, and what its pending steps wait for.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let answer = client.pipelines().why("nightly").await?;
    /// for wait in answer.waits.iter().chain(answer.steps.iter().flat_map(|step| &step.waits)) {
    ///     println!("{}: {}", wait.until, wait.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn why(&self, name: impl Into<String>) -> Result<PipelineWhyAnswer> {
        self.client.call::<why::WhyPipeline>(&self.client.reference(name)).await
    }
}
