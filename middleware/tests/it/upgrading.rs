//! An upgrade ends its exchange with the head of the answer: what goes over the connection then is no body.

use axum::{
    Router,
    body::Body,
    extract::Request,
    routing::{any, get},
};
use bytes::Bytes;
use http::{Response, StatusCode, Version, header};
use http_body_util::Empty;
use hyper::{
    client::conn::http2,
    ext::Protocol,
    upgrade::{self, OnUpgrade},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::trace::Status;
use throughline_middleware::options::ServerOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Telemetry, attributes, expected, read_until, send, serve};

/// Sends back what comes, until the other side has said all.
async fn echo(upgrade: OnUpgrade) {
    let (mut reader, mut writer) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
    tokio::io::copy(&mut reader, &mut writer).await.unwrap();
    writer.shutdown().await.unwrap();
}

fn counted(telemetry: &Telemetry, router: Router) -> Router {
    let mut options = ServerOptions::default();
    options.active_requests = true;
    router.layer(telemetry.server().with_options(options))
}

#[tokio::test]
async fn a_websocket_is_an_exchange_until_its_handshake_is_answered() {
    // H-009, H-075, H-07B, H-085
    async fn accept(mut request: Request) -> Response<Body> {
        let key = request.headers()["sec-websocket-key"].clone();
        assert_eq!(key, "dGhlIHNhbXBsZSBub25jZQ==");
        tokio::spawn(echo(upgrade::on(&mut request)));
        Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            .body(Body::empty())
            .unwrap()
    }
    let telemetry = Telemetry::new();
    let address = serve(counted(&telemetry, Router::new().route("/socket", get(accept)))).await;
    let mut stream = send(
        address,
        "GET /socket HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .await;
    read_until(&mut stream, "\r\n\r\n").await;
    let [span] = telemetry.spans().await;
    assert_eq!((span.name.as_ref(), &span.status), ("GET /socket", &Status::Unset));
    assert_eq!(
        telemetry.requests(),
        [(
            expected([
                ("http.request.method", "GET".into()),
                ("url.scheme", "http".into()),
                ("http.route", "/socket".into()),
                ("http.response.status_code", 101.into()),
                ("network.protocol.version", "1.1".into()),
            ]),
            1
        )]
    );
    assert_eq!(telemetry.being_served()[0].1, 0);

    // A masked text frame, as a client must send it.
    stream.write_all(b"\x81\x82\x00\x00\x00\x00hi").await.unwrap();
    let mut frame = [0; 8];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(&frame, b"\x81\x82\x00\x00\x00\x00hi");
    drop(stream);
    assert_eq!(telemetry.ended().len(), 1);
}

#[tokio::test]
async fn a_websocket_over_http2_is_an_exchange_until_it_is_accepted() {
    // H-009, H-042, H-085 (RFC 8441)
    async fn accept(mut request: Request) {
        let protocol = request.extensions().get::<Protocol>().unwrap();
        assert_eq!(protocol.as_str(), "websocket");
        tokio::spawn(echo(upgrade::on(&mut request)));
    }
    let telemetry = Telemetry::new();
    let address = serve(counted(&telemetry, Router::new().route("/socket", any(accept)))).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::connect(format!("http://{address}/socket"))
        .version(Version::HTTP_2)
        .extension(Protocol::from_static("websocket"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let mut response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let [span] = telemetry.spans().await;
    assert_eq!((span.name.as_ref(), &span.status), ("CONNECT /socket", &Status::Unset));
    let told = attributes(&span.attributes);
    assert_eq!((&told["url.path"], &told["network.protocol.version"]), (&"/socket".into(), &"2".into()));
    assert!(!told.contains_key("error.type"));
    assert_eq!(telemetry.being_served()[0].1, 0);

    let mut tunnel = TokioIo::new(upgrade::on(&mut response).await.unwrap());
    tunnel.write_all(b"hi").await.unwrap();
    let mut echoed = [0; 2];
    tunnel.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"hi");
    drop(tunnel);
    assert_eq!(telemetry.ended().len(), 1);
}
