//! Over random graphs and histories, what happens is what the plan said. Rows that say `decide` may go either way,
//! and then the task itself says which way and why.

use std::{collections::BTreeMap, time::Duration};

use ktk_client::api::{
    Phase,
    restart::{Action, Cascade, PlanRow, RestartParams},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;

use super::{
    build::{exit, outputs},
    calls::{adopt, restart},
    lab::Lab,
    simulation::{Simulation, extent},
};
use crate::{model::row::TaskRow, store::Store};

pub async fn of_tasks<S: Store>(store: S) {
    histories(store, 0, |_, rng, names| Wish::Tasks(pick(names, rng, 1))).await;
}

pub async fn of_pipelines<S: Store>(store: S) {
    histories(store, 1, |_, rng, _| Wish::Pipeline(rng.random_range(0..3))).await;
}

pub async fn of_many<S: Store>(store: S) {
    histories(store, 2, |_, rng, names| Wish::Tasks(pick(names, rng, 4))).await;
}

pub async fn of_adopted_results<S: Store>(store: S) {
    let succeeded = |rows: &[TaskRow], rng: &mut StdRng, _: &[String]| {
        let old: Vec<&TaskRow> =
            rows.iter().filter(|row| row.phase == Phase::Succeeded && !row.newest).collect();
        let chosen = old.choose(rng).map(|row| format!("{}@{}", row.name, row.incarnation));
        Wish::Adopt(chosen.unwrap_or_else(|| "t0".into()))
    };
    histories(store, 3, succeeded).await;
}

/// What somebody wants.
enum Wish {
    /// Each of these tasks, one after the other.
    Tasks(Vec<String>),
    /// What failed in it, a step of it, or the whole.
    Pipeline(u32),
    Adopt(String),
}

fn pick(names: &[String], rng: &mut StdRng, most: usize) -> Vec<String> {
    (0..most).filter_map(|_| names.choose(rng).cloned()).collect()
}

async fn histories<S: Store>(store: S, part: u64, wish: impl Fn(&[TaskRow], &mut StdRng, &[String]) -> Wish) {
    let (seeds, length) = extent(&store);
    let mut carried_out = 0;
    for seed in 1_000 * (part + 1)..1_000 * (part + 1) + seeds {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut simulation = Simulation::new(store.clone(), seed, true).await;
        for _ in 0..length / 2 {
            simulation.step().await;
        }
        let mut lab = simulation.lab;
        run_out(&mut lab, &mut rng).await;
        for _ in 0..3 {
            let rows: Vec<TaskRow> = lab.dump.tasks.values().cloned().collect();
            let names: Vec<String> =
                rows.iter().filter(|row| row.newest).map(|row| row.name.clone()).collect();
            let cascade =
                *[Cascade::Auto, Cascade::Auto, Cascade::All, Cascade::None].choose(&mut rng).unwrap();
            let wish = wish(&rows, &mut rng, &names);
            carried_out += keeps_its_word(&mut lab, &mut rng, wish, cascade, seed).await;
        }
        super::random::clear(&mut lab).await;
    }
    // A history in which everything was refused would prove nothing.
    assert!(carried_out as u64 >= seeds / 10, "{carried_out} plans in {seeds} histories were carried out");
}

/// Asks for the plan, then for the deed, and looks at what has become of everything once nothing moves. Answers with
/// how many plans had something to do.
async fn keeps_its_word<S: Store>(
    lab: &mut Lab<S>,
    rng: &mut StdRng,
    wish: Wish,
    cascade: Cascade,
    seed: u64,
) -> usize {
    let is_many = matches!(&wish, Wish::Tasks(names) if names.len() > 1);
    let before = newest(lab);
    let mut plan = Vec::new();
    for dry_run in [true, false] {
        let rows = ask(lab, &wish, cascade, dry_run).await;
        if dry_run {
            plan = rows;
            assert_eq!(newest(lab), before, "a plan changes nothing");
        } else if !is_many {
            assert_eq!(rows, plan, "the plan of the deed is the plan, seed {seed}");
        }
    }
    run_out(lab, rng).await;
    let said = strongest(&plan);
    let does = |row: &&PlanRow| matches!(row.action, Action::Restart | Action::Adopt);
    let is_carried_out = said.values().any(does);
    for (name, old) in &before {
        let now = &newest(lab)[name];
        let made = now.incarnation - old.incarnation;
        let row = said.get(name.as_str());
        match row.map(|row| row.action) {
            // What is held up is restarted when it has ended.
            Some(Action::Restart) if made == 0 => {
                assert!(now.wish.is_some() && !now.phase.is_terminal(), "{name}, seed {seed}: {plan:#?}");
            }
            // Of many, a later one may bring an earlier one to look again.
            Some(Action::Restart | Action::Adopt) => {
                let may_again = is_many || row.is_some_and(|row| row.why.contains("again if"));
                assert!(made == 1 || may_again, "{name}, seed {seed}: {plan:#?}");
            }
            // Twice where its needs come to something else one after the other.
            Some(Action::Decide) => {
                let decision = lab.dump.tasks[&old.id].rare.decision.as_ref().map(|decision| decision.action);
                assert!(
                    made == 0 || decision == Some(Action::Restart),
                    "{name} does not say why, seed {seed}"
                );
            }
            Some(Action::Keep | Action::Continue) | None => {
                assert_eq!(made, 0, "{name}, seed {seed}: {plan:#?}");
            }
        }
    }
    usize::from(is_carried_out)
}

async fn ask<S: Store>(lab: &mut Lab<S>, wish: &Wish, cascade: Cascade, dry_run: bool) -> Vec<PlanRow> {
    let mut rows = Vec::new();
    match wish {
        Wish::Tasks(names) => {
            for name in names {
                let params = RestartParams { cascade, dry_run, ..restart(name) };
                rows.extend(lab.restart_with(params).await.into_iter().flat_map(|answer| answer.plan));
            }
        }
        Wish::Pipeline(form) => {
            let from_step = (*form == 1).then(|| "s0".to_owned());
            let params = RestartParams { cascade, dry_run, all: *form == 2, from_step, ..restart("p") };
            rows.extend(lab.restart_pipeline(params).await.into_iter().flat_map(|answer| answer.plan));
        }
        Wish::Adopt(name) => {
            let params = ktk_client::api::restart::AdoptParams { dry_run, ..adopt(name) };
            rows.extend(lab.adopt_with(params).await.into_iter().flat_map(|answer| answer.plan));
        }
    }
    rows
}

/// Several plans as one: of what is said of a task the strongest holds, and what is open stays open.
fn strongest(plan: &[PlanRow]) -> BTreeMap<&str, &PlanRow> {
    let strength = |action| match action {
        Action::Keep => 0,
        Action::Continue => 1,
        Action::Decide => 2,
        Action::Adopt | Action::Restart => 3,
    };
    let mut said: BTreeMap<&str, &PlanRow> = BTreeMap::new();
    for row in plan {
        let known = said.entry(&row.task).or_insert(row);
        if strength(known.action) < strength(row.action) {
            *known = row;
        }
    }
    said
}

fn newest<S: Store>(lab: &Lab<S>) -> BTreeMap<String, TaskRow> {
    lab.dump.newest().values().map(|row| (row.name.clone(), (*row).clone())).collect()
}

/// Runs everything to its end, well or badly, as chance has it.
async fn run_out<S: Store>(lab: &mut Lab<S>, rng: &mut StdRng) {
    for _ in 0..1_000 {
        lab.claim(64).await;
        if let Some(grant) = lab.held.choose(rng).cloned() {
            let end = match rng.random_range(0..5) {
                0 => exit(1),
                n => outputs(json!({"n": n % 2})),
            };
            assert!(lab.report(grant, end).await);
        } else if lab.complete_externals().await {
            // What they let go on is claimed next.
        } else if let Some(due) = lab.dump.next_due {
            let wait = due.duration_since(lab.now()).max(jiff::SignedDuration::ZERO);
            lab.advance(Duration::try_from(wait).unwrap()).await;
        } else {
            return;
        }
    }
    panic!("it never comes to rest: {:#?}", lab.states());
}

#[test]
fn the_strongest_word_holds() {
    let row = |task: &str, action| PlanRow { task: task.into(), action, why: String::new() };
    let plan = [row("a", Action::Keep), row("a", Action::Restart), row("a", Action::Decide)];
    assert_eq!(strongest(&plan)["a"].action, Action::Restart);
}
