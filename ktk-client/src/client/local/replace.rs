//! A newer program meets an older server: an idle one that was started by itself gives way.

use super::{Notice, Policy, data_dir, is_absent, launch};
use crate::{
    api::{
        Method as _,
        age::is_older,
        rpc::{Request, Response},
        server::{Stop, StopParams},
    },
    client::{
        Error, Result,
        http::{Greeting, Http},
    },
};

/// Looks at who answers, and replaces it where it is older and may be replaced.
pub(super) async fn replace_older(http: &Http, policy: &Policy) -> Result<()> {
    if let Some(data_dir) = &policy.data_dir {
        data_dir::check_socket(&policy.socket, data_dir)?;
    }
    let Some(own) = &policy.own_build else { return Ok(()) };
    let own = (own.0.as_str(), own.1.as_str());
    let greeting = http.greet().await?;
    if !is_older(greeting.build(), own) {
        return Ok(());
    }
    match policy.startable().filter(|_| greeting.is_auto_started) {
        Some(data_dir) if data_dir::prepare_data_dir(data_dir).is_ok() => {
            let _starting = launch::lock_start(data_dir).await?;
            // Another command may have been faster.
            match http.greet().await {
                Ok(greeting) if !is_older(greeting.build(), own) => return Ok(()),
                Ok(_) if !stop_if_idle(http).await? => {
                    notice_older(policy, &greeting, own);
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
            // One line says all of it.
            let serves = |greeting: &Greeting| !is_older(greeting.build(), own);
            launch::start_locked(http, policy, data_dir, &|_| {}, serves).await?;
            policy.notice(Notice::ServerReplaced { version: name_of(&greeting, own) });
        }
        _ => notice_older(policy, &greeting, own),
    }
    Ok(())
}

fn notice_older(policy: &Policy, greeting: &Greeting, own: (&str, &str)) {
    let (version, build) = own;
    let own_version =
        if greeting.version == version { format!("{version}, build {build}") } else { version.to_owned() };
    policy.notice(Notice::ServerOlder { version: name_of(greeting, own), own_version });
}

/// The server's version, with its build where only that tells it from this program.
fn name_of(server: &Greeting, own: (&str, &str)) -> String {
    if server.version == own.0 {
        format!("{}, build {}", server.version, server.build)
    } else {
        server.version.clone()
    }
}

/// Asks the server to stop if nothing runs; says whether it is going to.
async fn stop_if_idle(http: &Http) -> Result<bool> {
    let params = StopParams { if_idle: true, ..StopParams::default() };
    let request = Request { jsonrpc: "2.0", id: 1, method: Stop::NAME, params: &params };
    let body = serde_json::to_vec(&request).expect("parameters of numbers and words");
    let answer = http.post(body.into(), None).await?;
    let response: Response = serde_json::from_slice(&answer.body)
        .map_err(|error| Error::Protocol(format!("no JSON-RPC answer: {error}")))?;
    Ok(response.error.is_none() || answer.is_stopping)
}
