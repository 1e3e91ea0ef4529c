//! What is said of a pipeline that has ended: the table of its steps, where the results are, the
//! logs of steps, and what to do next.

use ktk_client::{
    Client,
    api::{Phase, Reason},
};

use super::{LogChoice, attach_pipeline::End, logs};
use crate::{
    clock,
    commands::made::{self, Made},
    context::Context,
    error::CliError,
    output::OutputFormat,
    ui::escape,
    view::progress::StepState,
};

/// How many lines of a step's log are shown.
const LOG_LINES: u64 = 50;

/// How many failed steps the advice names.
const NAMED: usize = 3;

/// Where and how to report.
pub(super) struct Report {
    /// For a person or a program.
    pub(super) format: OutputFormat,
    /// Whose logs are shown.
    pub(super) logs: Option<LogChoice>,
    /// The store and the directory are removed at the end.
    pub(super) is_ephemeral: bool,
}

impl Report {
    /// Prints it.
    pub(super) async fn print(&self, end: &End, client: &Client, cx: &Context) -> Result<(), CliError> {
        if self.format == OutputFormat::Human {
            made::print_rows(&end.progress.rows(clock::now()), cx)?;
            if let Some(directory) = end.status.directory.as_ref().filter(|_| !self.is_ephemeral) {
                cx.ui.println(&format!("results in {}", escape(directory)))?;
            }
        } else {
            let mut made = Made::default();
            made.add(made::value(&end.pipeline)?, None);
            made.print(self.format, cx)?;
        }
        cx.ui.flush()?;
        self.show_logs(end, client, cx).await?;
        if !self.is_ephemeral {
            advice(end).iter().for_each(|line| cx.ui.message(line));
        }
        Ok(())
    }

    async fn show_logs(&self, end: &End, client: &Client, cx: &Context) -> Result<(), CliError> {
        let default = if cx.ui.stderr_is_terminal() { LogChoice::None } else { LogChoice::Failed };
        let tasks: Vec<(&str, &str)> = match self.logs.unwrap_or(default) {
            LogChoice::None => return Ok(()),
            LogChoice::Failed => end.progress.failed().map(|(step, state)| (step, &*state.task)).collect(),
            LogChoice::All => end
                .progress
                .with_items()
                .filter(|(_, state)| state.attempt > 0)
                .map(|(step, state)| (step, &*state.task))
                .collect(),
        };
        let client = client.in_namespace(end.pipeline.metadata.namespace());
        for (step, task) in tasks {
            let title = format!("--- the end of the log of step {step} (ktk logs {task})");
            if let Err(error) = logs::show_tail(&title, task, LOG_LINES, &client, cx).await {
                cx.ui.message(&format!("cannot read it: {}", error.lines().join("; ")));
            }
        }
        Ok(())
    }
}

/// What to do after a failure.
fn advice(end: &End) -> Vec<String> {
    let name = end.pipeline.metadata.name();
    if matches!(end.status.phase, Phase::Succeeded | Phase::Skipped) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    // What ended it as a whole is in the log of none of its steps.
    if let (Some(Reason::Timeout | Reason::DeadlineExceeded), Some(why)) =
        (end.status.reason, &end.status.message)
    {
        lines.push(format!("pipeline/{name} failed: {why}"));
    }
    let look = |(_, state): (&str, &StepState)| match state.attempt {
        0 => format!("ktk describe task {}", state.task),
        _ => format!("ktk logs {}", state.task),
    };
    let looks: Vec<String> = end.progress.failed().take(NAMED).map(look).collect();
    if !looks.is_empty() {
        lines.push(format!("see why:           {}", looks.join("; ")));
    }
    lines.push(format!("what would go on:  ktk restart pipeline/{name} --dry-run"));
    lines
}

#[cfg(test)]
mod tests {
    use ktk_client::api::{Metadata, Pipeline, PipelineRef, Task, pipeline::PipelineSpec, task::TaskSpec};
    use serde_json::json;

    use super::*;
    use crate::view::progress::Progress;

    fn end(phase: &str) -> End {
        let pipeline_status = json!({"phase": phase, "steps": {"total": 1, "done": 0, "failed": 1}});
        let mut progress = Progress::new(["a".to_owned()]);
        let mut task = Task::new("p.a", TaskSpec::default());
        let pipeline =
            PipelineRef { id: Default::default(), name: "p".into(), step: "a".into(), index: None };
        task.metadata = Metadata { pipeline: Some(pipeline), ..task.metadata };
        let status = json!({"phase": phase, "reason": "ExitCode", "attempt": 1});
        task.status = serde_json::from_value(status).expect("a status");
        progress.observe(&task);
        End {
            pipeline: Pipeline::new("p", PipelineSpec::default()),
            status: serde_json::from_value(pipeline_status).expect("a status"),
            progress,
            is_interrupted: false,
        }
    }

    #[test]
    fn what_ended_the_whole_is_said_first() {
        let mut end = end("Failed");
        end.status.reason = Some(Reason::Timeout);
        end.status.message = Some("it took longer than its timeout of 1s".into());
        assert_eq!(advice(&end)[0], "pipeline/p failed: it took longer than its timeout of 1s");
    }

    #[test]
    fn a_failure_comes_with_advice() {
        assert_eq!(
            advice(&end("Failed")),
            ["see why:           ktk logs p.a", "what would go on:  ktk restart pipeline/p --dry-run"]
        );
        assert_eq!(advice(&end("Succeeded")), Vec::<String>::new());
    }
}
