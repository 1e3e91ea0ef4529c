//! DAG checks: doubled names, unknown, self and doubled needs, cycles, limits, and an order to go by.
//!
//! Pure and linear in steps and edges. Nothing here knows what a step does.

mod cycle;

use std::collections::{HashMap, HashSet};

use super::{
    names::{printable, quoted},
    suggest,
};

/// The most steps of one pipeline.
pub const MAX_STEPS: usize = 20_000;

/// The most needs of all steps of one pipeline together.
pub const MAX_EDGES: usize = 200_000;

/// Only so many unknown needs are compared with all names for a suggestion.
const MAX_SUGGESTIONS: usize = 20;

/// Names of a longer cycle are left out in the middle.
const MAX_CYCLE_SHOWN: usize = 12;

/// A step as the DAG sees it.
///
/// ```
/// use ktk_client::api::dag::Node;
/// let needs = ["fetch".to_owned()];
/// let step = Node { name: "load", needs: &needs };
/// assert_eq!(step.needs.len(), 1);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Its name.
    pub name: &'a str,
    /// The names of what it needs.
    pub needs: &'a [String],
}

/// A DAG that was found in order. Steps are numbered as they were given.
///
/// ```
/// use ktk_client::api::dag::{Node, check};
/// let needs = ["a".to_owned()];
/// let dag = check(&[Node { name: "a", needs: &[] }, Node { name: "b", needs: &needs }]).unwrap();
/// assert_eq!((&dag.needs[1], &dag.dependents[0]), (&vec![0], &vec![1]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dag {
    /// Every step after all that it needs; else as given.
    pub order: Vec<usize>,
    /// For each step, what it needs.
    pub needs: Vec<Vec<usize>>,
    /// For each step, what needs it.
    pub dependents: Vec<Vec<usize>>,
}

/// What is wrong with a graph.
///
/// ```
/// use ktk_client::api::dag::{Node, check};
/// let needs = ["fetsh".to_owned()];
/// let problems = check(&[Node { name: "fetch", needs: &[] }, Node { name: "load", needs: &needs }]).unwrap_err();
/// assert_eq!((problems[0].step, problems[0].need), (Some(1), Some(0)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The step, by number; `None` for the graph as a whole.
    pub step: Option<usize>,
    /// The need, by its number in the step; `None` for the step's name or the graph.
    pub need: Option<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Problem {
    fn of_need(step: usize, need: usize, message: String) -> Self {
        Self { step: Some(step), need: Some(need), message }
    }

    fn of_graph(message: String) -> Self {
        Self { step: None, need: None, message }
    }
}

/// Checks a graph and sorts it.
///
/// ```
/// use ktk_client::api::dag::{Node, check};
/// let (none, a) = (vec![], vec!["a".to_owned()]);
/// let dag = check(&[Node { name: "b", needs: &a }, Node { name: "a", needs: &none }]).unwrap();
/// assert_eq!(dag.order, [1, 0]);
/// ```
///
/// # Errors
/// Every problem there is, in the order of the steps, cycles last.
pub fn check(nodes: &[Node<'_>]) -> Result<Dag, Vec<Problem>> {
    let edges: usize = nodes.iter().map(|node| node.needs.len()).sum();
    if nodes.len() > MAX_STEPS {
        let message = format!("{} steps: {MAX_STEPS} are allowed", nodes.len());
        return Err(vec![Problem::of_graph(message)]);
    }
    if edges > MAX_EDGES {
        let message = format!("{edges} needs of all steps together: {MAX_EDGES} are allowed");
        return Err(vec![Problem::of_graph(message)]);
    }
    let (needs, mut problems) = resolve(nodes);
    let order = sort(&needs).unwrap_or_else(|cycles| {
        problems.extend(cycles.iter().map(|cycle| cycle_problem(nodes, &needs, cycle)));
        Vec::new()
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut dependents = vec![Vec::new(); nodes.len()];
    for (step, needs) in needs.iter().enumerate() {
        for need in needs {
            dependents[*need].push(step);
        }
    }
    Ok(Dag { order, needs, dependents })
}

/// Sorts a graph of numbered nodes: each node after all that it needs.
///
/// ```
/// use ktk_client::api::dag::sort;
/// assert_eq!(sort(&[vec![1], vec![]]), Ok(vec![1, 0]));
/// assert_eq!(sort(&[vec![1], vec![0]]).unwrap_err().len(), 1);
/// ```
///
/// # Errors
/// Cycles, each as the nodes on it, each node needing the next, the last needing the first. No
/// two of them share an edge.
pub fn sort(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<Vec<usize>>> {
    let order = cycle::order(needs);
    if order.len() == needs.len() {
        return Ok(order);
    }
    Err(cycle::all(needs))
}

/// Needs as numbers; what is no need of another step is a problem and left out.
fn resolve(nodes: &[Node<'_>]) -> (Vec<Vec<usize>>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut numbers: HashMap<&str, usize> = HashMap::with_capacity(nodes.len());
    for (step, node) in nodes.iter().enumerate() {
        if let Some(first) = numbers.get(node.name) {
            let message = format!(
                "step {} has the name of step {} already: give it another",
                quoted(node.name),
                first + 1
            );
            problems.push(Problem { step: Some(step), need: None, message });
        } else {
            numbers.insert(node.name, step);
        }
    }
    let mut suggestions = 0;
    let mut all = Vec::with_capacity(nodes.len());
    for (step, node) in nodes.iter().enumerate() {
        let mut resolved = Vec::with_capacity(node.needs.len());
        let mut seen = HashSet::with_capacity(node.needs.len());
        for (index, need) in node.needs.iter().enumerate() {
            let shown = quoted(need);
            let problem = match numbers.get(need.as_str()) {
                None => {
                    suggestions += 1;
                    let known = nodes.iter().map(|node| node.name).take(if suggestions > MAX_SUGGESTIONS {
                        0
                    } else {
                        MAX_STEPS
                    });
                    format!("there is no step {shown}{}", suggest::hint(need, known))
                }
                Some(_) if need == node.name => format!("step {shown} needs itself: remove the need"),
                Some(_) if !seen.insert(need.as_str()) => format!("{shown} stands twice: remove one"),
                Some(number) => {
                    resolved.push(*number);
                    continue;
                }
            };
            problems.push(Problem::of_need(step, index, problem));
        }
        all.push(resolved);
    }
    problems.sort_by_key(|problem| (problem.step, problem.need));
    (all, problems)
}

fn cycle_problem(nodes: &[Node<'_>], needs: &[Vec<usize>], cycle: &[usize]) -> Problem {
    let (first, next) = (cycle[0], cycle[1 % cycle.len()]);
    let mut names: Vec<&str> = cycle.iter().map(|step| nodes[*step].name).collect();
    if names.len() > MAX_CYCLE_SHOWN {
        names.splice(MAX_CYCLE_SHOWN / 2..cycle.len() - MAX_CYCLE_SHOWN / 2, ["…"]);
    }
    names.push(nodes[first].name);
    let names = printable(names.join(" → "));
    let message = format!("cycle: {names} (each needs the next): remove one of these needs");
    let need = nodes[first].needs.iter().position(|need| need == nodes[next].name);
    match need {
        Some(need) if needs[first].contains(&next) => Problem::of_need(first, need, message),
        _ => Problem { step: Some(first), need: None, message },
    }
}

#[cfg(test)]
mod tests;
