//! The accept loop, and the end of a server.

use std::future::Future;
use std::io;
use std::sync::Arc;

use rustix::io::Errno;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::gate::Guest;
use super::net::Origin;
use super::site::Site;
use super::{Backend, Config, Listener, NetListener, connection};
use crate::{limits::ACCEPT_PAUSE, task_group::TaskGroup};

/// Why a server ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot take connections any more")]
    Accept(#[source] io::Error),
}

/// Answers on a socket, and on a port where there is one, until `shutdown` is there. Then nobody else is let in and the
/// socket is removed; running requests may end, streams say that the server stops, and what takes longer than the grace
/// is cut off.
///
/// # Errors
/// When the socket or the port itself fails.
pub async fn serve(
    listener: Listener,
    net: Option<NetListener>,
    config: Config,
    backend: Arc<dyn Backend>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let site = Arc::new(Site::new(backend, &config));
    let connections = TaskGroup::new();
    let spawner = connections.spawner();
    let locals = admit(config.connections, &listener, |stream, permit| {
        let site = Arc::clone(&site);
        spawner.passing("connection", async move {
            let caller = connection::caller_of(&stream);
            connection::serve(site, stream, Guest::Local(caller)).await;
            drop(permit);
        });
    });
    let remotes = async {
        let Some(net) = &net else { return std::future::pending().await };
        admit(config.net_connections, net, |(stream, origin): (TcpStream, Origin), permit| {
            let (site, tls, timeout) = (Arc::clone(&site), net.tls().cloned(), config.timeouts.head);
            spawner.passing("connection", async move {
                let guest = Guest::Remote(origin);
                match tls {
                    None => connection::serve(site, stream, guest).await,
                    // Whoever speaks no TLS, or says nothing, is gone in time.
                    Some(tls) => match tokio::time::timeout(timeout, tls.accept(stream)).await {
                        Ok(Ok(stream)) => connection::serve(site, stream, guest).await,
                        Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
                        Err(_) => {}
                    },
                }
                drop(permit);
            });
        })
        .await
    };
    let result = tokio::select! {
        biased;
        () = shutdown => Ok(()),
        error = locals => Err(error),
        error = remotes => Err(error),
        () = site.feed.run(&*site.backend) => Ok(()),
    };
    drop((listener, net));
    site.closing.cancel();
    // Connections are no critical tasks: there is no failure to hear of.
    let _ = connections.shutdown(config.timeouts.close).await;
    result
}

/// Where connections come in.
trait Door {
    type Visit;

    fn accept(&self) -> impl Future<Output = io::Result<Self::Visit>> + Send;
}

impl Door for Listener {
    type Visit = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        Listener::accept(self).await
    }
}

impl Door for NetListener {
    type Visit = (TcpStream, Origin);

    async fn accept(&self) -> io::Result<(TcpStream, Origin)> {
        NetListener::accept(self).await
    }
}

/// Lets whoever comes in, as long as there is room; gives the error that ends it.
async fn admit<D: Door>(
    room: usize,
    door: &D,
    mut admitted: impl FnMut(D::Visit, OwnedSemaphorePermit),
) -> ServeError {
    let room = Arc::new(Semaphore::new(room));
    let mut is_starved = false;
    loop {
        if is_starved {
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
        let permit = Arc::clone(&room).acquire_owned().await.expect("the semaphore is never closed");
        match door.accept().await {
            Ok(stream) => {
                is_starved = false;
                admitted(stream, permit);
            }
            Err(error) if is_passing(&error) => {
                if !is_starved {
                    tracing::warn!(%error, "cannot take a connection now");
                }
                is_starved = true;
            }
            Err(error) => return ServeError::Accept(error),
        }
    }
}

/// Whether another connection may be taken later.
fn is_passing(error: &io::Error) -> bool {
    let passing = [
        Errno::CONNABORTED,
        Errno::CONNRESET,
        // Gone before it was looked at.
        Errno::INVAL,
        Errno::NOTCONN,
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
