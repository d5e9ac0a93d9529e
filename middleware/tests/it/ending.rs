//! Every exchange ends once: complete, failed, or dropped on the way.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
    task::Context as Task,
    time::Instant,
};

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Empty, Full};
use opentelemetry::trace::Status;
use tokio::sync::Notify;
use tower::{Layer, ServiceExt};

use crate::support::{
    Failure, LIMIT, Remote, Telemetry, ask, attributes, data, get_request, read_until, remote, respond, send,
    serve, until,
};

/// Asserts what an exchange without an answer tells.
async fn assert_failed(telemetry: &Telemetry, status: Option<i64>, error: &'static str) {
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::error(""));
    let told = attributes(&span.attributes);
    assert_eq!(told["error.type"], error.into());
    assert_eq!(told.get("http.response.status_code"), status.map(Into::into).as_ref());
    let [series] = &telemetry.served()[..] else { panic!("one series") };
    assert_eq!(series.count, 1);
    assert_eq!(series.attributes["error.type"], error.into());
    assert_eq!(series.attributes.get("http.response.status_code"), status.map(Into::into).as_ref());
}

#[tokio::test]
async fn a_handler_that_panics_is_a_panic_without_a_code() {
    // H-035, H-079
    #[expect(unreachable_code, reason = "the handler has the type of one that answers")]
    async fn explode() -> &'static str {
        panic!("on purpose");
        ""
    }
    let telemetry = Telemetry::new();
    let router = Router::new().route("/", get(explode)).layer(telemetry.server());
    let (_, response) = ask(serve(router).await, get_request("/")).await;
    assert_eq!(response, "");
    assert_failed(&telemetry, None, "panic").await;
}

#[tokio::test]
async fn a_panic_that_is_caught_further_out_is_still_a_panic() {
    // H-079
    let telemetry = Telemetry::new();
    let explode = tower::service_fn(async |_: Request<()>| -> Result<Response<Full<Bytes>>, Infallible> {
        panic!("on purpose")
    });
    let mut future = Box::pin(telemetry.server().layer(explode).oneshot(Request::new(())));
    let poll = || future.as_mut().poll(&mut Task::from_waker(std::task::Waker::noop()));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err());
    assert_failed(&telemetry, None, "panic").await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_cancels_the_exchange() {
    // H-035, H-079, H-07A
    let telemetry = Telemetry::new();
    let (arrived, waits) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let arrived = Arc::clone(&arrived);
        move || async move {
            arrived.notify_one();
            waits.notified().await;
        }
    };
    let router = Router::new().route("/slow", get(handler)).layer(telemetry.server());
    let stream = send(serve(router).await, "GET /slow HTTP/1.1\r\nhost: h\r\n\r\n").await;
    arrived.notified().await;
    assert!(telemetry.ended().is_empty());
    drop(stream);
    assert_failed(&telemetry, None, "cancelled").await;
}

/// A router with one response whose body is the one given.
fn streaming(telemetry: &Telemetry, headers: [(&'static str, &'static str); 1], body: Remote) -> Router {
    let body = Arc::new(Mutex::new(Some(body)));
    let handler = move || async move { (headers, Body::new(body.lock().unwrap().take().unwrap())) };
    Router::new().route("/", get(handler)).layer(telemetry.server())
}

#[tokio::test]
async fn a_client_that_leaves_amid_the_body_cancels_the_exchange_and_the_code_stays() {
    // H-079
    let telemetry = Telemetry::new();
    let (frames, body) = remote();
    let address = serve(streaming(&telemetry, [("x-any", "1")], body)).await;
    let mut stream = send(address, "GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    frames.send(data("first")).unwrap();
    read_until(&mut stream, "first").await;
    drop(stream);
    until(LIMIT, || frames.send(data("more")).is_err()).await;
    assert_failed(&telemetry, Some(200), "cancelled").await;
}

#[tokio::test]
async fn a_body_that_fails_is_an_error_of_its_type_and_the_code_stays() {
    // H-079
    let telemetry = Telemetry::new();
    let (frames, body) = remote();
    let address = serve(streaming(&telemetry, [("x-any", "1")], body)).await;
    frames.send(data("first")).unwrap();
    frames.send(Some(Err(Failure("on purpose")))).unwrap();
    ask(address, get_request("/")).await;
    assert_failed(&telemetry, Some(200), "axum_core::error::Error").await;
}

#[tokio::test]
async fn a_streamed_body_lasts_until_its_last_frame() {
    // H-009, H-080
    let telemetry = Telemetry::new();
    let (frames, body) = remote();
    let address = serve(streaming(&telemetry, [("x-any", "1")], body)).await;
    let mut stream = send(address, "GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut served = None;
    for text in ["first", "second", "third"] {
        frames.send(data(text)).unwrap();
        read_until(&mut stream, text).await;
        served.get_or_insert_with(Instant::now);
        assert!(telemetry.ended().is_empty());
        assert!(telemetry.served().is_empty());
    }
    let streamed = served.unwrap().elapsed();
    frames.send(None).unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);
    // The exchange began before the first frame came and ended after the last was awaited.
    let duration = span.end_time.duration_since(span.start_time).unwrap();
    assert!(duration >= streamed, "{duration:?} of {streamed:?}");
    assert_eq!(telemetry.served()[0].sum, duration.as_secs_f64());
}

#[tokio::test]
async fn a_body_whose_length_was_announced_is_complete_with_its_last_byte() {
    // H-009, H-07B: the server stops asking at content-length, the body never says that it is over
    let telemetry = Telemetry::new();
    let (frames, body) = remote();
    let address = serve(streaming(&telemetry, [("content-length", "10")], body)).await;
    let mut stream = send(address, "GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    frames.send(data("12345")).unwrap();
    read_until(&mut stream, "12345").await;
    assert!(telemetry.ended().is_empty());
    frames.send(data("67890")).unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);
    assert!(!attributes(&span.attributes).contains_key("error.type"));
}

#[tokio::test]
async fn trailers_are_the_end_of_a_body() {
    // H-009
    let telemetry = Telemetry::new();
    let (frames, body) = remote();
    let body = Mutex::new(Some(body));
    let service = tower::service_fn(|_: Request<()>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(body.lock().unwrap().take().unwrap())))
    });
    let mut response = telemetry.server().layer(service).oneshot(Request::new(())).await.unwrap();
    frames.send(data("all")).unwrap();
    frames.send(Some(Ok(Frame::trailers(HeaderMap::new())))).unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    assert!(telemetry.ended().is_empty());
    assert!(response.body_mut().frame().await.unwrap().unwrap().is_trailers());
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn a_call_lasts_until_its_trailers_although_the_length_of_its_body_is_known() {
    // H-101, H-104
    let telemetry = Telemetry::new();
    let service = telemetry.server().layer(respond(|| {
        let status = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "13".parse().unwrap())]);
        let trailers = std::future::ready(Some(Ok(status)));
        Response::new(Full::new(Bytes::from("message")).with_trailers(trailers))
    }));
    let request =
        Request::post("/pkg.Service/Method").header("content-type", "application/grpc").body(()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(7));
    assert!(response.into_body().collect().await.unwrap().trailers().is_some());
    let [span] = telemetry.spans().await;
    assert_eq!(attributes(&span.attributes)["rpc.response.status_code"], "INTERNAL".into());
}

