//! Plans of many restarts: each sees those before it, and what then happens is what they said.

use ktk_client::api::{
    ErrorReason,
    restart::{AdoptParams, Cascade, MAX_PLANNED, PlanRow, RestartParams, Wanted},
};
use serde_json::json;

use super::{
    build::{job, pipeline, success},
    calls::{adopt, plan_text, restart},
    lab::{Answer, Lab},
};
use crate::{engine::restart_many::PlanRestarts, store::Store};

fn tasks<const N: usize>(names: [&str; N], cascade: Cascade) -> Vec<Wanted> {
    let params = |name| RestartParams { cascade, ..restart(name) };
    names.into_iter().map(|name| Wanted::Task(params(name))).collect()
}

/// `task action` of each plan, or the reason of a refusal.
fn texts(plans: &[Answer<Vec<PlanRow>>]) -> Vec<Vec<String>> {
    let text = |plan: &Answer<Vec<PlanRow>>| match plan {
        Ok(rows) => plan_text(rows),
        Err(error) => vec![error.reason.to_string()],
    };
    plans.iter().map(text).collect()
}

/// Carries them out, each in a transaction of its own; the plan of each.
pub async fn one_by_one<S: Store>(lab: &mut Lab<S>, restarts: &[Wanted]) -> Vec<Answer<Vec<PlanRow>>> {
    let mut plans = Vec::new();
    for wanted in restarts.iter().cloned() {
        plans.push(match wanted {
            Wanted::Task(params) => lab.restart_with(params).await.map(|answer| answer.plan),
            Wanted::Pipeline(params) => lab.restart_pipeline(params).await.map(|answer| answer.plan),
            Wanted::Adopt(params) => lab.adopt_with(params).await.map(|answer| answer.plan),
            other => panic!("nobody carries it out: {other:?}"),
        });
    }
    plans
}

/// A step waits for an item that failed. Once that is restarted the step runs, on what the first step had put out.
pub async fn each_sees_those_before_it<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("q", [job("s1"), job("s3").needs(["s1"]).each("1, 2")])).await;
    lab.give("q.s1", json!({"n": 1})).await;
    lab.succeed("q.s3.0").await;
    lab.fail("q.s3.1").await;
    assert_eq!(lab.state("q.s3").await, "Pending/UpstreamFailed");
    let alone = RestartParams { cascade: Cascade::All, dry_run: true, ..restart("q.s1") };
    let alone = lab.restart_with(alone).await.unwrap();
    assert_eq!(plan_text(&alone.plan)[..2], ["q.s1 restart", "q.s3 continue"]);
    let restarts = tasks(["q.s3.1", "q.s1"], Cascade::All);
    let plans = lab.plan_restarts(&restarts).await.unwrap();
    assert_eq!(texts(&plans)[0][..2], ["q.s3.1 restart", "q.s3 continue"]);
    assert_eq!(texts(&plans)[1][..2], ["q.s1 restart", "q.s3 restart"]);
    assert_eq!(one_by_one(&mut lab, &restarts).await, plans);
    lab.succeed("q.s3.1").await;
    assert_eq!(lab.tree("q.s3").await.len(), 2, "{:#?}", lab.states());
}

/// What a refused one has written is taken back, and the next one does not see it.
pub async fn one_that_is_refused_stops_nobody<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a").each("1"), job("b")])).await;
    lab.make(job("runs")).await;
    lab.fail("p.a.0").await;
    lab.fail("p.b").await;
    lab.break_body("p.b").await;
    let mut restarts = tasks(["runs", "nosuch", "p.b", "p.a.0"], Cascade::Auto);
    restarts.insert(3, Wanted::Pipeline(restart("p")));
    restarts.insert(4, Wanted::Pipeline(RestartParams { force: true, ..restart("p") }));
    let plans = lab.plan_restarts(&restarts).await.unwrap();
    let item: &[&str] = &["p.a.0 restart", "p.a continue", "p.b keep"];
    let expected: [&[&str]; 6] =
        [&["Conflict"], &["NotFound"], &["Conflict"], &["Conflict"], &["Invalid"], item];
    assert_eq!(texts(&plans), expected);
    restarts.remove(4);
    let carried_out = one_by_one(&mut lab, &restarts).await;
    assert_eq!(carried_out[..4], plans[..4]);
    assert_eq!(carried_out[4], plans[5]);
}

