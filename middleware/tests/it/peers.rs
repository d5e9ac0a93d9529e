//! Who is at the other end of the socket: by TCP, by a unix socket, or nobody knows.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{Router, body::Body, routing::get};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use throughline_middleware::{
    Peer,
    options::{ClientOptions, ServerOptions, TrustedProxies},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream, unix::SocketAddr},
};
use tower::{Layer, ServiceExt, util::MapRequestLayer};

use crate::support::{Attributes, Telemetry, attributes, expected};

/// The path of a socket that is no more when this is dropped.
struct SocketPath(PathBuf);

impl SocketPath {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("throughline-{}-{number}.socket", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Serves one connection of a unix socket with hyper's server, as one does without axum's.
fn serve_unix(path: &Path, router: Router) {
    let listener = UnixListener::bind(path).unwrap();
    let own = path.to_string_lossy().into_owned();
    tokio::spawn(async move {
        let (stream, peer) = listener.accept().await.unwrap();
        let peer = peer_of(&peer, &own);
        let tell = MapRequestLayer::new(move |mut request: Request<_>| {
            request.extensions_mut().insert(peer.clone());
            request
        });
        let service = TowerToHyperService::new(tell.layer(router));
        auto::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await
            .unwrap();
    });
}

/// Clients seldom bind their end to a path: then the listener's tells where they came in.
fn peer_of(peer: &SocketAddr, own: &str) -> Peer {
    let path = peer.as_pathname().map_or(own.into(), Path::to_string_lossy);
    Peer::Unix(path.into())
}

async fn ask_unix(path: &Path, lines: &str) {
    let mut stream = UnixStream::connect(path).await.unwrap();
    let request = format!("GET /users/1 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("ada"), "{answer}");
}

fn told(client: &str, own: &str) -> Attributes {
    expected([
        ("http.request.method", "GET".into()),
        ("url.scheme", "http".into()),
        ("url.path", "/users/1".into()),
        ("http.route", "/users/{id}".into()),
        ("server.address", "h".into()),
        ("client.address", client.to_owned().into()),
        ("network.peer.address", own.to_owned().into()),
        ("network.protocol.version", "1.1".into()),
        ("http.response.status_code", 200.into()),
    ])
}

#[tokio::test]
async fn a_unix_socket_is_told_by_its_path_and_has_no_port() {
    // H-040, H-041
    let (telemetry, path) = (Telemetry::new(), SocketPath::new());
    let router = Router::new().route("/users/{id}", get(async || "ada"));
    serve_unix(&path.0, router.layer(telemetry.server().on_notice(|text| panic!("{text}"))));
    ask_unix(&path.0, "").await;
    let own = path.0.to_string_lossy();
    let [span] = telemetry.spans().await;
    assert_eq!(attributes(&span.attributes), told(&own, &own));
}

#[tokio::test]
async fn a_proxy_on_a_unix_socket_is_believed_only_where_everybody_is() {
    // H-063, H-065
    let networks = TrustedProxies::networks(["0.0.0.0/0", "::/0"]).unwrap();
    for (proxies, client) in [(networks, None), (TrustedProxies::everybody(), Some("203.0.113.9"))] {
        let (telemetry, path) = (Telemetry::new(), SocketPath::new());
        let mut options = ServerOptions::default();
        options.trusted_proxies = proxies;
        let router = Router::new().route("/users/{id}", get(async || "ada"));
        serve_unix(&path.0, router.layer(telemetry.server().with_options(options)));
        ask_unix(&path.0, "x-forwarded-for: 203.0.113.9\r\n").await;
        let own = path.0.to_string_lossy();
        let [span] = telemetry.spans().await;
        assert_eq!(attributes(&span.attributes), told(client.unwrap_or(&own), &own));
    }
}

#[tokio::test]
async fn without_a_peer_the_client_is_known_only_from_a_proxy_that_everybody_may_be() {
    // H-040, H-041, H-063
    for (proxies, client) in
        [(TrustedProxies::default(), None), (TrustedProxies::everybody(), Some("1.2.3.4"))]
    {
        let telemetry = Telemetry::new();
        let mut options = ServerOptions::default();
        options.trusted_proxies = proxies;
        let router = Router::new().layer(telemetry.server().with_options(options));
        let request = Request::get("/").header("x-forwarded-for", "1.2.3.4").body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().collect().await.unwrap();
        let [span] = telemetry.spans().await;
        let mut told = expected([
            ("http.request.method", "GET".into()),
            ("url.scheme", "http".into()),
            ("url.path", "/".into()),
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 404.into()),
        ]);
        told.extend(client.map(|client| (String::from("client.address"), client.into())));
        assert_eq!(attributes(&span.attributes), told);
    }
}

#[tokio::test]
async fn the_peer_that_a_client_tells_of_can_be_omitted() {
    // H-067
    let telemetry = Telemetry::new();
    let mut options = ClientOptions::default();
    options.omitted = vec!["network.peer.address".into()];
    let answers = tower::service_fn(async |_: Request<String>| {
        let mut response = Response::new(String::new());
        response.extensions_mut().insert(Peer::Socket(([10, 0, 0, 1], 81).into()));
        Ok::<_, std::convert::Infallible>(response)
    });
    let client = telemetry.client().with_options(options).layer(answers);
    client.oneshot(Request::new(String::new())).await.unwrap();
    let [span] = telemetry.spans().await;
    let told = expected([
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200.into()),
        ("network.peer.port", 81.into()),
        ("network.protocol.version", "1.1".into()),
    ]);
    assert_eq!(attributes(&span.attributes), told);
}
