//! Over random graphs and histories, what happens is what the plan said. Rows that say `decide` may go either way,
//! and then the task itself says which way and why.

use std::{collections::BTreeMap, time::Duration};

use ktk_client::api::{
    Phase,
    restart::{Action, AdoptParams, Cascade, PlanRow, RestartParams, Wanted},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;

use super::{
    build::{exit, outputs},
    calls::{adopt, restart},
    lab::{Answer, Lab},
    many::one_by_one,
    simulation::{Simulation, extent},
};
use crate::{model::row::TaskRow, store::Store};

pub async fn of_tasks<S: Store>(store: S) {
    histories(store, 0, |_, rng, names| Wish::Task(pick(names, rng))).await;
}

pub async fn of_pipelines<S: Store>(store: S) {
    histories(store, 1, |_, rng, _| Wish::Pipeline(rng.random_range(0..3))).await;
}

pub async fn of_many<S: Store>(store: S) {
    let some = |rows: &[TaskRow], rng: &mut StdRng, names: &[String]| {
        Wish::Many((0..4).map(|_| any(rows, rng, names)).collect())
    };
    histories(store, 2, some).await;
}

pub async fn of_adopted_results<S: Store>(store: S) {
    histories(store, 3, |rows, rng, _| Wish::Adopt(old_result(rows, rng))).await;
}

/// What somebody wants.
enum Wish {
    Task(String),
    /// Each of these, one after the other.
    Many(Vec<Wanted>),
    /// What failed in it, a step of it, or the whole.
    Pipeline(u32),
    Adopt(String),
}

fn pick(names: &[String], rng: &mut StdRng) -> String {
    names.choose(rng).cloned().unwrap_or_else(|| "t0".into())
}

fn old_result(rows: &[TaskRow], rng: &mut StdRng) -> String {
    let old: Vec<&TaskRow> = rows.iter().filter(|row| row.phase == Phase::Succeeded && !row.newest).collect();
    let chosen = old.choose(rng).map(|row| format!("{}@{}", row.name, row.incarnation));
    chosen.unwrap_or_else(|| "t0".into())
}

/// A restart of a task, now and then with force, of a pipeline, or an old result.
fn any(rows: &[TaskRow], rng: &mut StdRng, names: &[String]) -> Wanted {
    match rng.random_range(0..12) {
        0 => Wanted::Pipeline(restart("p")),
        1 => Wanted::Pipeline(RestartParams { all: true, ..restart("q") }),
        2 => Wanted::Adopt(adopt(&old_result(rows, rng))),
        3 | 4 => Wanted::Task(RestartParams { force: true, ..restart(&pick(names, rng)) }),
        _ => Wanted::Task(restart(&pick(names, rng))),
    }
}

fn cascading(wanted: &Wanted, cascade: Cascade) -> Wanted {
    match wanted.clone() {
        Wanted::Task(params) => Wanted::Task(RestartParams { cascade, ..params }),
        Wanted::Pipeline(params) => Wanted::Pipeline(RestartParams { cascade, ..params }),
        other => other,
    }
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
    let before = newest(lab);
    let mut plan = Vec::new();
    for dry_run in [true, false] {
        let rows = ask(lab, &wish, cascade, dry_run).await;
        if dry_run {
            plan = rows;
            assert_eq!(newest(lab), before, "a plan changes nothing");
        } else {
            assert_eq!(rows, plan, "the plan of the deed is the plan, seed {seed}");
        }
    }
    let plan: Vec<PlanRow> = plan.into_iter().flatten().flatten().collect();
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
                let is_held_up = now.wish.is_some() && !now.phase.is_terminal();
                assert!(is_held_up || is_expanded_again(lab, now), "{name}, seed {seed}: {plan:#?}");
            }
            Some(Action::Restart | Action::Adopt) => {
                assert!(made == 1 || may_again(&plan, name), "{name}, seed {seed}: {plan:#?}");
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

/// Whether a plan says of a restarted task that it may run more than once: itself, or, of many, another.
fn may_again(plan: &[PlanRow], name: &str) -> bool {
    let runs = |row: &&PlanRow| matches!(row.action, Action::Restart | Action::Adopt | Action::Decide);
    let rows: Vec<&PlanRow> = plan.iter().filter(|row| row.task == name).filter(runs).collect();
    rows.len() > 1 || rows.iter().any(|row| row.why.contains("again if"))
}

/// Whether this is a step that never ended, as an item of it failed: then it runs again as it is, on what its needs
/// have come to.
fn is_expanded_again<S: Store>(lab: &Lab<S>, step: &TaskRow) -> bool {
    let Some(each) = &step.rare.for_each else { return false };
    let (newest, took) = (lab.dump.newest(), lab.dump.resolved(step.id));
    let mut needs = lab.dump.needs_of(step.context_id).map(|context| newest[&context]);
    !each.is_expanded || needs.all(|need| need.is_item() || took.iter().any(|took| took.id == need.id))
}

/// The plan of each restart, or why it is refused.
async fn ask<S: Store>(
    lab: &mut Lab<S>,
    wish: &Wish,
    cascade: Cascade,
    dry_run: bool,
) -> Vec<Answer<Vec<PlanRow>>> {
    match wish {
        Wish::Task(name) => {
            let params = RestartParams { cascade, dry_run, ..restart(name) };
            vec![lab.restart_with(params).await.map(|answer| answer.plan)]
        }
        Wish::Many(restarts) => {
            let restarts: Vec<Wanted> = restarts.iter().map(|one| cascading(one, cascade)).collect();
            match dry_run {
                true => lab.plan_restarts(&restarts).await.unwrap(),
                false => one_by_one(lab, &restarts).await,
            }
        }
        Wish::Pipeline(form) => {
            let from_step = (*form == 1).then(|| "s0".to_owned());
            let params = RestartParams { cascade, dry_run, all: *form == 2, from_step, ..restart("p") };
            vec![lab.restart_pipeline(params).await.map(|answer| answer.plan)]
        }
        Wish::Adopt(name) => {
            let params = AdoptParams { dry_run, ..adopt(name) };
            vec![lab.adopt_with(params).await.map(|answer| answer.plan)]
        }
    }
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