/// A forced restart has happened when the next one is asked for: what it cancels has ended by then.
pub async fn what_force_cancels_has_ended<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("t")).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"])])).await;
    lab.make_pipeline(pipeline("q", [job("s").each("1, 2")])).await;
    lab.claim(64).await;
    let forced = |name| RestartParams { force: true, ..restart(name) };
    let restarts = [
        Wanted::Task(forced("t")),
        Wanted::Task(restart("t")),
        Wanted::Pipeline(RestartParams { all: true, ..forced("p") }),
        Wanted::Task(restart("p.a")),
        Wanted::Task(forced("q.s")),
        Wanted::Task(restart("q.s.1")),
        Wanted::Task(restart("q.s")),
    ];
    let plans = lab.plan_restarts(&restarts).await.unwrap();
    let mut carried_out = Vec::new();
    for wanted in restarts {
        carried_out.extend(one_by_one(&mut lab, &[wanted]).await);
        for grant in lab.held.clone() {
            if lab.dump.tasks[&grant.task].stop.is_some() {
                lab.report(grant, success()).await;
            }
        }
    }
    assert_eq!(carried_out, plans);
    let texts = texts(&plans);
    assert_eq!(texts[..4], [vec!["t restart"], vec![], vec!["p.a restart", "p.b restart"], vec![]]);
    assert_eq!(texts[4][0], "q.s restart");
    assert_eq!(texts[6], [""; 0]);
}

/// Whoever plans holds the writer: not for ever.
pub async fn there_are_limits<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["a", "b"] {
        lab.make(job(name)).await;
        lab.fail(name).await;
    }
    let many = vec![Wanted::Task(restart("a")); MAX_PLANNED + 1];
    assert_eq!(lab.plan_restarts(&many).await.unwrap_err().reason, ErrorReason::TooLarge);
    for (most_rows, fits) in [(1, false), (2, true)] {
        let restarts = tasks(["a", "nosuch", "b"], Cascade::Auto);
        let restarts = restarts.into_iter().map(Ok).collect();
        let mut plan = PlanRestarts::new(lab.engine.ask("tester"), restarts, &[]).unwrap();
        plan.most_rows = most_rows;
        let answer = lab.engine.write_or_rehearse(plan, true).await;
        assert_eq!(answer.is_ok(), fits, "{answer:?}");
    }
    lab.check().await;
    assert_eq!(lab.tree("a").await.len(), 1);
}

/// Old results too are taken back one after the other.
pub async fn of_adopted_results<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"])])).await;
    lab.give("p.a", json!({"n": 1})).await;
    lab.give("p.b", json!({"n": 1})).await;
    lab.restart("p.a").await.unwrap();
    lab.fail("p.a").await;
    lab.restart("p.b").await.unwrap();
    let adopted = |name| Wanted::Adopt(AdoptParams { dry_run: true, ..adopt(name) });
    let restarts = [adopted("p.b@1"), adopted("p.a@1"), adopted("p.a@1"), adopted("p.b@1")];
    let plans = lab.plan_restarts(&restarts).await.unwrap();
    let expected: [&[&str]; 4] = [&["Conflict"], &["p.a adopt", "p.b continue"], &[], &["Conflict"]];
    assert_eq!(texts(&plans), expected);
    let real = ["p.b@1", "p.a@1", "p.a@1", "p.b@1"].map(|name| Wanted::Adopt(adopt(name)));
    assert_eq!(one_by_one(&mut lab, &real).await, plans);
}
