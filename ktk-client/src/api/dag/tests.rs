use proptest::prelude::*;

use super::*;

/// `a: b c, b: c, c`: steps and what they need.
fn run(text: &str) -> Result<Dag, Vec<Problem>> {
    let steps: Vec<(&str, Vec<String>)> = text
        .split(',')
        .map(|step| {
            let (name, needs) = step.split_once(':').unwrap_or((step, ""));
            (name.trim(), needs.split_whitespace().map(str::to_owned).collect())
        })
        .collect();
    check(&steps.iter().map(|(name, needs)| Node { name, needs }).collect::<Vec<_>>())
}

fn messages(text: &str) -> Vec<String> {
    let problems = run(text).expect_err(text);
    problems
        .iter()
        .map(|problem| format!("{:?} {:?} {problem}", problem.step.unwrap_or(99), problem.need.unwrap_or(99)))
        .collect()
}

#[test]
fn a_dag_is_sorted_near_the_order_given() {
    let dag = run("publish: resize, extract, resize: extract, cleanup: publish").expect("a DAG");
    assert_eq!(dag.order, [1, 2, 0, 3]);
    assert_eq!(dag.needs, [vec![2], vec![], vec![1], vec![0]]);
    assert_eq!(dag.dependents, [vec![3], vec![2], vec![0], vec![]]);
    assert_eq!(run("a, b, c").expect("no needs").order, [0, 1, 2]);
}

#[test]
fn wrong_needs_are_named_all_at_once() {
    assert_eq!(
        messages("extract, resize: extrat resize extract extract, resize"),
        [
            "1 0 there is no step \"extrat\" (did you mean \"extract\"?)",
            "1 1 step \"resize\" needs itself: remove the need",
            "1 3 \"extract\" stands twice: remove one",
            "2 99 step \"resize\" has the name of step 2 already: give it another",
        ]
    );
}

#[test]
fn cycles_are_named_once_each() {
    assert_eq!(
        messages("a: b, b: a"),
        ["0 0 cycle: a → b → a (each needs the next): remove one of these needs"]
    );
    let two = messages("x, a: x c, b: a, c: b, p: q, q: p x");
    assert_eq!(two.len(), 2, "{two:?}");
    assert!(two[0].starts_with("1 1 cycle: a → c → b → a "), "{two:?}");
    assert!(two[1].starts_with("4 0 cycle: p → q → p "), "{two:?}");
    let joined = messages("a: b, b: a c, c: b");
    assert_eq!(joined.len(), 2, "{joined:?}");
    assert!(joined[1].contains("b → c → b"), "{joined:?}");
}

#[test]
fn a_short_cycle_is_preferred_to_a_long_one() {
    let found = messages("a: b d, b: c, c: d, d: a");
    assert!(found[0].contains("a → d → a"), "{found:?}");
}

#[test]
fn a_long_cycle_is_cut_in_the_middle() {
    let text: Vec<String> = (0..100).map(|n| format!("s{n}: s{}", (n + 1) % 100)).collect();
    let found = messages(&text.join(","));
    assert!(found[0].contains("s0 → s1 → s2 → s3 → s4 → s5 → … → s94"), "{found:?}");
}

#[test]
fn the_largest_pipeline_is_taken_and_a_larger_one_is_not() {
    let names: Vec<String> = (0..=MAX_STEPS).map(|n| format!("s{n}")).collect();
    let needs: Vec<Vec<String>> = (0..=MAX_STEPS).map(|n| names[n.saturating_sub(10)..n].to_vec()).collect();
    let nodes: Vec<Node<'_>> = names.iter().zip(&needs).map(|(name, needs)| Node { name, needs }).collect();
    let dag = check(&nodes[..MAX_STEPS]).expect("a chain with shortcuts");
    assert_eq!(dag.order, (0..MAX_STEPS).collect::<Vec<_>>());
    assert_eq!(check(&nodes).expect_err("too many")[0].message, "20001 steps: 20000 are allowed");
    let all: Vec<String> = names[..MAX_STEPS].to_vec();
    let nodes: Vec<Node<'_>> = names[..11].iter().map(|name| Node { name, needs: &all }).collect();
    assert!(check(&nodes).expect_err("too many")[0].message.starts_with("220000 needs"));
}

#[test]
fn twenty_thousand_unknown_needs_and_one_large_cycle_are_found_in_linear_work() {
    let names: Vec<String> = (0..MAX_STEPS).map(|n| format!("s{n}")).collect();
    let needs: Vec<Vec<String>> =
        (0..MAX_STEPS).map(|n| vec![names[(n + 1) % MAX_STEPS].clone(), format!("t{n}")]).collect();
    let nodes: Vec<Node<'_>> = names.iter().zip(&needs).map(|(name, needs)| Node { name, needs }).collect();
    assert_eq!(check(&nodes).expect_err("all wrong").len(), MAX_STEPS + 1);
}

fn graph() -> impl Strategy<Value = Vec<Vec<usize>>> {
    (1usize..12).prop_flat_map(|size| {
        prop::collection::vec(prop::collection::btree_set(0..size, 0..3), size)
            .prop_map(|graph| graph.into_iter().map(|needs| needs.into_iter().collect()).collect())
    })
}

proptest! {
    #[test]
    fn an_order_is_topological_and_a_cycle_is_one(needs in graph()) {
        match sort(&needs) {
            Ok(order) => {
                let mut place = vec![usize::MAX; needs.len()];
                order.iter().enumerate().for_each(|(at, node)| place[*node] = at);
                for (node, needs) in needs.iter().enumerate() {
                    prop_assert!(place[node] < order.len());
                    prop_assert!(needs.iter().all(|need| place[*need] < place[node]));
                }
            }
            Err(cycles) => {
                prop_assert!(!cycles.is_empty());
                let mut seen = HashSet::new();
                for cycle in &cycles {
                    for (at, node) in cycle.iter().enumerate() {
                        let next = cycle[(at + 1) % cycle.len()];
                        prop_assert!(needs[*node].contains(&next));
                        prop_assert!(seen.insert((*node, next)), "an edge in two cycles");
                    }
                    prop_assert_eq!(cycle.iter().collect::<HashSet<_>>().len(), cycle.len());
                }
            }
        }
    }

    #[test]
    fn forward_needs_never_make_a_cycle(needs in graph()) {
        let forward: Vec<Vec<usize>> = needs.iter().enumerate()
            .map(|(node, needs)| needs.iter().copied().filter(|need| *need < node).collect()).collect();
        prop_assert_eq!(sort(&forward), Ok((0..needs.len()).collect()));
    }
}