#[tokio::test]
async fn a_body_nobody_reads_still_ends_its_exchange() {
    // H-009, H-079
    let telemetry = Telemetry::new();
    let service = telemetry.server().layer(respond(|| Response::new(Full::new(Bytes::from("unread")))));
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(6));
    assert!(telemetry.ended().is_empty());
    drop(response);
    assert_failed(&telemetry, Some(200), "cancelled").await;

    let telemetry = Telemetry::new();
    let service = telemetry.server().layer(respond(|| Response::new(Empty::<Bytes>::new())));
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert!(response.body().is_end_stream());
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn a_sized_body_ends_its_exchange_right_after_its_last_frame() {
    // H-009
    let telemetry = Telemetry::new();
    let service = telemetry.server().layer(respond(|| Response::new(Full::new(Bytes::from("read")))));
    let mut response = service.oneshot(Request::new(())).await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn a_tunnel_that_is_refused_lasts_until_the_end_of_what_says_so() {
    // H-009
    let telemetry = Telemetry::new();
    let (frames, body) = remote();
    let body = Mutex::new(Some(body));
    let refuse = tower::service_fn(async |_: Request<()>| {
        let body = body.lock().unwrap().take().unwrap();
        Ok::<_, Infallible>(Response::builder().status(403).body(body).unwrap())
    });
    let request = Request::builder().method(Method::CONNECT).body(()).unwrap();
    let response = telemetry.server().layer(refuse).oneshot(request).await.unwrap();
    assert!(telemetry.ended().is_empty());
    frames.send(data("not here")).unwrap();
    drop(frames);
    response.into_body().collect().await.unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn a_body_that_is_over_before_it_is_read_ends_with_the_head_whatever_it_says_of_its_length() {
    // H-009: nobody polls such a body
    struct Over;
    impl http_body::Body for Over {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut Task<'_>,
        ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            std::task::Poll::Ready(None)
        }
        fn is_end_stream(&self) -> bool {
            true
        }
    }
    let telemetry = Telemetry::new();
    let service = telemetry.server().layer(respond(|| Response::new(Over)));
    drop(service.oneshot(Request::new(())).await.unwrap());
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);
}

#[tokio::test]
async fn a_response_without_content_ends_with_its_head() {
    // H-009
    for (method, code) in [
        (Method::HEAD, 200),
        (Method::CONNECT, 200),
        (Method::GET, 101),
        (Method::GET, 204),
        (Method::GET, 304),
    ] {
        let telemetry = Telemetry::new();
        let service = telemetry.server().layer(respond(|| {
            let (_, endless) = remote();
            Response::builder().status(code).body(endless).unwrap()
        }));
        let request = Request::builder().method(method.clone()).body(()).unwrap();
        let _response = service.oneshot(request).await.unwrap();
        let [span] = telemetry.spans().await;
        assert_eq!((span.name.as_ref(), &span.status), (method.as_str(), &Status::Unset), "{code}");
    }

    let telemetry = Telemetry::new();
    let service = telemetry.server().layer(respond(|| {
        let (_, endless) = remote();
        Response::builder().header("content-length", "0").body(endless).unwrap()
    }));
    let _response = service.oneshot(Request::new(())).await.unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.status, Status::Unset);

    let telemetry = Telemetry::new();
    let router = Router::new().route("/", get(|| async { "not sent" })).layer(telemetry.server());
    ask(serve(router).await, "HEAD / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    let [span] = telemetry.spans().await;
    assert_eq!((span.name.as_ref(), &span.status), ("HEAD /", &Status::Unset));
}

#[tokio::test]
async fn a_service_that_fails_is_an_error_of_its_type() {
    // H-079
    let telemetry = Telemetry::new();
    let fails = tower::service_fn(async |_: Request<()>| {
        Err::<Response<Full<Bytes>>, _>(io::Error::other("out of order"))
    });
    let error = telemetry.server().layer(fails).oneshot(Request::new(())).await.unwrap_err();
    assert_eq!(error.to_string(), "out of order");
    assert_failed(&telemetry, None, "std::io::error::Error").await;
}
