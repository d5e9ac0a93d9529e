//! The signals that end a service.

/// Completes at SIGTERM (Kubernetes) or ctrl-c: for `axum::serve(…).with_graceful_shutdown(stop_signal())`.
///
/// After it, let the server finish what it has begun, then call [`Telemetry::shutdown`](crate::Telemetry::shutdown):
/// everything recorded until then is still sent. Must be awaited in a Tokio runtime with IO. If the signal
/// handler cannot be installed, that is said once and the future waits for the other signal only.
///
/// ```no_run
/// # async fn serve(app: axum::Router, listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// axum::serve(listener, app).with_graceful_shutdown(throughline::stop_signal()).await
/// # }
/// ```
pub async fn stop_signal() {
    tokio::select! {
        () = interrupt() => {}
        () = terminate() => {}
    }
}

async fn interrupt() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        unheard("ctrl-c", &error).await;
    }
}

#[cfg(unix)]
async fn terminate() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(error) => unheard("SIGTERM", &error).await,
    }
}

#[cfg(windows)]
async fn terminate() {
    match tokio::signal::windows::ctrl_close() {
        Ok(mut signal) => drop(signal.recv().await),
        Err(error) => unheard("the close event", &error).await,
    }
}

async fn unheard(name: &str, error: &std::io::Error) {
    tracing::warn!(target: "throughline", "{name} will not be heard: {error}");
    std::future::pending().await
}
