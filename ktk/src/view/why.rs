//! What a task or a pipeline waits for, as text.

use ktk_client::api::{
    Phase, Reason,
    why::{PipelineWhyAnswer, Wait, WaitFor, WhyAnswer},
};

use super::{Moment, age};
use crate::ui::escape;

/// The answer of a task, a paragraph for each thing.
pub(crate) fn text(answer: &WhyAnswer, moment: &Moment) -> String {
    let mut text = format!("{}\n", heading(answer));
    if answer.waits.is_empty() {
        text.push_str(waits_for_nothing(answer.phase));
    }
    answer.waits.iter().for_each(|wait| text.push_str(&paragraph(wait, moment)));
    text
}

/// The answer of a pipeline: a paragraph for each thing that it waits for as a whole, and a line for each step.
pub(crate) fn pipeline_text(answer: &PipelineWhyAnswer, moment: &Moment) -> String {
    let mut text =
        format!("pipeline/{} is {}\n", escape(&answer.pipeline), state(answer.phase, answer.reason));
    if answer.waits.is_empty() && answer.steps.is_empty() {
        text.push_str(waits_for_nothing(answer.phase));
    }
    answer.waits.iter().for_each(|wait| text.push_str(&paragraph(wait, moment)));
    for step in &answer.steps {
        let first = step.waits.first().map(|wait| format!(": {}", said_of(wait))).unwrap_or_default();
        text.push_str(&format!("  {}{first}\n", heading(step)));
    }
    if answer.more_steps > 0 {
        text.push_str(&format!("  and {} more\n", answer.more_steps));
    }
    if let Some(step) = answer.steps.first() {
        let name = step.task.rsplit_once('@').map_or(&*step.task, |(name, _)| name);
        text.push_str(&format!("  all that one of them waits for: ktk why {}\n", escape(name)));
    }
    text
}

fn heading(answer: &WhyAnswer) -> String {
    format!("task/{} is {}", escape(&answer.task), state(answer.phase, answer.reason))
}

fn state(phase: Phase, reason: Option<Reason>) -> String {
    reason.map_or_else(|| phase.to_string(), |reason| format!("{phase}/{reason}"))
}

fn waits_for_nothing(phase: Phase) -> &'static str {
    match phase {
        phase if phase.is_terminal() => "  it waits for nothing: it has ended\n",
        _ => "  it waits for nothing: it runs\n",
    }
}

fn said_of(wait: &Wait) -> String {
    let object = wait.object.as_ref().map(|object| format!("{} ", escape(object))).unwrap_or_default();
    format!("{}: {object}{}", title(wait.what), escape(&wait.message))
}

fn paragraph(wait: &Wait, moment: &Moment) -> String {
    format!("  {}\n{}    until {}\n", said_of(wait), details(wait, moment), escape(&wait.until))
}

fn title(what: WaitFor) -> &'static str {
    match what {
        WaitFor::Upstream => "upstream",
        WaitFor::Hold => "hold",
        WaitFor::Unique => "unique",
        WaitFor::Time => "time",
        WaitFor::Queue => "queue",
        WaitFor::Node => "node",
        WaitFor::Permit => "permit",
        WaitFor::MaxParallel => "maxParallel",
        WaitFor::Slot => "slot",
    }
}

fn details(wait: &Wait, moment: &Moment) -> String {
    let mut text = String::new();
    if !wait.holders.is_empty() {
        let holder = |holder: &ktk_client::api::semaphore::Holder| {
            format!("{} ({}, {})", escape(&holder.task), holder.permits, age::age(holder.since, moment.now))
        };
        let holders: Vec<String> = wait.holders.iter().map(holder).collect();
        text.push_str(&format!("    held by {}\n", holders.join(", ")));
    }
    if let Some(place) = wait.place {
        text.push_str(&format!("    number {place} in the line\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::tests::moment;

    #[test]
    fn each_thing_with_what_would_let_it_go_on() {
        let answer: WhyAnswer = serde_json::from_value(json!({
            "task": "x@2", "phase": "Pending", "reason": "WaitingForPermit",
            "waits": [
                {"for": "Permit", "object": "semaphore/gpu", "message": "needs 1, and 0 of 2 permits are free",
                 "until": "they come back", "place": 3,
                 "holders": [{"namespace": "default", "task": "a@1", "permits": 2, "since": "2026-11-22T11:59:50Z"}]},
                {"for": "Hold", "message": "somebody holds it", "until": "ktk resume x"}
            ]
        }))
        .expect("an answer");
        let expected = "\
task/x@2 is Pending/WaitingForPermit
  permit: semaphore/gpu needs 1, and 0 of 2 permits are free
    held by a@1 (2, 10s)
    number 3 in the line
    until they come back
  hold: somebody holds it
    until ktk resume x
";
        assert_eq!(text(&answer, &moment()), expected);
    }
    #[test]
    fn a_pipeline_as_a_whole_and_its_steps() {
        let mut answer: PipelineWhyAnswer = serde_json::from_value(json!({
            "pipeline": "p@1", "phase": "Pending", "moreSteps": 2,
            "waits": [{"for": "Hold", "object": "pipeline/p", "message": "is held", "until": "ktk resume pipeline/p"}],
            "steps": [{"task": "p.b@2", "phase": "Pending", "reason": "UpstreamFailed", "waits": [
                {"for": "Upstream", "object": "task/p.a", "message": "is Failed/ExitCode", "until": "it succeeds"},
                {"for": "Hold", "message": "somebody holds it", "until": "ktk resume p.b"}
            ]}]
        }))
        .expect("an answer");
        let expected = "\
pipeline/p@1 is Pending
  hold: pipeline/p is held
    until ktk resume pipeline/p
  task/p.b@2 is Pending/UpstreamFailed: upstream: task/p.a is Failed/ExitCode
  and 2 more
  all that one of them waits for: ktk why p.b
";
        assert_eq!(pipeline_text(&answer, &moment()), expected);
        (answer.waits, answer.steps, answer.more_steps) = (Vec::new(), Vec::new(), 0);
        assert_eq!(
            pipeline_text(&answer, &moment()),
            "pipeline/p@1 is Pending\n  it waits for nothing: it runs\n"
        );
    }
}
