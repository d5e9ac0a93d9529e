//! Who asked, by which scheme and for which host, is what the caller's request says, or what a trusted proxy says.

use std::net::SocketAddr;

use axum::{Router, routing::get};
use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use throughline_middleware::options::{ProxyHeaders, Scheme, ServerOptions, TrustedProxies};
use tokio::net::TcpStream;

use crate::support::{Telemetry, ask, attributes, expected, get_request, serve};

fn trusting(proxies: TrustedProxies) -> ServerOptions {
    let mut options = ServerOptions::default();
    options.trusted_proxies = proxies;
    options
}

fn loopback() -> TrustedProxies {
    TrustedProxies::networks(["127.0.0.0/8", "10.0.0.0/8"]).unwrap()
}

async fn service(options: ServerOptions) -> (Telemetry, SocketAddr) {
    let telemetry = Telemetry::new();
    let router = Router::new().route("/", get(async || "page"));
    let address = serve(router.layer(telemetry.server().with_options(options))).await;
    (telemetry, address)
}

/// Scheme, client, host and port that are told of a request with these header lines.
async fn told(options: ServerOptions, lines: &str) -> [String; 4] {
    let (telemetry, address) = service(options).await;
    ask(address, get_request("/").replace("host: h", &format!("{lines}host: own:81"))).await;
    of_span(&telemetry).await
}

async fn of_span(telemetry: &Telemetry) -> [String; 4] {
    let [span] = telemetry.spans().await;
    let told = attributes(&span.attributes);
    let [(measured, 1)] = &telemetry.requests()[..] else { panic!("one request") };
    assert_eq!(measured["url.scheme"], told["url.scheme"]);
    ["url.scheme", "client.address", "server.address", "server.port"]
        .map(|key| told.get(key).map(ToString::to_string).unwrap_or_default())
}

fn own() -> [String; 4] {
    ["http", "127.0.0.1", "own", "81"].map(String::from)
}

#[tokio::test]
async fn a_trusted_proxy_tells_client_scheme_and_host_and_the_peer_stays_itself() {
    // H-032, H-040, H-041, H-060, H-063, H-065
    let (telemetry, address) = service(trusting(loopback())).await;
    let lines = "x-forwarded-for: 6.6.6.6, 203.0.113.9, 10.0.0.7\r\nx-forwarded-proto: https\r\n\
                 x-forwarded-host: shop.example.com:8443\r\nhost";
    let (peer, _) = ask(address, get_request("/").replace("host", lines)).await;
    let [span] = telemetry.spans().await;
    assert_eq!(
        attributes(&span.attributes),
        expected([
            ("http.request.method", "GET".into()),
            ("url.scheme", "https".into()),
            ("url.path", "/".into()),
            ("http.route", "/".into()),
            ("server.address", "shop.example.com".into()),
            ("server.port", 8443.into()),
            ("client.address", "203.0.113.9".into()),
            ("network.peer.address", "127.0.0.1".into()),
            ("network.peer.port", i64::from(peer.port()).into()),
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 200.into()),
        ])
    );
    assert_eq!(
        telemetry.requests(),
        [(
            expected([
                ("http.request.method", "GET".into()),
                ("url.scheme", "https".into()),
                ("http.route", "/".into()),
                ("network.protocol.version", "1.1".into()),
                ("http.response.status_code", 200.into()),
            ]),
            1
        )]
    );
}

#[tokio::test]
async fn who_is_not_trusted_is_not_believed() {
    // H-065
    let lines = "x-forwarded-for: 1.2.3.4\r\nx-forwarded-proto: https\r\nx-forwarded-host: evil\r\n\
                 forwarded: for=1.2.3.4;proto=https;host=evil\r\n";
    let elsewhere = TrustedProxies::networks(["10.0.0.0/8", "::1"]).unwrap();
    for options in [
        ServerOptions::default(),
        trusting(elsewhere.clone()),
        trusting(elsewhere.with_headers(ProxyHeaders::Forwarded)),
    ] {
        assert_eq!(told(options, lines).await, own());
    }
}

