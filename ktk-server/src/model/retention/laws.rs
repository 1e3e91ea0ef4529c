//! Laws of what goes: whatever the retention, and whatever has ended.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a small number")
}

fn a_phase() -> impl Strategy<Value = Phase> {
    prop::sample::select(vec![Phase::Succeeded, Phase::Failed, Phase::Cancelled, Phase::Skipped])
}

fn an_age() -> impl Strategy<Value = Duration> {
    (0..200_u64).prop_map(Duration::from_secs)
}

fn a_retention() -> impl Strategy<Value = Retention> {
    let own = (prop::option::of(prop::option::of(an_age())), prop::option::of(prop::option::of(0..20_u64)));
    let own = own.prop_map(|(age, count)| Own { age, count });
    let limits = (prop::option::of(an_age()), prop::option::of(0..20_u64));
    let limits = limits.prop_map(|(age, count)| Limits { age, count });
    (limits, prop::collection::btree_map(a_phase(), own, 0..3))
        .prop_map(|(all, phases)| Retention { all, phases })
}

fn ended() -> impl Strategy<Value = Vec<Ended>> {
    let one = (a_phase(), 0..300_i64, prop::option::of(an_age()), 1..6_u64);
    prop::collection::vec(one, 0..20).prop_map(|all| {
        let one = |(number, (phase, ago, ttl, tasks))| {
            let id = Uuid::from_u128(number as u128 + 1);
            Ended { id, phase, at: at(NOW - ago), ttl, tasks }
        };
        all.into_iter().enumerate().map(one).collect()
    })
}

fn needed() -> impl Strategy<Value = BTreeSet<Uuid>> {
    prop::collection::btree_set((1..21_u128).prop_map(Uuid::from_u128), 0..6)
}

fn a_jump() -> impl Strategy<Value = Option<Jump>> {
    let jump = (0..300_i64, 1..300_i64, any::<bool>()).prop_map(|(ago, by, is_proved)| Jump {
        at: at(NOW - ago),
        by: SignedDuration::from_secs(by),
        is_proved,
    });
    prop::option::of(jump)
}

/// How many tasks of this sort ended later, or at the same time with a later id.
fn newer(of: &Ended, among: &[Ended], takes: impl Fn(&Ended) -> bool) -> u64 {
    let is_newer = |one: &&Ended| (one.at, one.id) > (of.at, of.id) && takes(one);
    among.iter().filter(is_newer).map(|one| one.tasks).sum()
}

