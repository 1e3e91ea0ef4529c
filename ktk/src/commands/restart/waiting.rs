//! What a task waits for that was restarted before, and has not begun since.

use ktk_client::{
    Client,
    api::why::{Wait, WaitFor},
};

use crate::context::Context;

/// Says what would let it go on: whose end it waits for, or else what stands first in its way.
pub(super) async fn tell(client: &Client, task: &str, cx: &Context) {
    // What was asked for is answered; who does not learn more is told so by `ktk why`.
    let Ok(answer) = client.tasks().why(task).await else { return };
    if let Some(wait) = first(&answer.waits) {
        let object = wait.object.as_ref().map(|object| format!("{object} ")).unwrap_or_default();
        cx.ui.message(&format!("hint: {object}{}: it waits until {}", wait.message, wait.until));
    }
}

/// What somebody has to restart comes before what ends by itself.
fn first(waits: &[Wait]) -> Option<&Wait> {
    let failed = |wait: &&Wait| wait.what == WaitFor::Upstream && wait.until.starts_with("ktk restart ");
    waits.iter().find(failed).or_else(|| waits.first())
}
