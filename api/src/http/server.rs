//! The loop that accepts connections, and how it ends.

use std::{future::Future, io, time::Duration};

use tokio::net::TcpListener;

use super::{router::router, state::AppState};

/// How long requests that are under way may take once the server is asked to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// How often recorded durations are moved into their buckets.
const UPKEEP_PERIOD: Duration = Duration::from_secs(10);

/// Serves the API on `listener` until `shutdown` completes.
///
/// Then accepts nothing more, lets requests under way finish for up to ten seconds, stores what the recorder still holds, and returns.
/// The database stays open: its owner closes it afterwards.
///
/// # Errors
/// An I/O error of the listening socket.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let metrics = state.metrics.clone();
    let recorder = state.recorder.clone();
    let upkeep = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP_PERIOD);
        loop {
            ticks.tick().await;
            metrics.upkeep();
        }
    });
    let (asked, mut stopping) = tokio::sync::watch::channel(false);
    let until_asked = async move {
        shutdown.await;
        let _ = asked.send(true);
    };
    let serving = axum::serve(listener, router(state)).with_graceful_shutdown(until_asked);
    let overdue = async move {
        // An error here means that serving has ended, which the other branch reports.
        if stopping.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(SHUTDOWN_GRACE).await;
    };
    let result = tokio::select! {
        result = serving => result,
        () = overdue => {
            tracing::warn!("some requests did not finish in time and were given up");
            Ok(())
        }
    };
    upkeep.abort();
    match recorder.shutdown().await {
        Ok(counts) => tracing::debug!(?counts, "the recorder has stopped"),
        Err(error) => tracing::error!(%error, "not everything that was recorded could be stored"),
    }
    result
}

/// Completes when the process is asked to stop: SIGTERM, or Ctrl-C at the terminal.
///
/// # Errors
/// An I/O error when the signal handlers cannot be installed.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        let interrupt = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        #[cfg(unix)]
        let terminated = async {
            terminate.recv().await;
        };
        #[cfg(not(unix))]
        let terminated = std::future::pending::<()>();
        tokio::select! {
            () = interrupt => {}
            () = terminated => {}
        }
        tracing::info!("stopping");
    })
}
