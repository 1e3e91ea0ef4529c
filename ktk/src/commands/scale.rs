//! `ktk scale`.

use clap::Args;

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

/// Give a semaphore another number of permits
///
/// It takes effect at once: who waits may start. Nothing is taken from those who hold permits; of a smaller
/// semaphore nobody gets one until enough have come back.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Four at once from now on
  ktk scale semaphore gpu --permits 4

  # Nobody gets one until it is scaled up again
  ktk scale semaphore/gpu --permits 0")]
pub(crate) struct ScaleArgs {
    /// Which semaphore
    #[arg(value_name = "TYPE[/]NAME", required = true, num_args = 1..=2, add = completion::targets("scale"))]
    words: Vec<String>,

    /// How many permits there are from now on
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    permits: u32,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(crate) async fn run(args: ScaleArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let (_, name) = match target::parse("scale", &args.words)?.one_name("scale", &args.words.join(" ")) {
        Ok((Kind::Semaphore, name)) => (Kind::Semaphore, name),
        Ok((kind, _)) => return Err(CliError::usage(format!("{} have no permits", kind.plural()))),
        Err(error) => return Err(error),
    };
    let semaphore = cx.client().await?.semaphores().scale(name, args.permits).await?;
    if format == OutputFormat::Human {
        cx.ui.println(&format!("semaphore/{} scaled", escape(semaphore.metadata.name())))?;
    }
    let mut made = Made::default();
    made.add(made::value(&semaphore)?, None);
    made.print(format, cx)?;
    Ok(Exit::Done)
}
