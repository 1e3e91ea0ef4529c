//! Prints each change of the tasks of a namespace, until a number of them has ended.
//!
//! ```sh
//! cargo run -p ktk-client --example watch -- 3
//! ```

use std::collections::BTreeSet;

use anyhow::Context as _;
use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{ListParams, watch::WatchParams},
    client::changes::ObjectEvent,
};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example speaks to its user")]
async fn main() -> anyhow::Result<()> {
    let wanted: usize = std::env::args().nth(1).context("usage: watch NUMBER")?.parse()?;
    let client = Client::try_default().await?;
    let tasks = client.tasks();
    // What is there now, and from there on everything: nothing is missed in between.
    let list = tasks.list_whole(ListParams::default()).await?;
    println!("{} tasks at version {}", list.items.len(), list.version);
    let mut changes = tasks.watch(WatchParams { version: Some(list.version), ..WatchParams::default() });
    let mut ended = BTreeSet::new();
    while ended.len() < wanted {
        match changes.try_next().await?.context("a watch has no end of its own")? {
            ObjectEvent::Changed { object, .. } => {
                let Some(status) = &object.status else { continue };
                println!("{}: {}", object.incarnation_name(), status.phase);
                if status.phase.is_terminal() {
                    ended.insert(object.incarnation_name());
                }
            }
            ObjectEvent::Deleted { object, .. } => println!("{} is gone", object["metadata"]["name"]),
            _ => {}
        }
    }
    Ok(())
}
