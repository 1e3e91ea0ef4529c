//! A bare name that is no task, but a pipeline: the error says so.

use ktk_client::Client;

use super::selection::Named;
use crate::{
    error::{CliError, Exit},
    kinds::Kind,
};

/// The error as it is, or with the advice to write `pipeline/NAME` where there is only a
/// pipeline of the bare name.
pub(crate) async fn explain(client: &Client, verb: &str, named: &Named, error: CliError) -> CliError {
    if named.kind != Kind::Task || error.exit() != Exit::NotFound {
        return error;
    }
    match client.pipelines().get(&*named.name).await {
        Ok(_) if verb == "adopt" => {
            let name = &named.name;
            error.with_hint(format!("there is a pipeline of this name: name a step of it, {name}.STEP"))
        }
        Ok(_) => {
            error.with_hint(format!("there is a pipeline of this name: ktk {verb} pipeline/{}", named.name))
        }
        Err(_) => error,
    }
}
