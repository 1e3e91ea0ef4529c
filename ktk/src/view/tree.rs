//! Trees: the incarnations of a task, and pipelines with their steps and restarts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ktk_client::api::{Phase, Pipeline, PipelineRef, Reason, Task, task::TaskStatus};

use super::{age, status};
use crate::ui::{Cell, Tone, Widths, lay_out};

/// A node of a tree of anything.
pub(super) struct Branch {
    /// What stands behind the lines: the name.
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
    pub(super) children: Vec<Branch>,
}

impl Branch {
    /// Takes the beginning off the names of a tree.
    fn cut(&mut self, prefix: &str) {
        if let Some(rest) = self.name.strip_prefix(prefix) {
            self.name = rest.to_owned();
        }
        self.children.iter_mut().for_each(|child| child.cut(prefix));
    }
}

/// The restart context of a task as lines: name, phase, reason, age, what was changed.
pub(crate) fn lines(family: &[Task], now: Timestamp) -> Vec<(String, Tone)> {
    text(family, now, false).lines().map(|line| (line.to_owned(), Tone::Plain)).collect()
}

/// The restart context of a task, oldest first, as text.
pub(crate) fn text(family: &[Task], now: Timestamp, has_color: bool) -> String {
    let newest = family.iter().map(|task| task.metadata.incarnation()).max();
    draw(&incarnations(family, newest, now), has_color)
}

/// The restart contexts of several tasks, each with its newest incarnation marked.
pub(crate) fn families(tasks: &[Task], now: Timestamp, has_color: bool) -> String {
    let mut families: Vec<Vec<Task>> = Vec::new();
    for task in tasks {
        let is_related = |other: &Task| {
            other.metadata.namespace() == task.metadata.namespace()
                && other.metadata.name() == task.metadata.name()
        };
        match families.last_mut() {
            // Lists come by namespace and name.
            Some(family) if family.first().is_some_and(is_related) => family.push(task.clone()),
            _ => families.push(vec![task.clone()]),
        }
    }
    let branches: Vec<Branch> = families
        .iter()
        .flat_map(|family| {
            incarnations(family, family.iter().map(|task| task.metadata.incarnation()).max(), now)
        })
        .collect();
    draw(&branches, has_color)
}

/// Pipelines with their steps, and under each step its restarts. `tasks` holds every
/// incarnation of the pipelines' tasks.
pub(crate) fn pipelines(pipelines: &[(&Pipeline, &[Task])], now: Timestamp, has_color: bool) -> String {
    let branches: Vec<_> =
        pipelines.iter().map(|(pipeline, tasks)| pipeline_branch(pipeline, tasks, now)).collect();
    draw(&branches, has_color)
}

fn pipeline_branch(pipeline: &Pipeline, tasks: &[Task], now: Timestamp) -> Branch {
    let mut by_step: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    let mut items: BTreeMap<&str, Items<'_>> = BTreeMap::new();
    for task in tasks {
        match &task.metadata.pipeline {
            Some(PipelineRef { step, index: Some(index), .. }) => {
                let (place, family) = items.entry(step).or_default().entry(task.metadata.name()).or_default();
                *place = *index;
                family.push(task.clone());
            }
            Some(place) => by_step.entry(place.step.as_str()).or_default().push(task),
            None => {}
        }
    }
    let prefix = format!("{}.", pipeline.metadata.name());
    let children = pipeline.spec.steps.iter().map(|step| {
        let family: Vec<Task> =
            by_step.get(step.name.as_str()).into_iter().flatten().map(|task| (*task).clone()).collect();
        let newest = family.iter().map(|task| task.metadata.incarnation()).max();
        let mut roots = incarnations(&family, newest, now);
        roots.iter_mut().for_each(|root| root.cut(&prefix));
        let mut branch = match roots.len() {
            0 => Branch { name: step.name.clone(), cells: vec![Cell::none()], children: Vec::new() },
            1 => {
                let mut root = roots.remove(0);
                if root.children.is_empty() {
                    // Nothing was restarted: there is no incarnation to tell from others.
                    root.name.clone_from(&step.name);
                    root.cells.pop();
                }
                root
            }
            _ => Branch { name: step.name.clone(), cells: Vec::new(), children: roots },
        };
        branch.children.extend(item_branches(items.remove(step.name.as_str()), &prefix, now));
        branch
    });
    let status = pipeline.status.as_ref();
    let steps = status.map(|status| status.steps).unwrap_or_default();
    let cells = vec![
        status::phase_cell(status.map(|status| status.phase), status.and_then(|status| status.reason)),
        Cell::new(format!("{}/{}", steps.done, steps.total)),
        Cell::new(age::age(pipeline.metadata.created_at, now)),
    ];
    Branch { name: pipeline.metadata.name().to_owned(), cells, children: children.collect() }
}

