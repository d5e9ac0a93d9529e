//! Measurements have a closed set of attributes, are taken while the span is active, and count every exchange
//! out again.

use std::{
    future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context as Task, Poll, Waker},
};

use axum::{Router, routing::post};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    metrics::{
        Histogram, HistogramBuilder, InstrumentBuilder, InstrumentProvider, Meter, MeterProvider,
        SyncInstrument, UpDownCounter,
    },
    trace::{SpanId, TraceContextExt},
};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, Instrument, PeriodicReader, SdkMeterProvider, Stream,
};
use throughline_middleware::{Route, ServerLayer, options::ServerOptions, propagation::Composite};
use tower::{Layer, Service, ServiceExt};

use crate::support::{Attributes, Failure, Telemetry, ask, attributes, expected, respond, serve};

const REQUEST_SIZE: (&str, &str) = ("http.server.request.body.size", "Size of HTTP server request bodies.");
const RESPONSE_SIZE: (&str, &str) =
    ("http.server.response.body.size", "Size of HTTP server response bodies.");

fn everything() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.active_requests = true;
    options.body_sizes = true;
    options
}

/// The ways out of an exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Complete,
    Head,
    Upgrade,
    Fail,
    PanicInCall,
    PanicInFuture,
    NeverPolled,
    FutureDropped,
    BodyUnread,
    BodyHalfRead,
    BodyFails,
    BodyPanics,
}

impl Way {
    const ALL: [Self; 12] = [
        Self::Complete,
        Self::Head,
        Self::Upgrade,
        Self::Fail,
        Self::PanicInCall,
        Self::PanicInFuture,
        Self::NeverPolled,
        Self::FutureDropped,
        Self::BodyUnread,
        Self::BodyHalfRead,
        Self::BodyFails,
        Self::BodyPanics,
    ];

    fn method(self) -> &'static str {
        if self == Self::Head { "HEAD" } else { "GET" }
    }

    /// Status code and `error.type`.
    fn told(self) -> (Option<i64>, Option<&'static str>) {
        match self {
            Self::Complete | Self::Head => (Some(200), None),
            Self::Upgrade => (Some(101), None),
            Self::Fail => (None, Some("it::support::Failure")),
            Self::PanicInCall | Self::PanicInFuture => (None, Some("panic")),
            Self::NeverPolled | Self::FutureDropped => (None, Some("cancelled")),
            Self::BodyUnread | Self::BodyHalfRead => (Some(200), Some("cancelled")),
            Self::BodyFails => (Some(200), Some("it::support::Failure")),
            Self::BodyPanics => (Some(200), Some("panic")),
        }
    }

    /// Goes this way through a layer, and counts meanwhile.
    async fn go(self, layer: ServerLayer, meanwhile: impl Fn() + Clone + Send + Sync + 'static) {
        let mut service = layer.layer(tower::service_fn(move |_: Request<()>| {
            meanwhile();
            assert_ne!(self, Self::PanicInCall, "on purpose");
            async move {
                assert_ne!(self, Self::PanicInFuture, "on purpose");
                match self {
                    Self::Fail => Err(Failure("on purpose")),
                    Self::FutureDropped => future::pending().await,
                    _ => Ok(Response::builder().status(self.status()).body(Steps(self, 0)).unwrap()),
                }
            }
        }));
        // A task of its own, whose panic is not the test's.
        let task = tokio::spawn(async move {
            let method = Method::from_bytes(self.method().as_bytes()).unwrap();
            let mut response = Box::pin(service.call(Request::builder().method(method).body(()).unwrap()));
            match self {
                Self::NeverPolled => return,
                Self::FutureDropped => {
                    assert!(response.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
                    return;
                }
                _ => {}
            }
            let Ok(mut response) = response.await else { return };
            match self {
                Self::Complete | Self::BodyFails | Self::BodyPanics => {
                    let _ = response.body_mut().collect().await;
                }
                Self::BodyHalfRead => drop(response.body_mut().frame().await),
                // On a thread where nothing of the request is active.
                Self::BodyUnread => std::thread::spawn(move || drop(response)).join().unwrap(),
                _ => {}
            }
        });
        let is_panic = matches!(self, Self::PanicInCall | Self::PanicInFuture | Self::BodyPanics);
        assert_eq!(task.await.is_err(), is_panic);
    }

    fn status(self) -> u16 {
        if self == Self::Upgrade { 101 } else { 200 }
    }
}

/// A body of one frame that then ends its way.
struct Steps(Way, usize);

