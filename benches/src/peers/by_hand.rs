//! What a careful hand writes with the SDK alone: a span with ten attributes, and the duration with six.

use std::{
    pin::Pin,
    sync::Arc,
    task::{self, Poll, ready},
    time::Instant,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, MatchedPath},
};
use http::{HeaderName, Request, Response, header};
use opentelemetry::{
    Context, KeyValue, global,
    metrics::{Histogram, MeterProvider},
    trace::{SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::trace::SdkTracer;
use pin_project_lite::pin_project;
use tower::{Service, layer::layer_fn};

use super::{Peer, Side, Signals, Stage};
use crate::{load, providers::current::Providers};

pub const SERVER: Peer = Peer {
    name: "by-hand",
    title: "the SDK by hand",
    side: Side::Server,
    signals: Signals::Both,
    over: Some("bare"),
    stage: || {
        let providers = Providers::new();
        providers.set_global();
        let instruments = Arc::new(Instruments {
            tracer: providers.tracers.tracer("cost"),
            duration: providers.meters.meter("cost").f64_histogram("http.server.request.duration").build(),
        });
        let layer = layer_fn(move |inner| ByHand { inner, instruments: Arc::clone(&instruments) });
        Stage::new(load::arriving(load::router().layer(layer)), providers)
    },
};

struct Instruments {
    tracer: SdkTracer,
    duration: Histogram<f64>,
}

#[derive(Clone)]
struct ByHand<S> {
    inner: S,
    instruments: Arc<Instruments>,
}

impl<S> Service<Request<Body>> for ByHand<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Measured<S::Future>;

    fn poll_ready(&mut self, task: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let start = Instant::now();
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let route: Arc<str> = Arc::from(route);
        let context = begin(&self.instruments.tracer, &request, &route);
        let active = context.clone().attach();
        let inner = self.inner.call(request);
        drop(active);
        Measured { inner, context, instruments: Arc::clone(&self.instruments), route, start }
    }
}

fn begin(tracer: &SdkTracer, request: &Request<Body>, route: &Arc<str>) -> Context {
    let parent =
        global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(request.headers())));
    let header = |name: HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let peer = request.extensions().get::<ConnectInfo<std::net::SocketAddr>>();
    let span = tracer
        .span_builder(format!("GET {route}"))
        .with_kind(SpanKind::Server)
        .with_attributes([
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("http.route", Arc::clone(route)),
            KeyValue::new("url.path", request.uri().path().to_owned()),
            KeyValue::new("url.query", request.uri().query().unwrap_or_default().to_owned()),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("server.address", header(header::HOST)),
            KeyValue::new("user_agent.original", header(header::USER_AGENT)),
            KeyValue::new("network.protocol.version", "1.1"),
            KeyValue::new("client.address", peer.map(|peer| peer.0.ip().to_string()).unwrap_or_default()),
        ])
        .start_with_context(tracer, &parent);
    parent.with_span(span)
}

pin_project! {
    struct Measured<F> {
        #[pin]
        inner: F,
        context: Context,
        instruments: Arc<Instruments>,
        route: Arc<str>,
        start: Instant,
    }
}

impl<F, E> Future for Measured<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let active = this.context.clone().attach();
        let response = ready!(this.inner.poll(task))?;
        drop(active);
        let status = i64::from(response.status().as_u16());
        let span = this.context.span();
        span.set_attribute(KeyValue::new("http.response.status_code", status));
        span.end();
        this.instruments.duration.record(
            this.start.elapsed().as_secs_f64(),
            &[
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new("url.scheme", "http"),
                KeyValue::new("http.route", Arc::clone(this.route)),
                KeyValue::new("http.response.status_code", status),
                KeyValue::new("network.protocol.name", "http"),
                KeyValue::new("network.protocol.version", "1.1"),
            ],
        );
        Poll::Ready(Ok(response))
    }
}
