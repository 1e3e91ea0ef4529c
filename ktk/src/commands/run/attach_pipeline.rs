//! Follows one pipeline: its steps as they come and go, then its end.

use std::time::Duration;

use futures_util::StreamExt;
use ktk_client::{
    Client,
    api::{
        Phase, Pipeline, Task,
        pipeline::PipelineStatus,
        watch::{WatchEvent, WatchParams},
    },
};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::{
    attach_task::{id_text, lost},
    leave::Leaving,
    progress::Display,
};
use crate::{
    commands::interrupts::Interrupts,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    view::progress::Progress,
};

/// How often a display is drawn anew at most.
const REDRAW: Duration = Duration::from_millis(100);

/// How long the last news of steps are waited for, once the pipeline has ended.
const LAST_NEWS: Duration = Duration::from_secs(2);

/// How following ended.
pub(super) enum Ended {
    /// The pipeline has ended.
    Pipeline(Box<End>),
    /// The pipeline goes on; leave with this code.
    Left(Exit),
}

/// An ended pipeline.
pub(super) struct End {
    /// The pipeline as it is now.
    pub(super) pipeline: Pipeline,
    /// Its status.
    pub(super) status: PipelineStatus,
    /// What became of its steps.
    pub(super) progress: Progress,
    /// Whether a signal to this command cancelled it.
    pub(super) is_interrupted: bool,
}

/// Shows the steps until the pipeline has ended.
pub(super) async fn follow(
    pipeline: &Pipeline,
    client: &Client,
    interrupts: &mut Interrupts,
    cx: &Context,
) -> Result<Ended, CliError> {
    let client = &client.in_namespace(pipeline.metadata.namespace());
    let name = pipeline.metadata.name();
    let mut leaving = Leaving::new(Kind::Pipeline, name, id_text(&pipeline.metadata), client, interrupts, cx);
    let mut progress = Progress::new(pipeline.spec.steps.iter().map(|step| step.name.clone()));
    let mut display = Display::new(name, progress.total(), cx);
    let mut changes = client.watch(WatchParams {
        kinds: Some("Task,Pipeline".to_owned()),
        namespace: Some(pipeline.metadata.namespace().to_owned()),
        pipeline: pipeline.metadata.id,
        version: pipeline.metadata.version,
        summary: true,
        ..WatchParams::default()
    });
    let mut redraw_at = Instant::now();
    let mut give_up_at: Option<Instant> = None;
    loop {
        let has_news = display.is_stale();
        let change = tokio::select! {
            biased;
            exit = leaving.requested() => return Ok(Ended::Left(exit)),
            change = changes.next() => change,
            () = sleep_until(redraw_at), if has_news => {
                display.redraw(&progress);
                redraw_at = Instant::now() + REDRAW;
                continue;
            }
            () = sleep_until(give_up_at.unwrap_or(redraw_at)), if give_up_at.is_some() => break,
        };
        match change {
            Some(Ok(WatchEvent::Change { object, .. })) => match news(object) {
                News::Step(task) => {
                    let change = progress.observe(&task);
                    display.changed(change);
                }
                // What the last steps have come to may stand behind it.
                News::End => give_up_at = Some(Instant::now() + LAST_NEWS),
                News::Start => give_up_at = None,
                News::Other => {}
            },
            Some(Ok(WatchEvent::Delete { object, .. })) if is_pipeline(&object) => {
                return Err(CliError::new(
                    Exit::NotFound,
                    format!("pipeline/{name} was deleted while it was followed"),
                ));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                drop(display);
                return Ok(Ended::Left(lost(&error, Kind::Pipeline, name, cx).ok_or(error)?));
            }
            None => return Err(CliError::failed("the watch ended before the pipeline")),
        }
        if give_up_at.is_some() && progress.is_settled() {
            break;
        }
    }
    drop(display);
    let is_interrupted = leaving.is_cancelled();
    let pipeline = client.pipelines().get(id_text(&pipeline.metadata)).await?;
    let Some(status) = pipeline.status.clone() else {
        return Err(CliError::failed(format!("the server says nothing of the state of pipeline/{name}")));
    };
    Ok(Ended::Pipeline(Box::new(End { pipeline, status, progress, is_interrupted })))
}

/// What a change tells.
enum News {
    /// Of a step.
    Step(Box<Task>),
    /// The pipeline has ended.
    End,
    /// The pipeline runs, again perhaps.
    Start,
    /// Nothing that is shown.
    Other,
}

fn is_pipeline(object: &Value) -> bool {
    object["kind"] == "Pipeline"
}

fn news(object: Value) -> News {
    if is_pipeline(&object) {
        let phase: Option<Phase> = serde_json::from_value(object["status"]["phase"].clone()).ok();
        return match phase {
            Some(phase) if phase.is_terminal() => News::End,
            Some(_) => News::Start,
            None => News::Other,
        };
    }
    // A task that this version cannot read is shown as it was.
    serde_json::from_value(object).map_or(News::Other, |task| News::Step(Box::new(task)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pipelines_end_is_told_from_its_start() {
        let of = |phase: &str| news(json!({"kind": "Pipeline", "status": {"phase": phase}}));
        assert!(matches!(of("Running"), News::Start));
        assert!(matches!(of("Failed"), News::End));
        assert!(matches!(of("Cancelled"), News::End));
        assert!(matches!(news(json!({"kind": "Pipeline"})), News::Other));
        assert!(matches!(news(json!({"kind": "Task", "from": "a newer version"})), News::Other));
    }
}
