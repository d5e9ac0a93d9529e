//! One service of the example: in real life a process of its own, here a thread with its own runtime, its
//! own telemetry and its own `tracing` subscriber.

use axum::Router;
use std::{
    error::Error,
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};
use throughline::{Config, Handle, Telemetry};
use tokio::{runtime, sync::oneshot};
use tracing_subscriber::prelude::*;

/// How long a flush or a shutdown may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) summary: String,
    pub(crate) telemetry: Handle,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<Result<(), BoxError>>,
}

impl Service {
    /// Starts a service; it listens when this returns.
    pub(crate) fn start(
        name: &str,
        config: &Config,
        address: SocketAddr,
        routes: impl FnOnce(&Telemetry) -> Router + Send + 'static,
    ) -> Result<Self, BoxError> {
        let mut config = config.clone();
        config.service_name = Some(name.into());
        let telemetry = Telemetry::build(config)?;
        let (summary, handle) = (telemetry.summary().to_owned(), telemetry.handle());
        let listener = TcpListener::bind(address).map_err(|error| {
            format!("{address}: {error}; name another address: cargo run --example chain 127.0.0.1:8090")
        })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();

        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            let subscriber = tracing_subscriber::registry().with(telemetry.layers());
            let _subscriber = tracing::subscriber::set_default(subscriber);
            runtime::Builder::new_current_thread().enable_all().build()?.block_on(async move {
                let app = routes(&telemetry).into_make_service_with_connect_info::<SocketAddr>();
                let server = axum::serve(tokio::net::TcpListener::from_std(listener)?, app);
                server.with_graceful_shutdown(async { drop(stopped.await) }).await?;
                telemetry.shutdown(LIMIT).await?;
                Ok(())
            })
        })?;
        Ok(Service { address, summary, telemetry: handle, stop, thread })
    }

    /// Finishes what has begun, delivers what was recorded.
    pub(crate) fn stop(self) -> Result<(), BoxError> {
        // If the service ended already, its thread tells why.
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_else(|_| Err("the service panicked".into()))
    }
}
