//! One exchange and one end, whatever the protocol is and whatever stands around the layer.

use std::{convert::Infallible, future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::StatusCode,
    middleware::map_response,
    routing::{get, post},
};
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;
use throughline_middleware::options::ServerOptions;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Mutex, Notify, mpsc},
    task::JoinHandle,
};
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::support::{
    LIMIT, Step, Telemetry, ask, attributes, data, expected, fetch, get_request, read_until, remote, send,
    serve, until,
};

fn counted() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.active_requests = true;
    options
}

/// A router whose one response is sent from outside, frame by frame.
fn streaming(telemetry: &Telemetry, content_type: &'static str) -> (Router, mpsc::UnboundedSender<Step>) {
    let (frames, body) = remote();
    let body = Arc::new(Mutex::new(Some(body)));
    let handler = async move || {
        let body = Body::new(body.lock().await.take().unwrap());
        ([("content-type", content_type)], body)
    };
    (Router::new().route("/stream", get(handler)).layer(telemetry.server().with_options(counted())), frames)
}

/// Waits for the one span, and asserts that its measurement tells this and that nothing is being served any more.
async fn ended(
    telemetry: &Telemetry,
    route: &'static str,
    version: &'static str,
    status: Option<i64>,
    error: Option<&'static str>,
) -> SpanData {
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, if error.is_some() { Status::error("") } else { Status::Unset });
    let method = attributes(&span.attributes)["http.request.method"].clone();
    let begun = expected([("http.request.method", method), ("url.scheme", "http".into())]);
    assert_eq!(telemetry.being_served(), [(begun.clone(), 0)]);
    let mut told = begun;
    told.extend(expected([("http.route", route.into()), ("network.protocol.version", version.into())]));
    told.extend(status.map(|status| (String::from("http.response.status_code"), status.into())));
    told.extend(error.map(|error| (String::from("error.type"), error.into())));
    for (key, value) in &told {
        assert_eq!(attributes(&span.attributes).get(key), Some(value));
    }
    let optional = ["http.response.status_code", "error.type"];
    for key in optional.into_iter().filter(|key| !told.contains_key(*key)) {
        assert!(!attributes(&span.attributes).contains_key(key));
    }
    assert_eq!(telemetry.requests(), [(told, 1)]);
    span
}

#[tokio::test]
async fn every_version_of_http_streams_to_its_end() {
    // H-009, H-037, H-042, H-085
    for version in ["1.0", "1.1", "2"] {
        let telemetry = Telemetry::new();
        let (router, frames) = streaming(&telemetry, "text/plain");
        let address = serve(router).await;
        let answer = match version {
            "2" => {
                let request = Request::get(format!("http://{address}/stream")).version(Version::HTTP_2);
                let answer = fetch(request.body(Empty::new()).unwrap()).await.unwrap();
                tokio::spawn(async move { answer.collect().await.unwrap().to_bytes() })
            }
            _ => {
                let request = get_request("/stream").replace("HTTP/1.1", &format!("HTTP/{version}"));
                tokio::spawn(async move { ask(address, request).await.1.into() })
            }
        };
        for text in ["first", "last"] {
            assert!(telemetry.ended().is_empty());
            frames.send(data(text)).unwrap();
        }
        frames.send(None).unwrap();
        ended(&telemetry, "/stream", version, Some(200), None).await;
        let answer = String::from_utf8(answer.await.unwrap().to_vec()).unwrap();
        let (first, last) = (answer.find("first").unwrap(), answer.find("last").unwrap());
        assert!(first < last);
    }
}

/// Opens a connection of HTTP/2 and asks; the answer is whatever comes of it.
async fn ask_http2(address: SocketAddr, path: &str) -> JoinHandle<hyper::Result<Response<Incoming>>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("http://{address}{path}")).body(Empty::<Bytes>::new()).unwrap();
    tokio::spawn(async move { sender.send_request(request).await })
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset_before_the_answer_cancels_the_exchange() {
    // H-035, H-079, H-07A, H-085
    let telemetry = Telemetry::new();
    let (arrived, note) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let arrived = Arc::clone(&arrived);
        async move || {
            arrived.notify_one();
            note.notified().await;
        }
    };
    let router = Router::new().route("/slow", get(handler));
    let address = serve(router.layer(telemetry.server().with_options(counted()))).await;
    let request = ask_http2(address, "/slow").await;
    arrived.notified().await;
    request.abort();
    ended(&telemetry, "/slow", "2", None, Some("cancelled")).await;
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset_amid_the_body_cancels_the_exchange_and_the_code_stays() {
    // H-079, H-07A, H-085
    let telemetry = Telemetry::new();
    let (router, frames) = streaming(&telemetry, "text/plain");
    let request = ask_http2(serve(router).await, "/stream").await;
    let mut answer = request.await.unwrap().unwrap();
    frames.send(data("first")).unwrap();
    answer.body_mut().frame().await.unwrap().unwrap();
    drop(answer);
    until(LIMIT, || frames.send(data("more")).is_err()).await;
    ended(&telemetry, "/stream", "2", Some(200), Some("cancelled")).await;
}

