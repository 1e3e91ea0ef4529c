//! Builds a pipeline in code, runs it, and restarts it with another parameter.
//!
//! ```sh
//! cargo run -p ktk-client --example pipeline -- greeting
//! ```

use anyhow::Context as _;
use ktk_client::{
    Client,
    api::{
        Pipeline,
        pipeline::{PipelineSpec, Step},
        task::RunSpec,
    },
    client::wait::Condition,
};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example speaks to its user")]
async fn main() -> anyhow::Result<()> {
    let name = std::env::args().nth(1).context("usage: pipeline NAME")?;
    let client = Client::try_default().await?;
    let pipelines = client.pipelines();
    let spec = PipelineSpec {
        params: [("who".to_owned(), json!("world"))].into(),
        steps: vec![
            // What a process writes to $KTK_OUTPUT are its outputs.
            step(
                "write",
                &[],
                &["sh", "-c", "echo greeting=\"hello $1\" > $KTK_OUTPUT", "sh", "{{ params.who }}"],
            ),
            step("check", &["write"], &["sh", "-c", "grep -q hello $KTK_NEEDS"]),
        ],
        ..PipelineSpec::default()
    };
    pipelines.create(&Pipeline::new(&name, spec)).await?;
    report(&client, &name).await?;

    let restarted = pipelines.restart(&name).all().set("params.who", "ktk").await?;
    println!("restarted as {}@{}", name, restarted.object.metadata.incarnation());
    report(&client, &name).await
}

fn step(name: &str, needs: &[&str], command: &[&str]) -> Step {
    let command = command.iter().map(|&word| word.to_owned()).collect();
    Step {
        name: name.to_owned(),
        needs: needs.iter().map(|&need| need.to_owned()).collect(),
        run: Some(RunSpec { command, ..RunSpec::default() }),
        ..Step::default()
    }
}

#[expect(clippy::print_stdout, reason = "an example speaks to its user")]
async fn report(client: &Client, name: &str) -> anyhow::Result<()> {
    client.pipelines().wait(name, Condition::Succeeded).await?;
    let written = client.tasks().get(format!("{name}.write")).await?;
    let outputs = written.status.and_then(|status| status.outputs).context("it wrote its outputs")?;
    println!("{name}.write: {}", outputs["greeting"]);
    Ok(())
}
