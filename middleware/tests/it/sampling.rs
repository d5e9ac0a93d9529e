//! A sampler sees name, kind and links; attributes where the caller's trace is sampled, or where an option says so.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, routing::get};
use http::{Request, Response};
use opentelemetry::{
    Context, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{FutureExt, Link, SpanContext, SpanKind, TraceContextExt, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use throughline_middleware::{
    Route,
    options::{CapturedHeaders, ClientOptions, OnRequest, ServerOptions},
    propagation::Composite,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Attributes, Telemetry, ask, attributes, expected, get_request, list, serve};

/// What a sampler was told: name, kind, how many links, attributes.
type Told = (String, SpanKind, usize, Attributes);

/// Notes what it is told, and samples what has no route `/healthz`.
#[derive(Clone, Debug, Default)]
struct Curious(Arc<Mutex<Vec<Told>>>);

impl ShouldSample for Curious {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        name: &str,
        kind: &SpanKind,
        told: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let told = attributes(told);
        let is_health = told.get("http.route") == Some(&"/healthz".into());
        self.0.lock().unwrap().push((name.to_owned(), kind.clone(), links.len(), told));
        let state = parent.map(|parent| parent.span().span_context().trace_state().clone());
        SamplingResult {
            decision: if is_health { SamplingDecision::Drop } else { SamplingDecision::RecordAndSample },
            attributes: Vec::new(),
            trace_state: state.unwrap_or(TraceState::NONE),
        }
    }
}

/// A service with these options, and what its sampler is told.
async fn service(options: ServerOptions) -> (Telemetry, Curious, std::net::SocketAddr) {
    let sampler = Curious::default();
    let telemetry = Telemetry::sampled(sampler.clone());
    let late = async || {
        let mut response = Response::new(axum::body::Body::empty());
        response.extensions_mut().insert(Route::new("/late/{id}"));
        response
    };
    let router = Router::new()
        .route("/users/{id}", get(async || "ada"))
        .route("/healthz", get(async || "well"))
        .route("/early/{id}", get(late))
        .fallback(late)
        .layer(telemetry.server().with_options(options));
    (telemetry, sampler, serve(router).await)
}

fn request(path: &str, lines: &str) -> String {
    get_request(path).replace("host: h", &format!("host: h:81\r\nuser-agent: curl/8\r\nx-id: 7{lines}"))
}

fn parent(flags: &str) -> String {
    format!("\r\ntraceparent: 00-12345678901234567890123456789012-1234567890123456-{flags}")
}

fn by_attributes() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.sampled_by_attributes = true;
    options.request_headers = CapturedHeaders::new(["x-id"]).unwrap();
    options
}

#[tokio::test]
async fn by_default_a_sampler_sees_attributes_only_of_traces_that_are_sampled() {
    // H-007: the layers build them at once where the caller's trace is sampled, and where it is not, even the name
    // only if the sampler wants the span all the same
    for (lines, sees_name, sees) in [
        (String::new(), "GET /users/{id}", false),
        (parent("00"), "GET", false),
        (parent("01"), "GET /users/{id}", true),
    ] {
        let (telemetry, sampler, address) = service(ServerOptions::default()).await;
        ask(address, request("/users/42?a=1", &lines)).await;
        let asked = sampler.0.lock().unwrap().clone();
        let [(name, kind, links, told)] = &asked[..] else { panic!("asked once") };
        assert_eq!((name.as_str(), kind, *links), (sees_name, &SpanKind::Server, 0));
        assert_eq!(!told.is_empty(), sees, "{lines}");
        assert_eq!(telemetry.spans::<1>().await[0].name, "GET /users/{id}");
    }
}

