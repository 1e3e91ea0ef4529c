//! `ktk scale`.

use clap::{ArgGroup, Args};

use super::{
    completion,
    made::{self, Made},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{CHANGE, OutputFormat},
    target,
    ui::escape,
};

/// Give a semaphore another number of permits, or a queue another number of tasks that run at once
///
/// It takes effect at once: who waits may start. Nothing is taken from those who run; of a smaller semaphore nobody gets
/// a permit until enough have come back, and in a smaller queue nothing starts until few enough run.
#[derive(Args, Debug)]
#[command(
    group = ArgGroup::new("size").required(true),
    after_help = "\
Examples:
  # Four at once from now on
  ktk scale semaphore gpu --permits 4

  # Nobody gets one until it is scaled up again
  ktk scale semaphore/gpu --permits 0

  # Of a queue, and as many as there are slots
  ktk scale queue batch --max-running 8
  ktk scale queue/batch --max-running none"
)]
pub(crate) struct ScaleArgs {
    /// Which semaphore or queue
    #[arg(value_name = "TYPE[/]NAME", required = true, num_args = 1..=2, add = completion::targets("scale"))]
    words: Vec<String>,

    /// How many permits a semaphore has from now on
    #[arg(long, value_name = "N", group = "size", allow_negative_numbers = true)]
    permits: Option<u32>,

    /// How many tasks of a queue run at once from now on; none is no limit
    #[arg(long, value_name = "N", group = "size", allow_negative_numbers = true, value_parser = max_running)]
    max_running: Option<MaxRunning>,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

/// A number of tasks, or no limit.
#[derive(Clone, Copy, Debug)]
struct MaxRunning(Option<u32>);

fn max_running(text: &str) -> Result<MaxRunning, String> {
    match text {
        "none" => Ok(MaxRunning(None)),
        _ => text.parse().map(|max| MaxRunning(Some(max))).map_err(|_| "write a number, or none".to_owned()),
    }
}

pub(crate) async fn run(args: ScaleArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let (kind, name) = target::parse("scale", &args.words)?.one_name("scale", &args.words.join(" "))?;
    let (label, object) = match (kind, args.permits, args.max_running) {
        (Kind::Semaphore, Some(permits), _) => {
            let semaphore = cx.client().await?.semaphores().scale(name, permits).await?;
            (format!("semaphore/{}", semaphore.metadata.name()), made::value(&semaphore)?)
        }
        (Kind::Queue, _, Some(MaxRunning(max))) => {
            let queue = cx.client().await?.queues().scale(name, max).await?;
            (format!("queue/{}", queue.metadata.name()), made::value(&queue)?)
        }
        (Kind::Semaphore, ..) => {
            return Err(CliError::usage("semaphores have permits").with_hint("--permits N"));
        }
        (Kind::Queue, ..) => {
            return Err(CliError::usage("queues have no permits").with_hint("--max-running N, or none"));
        }
        (kind, ..) => return Err(CliError::usage(format!("{} have no size", kind.plural()))),
    };
    if format == OutputFormat::Human {
        cx.ui.println(&format!("{} scaled", escape(&label)))?;
    }
    let mut made = Made::default();
    made.add(object, None);
    made.print(format, cx)?;
    Ok(Exit::Done)
}
