//! The DAG of a pipeline: as text with each step's status, as Graphviz dot, as Mermaid.

use std::{collections::BTreeMap, fmt::Write as _};

use ktk_client::api::{Phase, Pipeline, Reason, Task, task::ItemCounts};

use super::{status, tree};
use crate::ui::{Cell, Tone};

/// The most steps that are drawn one by one.
const MOST_DRAWN: usize = 40;

/// A step as it stands.
struct Step<'a> {
    name: &'a str,
    /// Indices of the steps it needs.
    needs: Vec<usize>,
    phase: Option<Phase>,
    reason: Option<Reason>,
    /// Of a step with `forEach` that has been expanded.
    items: Option<ItemCounts>,
}

impl Step<'_> {
    fn word(&self) -> &'static str {
        match (self.phase, self.reason) {
            (Some(Phase::Pending), Some(Reason::UpstreamFailed)) => Reason::UpstreamFailed.as_str(),
            (Some(phase), _) => phase.as_str(),
            (None, _) => "<unknown>",
        }
    }

    /// What its items have come to.
    fn items_text(&self) -> Option<String> {
        let ItemCounts { total, done, failed } = self.items?;
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        Some(format!("{done}/{total} items done{failed}"))
    }
}

/// The newest task of each step. `tasks` may hold older incarnations too, and items.
pub(crate) fn newest_by_step(tasks: &[Task]) -> BTreeMap<&str, &Task> {
    let mut newest: BTreeMap<&str, &Task> = BTreeMap::new();
    for task in tasks {
        let Some(place) = task.metadata.pipeline.as_ref().filter(|place| place.index.is_none()) else {
            continue;
        };
        let known = newest.entry(place.step.as_str()).or_insert(task);
        if known.metadata.incarnation() < task.metadata.incarnation() {
            *known = task;
        }
    }
    newest
}

fn steps<'a>(pipeline: &'a Pipeline, tasks: &[Task]) -> Vec<Step<'a>> {
    let newest = newest_by_step(tasks);
    let index: BTreeMap<&str, usize> =
        pipeline.spec.steps.iter().enumerate().map(|(index, step)| (step.name.as_str(), index)).collect();
    let step = |step: &'a ktk_client::api::pipeline::Step| {
        let status = newest.get(step.name.as_str()).and_then(|task| task.status.as_ref());
        Step {
            name: &step.name,
            needs: step.needs.iter().filter_map(|need| index.get(need.as_str()).copied()).collect(),
            phase: status.map(|status| status.phase),
            reason: status.and_then(|status| status.reason),
            items: status.and_then(|status| status.items),
        }
    };
    pipeline.spec.steps.iter().map(step).collect()
}

/// The longest way to each step from a step without needs.
fn depths(steps: &[Step<'_>]) -> Vec<usize> {
    let mut missing: Vec<usize> = steps.iter().map(|step| step.needs.len()).collect();
    let mut dependents = vec![Vec::new(); steps.len()];
    for (index, step) in steps.iter().enumerate() {
        step.needs.iter().for_each(|need| dependents[*need].push(index));
    }
    let mut depths = vec![0; steps.len()];
    let mut ready: Vec<usize> = (0..steps.len()).filter(|index| missing[*index] == 0).collect();
    while let Some(index) = ready.pop() {
        for dependent in &dependents[index] {
            depths[*dependent] = depths[*dependent].max(depths[index] + 1);
            missing[*dependent] -= 1;
            if missing[*dependent] == 0 {
                ready.push(*dependent);
            }
        }
    }
    depths
}

/// The DAG as lines: each step below the need that is settled last, other needs beside it. Of
/// many steps only the levels, with counts.
pub(crate) fn text(pipeline: &Pipeline, tasks: &[Task], has_color: bool) -> String {
    let steps = steps(pipeline, tasks);
    let depths = depths(&steps);
    match steps.len() > MOST_DRAWN {
        true => levels(&steps, &depths),
        false => tree::draw(&forest(&steps, &depths), has_color),
    }
}

fn forest(steps: &[Step<'_>], depths: &[usize]) -> Vec<tree::Branch> {
    // The need that is farthest from the beginning; the first of several.
    let parent = |step: &Step<'_>| {
        step.needs.iter().copied().reduce(|best, need| if depths[need] > depths[best] { need } else { best })
    };
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|index| depths[*index]);
    let mut below: BTreeMap<Option<usize>, Vec<(usize, tree::Branch)>> = BTreeMap::new();
    for index in order.into_iter().rev() {
        let step = &steps[index];
        let mut children = below.remove(&Some(index)).unwrap_or_default();
        children.sort_by_key(|(index, _)| *index);
        let parent = parent(step);
        let others: Vec<&str> =
            step.needs.iter().filter(|need| Some(**need) != parent).map(|need| steps[*need].name).collect();
        let mut cells = vec![Cell::toned(step.word(), tone(step))];
        cells.extend(step.items_text().map(Cell::new));
        if !others.is_empty() {
            cells.push(Cell::new(format!("and after {}", others.join(", "))));
        }
        let children = children.into_iter().map(|(_, branch)| branch).collect();
        let branch = tree::Branch { name: step.name.to_owned(), cells, children };
        below.entry(parent).or_default().push((index, branch));
    }
    let mut roots = below.remove(&None).unwrap_or_default();
    roots.sort_by_key(|(index, _)| *index);
    roots.into_iter().map(|(_, branch)| branch).collect()
}

