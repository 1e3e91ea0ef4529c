//! Objects without a namespace.

use super::{Causes, metadata};
use crate::api::{Cause, Entity};

/// All that is wrong with an object without a namespace that is to be created.
///
/// ```
/// use ktk_client::api::{check, semaphore::Semaphore};
/// assert_eq!(check::entity(&Semaphore::new("No_Name", 1))[0].field, "metadata.name");
/// ```
pub fn entity<E: Entity>(object: &E) -> Vec<Cause> {
    let mut causes = Causes::default();
    let (api_version, kind) = object.header();
    metadata::header(&mut causes, api_version, kind, E::KIND);
    let own = object.metadata();
    metadata::of_object(&mut causes, own, object.has_status());
    if own.name.is_none() && own.generate_name.is_none() {
        causes.push("metadata.name", "missing: others use it by its name");
    }
    if own.generate_name.is_some() {
        causes.push("metadata.generateName", "others use it by its name: give it one in `name`");
    }
    if own.namespace.is_some() {
        causes.push("metadata.namespace", "it belongs to no namespace: remove this");
    }
    causes.extend(E::check(object.spec()));
    causes.into_vec()
}
