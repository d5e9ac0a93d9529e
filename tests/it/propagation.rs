//! What arrives with a request goes on with the requests that it causes, whatever is recorded of it.

use crate::support::{child::Process, get};
use axum::{Router, routing};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use throughline::{Config, Telemetry};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

const TRACE: &str = "463ac35c9f6413ad48485a3953bb6124";
const SPAN: &str = "a2fb4a1d1a96d312";
const NOWHERE: [(&str, &str); 3] =
    [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];

pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    url
}

/// Sends a request with these headers through a service that calls another; what arrives there, except what
/// the HTTP client adds.
async fn pass(telemetry: &Telemetry, headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let arrived = Arc::<Mutex<HeaderMap>>::default();
    let keep = Arc::clone(&arrived);
    let last = serve(Router::new().fallback(async move |headers| *keep.lock().unwrap() = headers)).await;
    let client = telemetry.client_layer().layer(Client::builder(TokioExecutor::new()).build_http());
    let handler = async move || {
        let request = Request::get(last).body(Full::<Bytes>::default()).unwrap();
        client.oneshot(request).await.unwrap().collect().await.unwrap();
    };
    let url = serve(Router::new().route("/", routing::get(handler)).layer(telemetry.server_layer())).await;
    assert_eq!(get(&url, headers).await.unwrap().0, 200);
    let arrived = arrived.lock().unwrap();
    let mut arrived = Vec::from_iter(
        arrived
            .iter()
            .filter(|(name, _)| *name != http::header::HOST)
            .map(|(name, line)| (name.to_string(), line.to_str().unwrap().to_owned())),
    );
    arrived.sort();
    arrived
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut headers =
        Vec::from_iter(headers.iter().map(|(name, line)| ((*name).to_owned(), (*line).to_owned())));
    headers.sort();
    headers
}

fn build(variables: &[(&str, &str)]) -> Telemetry {
    Telemetry::build(Config::from_vars(NOWHERE.iter().chain(variables).copied())).unwrap()
}

/// Each name of `OTEL_PROPAGATORS` with what it carries.
fn formats() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    vec![
        (
            "tracecontext",
            vec![("traceparent", format!("00-{TRACE}-{SPAN}-01")), ("tracestate", "a=1,foo@@bar=2".into())],
        ),
        ("baggage", vec![("baggage", "tenant=a%20b;p".into())]),
        ("b3", vec![("b3", format!("{TRACE}-{SPAN}-d"))]),
        (
            "b3multi",
            vec![("x-b3-traceid", TRACE.into()), ("x-b3-spanid", SPAN.into()), ("x-b3-sampled", "1".into())],
        ),
        ("jaeger", vec![("uber-trace-id", format!("{TRACE}:{SPAN}:0:03")), ("uberctx-city", "Bonn".into())]),
        (
            "xray",
            vec![(
                "x-amzn-trace-id",
                format!("Root=1-{}-{};Parent={SPAN};Sampled=1", &TRACE[..8], &TRACE[8..]),
            )],
        ),
    ]
}

