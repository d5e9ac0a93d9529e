//! What throws an exchange off its course is one log record with the ids of its span, and no event of the span.

use std::{convert::Infallible, future, sync::Mutex};

use axum::{Router, body::Body, http::StatusCode, routing::get};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use opentelemetry::{
    logs::{AnyValue, Severity},
    trace::{Status, TraceFlags},
};
use opentelemetry_sdk::{
    logs::{InMemoryLogExporter, SdkLogRecord, SdkLoggerProvider},
    trace::Sampler,
};
use throughline_middleware::{ServerLayer, options::ServerOptions};
use tower::{Layer, Service, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;

use crate::support::{
    Failure, Remote, Telemetry, ask, attributes, data, fetch, get_request, nobody, remote, respond, serve,
};

/// Telemetry with a place for log records.
struct Told {
    telemetry: Telemetry,
    exporter: InMemoryLogExporter,
    loggers: SdkLoggerProvider,
}

impl Told {
    fn new() -> Self {
        Self::of(Telemetry::new())
    }

    fn of(telemetry: Telemetry) -> Self {
        let exporter = InMemoryLogExporter::default();
        let loggers = SdkLoggerProvider::builder().with_simple_exporter(exporter.clone()).build();
        Self { telemetry, exporter, loggers }
    }

    fn layer(&self) -> ServerLayer {
        self.telemetry.server().with_exceptions(&self.loggers)
    }

    fn records(&self) -> Vec<SdkLogRecord> {
        let emitted = self.exporter.get_emitted_logs().unwrap();
        assert!(emitted.iter().all(|emitted| emitted.instrumentation.name() == "throughline"));
        emitted.into_iter().map(|emitted| emitted.record).collect()
    }

    /// Attributes of the one record, after checking all else of it.
    async fn exception(&self) -> Vec<(String, String)> {
        let [span] = self.telemetry.spans().await;
        assert_eq!((span.status, span.events.len()), (Status::error(""), 0));
        let [record] = &self.records()[..] else { panic!("one record: {:?}", self.records()) };
        assert_eq!(record.event_name(), Some("http.server.request.exception"));
        assert_eq!(record.severity_number(), Some(Severity::Error));
        assert_eq!(record.severity_text(), Some("ERROR"));
        assert_eq!(record.body(), None);
        let context = record.trace_context().unwrap();
        assert_eq!(context.trace_id, span.span_context.trace_id());
        assert_eq!(context.span_id, span.span_context.span_id());
        assert_eq!(context.trace_flags, Some(TraceFlags::SAMPLED));
        told(record)
    }
}

fn told(record: &SdkLogRecord) -> Vec<(String, String)> {
    let text = |value: &AnyValue| match value {
        AnyValue::String(text) => text.as_str().to_owned(),
        value => panic!("not a text: {value:?}"),
    };
    record.attributes_iter().map(|(key, value)| (key.to_string(), text(value))).collect()
}

fn expected(kind: &str, message: Option<&str>) -> Vec<(String, String)> {
    let kind = (String::from("exception.type"), kind.to_owned());
    let message = message.map(|message| (String::from("exception.message"), message.to_owned()));
    [kind].into_iter().chain(message).collect()
}

async fn explode() -> StatusCode {
    panic!("table {} is on fire", 7)
}

#[tokio::test]
async fn a_panic_is_one_record_however_many_layers_there_are() {
    // H-079, H-090, H-091
    for layers in [1, 2] {
        let all = Told::new();
        let router = Router::new().route("/", get(explode));
        let router = (0..layers).fold(router, |router, _| router.layer(all.layer()));
        ask(serve(router).await, get_request("/")).await;
        assert_eq!(all.exception().await, expected("panic", Some("table 7 is on fire")));
    }
}

/// A router whose one response has this body.
fn streaming(layer: ServerLayer, body: Remote) -> Router {
    let body = std::sync::Arc::new(Mutex::new(Some(body)));
    let handler = async move || Body::new(body.lock().unwrap().take().unwrap());
    Router::new().route("/", get(handler)).layer(layer)
}

#[tokio::test]
async fn a_body_that_fails_is_one_record_with_the_type_and_the_words_of_its_error() {
    // H-079, H-090, H-091
    let all = Told::new();
    let (frames, body) = remote();
    frames.send(data("first")).unwrap();
    frames.send(Some(Err(Failure("the disk is gone")))).unwrap();
    ask(serve(streaming(all.layer(), body)).await, get_request("/")).await;
    assert_eq!(all.exception().await, expected("axum_core::error::Error", Some("the disk is gone")));
}

#[tokio::test]
async fn a_service_that_fails_is_one_record() {
    // H-090, H-091: of an error that cannot be seen through there is only the type
    let boxed = std::any::type_name::<tower::BoxError>();
    let all = Told::new();
    let fails = tower::service_fn(async |_: Request<()>| {
        Err::<Response<Full<Bytes>>, _>(tower::BoxError::from("out of order"))
    });
    all.layer().layer(fails).oneshot(Request::new(())).await.unwrap_err();
    assert_eq!(all.exception().await, expected(boxed, Some("out of order")));

    let all = Told::new();
    let fails = tower::service_fn(async |_: Request<()>| Err::<Response<Full<Bytes>>, _>(Failure("hidden")));
    all.layer().layer(fails).oneshot(Request::new(())).await.unwrap_err();
    assert_eq!(all.exception().await, expected("it::support::Failure", None));
}

#[tokio::test]
async fn the_exception_of_a_call_has_the_name_and_the_severity_of_its_side() {
    // H-091, and the same of the conventions for RPC
    let all = Told::new();
    let client = all.telemetry.client().with_exceptions(&all.loggers);
    let fails = || {
        tower::service_fn(async |_: Request<Empty<Bytes>>| Err::<Response<Full<Bytes>>, _>(Failure("hidden")))
    };
    for content_type in ["application/grpc", "application/json"] {
        let request = || {
            let request = Request::post("http://h/test.Echo/Unary").header("content-type", content_type);
            request.body(Empty::new()).unwrap()
        };
        all.layer().layer(fails()).oneshot(request()).await.unwrap_err();
        client.layer(fails()).oneshot(request()).await.unwrap_err();
    }
    let records = all.records();
    let named =
        records.iter().map(|record| (record.event_name().unwrap(), record.severity_number().unwrap()));
    assert_eq!(
        Vec::from_iter(named),
        [
            ("rpc.server.call.exception", Severity::Error),
            ("rpc.client.call.exception", Severity::Warn),
            ("http.server.request.exception", Severity::Error),
            ("http.client.request.exception", Severity::Warn),
        ]
    );
}

#[tokio::test]
async fn messages_can_be_kept_back() {
    // H-091
    let all = Told::new();
    let mut options = ServerOptions::default();
    options.exception_messages = false;
    let router = Router::new().route("/", get(explode)).layer(all.layer().with_options(options));
    ask(serve(router).await, get_request("/")).await;
    assert_eq!(all.exception().await, expected("panic", None));
}

#[tokio::test]
async fn what_only_stands_for_a_status_or_for_a_caller_who_left_is_no_exception() {
    // H-091
    let all = Told::new();
    for status in [400, 404, 500, 503] {
        let answer = respond(move || Response::builder().status(status).body(Empty::<Bytes>::new()).unwrap());
        all.layer().layer(answer).oneshot(Request::new(())).await.unwrap();
    }
    let unread = respond(|| Response::new(Full::new(Bytes::from("unread"))));
    drop(all.layer().layer(unread).oneshot(Request::new(())).await.unwrap());
    let hangs = tower::service_fn(async |_: Request<()>| {
        future::pending::<Result<Response<Full<Bytes>>, Infallible>>().await
    });
    drop(all.layer().layer(hangs).call(Request::new(())));
    // Caught further in: the catcher answered, and whoever caught it tells it.
    let router = Router::new().route("/", get(explode)).layer(CatchPanicLayer::new()).layer(all.layer());
    ask(serve(router).await, get_request("/")).await;
    assert_eq!(all.telemetry.ended().len(), 7);
    assert_eq!(all.records().len(), 0);
}

#[tokio::test]
async fn an_error_that_the_handler_deals_with_is_none_of_the_servers() {
    // H-07C
    let all = Told::new();
    let address = nobody();
    let client = all.telemetry.client();
    let handler = async move || {
        let request = Request::get(format!("http://{address}/")).body(Empty::<Bytes>::new()).unwrap();
        client.layer(tower::service_fn(fetch)).oneshot(request).await.unwrap_err();
        "from the cache"
    };
    let router = Router::new().route("/", get(handler)).layer(all.layer());
    ask(serve(router).await, get_request("/")).await;
    let [call, server] = all.telemetry.spans().await;
    assert_eq!((call.status, server.status), (Status::error(""), Status::Unset));
    assert!(!attributes(&server.attributes).contains_key("error.type"));
    assert_eq!(all.records().len(), 0);
}

#[tokio::test]
async fn an_exception_of_an_unsampled_request_is_still_told() {
    // H-090
    let all = Told::of(Telemetry::sampled(Sampler::AlwaysOff));
    let router = Router::new().route("/", get(explode)).layer(all.layer());
    ask(serve(router).await, get_request("/")).await;
    let [record] = &all.records()[..] else { panic!("one record") };
    assert_eq!(record.trace_context().unwrap().trace_flags.map(|flags| flags.is_sampled()), Some(false));
    assert_eq!(told(record), expected("panic", Some("table 7 is on fire")));
}

#[tokio::test]
async fn a_message_is_one_attribute_whatever_is_in_it() {
    // H-091: line breaks and escapes stay inside, the end of a long one is cut
    let nasty = "\u{1b}[31mred\r\n2026-11-22 ERROR forged trace_id=0\0";
    let long = "é".repeat(64 * 1024);
    for (message, told) in [(nasty, nasty), (&long, &long[..4096])] {
        let all = Told::new();
        let text = message.to_owned();
        let panics = tower::service_fn(|_: Request<()>| {
            let text = text.clone();
            async move {
                std::panic::panic_any::<String>(text);
                #[expect(unreachable_code, reason = "the service has the type of one that answers")]
                Ok::<Response<Empty<Bytes>>, Infallible>(Response::default())
            }
        });
        let service = all.layer().layer(panics);
        let mut call = Box::pin(service.oneshot(Request::new(())));
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        let poll = std::panic::AssertUnwindSafe(|| call.as_mut().poll(&mut task).is_ready());
        std::panic::catch_unwind(poll).unwrap_err();
        assert_eq!(all.exception().await, expected("panic", Some(told)));
    }
}

#[tokio::test]
async fn without_a_provider_of_loggers_an_exception_is_told_nobody_and_the_span_all_the_same() {
    // H-090
    let all = Told::new();
    let (frames, body) = remote();
    frames.send(Some(Err(Failure("on purpose")))).unwrap();
    let response = streaming(all.telemetry.server(), body)
        .oneshot(Request::get("/").body(Body::empty()).unwrap())
        .await
        .unwrap();
    response.into_body().collect().await.unwrap_err();
    let [span] = all.telemetry.spans().await;
    assert_eq!((span.status, span.events.len()), (Status::error(""), 0));
    assert_eq!(all.records().len(), 0);
}
