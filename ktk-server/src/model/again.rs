//! What a restart may make run twice: a task that starts on what a need has come to, before it is decided whether that
//! need runs again.

use std::collections::BTreeMap;

use ktk_client::api::restart::Action;
use uuid::Uuid;

/// Of all contexts of a plan, upstream first, those that go on or are restarted and may have to run once more, each with
/// the need for which it may. `edges` lead from a need to who needs it; `late` are known to be such.
pub fn again(
    order: &[(Uuid, Action)],
    edges: &[(Uuid, Uuid)],
    mut late: BTreeMap<Uuid, Uuid>,
) -> BTreeMap<Uuid, Uuid> {
    let needs = needs(order, edges);
    for (place, (context, action)) in order.iter().enumerate() {
        if late.contains_key(context) || !matches!(action, Action::Continue | Action::Restart) {
            continue;
        }
        // One that is compared is compared in the transaction in which its own needs settle: who waits for all of
        // those too starts after that.
        let mut settled = Vec::new();
        for need in &needs[place] {
            let (id, action) = order[*need];
            let is_settled = match action {
                // What runs again for this one's sake has done so when this one begins.
                Action::Continue | Action::Restart => late.get(&id).is_none_or(|cause| cause == context),
                Action::Decide => needs[*need].iter().all(|need| settled.binary_search(need).is_ok()),
                Action::Keep | Action::Adopt => true,
            };
            if is_settled {
                settled.push(*need);
            } else {
                late.insert(*context, id);
                break;
            }
        }
    }
    late
}

/// Where the needs of each stand in the order, each once and in order.
fn needs(order: &[(Uuid, Action)], edges: &[(Uuid, Uuid)]) -> Vec<Vec<usize>> {
    let mut places: Vec<(Uuid, usize)> =
        order.iter().enumerate().map(|(place, (context, _))| (*context, place)).collect();
    places.sort_unstable();
    let place = |context: &Uuid| {
        let found = places.binary_search_by_key(context, |(context, _)| *context).ok()?;
        Some(places[found].1)
    };
    let mut needs = vec![Vec::new(); order.len()];
    for (need, dependent) in edges {
        if let (Some(need), Some(dependent)) = (place(need), place(dependent)) {
            needs[dependent].push(need);
        }
    }
    for needs in &mut needs {
        needs.sort_unstable();
        needs.dedup();
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(letter: char) -> Uuid {
        Uuid::from_u128(letter as u128)
    }

    /// Who may run once more, and for whom, where `plan` has a letter and the first letter of its action each.
    fn late(plan: &str, edges: &str) -> String {
        let pairs = |text: &str| -> Vec<(char, char)> {
            text.split(' ').map(|pair| (pair.chars().next().unwrap(), pair.chars().last().unwrap())).collect()
        };
        let action = |letter| match letter {
            'r' => Action::Restart,
            'c' => Action::Continue,
            'd' => Action::Decide,
            _ => Action::Keep,
        };
        let order: Vec<(Uuid, Action)> =
            pairs(plan).into_iter().map(|(name, letter)| (id(name), action(letter))).collect();
        let edges: Vec<(Uuid, Uuid)> = pairs(edges).into_iter().map(|(a, b)| (id(a), id(b))).collect();
        let letter = |id: Uuid| char::from_u32(id.as_u128() as u32).unwrap();
        let late = again(&order, &edges, BTreeMap::new());
        late.into_iter().map(|(task, need)| format!("{}{} ", letter(task), letter(need))).collect()
    }

    #[test]
    fn who_waits_for_all_that_decides_runs_once() {
        assert_eq!(late("a=r b=c", "ab"), "");
        assert_eq!(late("a=r b=d c=c", "ab ac bc"), "", "b is compared when a has ended");
        assert_eq!(late("a=r b=d c=d d=c", "ab ac bc ad bd cd"), "");
    }

    #[test]
    fn who_starts_before_a_need_is_decided_may_run_again() {
        assert_eq!(late("a=r b=d c=d d=c", "ab bc ad cd"), "dc ", "b runs while d starts on the old c");
        assert_eq!(late("a=r b=d c=r", "ab bc"), "cb ", "a restart starts on the old b");
        assert_eq!(late("a=r b=d c=c", "ab bc"), "cb ");
    }

    #[test]
    fn who_needs_what_may_run_again_may_too() {
        assert_eq!(late("a=r b=d c=c d=c e=c", "ab bc cd de"), "cb dc ed ");
        assert_eq!(late("a=r b=k c=c", "ac bc"), "");
    }

    #[test]
    fn who_needs_what_is_known_to_be_late_is_late() {
        let order = ['a', 'b', 'c'].map(|name| (id(name), Action::Continue));
        let edges = [(id('a'), id('b')), (id('b'), id('c'))];
        let late = again(&order, &edges, [(id('b'), id('x'))].into());
        assert_eq!(late, [(id('b'), id('x')), (id('c'), id('b'))].into());
        let late = again(&order, &edges, [(id('b'), id('c'))].into());
        assert_eq!(late, [(id('b'), id('c'))].into());
    }
}
