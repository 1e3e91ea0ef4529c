//! Objects without a namespace that are stored as they are given: what their kinds have in common.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::{ObjectRef, entity::NamedParams, queue};
//! let reference = ObjectRef::new("default", "nightly");
//! client.call_once::<queue::Pause>(NamedParams { reference, request_id: None }).await?;
//! # Ok(())
//! # }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Cause, Metadata, ObjectRef, rpc};

/// A kind of such objects.
///
/// ```
/// use ktk_client::api::{Entity, Semaphore};
/// /// Works for each kind without a namespace.
/// fn line<E: Entity>(object: &E) -> String {
///     format!("{}/{}", E::KIND, object.metadata().name())
/// }
/// assert_eq!(line(&Semaphore::new("gpu", 2)), "Semaphore/gpu");
/// ```
pub trait Entity: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// As in manifests: `Queue`.
    const KIND: &'static str;
    /// What a manifest says.
    type Spec: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync;

    /// An object as it is stored: without a status.
    fn assemble(metadata: Metadata, spec: Self::Spec) -> Self;

    /// Its `apiVersion` and `kind`.
    fn header(&self) -> (&str, &str);

    /// Its metadata.
    fn metadata(&self) -> &Metadata;

    /// Its metadata, to change.
    fn metadata_mut(&mut self) -> &mut Metadata;

    /// What it says.
    fn spec(&self) -> &Self::Spec;

    /// The name that no other object of its kind has.
    fn key(&self) -> String {
        self.metadata().name().to_owned()
    }

    /// Whether it has a status, which only the server writes.
    fn has_status(&self) -> bool;

    /// All that is wrong with what it says, with fields from `spec` on.
    fn check(spec: &Self::Spec) -> Vec<Cause>;
}

/// Parameters of the methods that make such an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateParams<E> {
    /// The object: `apiVersion`, `kind`, `metadata`, `spec`.
    pub object: E,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Answers what would be made, and makes nothing.
    #[serde(default, skip_serializing_if = "super::task::is_default")]
    pub dry_run: bool,
}

/// Parameters of methods that do something to one object, such as `pause` and `resume`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NamedParams {
    /// Which object. Where it belongs to no namespace, that does not matter.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

rpc::repeatable!(NamedParams);
rpc::repeatable!(@one [E] CreateParams<E>);

/// What each kind writes the same: the five parts of an object.
macro_rules! entity {
    ($kind:ident, $spec:ty, $check:path $(, $more:item)*) => {
        impl $crate::api::entity::Entity for $kind {
            const KIND: &'static str = stringify!($kind);
            type Spec = $spec;

            fn assemble(metadata: $crate::api::Metadata, spec: $spec) -> Self {
                Self {
                    api_version: $crate::api::API_VERSION.into(),
                    kind: Self::KIND.into(),
                    metadata,
                    spec,
                    status: None,
                }
            }

            fn header(&self) -> (&str, &str) {
                (&self.api_version, &self.kind)
            }

            fn metadata(&self) -> &$crate::api::Metadata {
                &self.metadata
            }

            fn metadata_mut(&mut self) -> &mut $crate::api::Metadata {
                &mut self.metadata
            }

            fn spec(&self) -> &$spec {
                &self.spec
            }

            fn has_status(&self) -> bool {
                self.status.is_some()
            }

            fn check(spec: &$spec) -> Vec<$crate::api::Cause> {
                $check(spec)
            }

            $($more)*
        }
    };
}
pub(crate) use entity;
