//! The span is active while its request is served, recorded or not.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context as Task, Poll},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full};
use opentelemetry::{
    Context, InstrumentationScope, KeyValue, TraceId, global,
    trace::{
        FutureExt, Span, SpanBuilder, SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceState,
        Tracer, TracerProvider, noop::NoopTracerProvider,
    },
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, Span as SdkSpan, SpanData, SpanProcessor},
};
use throughline_middleware::{
    ClientLayer, ClientOptions, ServerLayer, ServerOptions,
    propagation::{Composite, TraceContext},
};
use tower::{Layer, Service, ServiceExt};

use crate::support::{Telemetry, respond};

/// Notes which span is active whenever it runs.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<(&'static str, SpanContext)>>>);

impl Witness {
    fn note(&self, place: &'static str) {
        let active = Context::map_current(|context| context.span().span_context().clone());
        self.0.lock().unwrap().push((place, active));
    }
}

impl<B> Service<Request<B>> for Witness {
    type Response = Response<WitnessBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<WitnessBody>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        self.note("call");
        let witness = self.clone();
        Box::pin(async move {
            witness.note("first poll");
            tokio::task::yield_now().await;
            witness.note("second poll");
            Ok(Response::new(WitnessBody(witness, Full::new(Bytes::from("body")))))
        })
    }
}

struct WitnessBody(Witness, Full<Bytes>);

impl Body for WitnessBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.note("body");
        Pin::new(&mut self.1).poll_frame(task)
    }
}

#[tokio::test]
async fn the_span_is_active_wherever_the_service_runs_and_nowhere_else() {
    // H-009, P-002, P-005
    for (sampler, is_sampled) in [(Sampler::AlwaysOn, true), (Sampler::AlwaysOff, false)] {
        let telemetry = Telemetry::sampled(sampler);
        let witness = Witness::default();
        let mut response = telemetry.server().layer(witness.clone()).oneshot(Request::new(())).await.unwrap();
        response.body_mut().frame().await.unwrap().unwrap();
        drop(response);
        let notes = std::mem::take(&mut *witness.0.lock().unwrap());
        assert_eq!(
            notes.iter().map(|note| note.0).collect::<Vec<_>>(),
            ["call", "first poll", "second poll", "body"]
        );
        assert!(notes.iter().all(|note| note.1 == notes[0].1));
        assert!(notes[0].1.is_valid());
        assert_eq!(notes[0].1.is_sampled(), is_sampled);
        assert!(!Context::current().has_active_span());
        assert_eq!(telemetry.ended().len(), usize::from(is_sampled));
        assert_eq!(telemetry.served()[0].count, 1);
    }
}

#[tokio::test]
async fn a_clients_span_is_active_wherever_its_call_runs_and_nowhere_else() {
    // H-008, P-030
    let (telemetry, witness) = (Telemetry::new(), Witness::default());
    let parent = Context::new().with_span(telemetry.tracers.tracer("parent").start("parent"));
    let client = telemetry.client().layer(witness.clone());
    let call = client.oneshot(Request::new(String::new()));
    let mut response = call.with_context(parent.clone()).await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.parent_span_id, parent.span().span_context().span_id());
    let places = ["call", "first poll", "second poll"];
    let notes = std::mem::take(&mut *witness.0.lock().unwrap());
    assert_eq!(notes[..3], places.map(|place| (place, span.span_context.clone())));
    assert_eq!(notes[3], ("body", SpanContext::NONE));
}

#[tokio::test]
async fn a_client_without_a_tracer_leaves_the_span_that_is_active_as_it_is() {
    // P-033
    let telemetry = Telemetry::new();
    let parent = Context::new().with_span(telemetry.tracers.tracer("parent").start("parent"));
    let (none, propagator) = (NoopTracerProvider::new(), Arc::new(Composite::default()));
    let tells = tower::service_fn(async |_: Request<String>| {
        let is_recording = Context::map_current(|context| context.span().is_recording());
        Ok::<_, Infallible>(Response::new(is_recording.to_string()))
    });
    let client = ClientLayer::new(&none, &telemetry.meters, propagator).layer(tells);
    let response = client.oneshot(Request::new(String::new())).with_context(parent).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "true");
}

