//! What can be followed, and what following brings.

use uuid::Uuid;

use super::object::Object;
use crate::api::{ListParams, ObjectRef};

/// What is followed.
///
/// ```
/// use ktk_client::{api::{ListParams, ObjectRef}, client::follow::Target};
/// let one = Target::Task(ObjectRef::new("media", "thumbnails@2"));
/// let all = Target::Tasks(ListParams { label_selector: Some("team=media".into()), ..ListParams::default() });
/// assert_ne!(one, all);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A task. Its name follows the newest incarnation; an id, `NAME@N` and the like stay with
    /// the one they name.
    Task(ObjectRef),
    /// A pipeline, without its tasks.
    Pipeline(ObjectRef),
    /// A pipeline and the newest incarnations of its tasks.
    PipelineWithTasks(ObjectRef),
    /// The tasks of a list, and those that come to match it. To be followed alone.
    Tasks(ListParams),
    /// The pipelines of a list, and those that come to match it. To be followed alone.
    Pipelines(ListParams),
}

/// A step of what is followed.
///
/// ```
/// use ktk_client::client::follow::Change;
/// fn line(change: &Change) -> String {
///     match change {
///         Change::Set { object, .. } => format!("{} {:?}", object.metadata().name(), object.phase()),
///         Change::Gone { name, .. } => format!("{name} is gone"),
///         Change::Synced => "that is all for now".into(),
///     }
/// }
/// assert_eq!(line(&Change::Synced), "that is all for now");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An object is so: found when following began, new, or changed. A new incarnation takes
    /// the place of the one before.
    Set {
        /// The place of its target among those that are followed.
        target: usize,
        /// The object.
        object: Object,
    },
    /// An object is gone, or does not match any more.
    Gone {
        /// The place of its target among those that are followed.
        target: usize,
        /// The object's id.
        id: Uuid,
        /// Its kind.
        kind: String,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// All that was there has been given; what follows are changes. Comes once.
    Synced,
}