/// The items of a step by name: the place and the incarnations of each.
type Items<'a> = BTreeMap<&'a str, (u32, Vec<Task>)>;

/// The items of a step in their order, each with its restarts.
fn item_branches(items: Option<Items<'_>>, prefix: &str, now: Timestamp) -> Vec<Branch> {
    let mut families: Vec<(u32, Vec<Task>)> = items.unwrap_or_default().into_values().collect();
    families.sort_by_key(|(place, _)| *place);
    let branch = |family: Vec<Task>| {
        let newest = family.iter().map(|task| task.metadata.incarnation()).max();
        let mut roots = incarnations(&family, newest, now);
        if let ([root], [task]) = (&mut roots[..], &family[..]) {
            task.metadata.name().clone_into(&mut root.name);
            root.cells.pop();
        }
        roots.iter_mut().for_each(|root| root.cut(prefix));
        roots
    };
    families.into_iter().flat_map(|(_, family)| branch(family)).collect()
}

/// The incarnations as a forest: a task whose parent is not there is a root.
fn incarnations(family: &[Task], newest: Option<u32>, now: Timestamp) -> Vec<Branch> {
    let id = |task: &Task| task.metadata.id;
    let parent = |task: &Task| {
        let parent = task.metadata.restart.as_ref()?.parent_id?;
        family.iter().any(|other| id(other) == Some(parent) && id(task) != Some(parent)).then_some(parent)
    };
    let mut sorted: Vec<&Task> = family.iter().collect();
    sorted.sort_by_key(|task| task.metadata.incarnation());
    // Children have higher numbers than their parents, so the newest is finished first.
    let mut children: BTreeMap<_, Vec<Branch>> = BTreeMap::new();
    for task in sorted.into_iter().rev() {
        let mut below = id(task).and_then(|id| children.remove(&Some(id))).unwrap_or_default();
        below.reverse();
        let branch = Branch {
            name: task.incarnation_name(),
            cells: incarnation_cells(task, newest == Some(task.metadata.incarnation()), now),
            children: below,
        };
        children.entry(parent(task)).or_default().push(branch);
    }
    let mut roots = children.remove(&None).unwrap_or_default();
    roots.reverse();
    roots
}

fn incarnation_cells(task: &Task, is_newest: bool, now: Timestamp) -> Vec<Cell> {
    let status = task.status.as_ref();
    let reason = status.and_then(|status| status.reason);
    let restart = task.metadata.restart.as_ref();
    let mut notes: Vec<String> = Vec::new();
    if let Some(restart) = restart {
        notes.extend(restart.changes.iter().map(|(field, value)| super::plan::change(field, value)));
        notes.extend(restart.reason.clone());
    }
    if task.metadata.deleted_at.is_some() {
        notes.push("deleted".to_owned());
    }
    if is_newest {
        notes.push("current".to_owned());
    }
    vec![
        status::phase_cell(status.map(|status| status.phase), reason),
        Cell::new(status.map(why).unwrap_or_default()),
        Cell::new(age::age(task.metadata.created_at, now)),
        Cell::new(notes.join("   ")),
    ]
}

/// The reason with the number that belongs to it: `ExitCode 1`.
fn why(status: &TaskStatus) -> String {
    match (status.reason, status.exit_code) {
        (Some(Reason::ExitCode), Some(code)) => format!("ExitCode {code}"),
        (Some(reason), _) => reason.to_string(),
        (None, Some(code)) if status.phase == Phase::Failed => format!("exit code {code}"),
        (None, _) => String::new(),
    }
}

/// The branches as lines.
pub(super) fn draw(branches: &[Branch], has_color: bool) -> String {
    let mut rows = Vec::new();
    for branch in branches {
        push(branch, "", "", &mut rows);
    }
    let mut widths = Widths::default();
    widths.measure(&rows);
    lay_out(&rows, &widths, has_color)
}