#[tokio::test]
async fn forwarded_is_read_from_a_trusted_proxy_and_junk_leaves_what_is_known() {
    // H-032, H-060, H-061, H-063, H-064
    for (line, expected) in [
        ("for=192.0.2.60;proto=https;by=203.0.113.43", ["https", "192.0.2.60", "own", "81"]),
        ("for=\"[2001:db8:cafe::17]:4711\"", ["http", "2001:db8:cafe::17", "own", "81"]),
        ("for=192.0.2.60;host=\"[2001:db8::1]:8443\"", ["http", "192.0.2.60", "2001:db8::1", "8443"]),
        ("for=192.0.2.60;host=shop", ["http", "192.0.2.60", "shop", ""]),
        ("for=unknown;proto=https", ["https", "127.0.0.1", "own", "81"]),
        ("for=_hidden", ["http", "127.0.0.1", "own", "81"]),
        ("for=192.0.2.1, for=10.0.0.2", ["http", "192.0.2.1", "own", "81"]),
        ("for=192.0.2.1;proto=gopher", ["http", "192.0.2.1", "own", "81"]),
        ("for=192.0.2.1;host=\"not a host\"", ["http", "192.0.2.1", "own", "81"]),
        ("for=\"192.0.2.1;;=,=\\", ["http", "127.0.0.1", "own", "81"]),
        ("\u{e9}=for", ["http", "127.0.0.1", "own", "81"]),
        (";,;,", ["http", "127.0.0.1", "own", "81"]),
    ] {
        let options = trusting(loopback().with_headers(ProxyHeaders::Forwarded));
        assert_eq!(told(options, &format!("forwarded: {line}\r\n")).await, expected, "{line}");
    }
}

#[tokio::test]
async fn everybody_is_trusted_only_where_that_is_said() {
    // H-063, H-065: the left-most, whoever is to the right of it
    let lines = "x-forwarded-for: 203.0.113.9, 198.51.100.7\r\nx-forwarded-proto: https, http\r\n";
    let expected = ["https", "203.0.113.9", "own", "81"];
    assert_eq!(told(trusting(TrustedProxies::everybody()), lines).await, expected);
}

#[tokio::test]
async fn the_scheme_of_ones_own_listener_holds_where_the_request_does_not_tell() {
    // H-032, H-062
    for (scheme, target, host, expected) in [
        (Scheme::Http, "/", "h", ["http", "h", ""]),
        (Scheme::Https, "/", "h:443", ["https", "h", "443"]),
        (Scheme::Https, "http://a:80/", "h", ["http", "a", "80"]),
        (Scheme::Http, "https://a/", "h:1", ["https", "a", ""]),
        (Scheme::Https, "gopher://a:70/", "h", ["https", "a", "70"]),
        (Scheme::Http, "javascript://user:secret@a/", "h", ["http", "a", ""]),
    ] {
        let mut options = ServerOptions::default();
        options.scheme = scheme;
        let (telemetry, address) = service(options).await;
        ask(address, get_request(target).replace("host: h", &format!("host: {host}"))).await;
        let [scheme, _, address, port] = of_span(&telemetry).await;
        assert_eq!([scheme, address, port], expected, "{target}");
    }
}

#[tokio::test]
async fn what_http2_calls_scheme_and_authority_is_believed_as_far_as_it_is_one() {
    // H-032, H-060, H-061
    for (scheme, authority, host, expected) in [
        ("https", "shop.example.com:8443", "evil", ["https", "shop.example.com", "8443"]),
        ("http", "[2001:db8::1]", "evil", ["http", "2001:db8::1", ""]),
        ("gopher", "a", "evil", ["http", "a", ""]),
        ("javascript", "user:secret@a:1", "evil", ["http", "a", "1"]),
        ("x-very-long-scheme-that-nobody-knows", "a:65536", "evil", ["http", "", ""]),
    ] {
        let (telemetry, address) = service(ServerOptions::default()).await;
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(format!("{scheme}://{authority}/")).version(Version::HTTP_2);
        let request = request.header("host", host).body(Empty::<Bytes>::new()).unwrap();
        sender.send_request(request).await.unwrap().collect().await.unwrap();
        let [scheme, _, address, port] = of_span(&telemetry).await;
        assert_eq!([scheme, address, port], expected, "{authority}");
    }
}
