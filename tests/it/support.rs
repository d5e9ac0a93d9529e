//! What the tests share.

pub(crate) mod child; // a program of its own
pub(crate) mod here; // a service on the test's one thread
pub(crate) mod receiver; // what a receiver took, as the official messages
pub(crate) mod gateway; // TLS before it
pub(crate) mod relay; // connections that end when the test says so
pub(crate) mod sending; // a sender without the SDK
pub(crate) mod arbitrary; // requests with everything in them
pub(crate) mod prometheus; // a real one

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{
    net::{SocketAddr, TcpListener},
    ops::RangeInclusive,
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

/// How long a test waits for what must come. Generous: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds; fails when patience is over.
pub(crate) async fn until<T, F>(what: &str, condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    until_or(|| what.to_owned(), condition).await
}

/// As [`until`]; what is missing is said as it is in the end.
pub(crate) async fn until_or<T, F>(what: impl Fn() -> String, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let limit = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < limit, "waited {PATIENCE:?} in vain: {}", what());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Serves a router on a free port, with connect info, until the test's runtime ends.
pub(crate) async fn serve(app: axum::Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> HttpClient {
    Client::builder(TokioExecutor::new()).build_http()
}

pub(crate) fn request(method: &str, url: String, headers: &[(&str, &str)]) -> http::Request<Full<Bytes>> {
    let request = http::Request::builder().method(method).uri(url);
    let add = |request: http::request::Builder, (name, value): &(&str, &str)| request.header(*name, *value);
    headers.iter().fold(request, add).body(Full::default()).unwrap()
}

/// Sends a request; `None` if it is not answered.
pub(crate) async fn ask(request: http::Request<Full<Bytes>>) -> Option<http::Response<Body>> {
    client().request(request).await.ok().map(|response| response.map(Body::new))
}

/// A port for peers that cannot choose one themselves, or at which nobody is to listen. No system gives it away by itself,
/// so nothing else takes it in between.
pub(crate) fn free_port() -> u16 {
    const PORTS: RangeInclusive<u16> = 10_000..=19_999;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Where a second run of the tests begins elsewhere, they do not meet.
    let first = std::process::id() as u16;
    let mut tried = PORTS.map(|_| {
        let number = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        PORTS.start() + number % PORTS.len() as u16
    });
    tried.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// GETs a URL; headers, then status and body.
pub(crate) async fn get(
    url: &str,
    headers: &[(&str, &str)],
) -> Result<(u16, String), Box<dyn std::error::Error>> {
    let mut request = http::Request::get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client().request(request.body(Full::<Bytes>::default())?).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// The path of a real peer, from a variable of its own. `None`: the test says that it did not run, which the
/// test command counts.
#[allow(clippy::disallowed_methods, reason = "tests are told where the peers are")]
pub(crate) fn peer(test: &str, variable: &str, remedy: &str) -> Option<String> {
    let path = std::env::var(variable).ok().filter(|path| !path.is_empty());
    if path.is_none() {
        // Written past the capture of the test harness: a test that did not run must be seen.
        use std::io::Write;
        let _ = writeln!(std::io::stderr().lock(), "DID NOT RUN: {test}: set {variable} ({remedy})");
    }
    path
}
