//! The contract: each method through the SDK, against a real server, on both stores.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::StreamExt as _;
use ktk_client::{
    Client,
    api::{Task, task::TaskSpec},
    client::{
        follow::Target,
        wait::{Condition, WaitParams},
    },
};
use ktk_tests::Place;

mod attempt;
mod auth;
mod discover;
mod event;
mod gate;
mod logs;
mod node;
mod objects;
mod pipeline;
mod queue;
mod raw_http;
mod repeated;
mod restart;
mod resume;
mod semaphore;
mod server;
mod task;
mod task_type;
mod token;
mod watch;
mod worker;

/// Runs a test on a server with each kind of store.
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { crate::on_a_server("sqlite", super::$test); })*
        }
        mod memory {
            $(#[test] fn $test() { crate::on_a_server("memory", super::$test); })*
        }
    };
}
pub(crate) use on_both_stores;

/// A server of this store, a client of it, and a runtime for the test.
pub fn on_a_server<R: Future<Output = ()>>(store: &str, test: impl FnOnce(Client) -> R) {
    let place = Place::new().with_env("KTK_STORE", store);
    place.start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test(place.client()));
}

/// A process as a task.
pub fn process(name: &str, command: &[&str]) -> Task {
    Task::new(name, TaskSpec::command(command.iter().copied()))
}

/// Waits until the task has ended, whatever it came to; answers it.
pub async fn ended(client: &Client, name: &str) -> Task {
    until(client, Target::Task(client.tasks().reference(name))).await;
    client.tasks().get(name).await.unwrap()
}

/// Waits until one object has ended.
pub async fn until(client: &Client, target: Target) {
    let mut waiting = client.wait([target], WaitParams::until(Condition::Finished));
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting.next()).await;
    waited.expect("it ends in time").unwrap().unwrap();
}