fn push(branch: &Branch, head: &str, below: &str, rows: &mut Vec<Vec<Cell>>) {
    let mut row = vec![Cell::new(format!("{head}{}", branch.name))];
    row.extend(branch.cells.iter().cloned());
    rows.push(row);
    for (index, child) in branch.children.iter().enumerate() {
        let (corner, line) = match index + 1 == branch.children.len() {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        push(child, &format!("{below}{corner}"), &format!("{below}{line}"), rows);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::{pipeline::tests as fixture, tests::moment};

    fn family() -> Vec<Task> {
        let task = |incarnation: u32,
                    created: &str,
                    changes: serde_json::Value,
                    status: serde_json::Value|
         -> Task {
            let id = |number: u32| format!("01936f2e-8c00-7000-8000-00000000000{number}");
            serde_json::from_value(json!({
                "apiVersion": "ktk/v1", "kind": "Task",
                "metadata": {"name": "test-web", "id": id(incarnation), "createdAt": created,
                    "restart": {"contextId": id(1), "incarnation": incarnation, "changes": changes,
                        "parentId": (incarnation > 1).then(|| id(incarnation - 1))}},
                "spec": {}, "status": status
            }))
            .expect("a task")
        };
        let failed = json!({"phase": "Failed", "reason": "ExitCode", "exitCode": 1});
        vec![
            task(1, "2026-11-22T11:56:48Z", json!({}), failed.clone()),
            task(2, "2026-11-22T11:57:20Z", json!({"run.env.RETRY": "1"}), failed),
            task(3, "2026-11-22T11:59:45Z", json!({}), json!({"phase": "Succeeded"})),
        ]
    }

    #[test]
    fn restarts_are_a_tree() {
        let expected = "\
test-web@1         Failed      ExitCode 1   3m12s
└─ test-web@2      Failed      ExitCode 1   2m40s   --env RETRY=1
   └─ test-web@3   Succeeded                15s     current
";
        assert_eq!(text(&family(), moment().now, false), expected);
    }

    #[test]
    fn families_stand_one_below_the_other() {
        let mut tasks = family();
        let mut other = tasks[0].clone();
        other.metadata.name = Some("web".into());
        tasks.push(other);
        let text = families(&tasks, moment().now, false);
        assert!(
            text.ends_with("current\nweb@1              Failed      ExitCode 1   3m12s   current\n"),
            "{text}"
        );
    }

    #[test]
    fn what_lost_its_parent_is_a_root_and_siblings_stand_in_order() {
        let mut family = family();
        family.remove(0);
        let second = family[0].metadata.id;
        let mut third_again = family[1].clone();
        if let Some(restart) = &mut third_again.metadata.restart {
            restart.incarnation = 4;
            restart.parent_id = second;
            restart.reason = Some("UpstreamChanged".into());
        }
        third_again.metadata.id = "01936f2e-8c00-7000-8000-000000000004".parse().ok();
        family.push(third_again);
        let expected = "\
test-web@2      Failed      ExitCode 1   2m40s   --env RETRY=1
├─ test-web@3   Succeeded                15s
└─ test-web@4   Succeeded                15s     UpstreamChanged   current
";
        assert_eq!(text(&family, moment().now, false), expected);
    }

    #[test]
    fn a_step_has_its_items_below_it() {
        let pipeline = fixture::pipeline();
        let item = |name: &str, index: u32| {
            let mut task = fixture::step_task("index", 1, json!({"phase": "Succeeded"}));
            task.metadata.name = Some(format!("nightly.index.{name}"));
            task.metadata.pipeline.as_mut().expect("a place").index = Some(index);
            task
        };
        let tasks = vec![
            item("b", 1),
            item("a", 2),
            item("c", 0),
            fixture::step_task("index", 1, json!({"phase": "Running"})),
        ];
        let drawn = pipelines(&[(&pipeline, &tasks)], moment().now, false);
        let lines: Vec<&str> = drawn.lines().filter(|line| line.contains("index")).collect();
        assert_eq!(
            lines,
            [
                "├─ index        Running           60m",
                "│  ├─ index.c   Succeeded         60m",
                "│  ├─ index.b   Succeeded         60m",
                "│  └─ index.a   Succeeded         60m",
            ],
            "{drawn}"
        );
    }

    #[test]
    fn a_pipeline_has_its_steps_below_it_and_their_restarts_below_them() {
        let pipeline = fixture::pipeline();
        let tasks = fixture::tasks();
        let expected = "\
nightly          Running     1/5                  60m
├─ extract       Succeeded                        60m
├─ resize@1      Failed      Timeout              60m
│  └─ resize@2   Failed      ExitCode 1           60m   current
├─ index         Running                          60m
├─ publish       Pending     UpstreamFailed       60m
└─ clean         Pending     WaitingForUpstream   60m
";
        assert_eq!(pipelines(&[(&pipeline, &tasks)], moment().now, false), expected);
    }
}