impl Body for Steps {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.1 += 1;
        Poll::Ready(match (self.1, self.0) {
            (1, _) => Some(Ok(Frame::data(Bytes::from("frame")))),
            (_, Way::BodyFails) => Some(Err(Failure("on purpose"))),
            (_, Way::BodyPanics) => panic!("on purpose"),
            _ => None,
        })
    }
}

#[tokio::test]
async fn whatever_way_an_exchange_goes_it_is_counted_in_and_out_and_measured_once() {
    // H-035, H-079, H-07A, H-07B, H-082, H-085
    for way in Way::ALL {
        let telemetry = Arc::new(Telemetry::new());
        let requests = |active: i64| {
            let attributes =
                expected([("http.request.method", way.method().into()), ("url.scheme", "http".into())]);
            [(attributes, active)]
        };
        let (seen, witness) = (Arc::<Mutex<Vec<_>>>::default(), Arc::clone(&telemetry));
        let note = Arc::clone(&seen);
        let meanwhile = move || note.lock().unwrap().push(witness.being_served());
        way.go(telemetry.server().with_options(everything()), meanwhile).await;
        assert_eq!(*seen.lock().unwrap(), [requests(1)], "{way:?}");
        assert_eq!(telemetry.being_served(), requests(0), "{way:?}");
        assert_eq!(telemetry.measured(), 1, "{way:?}");

        let [span] = telemetry.spans().await;
        let told = attributes(&span.attributes);
        let (status, error) = way.told();
        assert_eq!(told.get("http.response.status_code"), status.map(Into::into).as_ref(), "{way:?}");
        assert_eq!(told.get("error.type"), error.map(Into::into).as_ref(), "{way:?}");
    }
}

/// Instruments that note which span is active when they are recorded to.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<SpanId>>>);

impl MeterProvider for Witness {
    fn meter_with_scope(&self, _: InstrumentationScope) -> Meter {
        Meter::new(Arc::new(self.clone()))
    }
}

impl InstrumentProvider for Witness {
    fn f64_histogram(&self, _: HistogramBuilder<'_, Histogram<f64>>) -> Histogram<f64> {
        Histogram::new(Arc::new(self.clone()))
    }

    fn u64_histogram(&self, _: HistogramBuilder<'_, Histogram<u64>>) -> Histogram<u64> {
        Histogram::new(Arc::new(self.clone()))
    }

    fn i64_up_down_counter(&self, _: InstrumentBuilder<'_, UpDownCounter<i64>>) -> UpDownCounter<i64> {
        UpDownCounter::new(Arc::new(Falling(self.clone())))
    }
}

impl<T> SyncInstrument<T> for Witness {
    fn measure(&self, _: T, _: &[KeyValue]) {
        let active = Context::map_current(|context| context.span().span_context().span_id());
        self.0.lock().unwrap().push(active);
    }
}

/// Notes only the ends: at the beginning the span is not active yet.
struct Falling(Witness);

impl SyncInstrument<i64> for Falling {
    fn measure(&self, change: i64, attributes: &[KeyValue]) {
        if change < 0 {
            self.0.measure(change, attributes);
        }
    }
}

#[tokio::test]
async fn a_measurement_finds_its_span_active_whatever_way_the_exchange_went() {
    // H-080: also from the drop of a body, wherever that happens
    for way in Way::ALL {
        let (telemetry, meters) = (Telemetry::new(), Witness::default());
        let layer = ServerLayer::new(&telemetry.tracers, &meters, Arc::new(Composite::default()));
        way.go(layer.with_options(everything()), || {}).await;
        let [span] = telemetry.spans().await;
        // Duration, end of the active request, size of the response where there was one.
        let measurements = if way.told().0.is_some() { 3 } else { 2 };
        assert_eq!(*meters.0.lock().unwrap(), vec![span.span_context.span_id(); measurements], "{way:?}");
    }
}

#[tokio::test]
async fn sizes_are_those_that_the_request_announces_and_the_response_has() {
    // H-047, H-083, H-084
    let telemetry = Telemetry::new();
    let router = Router::new().route("/items/{id}", post(async |body: Bytes| [&body[..], b"12345"].concat()));
    let address = serve(router.layer(telemetry.server().with_options(everything()))).await;
    let post = "POST /items/7 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n";
    ask(address, format!("{post}content-length: 3\r\n\r\nabc")).await;
    ask(address, format!("{post}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")).await;
    let [announced, chunked] = telemetry.spans().await.each_ref().map(|span| attributes(&span.attributes));
    assert_eq!(announced["http.request.body.size"], 3.into());
    assert_eq!(announced["http.response.body.size"], 8.into());
    assert!(!chunked.contains_key("http.request.body.size"));
    assert_eq!(chunked["http.response.body.size"], 8.into());

    let labels = expected([
        ("http.request.method", "POST".into()),
        ("url.scheme", "http".into()),
        ("http.route", "/items/{id}".into()),
        ("http.response.status_code", 200.into()),
        ("network.protocol.version", "1.1".into()),
    ]);
    let sizes = |(name, description)| telemetry.sizes(name, description);
    assert_eq!(sizes(REQUEST_SIZE), [(labels.clone(), 1, 3)]);
    assert_eq!(sizes(RESPONSE_SIZE), [(labels, 2, 16)]);
}

