//! Semaphores: named limits of permits that tasks hold while they run.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::semaphore::Semaphore;
//! client.semaphores().create(&Semaphore::new("gpu", 2)).await?;
//! for waiter in client.semaphores().get("gpu").await?.status.unwrap_or_default().waiters {
//!     println!("{} waits for {}", waiter.task, waiter.permits);
//! }
//! # Ok(())
//! # }
//! ```

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Cause, List, ListParams, Metadata, Method, ObjectRef,
    apply::{AppliedObject, ApplyParams},
    entity::{CreateParams, Entity, NamedParams, entity},
    list::Created,
    patch::{PatchParams, Patched},
    rpc,
    task::Deleted,
};

/// The most permits of one semaphore.
pub const MAX_PERMITS: u32 = 1_000_000;

/// A semaphore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Semaphore {
    /// `ktk/v1`.
    pub api_version: String,
    /// `Semaphore`.
    pub kind: String,
    /// Name, labels, identity; not namespaced.
    pub metadata: Metadata,
    /// Its size.
    pub spec: SemaphoreSpec,
    /// Who holds permits and who waits; absent in manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SemaphoreStatus>,
}

impl Semaphore {
    /// A semaphore to create.
    ///
    /// ```
    /// # use ktk_client::api::semaphore::Semaphore;
    /// assert_eq!(Semaphore::new("gpu", 2).spec.permits, 2);
    /// ```
    pub fn new(name: impl Into<String>, permits: u32) -> Self {
        let metadata = Metadata { name: Some(name.into()), ..Metadata::default() };
        Self::assemble(metadata, SemaphoreSpec { permits })
    }
}

/// The size of a semaphore.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SemaphoreSpec {
    /// How many permits there are. At least 1 when it is made; scaled to 0, nobody gets one.
    pub permits: u32,
}

/// How a semaphore is used. Written by the server only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SemaphoreStatus {
    /// Permits that are held: more than there are only after it was made smaller.
    pub held: u64,
    /// Tasks and pipelines that wait for permits, or for a slot to use them.
    pub waiting: u64,
    /// Who holds permits, those who have them longest first; the first 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Holder>,
    /// Who waits, in the order of the line; the first 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiters: Vec<Waiter>,
}

/// A task or pipeline that holds permits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Its namespace.
    pub namespace: String,
    /// `NAME@N`; of a pipeline `pipeline/NAME@N`.
    pub task: String,
    /// How many permits it holds.
    pub permits: u32,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// A task or pipeline that waits for permits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiter {
    /// Its namespace.
    pub namespace: String,
    /// `NAME@N`; of a pipeline `pipeline/NAME@N`.
    pub task: String,
    /// How many permits it needs of this semaphore.
    pub permits: u32,
    /// Its priority: higher first.
    pub priority: i32,
    /// Since when: older first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

entity!(Semaphore, SemaphoreSpec, check);

fn check(spec: &SemaphoreSpec) -> Vec<Cause> {
    let why = || Cause::new("spec.permits", format!("must be from 1 to {MAX_PERMITS}"));
    (!(1..=MAX_PERMITS).contains(&spec.permits)).then(why).into_iter().collect()
}

/// `semaphore.create`: makes a semaphore.
#[derive(Clone, Debug, JsonSchema)]
pub struct Create;

impl Method for Create {
    const NAME: &'static str = "semaphore.create";
    type Params = CreateParams<Semaphore>;
    type Output = Created<Semaphore>;
}

/// `semaphore.apply`: makes a semaphore, or changes it until it is as given.
#[derive(Clone, Debug, JsonSchema)]
pub struct Apply;

impl Method for Apply {
    const NAME: &'static str = "semaphore.apply";
    type Params = ApplyParams<Semaphore>;
    type Output = AppliedObject<Semaphore>;
}

/// `semaphore.get`: one semaphore, by any reference.
#[derive(Clone, Debug, JsonSchema)]
pub struct Get;

impl Method for Get {
    const NAME: &'static str = "semaphore.get";
    type Params = ObjectRef;
    type Output = Semaphore;
}

/// `semaphore.list`: a page of semaphores, by name.
#[derive(Clone, Debug, JsonSchema)]
pub struct ListSemaphores;

impl Method for ListSemaphores {
    const NAME: &'static str = "semaphore.list";
    type Params = ListParams;
    type Output = List<Semaphore>;
}

/// `semaphore.patch`: changes labels, annotations and spec of a semaphore.
#[derive(Clone, Debug, JsonSchema)]
pub struct Patch;

impl Method for Patch {
    const NAME: &'static str = "semaphore.patch";
    type Params = PatchParams;
    type Output = Patched<Semaphore>;
}

/// `semaphore.delete`: removes a semaphore that no task uses.
#[derive(Clone, Debug, JsonSchema)]
pub struct Delete;

impl Method for Delete {
    const NAME: &'static str = "semaphore.delete";
    type Params = NamedParams;
    type Output = Deleted<Semaphore>;
}

rpc::repeatable!(ScaleParams);

/// `semaphore.scale`: another size, at once. Nothing is taken from those who hold permits.
#[derive(Clone, Debug, JsonSchema)]
pub struct Scale;

/// Parameters of `semaphore.scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleParams {
    /// Which semaphore.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// How many permits there are from now on; 0: nobody gets one.
    pub permits: u32,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Method for Scale {
    const NAME: &'static str = "semaphore.scale";
    type Params = ScaleParams;
    type Output = Semaphore;
}