proptest! {
    /// Each goes by the rule that is named, and by no other reading of it.
    #[test]
    fn what_goes_is_past_its_rule(
        retention in a_retention(), ended in ended(), needed in needed(), jump in a_jump(),
    ) {
        let plan = retention.plan(&ended, &needed, at(NOW), jump.as_ref());
        // What is counted: all but what is past its time.
        let is_counted = |one: &&Ended| matches!(plan.get(&one.id), None | Some(Rule::Count(..)));
        let counted: Vec<Ended> = ended.iter().filter(is_counted).copied().collect();
        for (id, rule) in &plan {
            prop_assert!(!needed.contains(id));
            let one = ended.iter().find(|one| one.id == *id).expect("only what has ended goes");
            let age = SignedDuration::from_secs(NOW - one.at.as_second());
            match rule {
                Rule::Ttl(ttl) => {
                    prop_assert_eq!(Some(*ttl), one.ttl);
                    prop_assert!(age >= SignedDuration::try_from(ttl.get()).expect("a short time"));
                }
                Rule::Age(phase, limit) => {
                    prop_assert!(age >= SignedDuration::try_from(limit.get()).expect("a short time"));
                    let own = retention.phases.get(&one.phase).and_then(|own| own.age);
                    prop_assert_eq!(*phase, own.map(|_| one.phase));
                    prop_assert_eq!(Some(*limit), own.unwrap_or(retention.all.age));
                }
                Rule::Count(phase, limit) => {
                    let of_sort = |other: &Ended| retention.count_of(other.phase) == Some((*phase, *limit));
                    prop_assert!(of_sort(one));
                    prop_assert!(newer(one, &counted, of_sort) >= *limit);
                }
            }
        }
    }

    /// What stays is within each of its limits, or somebody needs it.
    #[test]
    fn what_stays_is_within_its_limits(
        retention in a_retention(), ended in ended(), needed in needed(), jump in a_jump(),
    ) {
        let plan = retention.plan(&ended, &needed, at(NOW), jump.as_ref());
        let stays: Vec<Ended> = ended.iter().filter(|one| !plan.contains_key(&one.id)).copied().collect();
        for one in stays.iter().filter(|one| !needed.contains(&one.id)) {
            prop_assert!(retention.until(one, jump.as_ref()).is_none_or(|(due, _)| due > at(NOW)));
            if let Some(sort) = retention.count_of(one.phase) {
                let newer = newer(one, &stays, |other| retention.count_of(other.phase) == Some(sort));
                prop_assert!(newer < sort.1, "{one:?} stays behind {newer} newer ones");
            }
        }
    }

    /// The order in which it is found changes nothing, and once it has gone nothing more goes.
    #[test]
    fn it_is_a_matter_of_what_is_there(
        retention in a_retention(), ended in ended(), needed in needed(), jump in a_jump(), turn in 0..20_usize,
    ) {
        let plan = retention.plan(&ended, &needed, at(NOW), jump.as_ref());
        let mut turned = ended.clone();
        if !turned.is_empty() {
            turned.rotate_left(turn % ended.len());
        }
        turned.reverse();
        prop_assert_eq!(&retention.plan(&turned, &needed, at(NOW), jump.as_ref()), &plan);
        let stays: Vec<Ended> = ended.iter().filter(|one| !plan.contains_key(&one.id)).copied().collect();
        prop_assert_eq!(retention.plan(&stays, &needed, at(NOW), jump.as_ref()), BTreeMap::new());
    }

    /// A jump lets nothing go that would not have gone without it, and keeps nothing for longer than it was.
    #[test]
    fn a_jump_only_delays(retention in a_retention(), ended in ended(), jump in a_jump()) {
        for one in &ended {
            let (plain, with) = (retention.until(one, None), retention.until(one, jump.as_ref()));
            prop_assert_eq!(plain.is_some(), with.is_some());
            if let (Some((plain, _)), Some((with, _)), Some(jump)) = (plain, with, jump) {
                prop_assert!(plain <= with && with <= plain + jump.by);
                // As if the time of the jump had not been.
                if jump.is_proved && one.at < jump.at {
                    prop_assert_eq!(with, plain + jump.by);
                }
            }
        }
    }

    /// As long as no more has ended than there was room for, nothing is too much.
    #[test]
    fn room_is_what_can_end_before_anything_is_too_much(
        retention in a_retention(), ended in ended(), phase in a_phase(), more in 0..25_u64,
    ) {
        let stays = |ended: &[Ended]| {
            let over = retention.over(ended);
            ended.iter().filter(|one| !over.contains_key(&one.id)).copied().collect::<Vec<_>>()
        };
        let mut left = stays(&ended);
        let room = retention.room(&left);
        prop_assert_eq!(room.is_some(), retention.least_count().is_some());
        if let Some(room) = room {
            for number in 0..more.min(room) {
                let id = Uuid::from_u128(1_000 + u128::from(number));
                left.push(Ended { id, phase, at: at(NOW + 1), ttl: None, tasks: 1 });
            }
            prop_assert!(retention.over(&left).is_empty());
        }
    }

    #[test]
    fn none_lets_all_stay(ended in ended()) {
        let kept = ended.iter().map(|one| Ended { ttl: None, ..*one }).collect::<Vec<_>>();
        prop_assert!(Retention::none().plan(&kept, &BTreeSet::new(), at(NOW), None).is_empty());
    }
}

#[test]
fn the_newest_is_not_lost_for_being_large() {
    let retention: Retention = "3".parse().expect("a retention");
    let one = |id: u128, second, tasks| Ended {
        id: Uuid::from_u128(id),
        phase: Phase::Succeeded,
        at: at(second),
        ttl: None,
        tasks,
    };
    let goes = |ended: &[Ended]| {
        let plan = retention.plan(ended, &BTreeSet::new(), at(NOW), None);
        plan.into_keys().map(|id| id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(goes(&[one(1, 1, 10)]), [0_u128; 0]);
    assert_eq!(goes(&[one(1, 1, 1), one(2, 2, 10)]), [1]);
    assert_eq!(goes(&[one(1, 1, 1), one(2, 2, 1), one(3, 3, 1), one(4, 4, 1)]), [1]);
    assert_eq!(goes(&[one(1, 1, 1), one(2, 2, 2), one(3, 3, 2)]), [1]);
}

#[test]
fn two_jumps_add_up_as_long_as_the_first_still_counts() {
    let jump = |second, by| Jump { at: at(second), by: SignedDuration::from_secs(by), is_proved: false };
    assert_eq!(jump(100, 50).after(Some(jump(80, 30))), jump(100, 80));
    assert_eq!(jump(100, 50).after(Some(jump(80, 10))), jump(100, 50));
    assert!(jump(100, 50).counts(at(149)) && !jump(100, 50).counts(at(150)) && !jump(100, 50).counts(at(99)));
}