#[tokio::test]
async fn a_stream_of_events_lasts_until_its_reader_leaves() {
    // H-009, H-079
    let telemetry = Telemetry::new();
    let (router, frames) = streaming(&telemetry, "text/event-stream");
    let mut stream = send(serve(router).await, "GET /stream HTTP/1.1\r\nhost: h\r\n\r\n").await;
    for event in ["data: 1\n\n", "data: 2\n\n"] {
        frames.send(data(event)).unwrap();
        read_until(&mut stream, event).await;
        assert!(telemetry.ended().is_empty());
    }
    drop(stream);
    until(LIMIT, || frames.send(data("data: 3\n\n")).is_err()).await;
    ended(&telemetry, "/stream", "1.1", Some(200), Some("cancelled")).await;
}

#[tokio::test]
async fn a_request_that_waits_for_leave_to_send_its_body_is_one_exchange() {
    // H-085
    let upload = "POST /upload HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    for is_sent in [true, false] {
        let telemetry = Telemetry::new();
        let router = Router::new().route("/upload", post(async |body: Bytes| body));
        let address = serve(router.layer(telemetry.server().with_options(counted()))).await;
        let mut stream = send(address, upload).await;
        read_until(&mut stream, "HTTP/1.1 100 Continue").await;
        if is_sent {
            stream.write_all(b"hello").await.unwrap();
            read_until(&mut stream, "hello").await;
            ended(&telemetry, "/upload", "1.1", Some(200), None).await;
        } else {
            drop(stream);
            // The extractor of the handler answers, although nobody is left to read it.
            ended(&telemetry, "/upload", "1.1", Some(400), None).await;
        }
    }
}

async fn explode() -> StatusCode {
    panic!("on purpose")
}

#[tokio::test]
async fn a_panic_is_one_unless_a_catcher_further_in_answers_for_it() {
    // H-033, H-035, H-077, H-079, H-085
    for is_caught_inside in [true, false] {
        let telemetry = Telemetry::new();
        let layer = telemetry.server().with_options(counted());
        let router = Router::new().route("/", get(explode));
        let router = match is_caught_inside {
            true => router.layer(CatchPanicLayer::new()).layer(layer),
            false => router.layer(layer).layer(CatchPanicLayer::new()),
        };
        let (_, response) = ask(serve(router).await, get_request("/")).await;
        assert!(response.starts_with("HTTP/1.1 500"), "{response}");
        match is_caught_inside {
            true => ended(&telemetry, "/", "1.1", Some(500), Some("500")).await,
            false => ended(&telemetry, "/", "1.1", None, Some("panic")).await,
        };
    }
}

const SOON: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_timeout_further_in_answers_and_one_further_out_cancels() {
    // H-076, H-079, H-085
    let waits = || Router::new().route("/", get(future::pending::<StatusCode>));
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, SOON);

    let telemetry = Telemetry::new();
    let router = waits().layer(timeout).layer(telemetry.server().with_options(counted()));
    ask(serve(router).await, get_request("/")).await;
    ended(&telemetry, "/", "1.1", Some(408), None).await;

    let telemetry = Telemetry::new();
    let router = waits().layer(telemetry.server().with_options(counted())).layer(timeout);
    let (_, response) = ask(serve(router).await, get_request("/")).await;
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    ended(&telemetry, "/", "1.1", None, Some("cancelled")).await;
}

#[tokio::test]
async fn towers_own_timeout_is_an_error_of_that_name() {
    // H-079
    let telemetry = Telemetry::new();
    let service =
        ServiceBuilder::new().layer(telemetry.server()).timeout(SOON).service_fn(async |_: Request<()>| {
            future::pending::<Result<Response<Empty<Bytes>>, Infallible>>().await
        });
    service.oneshot(Request::new(())).await.unwrap_err();
    let waits = tower::service_fn(async |_: Request<()>| {
        let elapsed: BoxError = tower::timeout::error::Elapsed::new().into();
        Err::<Response<Empty<Bytes>>, _>(axum::Error::new(elapsed))
    });
    telemetry.server().layer(waits).oneshot(Request::new(())).await.unwrap_err();
    let spans: [_; 2] = telemetry.spans().await;
    for span in spans {
        let told = attributes(&span.attributes);
        assert_eq!(told["error.type"], "timeout".into());
        assert!(!told.contains_key("http.response.status_code"));
    }
}

#[tokio::test]
async fn a_layer_further_out_may_read_the_body_and_one_further_in_may_replace_it() {
    // H-009
    let telemetry = Telemetry::new();
    let replaced = async |response: Response<Body>| response.map(|_| Body::from("much longer"));
    let read = async |response: Response<Body>| {
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, Body::from(body.collect().await.unwrap().to_bytes()))
    };
    let router = Router::new().route("/", get(async || "short"));
    let router = router
        .layer(map_response(replaced))
        .layer(telemetry.server().with_options(counted()))
        .layer(map_response(read));
    let (_, response) = ask(serve(router).await, get_request("/")).await;
    assert!(response.ends_with("much longer"), "{response}");
    ended(&telemetry, "/", "1.1", Some(200), None).await;
}
