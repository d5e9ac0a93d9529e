//! A small server with one page.

use super::{ScrapeService, words};
use crate::{Error, config::env};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, io, net, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tower_service::Service;

const MOST_CONNECTIONS: usize = 32;
/// From the first byte of a connection to its last: it has one request.
const LIFETIME: Duration = Duration::from_secs(30);
/// The longest wait for the head of that request.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// The pause after the system could not give a connection, for example for want of file descriptors.
const RECOVERY: Duration = Duration::from_millis(100);

/// Takes the port. Must be called in a runtime.
pub(crate) fn listen(address: &str, variable: Option<&str>) -> Result<TcpListener, Error> {
    let listener = bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    });
    listener.map_err(|error| Error::listening(&fault(address, variable, &error), error))
}

/// Why the port cannot be taken; `None` if it can.
pub(crate) fn taken(address: &str, variable: Option<&str>) -> Option<String> {
    bind(address).err().map(|error| fault(address, variable, &error))
}

/// The name is that of the loopback address that all scrapers mean by it; it may have another first.
fn bind(address: &str) -> io::Result<net::TcpListener> {
    match address.strip_prefix("localhost:") {
        Some(port) => net::TcpListener::bind(format!("127.0.0.1:{port}")),
        None => net::TcpListener::bind(address),
    }
}

fn fault(address: &str, variable: Option<&str>, error: &io::Error) -> String {
    let (host, port, without) = match variable {
        Some(file) if file == env::CONFIG_FILE.name => (file, file, "leave the reader pull out"),
        Some(_) => (
            "OTEL_EXPORTER_PROMETHEUS_HOST",
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "leave prometheus out of OTEL_METRICS_EXPORTER",
        ),
        None => ("Config::scrape", "Config::scrape", "mount the page in a router, with Scrape::mounted"),
    };
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{port}: {address} is in use by another program; use another port, or {without}")
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "{port}: {address} needs rights that this program has not ({error}); use a port above 1023"
            )
        }
        _ => format!(
            "{host}: {address:?} cannot be listened on ({error}); use an address of this machine, 0.0.0.0 for all"
        ),
    }
}

/// Serves until the runtime ends.
pub(super) async fn run(listener: TcpListener, service: ScrapeService) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        // The system lets those wait for whom there is no place.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = service.clone();
                tokio::spawn(async move {
                    // A connection that breaks or takes too long is the other side's affair.
                    let _ = timeout(LIFETIME, serve(stream, service)).await;
                    drop(place);
                });
            }
            Err(_) => sleep(RECOVERY).await,
        }
    }
}

async fn serve(stream: TcpStream, service: ScrapeService) {
    // The page is one answer: waiting for more to send only delays it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(service.clone(), request));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).keep_alive(false);
    // The same.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    mut service: ScrapeService,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    match request.uri().path() {
        "/metrics" => service.call(request).await,
        _ => Ok(words(StatusCode::NOT_FOUND, "there is one page here: /metrics")),
    }
}