#[tokio::test]
async fn what_is_spawned_stays_in_the_trace_if_the_context_goes_along() {
    // The two ways that the page of the server layer shows, and what happens without.
    let (telemetry, witness) = (Telemetry::new(), Witness::default());
    let spawns = tower::service_fn(async |_: Request<()>| {
        let [task, blocking, alone] = [(); 3].map(|()| witness.clone());
        tokio::spawn(async move { task.note("task") }.with_current_context()).await.unwrap();
        let context = Context::current();
        let work = move || {
            let _active = context.attach();
            blocking.note("blocking");
        };
        tokio::task::spawn_blocking(work).await.unwrap();
        tokio::spawn(async move { alone.note("alone") }).await.unwrap();
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    telemetry.server().layer(spawns).oneshot(Request::new(())).await.unwrap();
    let [span] = telemetry.spans().await;
    let active = span.span_context.clone();
    let notes = std::mem::take(&mut *witness.0.lock().unwrap());
    assert_eq!(notes, [("task", active.clone()), ("blocking", active), ("alone", SpanContext::NONE)]);
}

#[tokio::test]
async fn a_request_without_a_parent_starts_a_trace_whatever_is_active() {
    // P-005, P-006
    let telemetry = Telemetry::new();
    let other = telemetry.tracers.tracer("other").start("other");
    let context = Context::new().with_span(other);
    let mut service = telemetry.server().layer(respond(|| Response::new(Empty::<Bytes>::new())));
    let future = {
        let _active = context.clone().attach();
        service.call(Request::new(()))
    };
    future.await.unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert_ne!(span.span_context.trace_id(), context.span().span_context().trace_id());
}

/// Notes which span is active when another ends.
#[derive(Debug)]
struct Listener(Arc<Mutex<Vec<(SpanId, SpanId)>>>);

impl SpanProcessor for Listener {
    fn on_start(&self, _: &mut SdkSpan, parent: &Context) {
        // Nothing of the context is borrowed meanwhile.
        drop(parent.clone().attach());
    }

    fn on_end(&self, span: SpanData) {
        let active = Context::map_current(|context| context.span().span_context().span_id());
        self.0.lock().unwrap().push((span.span_context.span_id(), active));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[tokio::test]
async fn the_span_is_active_while_its_end_is_recorded() {
    // H-080: what ties a measurement to a span finds it
    let (telemetry, ends) = (Telemetry::new(), Arc::default());
    let tracers = SdkTracerProvider::builder().with_span_processor(Listener(Arc::clone(&ends))).build();
    let server = ServerLayer::new(&tracers, &telemetry.meters, Arc::new(Composite::default()));
    let client = ClientLayer::new(&tracers, &telemetry.meters, Arc::new(Composite::default()));
    let service = server.layer(client.layer(Witness::default()));
    drop(service.oneshot(Request::new(String::new())).await.unwrap());
    let ends = ends.lock().unwrap();
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|(ended, active)| ended == active));
}

/// A tracer whose spans are never recorded and count what is set on them.
#[derive(Clone, Default)]
struct Counting(Arc<Mutex<Vec<KeyValue>>>);

struct CountingSpan(SpanContext, Counting);

impl TracerProvider for Counting {
    type Tracer = Self;

    fn tracer_with_scope(&self, _: InstrumentationScope) -> Self {
        self.clone()
    }
}

impl Tracer for Counting {
    type Span = CountingSpan;

    fn build_with_context(&self, builder: SpanBuilder, _: &Context) -> CountingSpan {
        self.0.lock().unwrap().extend(builder.attributes.unwrap_or_default());
        let (trace, span) = (TraceId::from(1), SpanId::from(2));
        let state = TraceState::NONE;
        CountingSpan(SpanContext::new(trace, span, TraceFlags::NOT_SAMPLED, false, state), self.clone())
    }
}

impl Span for CountingSpan {
    fn add_event_with_timestamp<T>(&mut self, _: T, _: SystemTime, attributes: Vec<KeyValue>) {
        self.1.0.lock().unwrap().extend(attributes);
    }
    fn span_context(&self) -> &SpanContext {
        &self.0
    }
    fn is_recording(&self) -> bool {
        false
    }
    fn set_attribute(&mut self, attribute: KeyValue) {
        self.1.0.lock().unwrap().push(attribute);
    }
    fn set_status(&mut self, _: Status) {}
    fn update_name<T>(&mut self, _: T) {}
    fn add_link(&mut self, _: SpanContext, _: Vec<KeyValue>) {}
    fn end_with_timestamp(&mut self, _: SystemTime) {}
}

#[tokio::test]
async fn an_unsampled_request_builds_no_attribute_of_a_span() {
    // H-007 (the exception), P-002
    let (telemetry, tracers) = (Telemetry::new(), Counting::default());
    let layer = ServerLayer::new(&tracers, &telemetry.meters, Arc::new(Composite::default()));
    let witness = Witness::default();
    layer.layer(witness.clone()).oneshot(Request::new(())).await.unwrap().collect().await.unwrap();
    assert_eq!(witness.0.lock().unwrap()[0].1.span_id(), SpanId::from(2));
    assert!(tracers.0.lock().unwrap().is_empty());
    assert_eq!(telemetry.served()[0].count, 1);
}

#[tokio::test]
async fn a_default_layer_uses_the_globals_that_are_set_after_it_was_made() {
    // P-072
    let telemetry = Telemetry::new();
    let service = ServerLayer::default().layer(Witness::default());
    #[expect(clippy::disallowed_methods, reason = "the one test about globals")]
    {
        global::set_tracer_provider(telemetry.tracers.clone());
        global::set_meter_provider(telemetry.meters.clone());
        global::set_text_map_propagator(TraceContext::default());
    }
    let request =
        Request::get("/").header("traceparent", "00-12345678901234567890123456789012-1234567890123456-01");
    service.oneshot(request.body(()).unwrap()).await.unwrap().collect().await.unwrap();
    let [span] = telemetry.spans().await;
    assert_eq!(span.span_context.trace_id().to_string(), "12345678901234567890123456789012");
    assert_eq!(telemetry.served()[0].count, 1);
}

#[tokio::test]
async fn under_suppression_nothing_is_recorded() {
    // The exporters' own requests must not become telemetry.
    for public_endpoint in [false, true] {
        let telemetry = Telemetry::new();
        let (mut server, mut client) = (ServerOptions::default(), ClientOptions::default());
        (server.active_requests, server.body_sizes) = (true, true);
        (client.active_requests, client.body_sizes) = (true, true);
        server.public_endpoint = public_endpoint;
        let service = telemetry.client().with_options(client).layer(Witness::default());
        let service = telemetry.server().with_options(server).layer(service);
        let call = {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            let mut service = service;
            service.call(Request::new(String::new()))
        };
        call.await.unwrap();
        assert!(telemetry.ended().is_empty());
        assert_eq!(telemetry.instruments(), [""; 0]);
    }
}
