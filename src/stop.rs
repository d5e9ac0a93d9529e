//! The signals that end a service.

/// Completes when the service is asked to stop: for `axum::serve(…).with_graceful_shutdown(stop_signal())`.
///
/// | system | asked by |
/// |---|---|
/// | Unix | SIGTERM (Kubernetes, systemd), SIGINT (ctrl-c) |
/// | Windows | ctrl-c, ctrl-break, the end of the console, the end of the system |
///
/// After it, let the server finish what it has begun, then call [`Telemetry::shutdown`](crate::Telemetry::shutdown):
/// everything recorded until then is still sent. Windows ends the process five seconds after its console has ended,
/// whatever it still does: leave the shutdown less. Must be awaited in a Tokio runtime with IO. If the handler of a
/// signal cannot be installed, that is said once and the future waits for the other signals only.
///
/// ```no_run
/// # async fn serve(app: axum::Router, listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// axum::serve(listener, app).with_graceful_shutdown(throughline::stop_signal()).await
/// # }
/// ```
pub async fn stop_signal() {
    asked().await;
}

/// Completes with the first of these signals: the types of the systems have nothing in common but the names.
macro_rules! first {
    ($($name:literal from $installed:expr),+) => {
        tokio::select! {
            $(() = async {
                match $installed {
                    Ok(mut signal) => drop(signal.recv().await),
                    Err(error) => unheard($name, &error).await,
                }
            } => {})+
        }
    };
}

#[cfg(unix)]
async fn asked() {
    use tokio::signal::unix::{SignalKind, signal};
    first! {
        "SIGTERM" from signal(SignalKind::terminate()),
        "SIGINT" from signal(SignalKind::interrupt())
    }
}

#[cfg(windows)]
async fn asked() {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    first! {
        "ctrl-c" from ctrl_c(),
        "ctrl-break" from ctrl_break(),
        "the end of the console" from ctrl_close(),
        "the end of the system" from ctrl_shutdown()
    }
}

async fn unheard(name: &str, error: &std::io::Error) {
    tracing::warn!(target: "throughline", "{name} will not be heard: {error}");
    std::future::pending().await
}