#[tokio::test]
async fn by_option_a_sampler_sees_what_is_known_at_the_start() {
    // H-007, H-046
    for lines in [String::new(), parent("00"), parent("01")] {
        let (telemetry, sampler, address) = service(by_attributes()).await;
        let (peer, _) = ask(address, request("/users/42?a=1&sig=2", &lines)).await;
        let mut at_start = expected([
            ("http.request.method", "GET".into()),
            ("http.request.header.x-id", list(["7"])),
            ("url.scheme", "http".into()),
            ("url.path", "/users/42".into()),
            ("url.query", "a=1&sig=REDACTED".into()),
            ("http.route", "/users/{id}".into()),
            ("server.address", "h".into()),
            ("server.port", 81.into()),
            ("client.address", "127.0.0.1".into()),
            ("network.peer.address", "127.0.0.1".into()),
            ("network.peer.port", i64::from(peer.port()).into()),
            ("user_agent.original", "curl/8".into()),
        ]);
        let asked = sampler.0.lock().unwrap().clone();
        let [(_, _, _, told)] = &asked[..] else { panic!("asked once") };
        assert_eq!(*told, at_start);
        at_start.extend(expected([
            ("network.protocol.version", "1.1".into()),
            ("http.response.status_code", 200.into()),
        ]));
        let [span] = telemetry.spans().await;
        assert_eq!(attributes(&span.attributes), at_start);
    }
}

#[tokio::test]
async fn by_option_a_route_decides_what_is_sampled_and_nothing_goes_unmeasured() {
    // H-007, H-036
    let (telemetry, _, address) = service(by_attributes()).await;
    for path in ["/healthz", "/users/1", "/healthz"] {
        ask(address, request(path, "")).await;
    }
    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "GET /users/{id}");
    assert_eq!(telemetry.measured(), 3);
}

#[tokio::test]
async fn by_option_a_route_that_becomes_known_late_is_still_told() {
    // H-005
    let (telemetry, sampler, address) = service(by_attributes()).await;
    ask(address, request("/late/1", "")).await;
    assert!(!sampler.0.lock().unwrap()[0].3.contains_key("http.route"));
    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "GET /late/{id}");
    assert_eq!(attributes(&span.attributes)["http.route"], "/late/{id}".into());
}

#[tokio::test]
async fn by_option_the_route_that_a_sampler_saw_stays() {
    // H-005, H-036: a span that has a route can have no other beside it
    for lines in [String::new(), parent("00"), parent("01")] {
        let (telemetry, sampler, address) = service(by_attributes()).await;
        ask(address, request("/early/1", &lines)).await;
        assert_eq!(sampler.0.lock().unwrap()[0].3["http.route"], "/early/{id}".into());
        let [span] = telemetry.spans().await;
        assert_eq!(span.name, "GET /early/{id}");
        assert_eq!(attributes(&span.attributes)["http.route"], "/early/{id}".into());
        let [(measured, 1)] = &telemetry.requests()[..] else { panic!("one request") };
        assert_eq!(measured["http.route"], "/early/{id}".into());
    }
}

#[tokio::test]
async fn by_option_a_sampler_sees_what_the_closure_changed() {
    // H-007
    let mut options = by_attributes();
    options.on_request = Some(OnRequest::new(|_, span| {
        span.rename("chosen");
        span.set(KeyValue::new("http.route", "/chosen"));
    }));
    let (telemetry, sampler, address) = service(options).await;
    ask(address, request("/users/42", "")).await;
    {
        let asked = sampler.0.lock().unwrap();
        assert_eq!(asked[0].0, "chosen");
        assert_eq!(asked[0].3["http.route"], "/chosen".into());
    }
    let [span] = telemetry.spans().await;
    assert_eq!(span.name, "chosen");
    assert_eq!(attributes(&span.attributes)["http.route"], "/chosen".into());
}

#[tokio::test]
async fn a_sampler_of_a_public_endpoint_sees_the_link_to_its_caller() {
    // P-034
    let mut options = ServerOptions::default();
    options.public_endpoint = true;
    let (_telemetry, sampler, address) = service(options).await;
    ask(address, request("/users/42", &parent("01"))).await;
    ask(address, request("/users/42", "")).await;
    let asked = sampler.0.lock().unwrap();
    assert_eq!([asked[0].2, asked[1].2], [1, 0]);
}

