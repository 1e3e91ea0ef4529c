//! `restart --dry-run` on a pipeline of 10,000 finished steps, all of which it reaches; against reading the pipeline.

use std::time::Instant;

use ktk_client::api::{
    Pipeline,
    pipeline::{PipelineSpec, Step},
    restart::Cascade,
};

use crate::support::{
    Server,
    sample::{Sample, heading, line, ratio},
    work::{self, NoopWorker},
};

const LAYERS: usize = 100;
const WIDTH: usize = 100;
const ROUNDS: usize = 15;

pub async fn run() -> anyhow::Result<()> {
    heading("restart --dry-run on 10,000 steps", "nothing is written");
    let server = Server::start(&[]).await?;
    let worker = NoopWorker::start(&server.client, 512).await?;
    let pipelines = server.client.pipelines();
    let spec = PipelineSpec { steps: steps(), ..PipelineSpec::default() };
    pipelines.create(&Pipeline::new("p", spec)).await?;
    worker.handled(&server.client, LAYERS * WIDTH).await?;
    worker.stop().await?;
    let (mut plan, mut get) = (Sample::default(), Sample::default());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let planned = pipelines.restart("p").from_step("s0").cascade(Cascade::All).dry_run().await?;
        plan.push_ms(begun.elapsed());
        anyhow::ensure!(planned.plan.len() == LAYERS * WIDTH, "a plan of {} rows", planned.plan.len());
        let begun = Instant::now();
        pipelines.get("p").await?;
        get.push_ms(begun.elapsed());
    }
    line("the plan", "ms", &plan);
    line("the pipeline itself", "ms", &get);
    ratio("the plan to the pipeline", &plan, &get);
    server.stop().await
}

/// One root, then layers in which each step needs two of the layer before.
fn steps() -> Vec<Step> {
    let name = |number: usize| format!("s{number}");
    let needs = |number: usize| match number {
        0 => Vec::new(),
        1..WIDTH => vec![name(0)],
        _ => vec![name(number - WIDTH), name(number - WIDTH - number % WIDTH + (number + 1) % WIDTH)],
    };
    let step = |number: usize| Step {
        name: name(number),
        type_name: Some(work::NOOP.into()),
        needs: needs(number),
        ..Step::default()
    };
    (0..LAYERS * WIDTH).map(step).collect()
}
