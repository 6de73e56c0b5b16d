//! HTTP for strangers.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use highwater::net::Listening;
use highwater::{CancellationToken, Result};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinSet;

/// Serves HTTP/1 within the limits of the listener until `stop`. Then no connection is accepted, and this resolves when the
/// requests that have begun are answered.
///
/// A connection whose request has no whole head after `head`, counted from its start or from the last answer, is closed.
///
/// # Cancel safety
///
/// Is *not* cancel safe: dropped, it closes all connections.
///
/// # Errors
///
/// The listener is broken. What goes wrong on a connection is for its client to see.
pub async fn serve(
    mut listening: Listening,
    router: Router,
    head: Duration,
    stop: CancellationToken,
) -> Result<()> {
    let service = TowerToHyperService::new(router);
    let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
    server.http1().timer(TokioTimer::new()).header_read_timeout(head);
    let mut connections = JoinSet::new();
    loop {
        let io = tokio::select! {
            socket = listening.accept() => TokioIo::new(socket?),
            Some(_) = connections.join_next() => continue,
            () = stop.cancelled() => break,
        };
        let (server, service, stop) = (server.clone(), service.clone(), stop.clone());
        connections.spawn(async move {
            let mut connection = pin!(server.serve_connection(io, service));
            tokio::select! {
                ended = connection.as_mut() => return drop(ended),
                () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            drop(connection.await);
        });
    }
    drop(listening);
    while connections.join_next().await.is_some() {}
    Ok(())
}
