//! Chosen members of the baggage become attributes of spans and log records, and no others.

use crate::{
    propagation::serve,
    support::{
        PATIENCE, get,
        receiver::{Decoded, Receiver, attributes},
    },
};
use axum::{Router, routing};
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt,
    trace::{Span, SpanBuilder, Tracer, TracerProvider},
};
use std::collections::BTreeMap;
use throughline::{Config, Telemetry};
use tracing_subscriber::prelude::*;

fn telemetry(receiver: &Receiver, keys: &str) -> Telemetry {
    let endpoint = receiver.http_endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("THROUGHLINE_BAGGAGE_KEYS", keys),
    ];
    Telemetry::build(Config::from_vars(variables)).unwrap()
}

/// What a span or a record has of these keys.
fn of(set: &BTreeMap<String, String>, keys: &[&str]) -> Vec<(String, String)> {
    let chosen = keys.iter().filter_map(|key| Some(((*key).to_owned(), set.get(*key)?.clone())));
    chosen.collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), format!("{value:?}"))).collect()
}

#[tokio::test]
async fn every_span_and_log_record_below_a_request_has_the_chosen_members() {
    // P-066
    let receiver = Receiver::start();
    let telemetry = telemetry(&receiver, " tenant , user.id,absent");
    let handler = || async {
        tracing::info_span!("inner").in_scope(|| tracing::info!("inside"));
        tracing::info!("outside");
    };
    let url = serve(Router::new().route("/", routing::get(handler)).layer(telemetry.server_layer())).await;
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    let _subscriber = tracing::subscriber::set_default(subscriber); // this test's runtime has one thread
    let headers = [("baggage", "tenant=acme%20inc,user.id=7;p=1,Tenant=no,secret=no")];
    assert_eq!(get(&url, &headers).await.unwrap().0, 200);
    telemetry.handle().flush(PATIENCE).await.unwrap();

    let keys = ["tenant", "user.id", "absent", "Tenant", "secret"];
    let expected = owned(&[("tenant", "acme inc"), ("user.id", "7")]);
    let spans = receiver.spans();
    assert_eq!(spans.len(), 2);
    for (_, span) in spans {
        assert_eq!(of(&attributes(&span.attributes), &keys), expected, "{}", span.name);
    }
    let records = receiver.logs();
    assert_eq!(records.len(), 2);
    for (_, record) in records {
        assert_eq!(of(&attributes(&record.attributes), &keys), expected);
    }
}

#[tokio::test]
async fn nothing_of_the_baggage_is_recorded_unless_it_is_chosen() {
    // P-066
    for keys in ["", "*", "ten", "tenant.*"] {
        let receiver = Receiver::start();
        let telemetry = telemetry(&receiver, keys);
        let context = Context::new().with_baggage([KeyValue::new("tenant", "acme")]);
        let _attached = context.attach();
        drop(telemetry.tracer_provider().tracer("test").start("work"));
        let subscriber = tracing_subscriber::registry().with(telemetry.layers());
        tracing::subscriber::with_default(subscriber, || tracing::info!("a line"));
        telemetry.handle().flush(PATIENCE).await.unwrap();
        assert_eq!(receiver.spans()[0].1.attributes, [], "{keys}");
        let record = attributes(&receiver.logs()[0].1.attributes);
        assert_eq!(of(&record, &["tenant"]), [], "{keys}");
    }
}

#[tokio::test]
async fn what_the_program_sets_wins_whenever_it_sets_it() {
    let receiver = Receiver::start();
    let telemetry = telemetry(&receiver, "before,after,alone");
    let members = ["before", "after", "alone"].map(|key| KeyValue::new(key, "baggage"));
    let context = Context::new().with_baggage(members);
    let tracer = telemetry.tracer_provider().tracer("test");
    let builder = SpanBuilder::from_name("work").with_attributes([KeyValue::new("before", "program")]);
    let mut span = tracer.build_with_context(builder, &context);
    span.set_attribute(KeyValue::new("after", "program"));
    drop(span);
    let _attached = context.attach();
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || tracing::info!(before = "program", "a line"));
    telemetry.handle().flush(PATIENCE).await.unwrap();

    let spans = receiver.spans();
    let expected = owned(&[("before", "program"), ("after", "program"), ("alone", "baggage")]);
    assert_eq!(spans[0].1.attributes.len(), 3, "each once");
    let keys = ["before", "after", "alone"];
    assert_eq!(of(&attributes(&spans[0].1.attributes), &keys), expected);
    let logs = receiver.logs();
    let pairs = &logs[0].1.attributes;
    assert_eq!(pairs.iter().filter(|pair| keys.contains(&pair.key.as_str())).count(), 3, "each once");
    let expected = owned(&[("before", "program"), ("after", "baggage"), ("alone", "baggage")]);
    assert_eq!(of(&attributes(pairs), &keys), expected);
}

#[tokio::test]
async fn values_and_keys_are_bounded() {
    // P-019
    let receiver = Receiver::start();
    let keys = Vec::from_iter((0..20).map(|index| format!("key{index:02}")));
    let mut config = Config::from_vars([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint()),
        ("OTEL_METRICS_EXPORTER", "none".into()),
    ]);
    config.baggage_keys = keys.clone();
    let telemetry = Telemetry::build(config).unwrap();
    let short = keys.iter().map(|key| KeyValue::new(key.clone(), "v"));
    let context = Context::new().with_baggage(short);
    drop(telemetry.tracer_provider().tracer("test").start_with_context("many", &context));
    let context = Context::new().with_baggage([KeyValue::new("key00", "é".repeat(3000))]);
    drop(telemetry.tracer_provider().tracer("test").start_with_context("long", &context));
    let context = Context::new().with_baggage([KeyValue::new("key00", format!("a{}", "𝄞".repeat(2000)))]);
    drop(telemetry.tracer_provider().tracer("test").start_with_context("odd", &context));
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let spans = BTreeMap::from_iter(
        receiver.spans().into_iter().map(|(_, span)| (span.name.clone(), attributes(&span.attributes))),
    );
    let many = keys[..16].iter().map(|key| (key.clone(), r#""v""#.to_owned()));
    assert_eq!(spans["many"], BTreeMap::from_iter(many));
    assert_eq!(spans["long"]["key00"], format!("{:?}", "é".repeat(2048)));
    assert_eq!(spans["odd"]["key00"], format!("{:?}", format!("a{}", "𝄞".repeat(1023))));
}

#[test]
fn keys_are_exact_each_once_and_too_many_are_told() {
    let config = Config::from_vars([("THROUGHLINE_BAGGAGE_KEYS", " a , B,,a,b ")]);
    assert_eq!(config.baggage_keys, ["a", "B", "b"]);
    assert_eq!(config.faults(), []);
    assert_eq!(Config::from_vars([("THROUGHLINE_BAGGAGE_KEYS", " ")]).baggage_keys, [""; 0]);
    let many = Vec::from_iter((0..17).map(|index| index.to_string())).join(",");
    let config = Config::from_vars([("THROUGHLINE_BAGGAGE_KEYS", many)]);
    assert_eq!(config.baggage_keys.len(), 16);
    let text = config.check().unwrap_err().to_string();
    assert_eq!(text, "THROUGHLINE_BAGGAGE_KEYS: has 17 keys; the first 16 hold");
}
