//! `ktk run -- COMMAND`.

use ktk_client::{Client, api::Reason};

use super::{RunArgs, attach_task, exit};
use crate::{
    commands::{
        interrupts::Interrupts,
        made::{self, Made},
        new_task::give_stdin,
    },
    context::Context,
    env,
    error::{CliError, Exit},
    output::{CHANGE, OutputFormat},
    ui::escape,
};

pub(super) async fn run(args: RunArgs, client: &Client, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let base = cx.base()?;
    let mut task = args.task.task(args.name, args.command, &env::variables(), base.as_deref())?;
    if args.stdin
        && let Some(run) = &mut task.spec.run
    {
        give_stdin(run)?;
    }
    // From here on Ctrl-C is a wish that the server is told of.
    let mut interrupts = Interrupts::listen()?;
    let created = interrupts.before_next(client.tasks().create(&task), "tasks").await??;
    if args.detach {
        let name = created.object.metadata.name();
        if format == OutputFormat::Human {
            cx.ui.println(&format!("task/{} created", escape(name)))?;
        }
        let mut made = Made::default();
        made.add(made::value(&created.object)?, Some(created.created));
        made.print(format, cx)?;
        return Ok(Exit::Done);
    }
    let attached = attach_task::follow(&created.object, format, client, &mut interrupts, cx).await?;
    Ok(match attached {
        attach_task::Ended::Task(status) => {
            let name = created.object.metadata.name();
            // The code says it all to a program; a person may not see the code.
            if status.reason != Some(Reason::ExitCode) || cx.ui.stderr_is_terminal() {
                attach_task::say_failure(name, &status, interrupts.has_come(), cx);
            }
            Exit::Code(exit::of_process(&status))
        }
        attach_task::Ended::Left(exit) => exit,
    })
}
