//! The executor of `run.command`: prepares files and environment, starts the process through the
//! launcher, keeps its log, stops it in time, reads its outputs.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ktk_client::{
    api::{
        Reason, Secret,
        worker::{Grant, Outcome},
    },
    worker::{BoxFuture, Executor, Stop, StopSignal},
};

use super::{
    environment::{self, Surroundings, Variables},
    launcher::{Ended, Mark, Process, SpawnError, SpawnRequest},
    log_end::{end_log, with_loss},
    mask::Mask,
    outputs,
    place::{Place, Places},
    pump::Pump,
    starter::Starter,
    usage::Roster,
};
use crate::{
    clock::Clock,
    logs::{LogKey, LogStore, LogWriter},
};

/// Runs processes.
#[derive(Clone)]
pub struct ProcessExecutor {
    pub starter: Arc<Starter>,
    pub places: Places,
    pub logs: Arc<dyn LogStore>,
    pub clock: Clock,
    pub surroundings: Arc<Surroundings>,
    pub store_id: String,
    pub roster: Arc<Roster>,
}

impl Executor for ProcessExecutor {
    fn run(&self, grant: Grant, stop: StopSignal) -> BoxFuture<'static, Outcome> {
        let executor = self.clone();
        Box::pin(async move { executor.attempt(grant, stop).await })
    }
}

fn failed(reason: Reason, message: impl Into<String>) -> Outcome {
    Outcome { reason: Some(reason), message: Some(message.into()), ..Outcome::default() }
}

/// How a process came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    ByItself,
    TimedOut,
}

impl ProcessExecutor {
    async fn attempt(self, grant: Grant, stop: StopSignal) -> Outcome {
        let key = LogKey { task: grant.task, attempt: grant.attempt };
        let writer = LogWriter::new(Arc::clone(&self.logs), key, grant.fence);
        let place = match self.places.prepare(&grant) {
            Ok(place) => place,
            Err(error) => {
                let _ = writer.finish().await;
                return failed(Reason::SpawnError, format!("the attempt's files could not be made: {error}"));
            }
        };
        let Variables { all, secrets } = match environment::variables(&grant, &place, &self.surroundings) {
            Ok(variables) => variables,
            Err(why) => {
                let _ = writer.finish().await;
                return failed(Reason::SpawnError, why);
            }
        };
        let process = match self.spawn(&grant, &place, all).await {
            Ok(process) => process,
            Err(error) => {
                let _ = writer.finish().await;
                return spawn_failure(&error);
            }
        };
        let _listed = self.roster.enter(grant.task, grant.attempt, process.pid);
        let pump = Pump::new(writer, self.clock.clone(), &secrets);
        let (ended, why, writer) = follow(process, pump, &grant, stop.clone()).await;
        let outcome = outcome(ended, why, &grant, &place, &secrets);
        with_loss(outcome, end_log(writer, stop).await)
    }

    async fn spawn(
        &self,
        grant: &Grant,
        place: &Place,
        env: Vec<(String, String)>,
    ) -> Result<Process, SpawnError> {
        let run = grant.run.clone().unwrap_or_default();
        let request = SpawnRequest {
            mark: Mark {
                store_id: self.store_id.clone(),
                task_id: grant.task.to_string(),
                attempt: grant.attempt,
            },
            argv: run.command,
            env,
            dir: PathBuf::from(&place.dir),
            stdin: run.stdin.map(String::into_bytes),
        };
        self.starter.spawn(request).await
    }
}

/// A process that could not be started: 127 where there is no such command, 126 where there is
/// one that cannot be run, as shells have it.
fn spawn_failure(error: &SpawnError) -> Outcome {
    let exit_code = match error {
        SpawnError::EmptyCommand | SpawnError::NotFound { .. } | SpawnError::NoSuchFile { .. } => Some(127),
        SpawnError::NotExecutable { .. } | SpawnError::NoInterpreter { .. } => Some(126),
        _ => None,
    };
    let reason = if error.is_transient() { Reason::NodeLost } else { Reason::SpawnError };
    Outcome { exit_code, ..failed(reason, error.to_string()) }
}

/// Keeps the log until the process, and everything it started, has ended.
async fn follow(
    process: Process,
    mut pump: Pump,
    grant: &Grant,
    mut stop: StopSignal,
) -> (Ended, Why, LogWriter) {
    let Process { mut stdout, mut stderr, mut running, .. } = process;
    let mut why = Why::ByItself;
    let timeout = async {
        match grant.timeout {
            Some(timeout) => tokio::time::sleep(timeout.get()).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(timeout);
    let ended = loop {
        tokio::select! {
            biased;
            ended = running.wait() => break ended,
            () = pump.step(&mut stdout, &mut stderr) => pump.drain(&stdout, &stderr).await,
            wish = stop.changed() => match wish {
                Stop::Graceful(grace) => running.stop(grace),
                Stop::Now => running.kill(),
            },
            () = &mut timeout, if why == Why::ByItself => {
                why = Why::TimedOut;
                running.stop(grant.grace_period.get());
            }
        }
    };
    (ended, why, pump.rest(&stdout, &stderr).await)
}

fn outcome(ended: Ended, why: Why, grant: &Grant, place: &Place, secrets: &[Secret]) -> Outcome {
    let mut outcome = match ended {
        Ended::Exited(0) => Outcome { exit_code: Some(0), ..Outcome::default() },
        Ended::Exited(code) => {
            Outcome { exit_code: Some(code), ..failed(Reason::ExitCode, format!("exit code {code}")) }
        }
        Ended::Signaled(signal) => Outcome {
            signal: Some(signal),
            ..failed(Reason::Signal, format!("ended by signal {}", signal_name(signal)))
        },
        Ended::Lost => failed(Reason::NodeLost, "the launcher ended, and the process with it"),
    };
    if why == Why::TimedOut {
        let limit = grant.timeout.map_or(Duration::ZERO, |timeout| timeout.get());
        outcome.reason = Some(Reason::Timeout);
        outcome.message =
            Some(format!("took longer than its timeout of {}", ktk_client::api::Duration::new(limit)));
    }
    if outcome.reason.is_none() {
        match place.output_text().map(|text| text.map(|text| outputs::parse(&Mask::new(secrets).bytes(text))))
        {
            Ok(None) => {}
            Ok(Some(Ok(outputs))) => outcome.outputs = Some(outputs),
            Ok(Some(Err(error))) => {
                outcome.reason = Some(Reason::InvalidOutput);
                outcome.message = Some(error.to_string());
            }
            Err(error) => {
                outcome.reason = Some(Reason::InvalidOutput);
                outcome.message = Some(format!("KTK_OUTPUT cannot be read: {error}"));
            }
        }
    }
    outcome
}

/// The name of a signal, as `SIGKILL`.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        6 => "ABRT",
        7 => "BUS",
        8 => "FPE",
        9 => "KILL",
        10 => "USR1",
        11 => "SEGV",
        12 => "USR2",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        24 => "XCPU",
        25 => "XFSZ",
        31 => "SYS",
        other => return other.to_string(),
    };
    format!("SIG{name}")
}