#[tokio::test]
async fn an_answer_without_content_has_the_size_zero_and_no_answer_has_none() {
    // H-083
    for way in [Way::Head, Way::BodyUnread, Way::Fail, Way::FutureDropped] {
        let telemetry = Telemetry::new();
        way.go(telemetry.server().with_options(everything()), || {}).await;
        let sizes = telemetry.sizes(RESPONSE_SIZE.0, RESPONSE_SIZE.1);
        let sizes = Vec::from_iter(sizes.iter().map(|(_, count, sum)| (*count, *sum)));
        let expected = way.told().0.map(|_| (1, 0));
        assert_eq!(sizes, Vec::from_iter(expected), "{way:?}");
    }
}

#[tokio::test]
async fn what_is_opt_in_is_not_recorded_unless_it_is_asked_for() {
    // H-082, H-083
    for (options, instruments) in [
        (ServerOptions::default(), vec!["http.server.request.duration"]),
        (everything(), vec!["http.server.active_requests", "http.server.request.duration", RESPONSE_SIZE.0]),
    ] {
        let telemetry = Telemetry::new();
        Way::Complete.go(telemetry.server().with_options(options), || {}).await;
        assert_eq!(telemetry.instruments(), instruments);
        let [span] = telemetry.spans().await;
        let is_told = attributes(&span.attributes).contains_key("http.response.body.size");
        assert_eq!(is_told, instruments.len() > 1);
    }
}

#[tokio::test]
async fn bound_instruments_measure_the_same() {
    // H-080, H-084
    let [bound, unbound] = [true, false].map(async |is_bound| {
        let telemetry = Telemetry::new();
        let mut options = ServerOptions::default();
        options.bound_instruments = is_bound;
        let layer = telemetry.server().with_options(options);
        for way in [Way::Complete, Way::Complete, Way::Fail, Way::Head] {
            way.go(layer.clone(), || {}).await;
        }
        let series = telemetry.served().into_iter().map(|series| (series.attributes, series.count));
        let mut series = Vec::<(Attributes, u64)>::from_iter(series);
        series.sort_by_key(|(attributes, _)| format!("{attributes:?}"));
        series
    });
    let (bound, unbound) = (bound.await, unbound.await);
    assert_eq!(bound, unbound);
    assert_eq!(Vec::from_iter(bound.iter().map(|(_, count)| *count)), [1, 2, 1]);
}

#[tokio::test]
async fn more_series_than_the_layer_keeps_are_one_more_and_nothing_is_lost() {
    // H-088: also where the meter provider would keep more
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let view = |_: &Instrument| Stream::builder().with_cardinality_limit(10_000).build().ok();
    let meters = SdkMeterProvider::builder().with_reader(reader).with_view(view).build();
    let mut telemetry = Telemetry::new();
    (telemetry.meters, telemetry.metrics) = (meters, exporter);
    let service = telemetry.server().layer(respond(|| Response::new(Empty::<Bytes>::new())));
    for route in 0..2_100 {
        let route = Route::new(format!("/{route}"));
        let request = Request::builder().extension(route).body(()).unwrap();
        service.clone().oneshot(request).await.unwrap();
    }
    let served = telemetry.served();
    assert_eq!(served.len(), 2_001);
    let overflow = expected([("otel.metric.overflow", true.into())]);
    let overflow = served.iter().filter(|series| series.attributes == overflow);
    assert_eq!(Vec::from_iter(overflow.map(|series| series.count)), [100]);
    assert_eq!(telemetry.measured(), 2_100);
    // The span has what its series has lost.
    let last = telemetry.ended().pop().unwrap();
    let told = expected([
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 200.into()),
        ("http.route", "/2099".into()),
        ("network.protocol.version", "1.1".into()),
        ("url.path", "/".into()),
        ("url.scheme", "http".into()),
    ]);
    assert_eq!(attributes(&last.attributes), told);
}
