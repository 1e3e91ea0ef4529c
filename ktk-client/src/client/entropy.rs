//! The one place of the client where chance and new ids come from.

use std::time::Duration;

use uuid::Uuid;

/// An id that nobody else has.
#[expect(clippy::disallowed_methods, reason = "the home of new ids")]
pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// A request id: makes a call repeatable.
pub(crate) fn request_id() -> String {
    new_id().to_string()
}

/// Between half of a pause and the whole of it, so that many do not come back at once.
#[expect(clippy::disallowed_methods, reason = "the home of chance")]
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + 0.5 * rand::random::<f64>())
}
