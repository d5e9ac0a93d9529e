//! Which spans each sampler records, as they arrive.

use crate::support::{
    PATIENCE,
    receiver::{Decoded, Receiver},
};
use http::HeaderMap;
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt, TraceState, Tracer, TracerProvider},
};
use std::collections::BTreeSet;
use throughline::{
    Config, Telemetry,
    middleware::propagation::{B3, HeaderExtractor},
};

/// A trace that half of all traces are, and one that they are not.
const HALVES: [(&str, u64); 2] = [("one half", 1), ("other half", u64::MAX)];

fn parent(low: u64, remote: bool, sampled: bool) -> Context {
    let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let trace_id = TraceId::from(u128::from(low) | 1 << 64);
    let parent = SpanContext::new(trace_id, SpanId::from(7), flags, remote, TraceState::NONE);
    Context::new().with_remote_span_context(parent)
}

/// What arrives of a span below each kind of parent: where the parent is, whether it is recorded, which half.
async fn recorded(config: impl FnOnce(&str) -> Config) -> BTreeSet<String> {
    let receiver = Receiver::start();
    let telemetry = Telemetry::build(config(&receiver.http_endpoint())).unwrap();
    let tracer = telemetry.tracer_provider().tracer("test");
    drop(tracer.start_with_context("none", &Context::new()));
    // The specification: a parent that is not valid is none.
    let not_valid = Context::new().with_remote_span_context(SpanContext::NONE);
    drop(tracer.start_with_context("not valid", &not_valid));
    for (place, remote) in [("caller", true), ("here", false)] {
        for (state, sampled) in [("recorded", true), ("not recorded", false)] {
            for (half, low) in HALVES {
                let name = format!("{place}, {state}, {half}");
                drop(tracer.start_with_context(name, &parent(low, remote, sampled)));
            }
        }
    }
    for (name, header) in [
        ("wants", "1"),
        ("wants not", "0"),
        ("leaves it", "00000000000000010000000000000001-0000000000000007"),
    ] {
        let headers = HeaderMap::from_iter([("b3".parse().unwrap(), header.parse().unwrap())]);
        let context = B3.extract_with_context(&Context::new(), &HeaderExtractor(&headers));
        drop(tracer.start_with_context(name, &context));
    }
    telemetry.shutdown(PATIENCE).await.unwrap();
    receiver.spans().into_iter().map(|(_, span)| span.name).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| name.to_string()).collect()
}

const FOLLOWED: [&str; 4] = [
    "caller, recorded, one half",
    "caller, recorded, other half",
    "here, recorded, one half",
    "here, recorded, other half",
];
const NOT_FOLLOWED: [&str; 4] = [
    "caller, not recorded, one half",
    "caller, not recorded, other half",
    "here, not recorded, one half",
    "here, not recorded, other half",
];

// E-07, E-08, P-080
#[tokio::test]
async fn each_sampler_records_what_it_says() {
    let all =
        [&["none", "not valid", "wants", "wants not", "leaves it"][..], &FOLLOWED, &NOT_FOLLOWED].concat();
    for (sampler, share, propagators, expected) in [
        ("always_on", "", "tracecontext", all.clone()),
        ("always_off", "", "tracecontext", vec![]),
        ("traceidratio", "1", "tracecontext", all),
        ("traceidratio", "0", "tracecontext", vec![]),
        (
            "parentbased_always_on",
            "",
            "b3",
            [&["none", "not valid", "wants", "leaves it"][..], &FOLLOWED].concat(),
        ),
        ("parentbased_always_off", "", "b3", [&["wants"][..], &FOLLOWED].concat()),
        ("parentbased_traceidratio", "0", "b3", [&["wants"][..], &FOLLOWED].concat()),
        (
            "parentbased_always_on",
            "",
            "jaeger",
            [&["none", "not valid", "wants", "wants not"][..], &FOLLOWED].concat(),
        ),
    ] {
        let found = recorded(|endpoint| {
            Config::from_vars([
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
                ("OTEL_METRICS_EXPORTER", "none"),
                ("OTEL_TRACES_SAMPLER", sampler),
                ("OTEL_TRACES_SAMPLER_ARG", share),
                ("OTEL_PROPAGATORS", propagators),
            ])
        });
        assert_eq!(found.await, set(&expected), "{sampler} {share} {propagators}");
    }
}

async fn by_file(sampler: &str, propagators: &str) -> BTreeSet<String> {
    let config = |endpoint: &str| {
        let file = format!(
            "
file_format: '1.1'
propagator: {{composite_list: '{propagators}'}}
tracer_provider:
  processors: [{{batch: {{exporter: {{otlp_http: {{endpoint: '{endpoint}/v1/traces'}}}}}}}}]
  sampler: {{{sampler}}}
"
        );
        let config = Config::from_yaml(&file, [("", ""); 0]);
        assert_eq!(config.faults(), [], "{file}");
        config
    };
    recorded(config).await
}

// E-07, B-090
#[tokio::test]
async fn a_file_decides_for_each_kind_of_parent() {
    let half = "trace_id_ratio_based: {ratio: 0.5}";
    let shares = format!(
        "parent_based: {{root: {{always_off: }}, remote_parent_sampled: {{{half}}}, \
         remote_parent_not_sampled: {{always_on: }}, local_parent_sampled: {{always_off: }}, \
         local_parent_not_sampled: {{{half}}}}}"
    );
    let expected =
        [&NOT_FOLLOWED[..2], &["caller, recorded, one half", "here, not recorded, one half", "leaves it"]]
            .concat();
    assert_eq!(by_file(&shares, "tracecontext").await, set(&expected));
    // Callers that say more than a flag are such parents too.
    let turned =
        "parent_based: {remote_parent_sampled: {always_off: }, remote_parent_not_sampled: {always_on: }}";
    let expected =
        [&["none", "not valid", "wants not", "leaves it"][..], &NOT_FOLLOWED[..2], &FOLLOWED[2..]].concat();
    assert_eq!(by_file(turned, "b3").await, set(&expected));
    let mut found = by_file(half, "b3").await;
    for name in ["none", "not valid", "wants", "wants not"] {
        found.remove(name); // their ids are made by chance
    }
    let halves = FOLLOWED.iter().chain(&NOT_FOLLOWED).copied().filter(|name| name.ends_with("one half"));
    assert_eq!(found, set(&halves.chain(["leaves it"]).collect::<Vec<_>>()));
}
