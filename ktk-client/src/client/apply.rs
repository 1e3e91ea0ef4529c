//! What applies have left behind, for all kinds alike.

use super::{Client, Result};
use crate::api::apply::{LastApplied, LastAppliedParams, Record};

impl Client {
    /// What the last apply of an object has set, and the set that it belongs to. `kind` is that of its manifest.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let record = client.last_applied("Queue", "batch").await?;
    /// println!("{}", record.manifest.map_or("never applied".into(), |manifest| manifest.to_string()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a kind that cannot be applied.
    pub async fn last_applied(&self, kind: &str, name: impl Into<String>) -> Result<Record> {
        let params = LastAppliedParams { kind: kind.to_owned(), reference: self.reference(name) };
        self.call::<LastApplied>(&params).await
    }
}