/// A service behind the option, and the `traceparent` and `tracestate` that a call from its handler carries.
async fn decided(lines: &str, is_suppressed: bool) -> (Curious, Telemetry, Vec<String>) {
    let sampler = Curious::default();
    let telemetry = Telemetry::sampled(sampler.clone());
    let mut options = ServerOptions::default();
    options.parent_decides = true;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let service = {
        let sent = Arc::clone(&sent);
        telemetry.server().with_options(options).layer(service_fn(move |_: Request<Body>| {
            assert_eq!(Context::current().span().span_context().is_remote(), is_suppressed);
            let mut headers = http::HeaderMap::new();
            Composite::default().inject_headers(&Context::current(), &mut headers);
            let value = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            sent.lock().unwrap().extend(["traceparent", "tracestate"].into_iter().filter_map(value));
            async { Ok::<_, Infallible>(Response::new(Body::empty())) }
        }))
    };
    let mut request = Request::new(Body::empty());
    for (name, value) in lines.trim().lines().filter_map(|line| line.split_once(": ")) {
        let name = http::HeaderName::try_from(name).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let _suppressed = is_suppressed.then(Context::enter_telemetry_suppressed_scope);
    drop(service.oneshot(request).await.unwrap());
    let sent = sent.lock().unwrap().clone();
    (sampler, telemetry, sent)
}

// P-002, P-003, H-007
#[tokio::test]
async fn by_option_nobody_is_asked_about_a_request_whose_caller_does_not_sample() {
    const TRACE: &str = "12345678901234567890123456789012";
    const SPAN: &str = "1234567890123456";
    for flags in ["00", "02"] {
        let lines = format!("{}\r\ntracestate: a=1,2b@c=2", parent(flags));
        let (sampler, telemetry, sent) = decided(&lines, false).await;
        assert_eq!((sampler.0.lock().unwrap().len(), telemetry.ended().len()), (0, 0));
        assert_eq!(telemetry.measured(), 1);
        let [line, state] = &sent[..] else { panic!("{sent:?}") };
        let [_, trace, span, sent] = line.split('-').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!((trace, sent, state.as_str()), (TRACE, flags, "a=1,2b@c=2"));
        assert!(span != SPAN && span != "0000000000000000", "{span}");
    }
    for (lines, sampled) in [(parent("01"), "03"), (String::new(), "03")] {
        let (sampler, telemetry, sent) = decided(&lines, false).await;
        assert_eq!((sampler.0.lock().unwrap().len(), telemetry.ended().len()), (1, 1), "{lines}");
        assert!(lines.is_empty() || sent[0].ends_with("-01"), "{sent:?}");
        assert!(!lines.is_empty() || sent[0].ends_with(sampled), "{sent:?}");
    }
    let (_, _, sent) = decided(&parent("00"), true).await;
    assert_eq!(sent, [format!("00-{TRACE}-{SPAN}-00")], "what is suppressed passes on what came");
}

// H-007
#[tokio::test]
async fn by_option_nobody_is_asked_about_a_call_below_a_span_that_is_not_sampled() {
    for (flags, asked) in [(TraceFlags::default(), 0), (TraceFlags::SAMPLED, 1)] {
        let sampler = Curious::default();
        let telemetry = Telemetry::sampled(sampler.clone());
        let mut options = ClientOptions::default();
        options.parent_decides = true;
        let client =
            telemetry.client().with_options(options).layer(service_fn(async |request: Request<Body>| {
                let parent = request.headers()["traceparent"].to_str().unwrap();
                assert!(
                    parent.contains(&format!("-{:032x}-", 1)) && !parent.contains(&format!("-{:016x}-", 2))
                );
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }));
        let parent = SpanContext::new(TraceId::from(1), SpanId::from(2), flags, false, TraceState::NONE);
        let active = Context::new().with_remote_span_context(parent);
        let request = Request::get("http://127.0.0.1/").body(Body::empty()).unwrap();
        drop(client.oneshot(request).with_context(active).await.unwrap());
        assert_eq!((sampler.0.lock().unwrap().len(), telemetry.ended().len()), (asked, asked));
    }
}
