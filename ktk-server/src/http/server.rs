//! The accept loop, and the end of a server.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use rustix::io::Errno;
use tokio::sync::Semaphore;

use super::site::Site;
use super::{Backend, Config, Listener, connection};
use crate::{limits::ACCEPT_PAUSE, task_group::TaskGroup};

/// Why a server ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot take connections any more")]
    Accept(#[source] io::Error),
}

/// Answers on a socket until `shutdown` is there. Then nobody else is let in and the socket is removed; running
/// requests may end, streams say that the server stops, and what takes longer than the grace is cut off.
///
/// # Errors
/// When the socket itself fails.
pub async fn serve(
    listener: Listener,
    config: Config,
    backend: Arc<dyn Backend>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let site = Arc::new(Site::new(backend, config.timeouts));
    let connections = TaskGroup::new();
    let spawner = connections.spawner();
    let room = Arc::new(Semaphore::new(config.connections));
    let mut shutdown = pin!(shutdown);
    let mut is_starved = false;
    let result = loop {
        let next = async {
            if is_starved {
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            let permit = Arc::clone(&room).acquire_owned().await.expect("the semaphore is never closed");
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = &mut shutdown => break Ok(()),
            next = next => next,
        };
        match accepted {
            Ok(stream) => {
                is_starved = false;
                let site = Arc::clone(&site);
                spawner.passing("connection", async move {
                    connection::serve(site, stream).await;
                    drop(permit);
                });
            }
            Err(error) if is_passing(&error) => {
                if !is_starved {
                    tracing::warn!(%error, "cannot take a connection now");
                }
                is_starved = true;
            }
            Err(error) => break Err(ServeError::Accept(error)),
        }
    };
    drop(listener);
    site.closing.cancel();
    // Connections are no critical tasks: there is no failure to hear of.
    let _ = connections.shutdown(config.timeouts.close).await;
    result
}

/// Whether another connection may be taken later.
fn is_passing(error: &io::Error) -> bool {
    let passing = [
        Errno::CONNABORTED,
        Errno::INTR,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::PERM,
        Errno::PROTO,
    ];
    Errno::from_io_error(error).is_some_and(|errno| passing.contains(&errno))
}
