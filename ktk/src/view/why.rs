//! What a task waits for, as text.

use ktk_client::api::why::{Wait, WaitFor, WhyAnswer};

use super::{Moment, age};
use crate::ui::escape;

/// The answer, a paragraph for each thing.
pub(crate) fn text(answer: &WhyAnswer, moment: &Moment) -> String {
    let state = match answer.reason {
        Some(reason) => format!("{}/{reason}", answer.phase),
        None => answer.phase.to_string(),
    };
    let mut text = format!("task/{} is {state}\n", escape(&answer.task));
    if answer.waits.is_empty() {
        let words = if answer.phase.is_terminal() { "it has ended" } else { "it runs" };
        return format!("{text}  it waits for nothing: {words}\n");
    }
    for wait in &answer.waits {
        let object = wait.object.as_ref().map(|object| format!("{} ", escape(object))).unwrap_or_default();
        text.push_str(&format!("  {}: {object}{}\n", title(wait.what), escape(&wait.message)));
        text.push_str(&details(wait, moment));
        text.push_str(&format!("    until {}\n", escape(&wait.until)));
    }
    text
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
}
