//! Orders and cycles of numbered graphs.

use std::collections::{HashSet, VecDeque};

/// Only so many cycles are looked for.
const MAX_CYCLES: usize = 20;

/// The nodes that are on no cycle and behind none, each after all that it needs. Of several that could follow, the one that was given first does, where
/// that costs nothing.
pub(super) fn order(needs: &[Vec<usize>]) -> Vec<usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        /// In the order, or (`false`) on or behind a cycle.
        Closed(bool),
    }
    let mut state = vec![State::New; needs.len()];
    let mut order = Vec::with_capacity(needs.len());
    let mut is_sound = vec![true; needs.len()];
    let mut stack: Vec<(usize, usize)> = Vec::new();
    for start in 0..needs.len() {
        if state[start] == State::New {
            state[start] = State::Open;
            stack.push((start, 0));
        }
        while let Some((node, next)) = stack.last_mut() {
            let (node, position) = (*node, *next);
            *next += 1;
            let Some(need) = needs[node].get(position).copied() else {
                stack.pop();
                state[node] = State::Closed(is_sound[node]);
                if is_sound[node] {
                    order.push(node);
                } else if let Some((parent, _)) = stack.last() {
                    is_sound[*parent] = false;
                }
                continue;
            };
            match state[need] {
                State::New => {
                    state[need] = State::Open;
                    stack.push((need, 0));
                }
                State::Open | State::Closed(false) => is_sound[node] = false,
                State::Closed(true) => {}
            }
        }
    }
    order
}

/// Cycles that share no edge, each beginning with its lowest node and as short as one through
/// that node can be; until none is left, or [`MAX_CYCLES`] are found.
pub(super) fn all(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut left = needs.to_vec();
    let mut cycles = Vec::new();
    while cycles.len() < MAX_CYCLES {
        let on_cycle = cyclic_nodes(&left);
        let Some(cycle) =
            (0..left.len()).find(|node| on_cycle[*node]).and_then(|first| shortest(&left, first))
        else {
            break;
        };
        let edges: HashSet<(usize, usize)> =
            cycle.iter().copied().zip(cycle.iter().copied().cycle().skip(1)).collect();
        for node in &cycle {
            left[*node].retain(|need| !edges.contains(&(*node, *need)));
        }
        cycles.push(cycle);
    }
    cycles
}

/// The shortest way from a node back to itself.
fn shortest(needs: &[Vec<usize>], start: usize) -> Option<Vec<usize>> {
    let mut came_from = vec![usize::MAX; needs.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for need in &needs[node] {
            if *need == start {
                let mut way = vec![node];
                while way.last() != Some(&start) {
                    way.push(came_from[way[way.len() - 1]]);
                }
                way.reverse();
                return Some(way);
            }
            if came_from[*need] == usize::MAX {
                came_from[*need] = node;
                queue.push_back(*need);
            }
        }
    }
    None
}

/// Which nodes are on a cycle: Tarjan's strongly connected components, without recursion.
fn cyclic_nodes(needs: &[Vec<usize>]) -> Vec<bool> {
    const UNSEEN: usize = usize::MAX;
    let mut index = vec![UNSEEN; needs.len()];
    let mut low = vec![0; needs.len()];
    let mut is_open = vec![false; needs.len()];
    let mut is_cyclic = vec![false; needs.len()];
    let (mut open, mut counter) = (Vec::new(), 0);
    let mut stack: Vec<(usize, usize)> = Vec::new();
    for start in 0..needs.len() {
        if index[start] == UNSEEN {
            stack.push((start, 0));
        }
        while let Some((node, next)) = stack.last_mut() {
            let (node, position) = (*node, *next);
            *next += 1;
            if position == 0 {
                index[node] = counter;
                low[node] = counter;
                counter += 1;
                open.push(node);
                is_open[node] = true;
            }
            if let Some(need) = needs[node].get(position).copied() {
                if index[need] == UNSEEN {
                    stack.push((need, 0));
                } else if is_open[need] {
                    low[node] = low[node].min(index[need]);
                }
                continue;
            }
            stack.pop();
            if let Some((parent, _)) = stack.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == index[node] {
                let first = open.iter().rposition(|other| *other == node).unwrap_or_default();
                let component = open.split_off(first);
                let is_loop = component.len() > 1 || needs[node].contains(&node);
                for member in component {
                    is_open[member] = false;
                    is_cyclic[member] = is_loop;
                }
            }
        }
    }
    is_cyclic
}