#[tokio::test]
async fn a_disabled_sdk_passes_everything_on_as_it_came() {
    // P-033, P-066, P-070, E-01
    for (name, lines) in formats() {
        let lines = Vec::from_iter(lines.iter().map(|(name, line)| (*name, line.as_str())));
        let telemetry = build(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_PROPAGATORS", name)]);
        assert_eq!(pass(&telemetry, &lines).await, owned(&lines), "{name}");
    }
    let telemetry = build(&[("OTEL_SDK_DISABLED", "true")]);
    assert_eq!(pass(&telemetry, &[]).await, []);
}

#[tokio::test]
async fn where_nothing_is_exported_the_trace_goes_on_all_the_same() {
    // P-070, P-071, P-072: of each format the ids change as spans do, and all that is not ids stays.
    for (name, lines) in formats() {
        let lines = Vec::from_iter(lines.iter().map(|(name, line)| (*name, line.as_str())));
        let telemetry = build(&[("OTEL_PROPAGATORS", name)]);
        let arrived = pass(&telemetry, &lines).await;
        let names = |lines: &[(String, String)]| Vec::from_iter(lines.iter().map(|(name, _)| name.clone()));
        assert_eq!(names(&arrived), names(&owned(&lines)), "{name}");
        let text = |lines: &[(String, String)]| {
            lines.iter().map(|(_, line)| line.replace('-', "")).collect::<String>()
        };
        if name == "baggage" {
            assert_eq!(arrived, owned(&lines));
        } else {
            assert!(text(&arrived).contains(TRACE), "{arrived:?}");
            assert!(!text(&arrived).contains(SPAN), "{arrived:?}");
            assert_eq!(text(&arrived).len(), text(&owned(&lines)).len(), "{arrived:?}");
        }
    }
}

#[tokio::test]
async fn chosen_formats_are_read_in_order_and_all_are_written() {
    // P-003, P-071, P-080
    let telemetry = build(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_PROPAGATORS", "b3multi,tracecontext,b3")]);
    let parent = format!("00-{TRACE}-{SPAN}-00");
    let headers = [("traceparent", parent.as_str()), ("b3", "0000000000000001-0000000000000002-1")];
    let arrived = pass(&telemetry, &headers).await;
    let (trace, span) = ("00000000000000000000000000000001", "0000000000000002");
    let expected = [
        ("b3", format!("{trace}-{span}-1")),
        ("traceparent", format!("00-{trace}-{span}-01")),
        ("x-b3-sampled", "1".into()),
        ("x-b3-spanid", span.into()),
        ("x-b3-traceid", trace.into()),
    ];
    assert_eq!(arrived, expected.map(|(name, line)| (name.to_owned(), line)));

    let telemetry = build(&[("OTEL_PROPAGATORS", "none")]);
    assert_eq!(pass(&telemetry, &[("traceparent", &parent), ("baggage", "a=1")]).await, []);
}

#[test]
fn names_that_cannot_be_followed_are_told() {
    // P-070
    let config = Config::from_vars([("OTEL_PROPAGATORS", "ottrace,B3,w3c,none")]);
    assert_eq!(config.propagators, [throughline::config::Propagator::B3]);
    let faults = Vec::from_iter(config.faults().iter().map(ToString::to_string));
    assert_eq!(
        faults,
        [
            r#"OTEL_PROPAGATORS: "ottrace" is not supported and left out"#,
            r#"OTEL_PROPAGATORS: "w3c" is unknown and left out; use tracecontext, baggage, b3, b3multi, jaeger, xray, none"#,
            r#"OTEL_PROPAGATORS: "none" is left out, since it stands beside other names"#,
        ]
    );
}

#[tokio::test]
async fn callers_decide_without_ids_and_leave_the_decision_open() {
    // P-080, P-086: the state that goes out tells whether the trace is recorded here
    let ids = format!("{TRACE}-{SPAN}");
    for (sampler, incoming, state) in [
        ("parentbased_always_on", "0", "0"),
        ("parentbased_always_off", "1", "1"),
        ("parentbased_always_off", "d", "d"),
        ("parentbased_always_on", ids.as_str(), "1"),
        ("parentbased_always_off", &ids, "0"),
        ("parentbased_traceidratio", &ids, "1"),
        ("parentbased_always_off", &format!("{ids}-1"), "1"),
        ("parentbased_always_on", &format!("{ids}-0"), "0"),
        // Who does not ask callers is not told by them.
        ("always_on", "0", "1"),
        ("always_on", &format!("{ids}-0"), "1"),
        ("always_off", "1", "0"),
    ] {
        let telemetry = build(&[("OTEL_PROPAGATORS", "b3"), ("OTEL_TRACES_SAMPLER", sampler)]);
        let arrived = pass(&telemetry, &[("b3", incoming)]).await;
        let [(name, line)] = &arrived[..] else { panic!("{arrived:?}") };
        let [_, span, outgoing] = line.split('-').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!((name.as_str(), outgoing), ("b3", state), "{sampler} {incoming}");
        assert_ne!(span, SPAN);
    }
    let telemetry = build(&[("OTEL_PROPAGATORS", "xray")]);
    let root = format!("Root=1-{}-{};Parent={SPAN}", &TRACE[..8], &TRACE[8..]);
    for (sampled, outgoing) in [("", "1"), (";Sampled=?", "1"), (";Sampled=0", "0")] {
        let arrived = pass(&telemetry, &[("x-amzn-trace-id", &format!("{root}{sampled}"))]).await;
        assert!(arrived[0].1.ends_with(&format!(";Sampled={outgoing}")), "{arrived:?}");
    }
}

#[tokio::test]
async fn a_caller_that_does_not_sample_decides_only_for_samplers_that_follow_it() {
    // P-002, E-07: the ids are our own in every case
    for (sampler, propagators, sampled) in [
        ("parentbased_always_on", "tracecontext", "00"),
        ("parentbased_always_off", "tracecontext,jaeger", "00"),
        ("parentbased_traceidratio", "tracecontext,b3", "00"),
        ("always_on", "tracecontext", "01"),
        ("traceidratio", "tracecontext", "01"),
        ("always_off", "tracecontext", "00"),
    ] {
        let telemetry = build(&[("OTEL_TRACES_SAMPLER", sampler), ("OTEL_PROPAGATORS", propagators)]);
        let arrived = pass(&telemetry, &[("traceparent", &format!("00-{TRACE}-{SPAN}-00"))]).await;
        let (_, line) = arrived.iter().find(|(name, _)| name == "traceparent").unwrap();
        let [_, trace, span, flags] = line.split('-').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!((trace, flags), (TRACE, sampled), "{sampler}");
        assert_ne!(span, SPAN, "{sampler}");
    }
}

#[tokio::test]
async fn no_entry_of_our_own_is_added_to_the_state_of_a_trace() {
    // P-048, P-051, P-052
    for sampler in ["always_on", "always_off", "traceidratio", "parentbased_traceidratio"] {
        let telemetry = build(&[("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", "0.5")]);
        for flags in ["00", "01", "02", "03"] {
            let parent = format!("00-{TRACE}-{SPAN}-{flags}");
            let states = |arrived: Vec<(String, String)>| {
                let states = arrived.into_iter().filter(|(name, _)| name == "tracestate");
                Vec::from_iter(states.map(|(_, line)| line))
            };
            let arrived = pass(&telemetry, &[("traceparent", &parent)]).await;
            assert_eq!(states(arrived), [""; 0], "{sampler} {flags}");
            let arrived = pass(&telemetry, &[("traceparent", &parent), ("tracestate", "a=1,ot=th:8")]).await;
            assert_eq!(states(arrived), ["a=1,ot=th:8"], "{sampler} {flags}");
        }
        let began = pass(&telemetry, &[]).await;
        assert_eq!(began.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["traceparent"]);
    }
}

#[tokio::test]
async fn the_service_for_the_validation_suite_calls_back_in_order() {
    // P-030: the contract of section 9
    let service = Process::example("trace_context", &["127.0.0.1:0"], &[]);
    let url = service.line(&["POST http://"]).await.split_once(' ').unwrap().1.to_owned();
    let arrived = Arc::<Mutex<Vec<(String, String, String)>>>::default();
    let keep = Arc::clone(&arrived);
    let harness = Router::new().fallback(async move |uri: http::Uri, headers: HeaderMap, body: String| {
        let parent = headers["traceparent"].to_str().unwrap().to_owned();
        keep.lock().unwrap().push((uri.path().to_owned(), parent, body));
    });
    let harness = serve(harness).await;
    let calls = format!(
        r#"[{{"url": "{harness}1", "arguments": []}}, {{"url": "{harness}2", "arguments": [{{"a": 1}}]}}]"#
    );
    let request = Request::post(url)
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{TRACE}-{SPAN}-02"))
        .body(Full::<Bytes>::from(calls))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    assert_eq!(client.request(request).await.unwrap().status(), 200);
    let arrived = arrived.lock().unwrap();
    let [(first, one, nothing), (second, other, arguments)] = &arrived[..] else { panic!("{arrived:?}") };
    assert_eq!((first.as_str(), nothing.as_str()), ("/1", "[]"));
    assert_eq!((second.as_str(), arguments.as_str()), ("/2", r#"[{"a":1}]"#));
    for parent in [one, other] {
        assert_eq!((&parent[..36], &parent[52..]), (format!("00-{TRACE}-").as_str(), "-02"));
    }
    assert_ne!(one, other);
}
