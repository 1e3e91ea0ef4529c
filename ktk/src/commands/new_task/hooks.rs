//! Flags that say what is called when something happens to a task.

use clap::{Args, ValueHint};
use ktk_client::api::hook::{HookSpec, HooksSpec};

use super::{header, map};
use crate::error::CliError;

/// The flags of hooks.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct HookFlags {
    /// Command for a shell, or URL, that is called when an attempt starts
    #[arg(long, value_name = "COMMAND|URL", value_hint = ValueHint::CommandString)]
    on_start: Option<String>,

    /// The same when an attempt says that it is alive
    #[arg(long, value_name = "COMMAND|URL", value_hint = ValueHint::CommandString)]
    on_keepalive: Option<String>,

    /// The same when an attempt's time is over
    #[arg(long, value_name = "COMMAND|URL", value_hint = ValueHint::CommandString)]
    on_timeout: Option<String>,

    /// The same when the task has ended
    #[arg(long, value_name = "COMMAND|URL", value_hint = ValueHint::CommandString)]
    on_finish: Option<String>,

    /// Header field of the requests to such URLs; repeatable
    #[arg(long = "hook-header", value_name = "NAME: VALUE", value_parser = header)]
    hook_headers: Vec<(String, String)>,
}

impl HookFlags {
    /// The hooks, if there is any.
    pub(super) fn hooks(self) -> Result<Option<HooksSpec>, CliError> {
        let headers = map(self.hook_headers, "--hook-header")?;
        let hook = |text: Option<String>| {
            text.map(|text| match text.starts_with("http://") || text.starts_with("https://") {
                true => HookSpec { url: Some(text), headers: headers.clone(), ..HookSpec::default() },
                false => HookSpec { command: vec!["sh".into(), "-c".into(), text], ..HookSpec::default() },
            })
        };
        let hooks = HooksSpec {
            on_start: hook(self.on_start),
            on_keepalive: hook(self.on_keepalive),
            on_timeout: hook(self.on_timeout),
            on_finish: hook(self.on_finish),
        };
        let all = [&hooks.on_start, &hooks.on_keepalive, &hooks.on_timeout, &hooks.on_finish];
        if !headers.is_empty() && !all.iter().any(|hook| hook.as_ref().is_some_and(|hook| hook.url.is_some()))
        {
            return Err(CliError::usage("--hook-header belongs to a hook that is a URL, and there is none"));
        }
        Ok((hooks != HooksSpec::default()).then_some(hooks))
    }
}