fn tone(step: &Step<'_>) -> Tone {
    step.phase.map_or(Tone::Plain, |phase| status::tone(phase, step.reason))
}

fn levels(steps: &[Step<'_>], depths: &[usize]) -> String {
    let mut counts: BTreeMap<usize, BTreeMap<&str, usize>> = BTreeMap::new();
    for (step, depth) in steps.iter().zip(depths) {
        *counts.entry(*depth).or_default().entry(step.word()).or_default() += 1;
    }
    let mut text = String::new();
    for (depth, counts) in counts {
        let total: usize = counts.values().sum();
        let words: Vec<_> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "level {}: {total} steps: {}", depth + 1, words.join(", "));
    }
    text
}

/// The DAG for Graphviz.
pub(crate) fn dot(pipeline: &Pipeline, tasks: &[Task]) -> String {
    let quote = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let steps = steps(pipeline, tasks);
    let mut text =
        format!("digraph {} {{\n    rankdir=LR;\n    node [shape=box];\n", quote(pipeline.metadata.name()));
    for step in &steps {
        let color = match tone(step) {
            Tone::Good => "green",
            Tone::Bad => "red",
            Tone::Waiting => "orange",
            Tone::Running => "cyan",
            Tone::Dim => "gray",
            Tone::Plain => "black",
        };
        let label = format!("{}\\n{}", step.name.replace('"', ""), step.word());
        let _ = writeln!(text, "    {} [label=\"{label}\", color={color}];", quote(step.name));
    }
    for step in &steps {
        for need in &step.needs {
            let _ = writeln!(text, "    {} -> {};", quote(steps[*need].name), quote(step.name));
        }
    }
    text.push_str("}\n");
    text
}

/// The DAG for Mermaid.
pub(crate) fn mermaid(pipeline: &Pipeline, tasks: &[Task]) -> String {
    let steps = steps(pipeline, tasks);
    let mut text = String::from("flowchart LR\n");
    for (index, step) in steps.iter().enumerate() {
        let class = match tone(step) {
            Tone::Good => ":::good",
            Tone::Bad => ":::bad",
            Tone::Waiting => ":::waiting",
            Tone::Running => ":::running",
            Tone::Dim => ":::dim",
            Tone::Plain => "",
        };
        let _ = writeln!(
            text,
            "    s{index}[\"{}<br/>{}\"]{class}",
            step.name.replace('"', "#quot;"),
            step.word()
        );
    }
    for (index, step) in steps.iter().enumerate() {
        for need in &step.needs {
            let _ = writeln!(text, "    s{need} --> s{index}");
        }
    }
    for (class, color) in
        [("good", "green"), ("bad", "red"), ("waiting", "orange"), ("running", "cyan"), ("dim", "gray")]
    {
        let _ = writeln!(text, "    classDef {class} stroke:{color}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::pipeline::tests::{pipeline, tasks};

    #[test]
    fn each_step_stands_below_its_last_need() {
        let expected = "\
extract          Succeeded
├─ resize        Failed
│  └─ publish    UpstreamFailed   and after index
│     └─ clean   Pending
└─ index         Running
";
        assert_eq!(text(&pipeline(), &tasks(), false), expected);
    }

    #[test]
    fn a_step_stands_for_its_items() {
        let mut tasks = tasks();
        let status = |value| serde_json::from_value(value).expect("a status");
        let mut item = tasks[4].clone();
        item.metadata.pipeline.as_mut().expect("a place").index = Some(1);
        item.status = status(serde_json::json!({"phase": "Failed"}));
        let counts = serde_json::json!({"total": 3, "done": 1, "failed": 1});
        tasks[3].status = status(serde_json::json!({"phase": "Running", "items": counts}));
        tasks.push(item);
        let text = text(&pipeline(), &tasks, false);
        assert!(text.contains("└─ index         Running          1/3 items done, 1 failed\n"), "{text}");
    }

    #[test]
    fn many_steps_become_levels() {
        let mut pipeline = pipeline();
        for number in 0..40 {
            let mut step = pipeline.spec.steps[1].clone();
            step.name = format!("more-{number}");
            pipeline.spec.steps.push(step);
        }
        let expected = "\
level 1: 1 steps: 1 Succeeded
level 2: 42 steps: 40 <unknown>, 1 Failed, 1 Running
level 3: 1 steps: 1 UpstreamFailed
level 4: 1 steps: 1 Pending
";
        assert_eq!(text(&pipeline, &tasks(), false), expected);
    }

    #[test]
    fn graphviz_and_mermaid_get_their_own_words() {
        let dot = dot(&pipeline(), &tasks());
        assert!(dot.starts_with("digraph \"nightly\" {\n"), "{dot}");
        assert!(dot.contains("    \"resize\" [label=\"resize\\nFailed\", color=red];\n"), "{dot}");
        assert!(dot.contains("    \"extract\" -> \"resize\";\n"), "{dot}");
        let mermaid = mermaid(&pipeline(), &tasks());
        assert!(mermaid.contains("    s1[\"resize<br/>Failed\"]:::bad\n"), "{mermaid}");
        assert!(mermaid.contains("    s0 --> s1\n"), "{mermaid}");
    }

    #[test]
    fn a_cycle_ends() {
        let mut pipeline = pipeline();
        pipeline.spec.steps[0].needs = vec!["clean".into()];
        let _ = text(&pipeline, &tasks(), false);
    }
}
