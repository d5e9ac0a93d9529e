//! What became of everything, and what was begun at all, as the measurements of the standard.

use super::{config, of};
use crate::{
    delivery::{counts, record},
    support::{PATIENCE, child::Process, receiver::Receiver, receiver::attributes},
};
use opentelemetry::{
    Context,
    logs::{LogRecord, Logger, LoggerProvider},
    metrics::MeterProvider,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider},
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Metric, metric::Data, number_data_point::Value},
};
use prost::Message;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use throughline::{Config, Telemetry, sender::Signal, testing::Fault};
use tracing_subscriber::prelude::*;

type Attributes = BTreeMap<String, String>;

/// The metrics of the last request.
fn metrics(receiver: &Receiver) -> Vec<Metric> {
    let body = receiver.bodies(Signal::Metrics).pop().unwrap();
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let scopes = request.resource_metrics.into_iter().flat_map(|of| of.scope_metrics);
    scopes.flat_map(|of| of.metrics).collect()
}

/// The attributes of each point, and its value; of a histogram, how many were measured.
fn points(metric: &Metric) -> Vec<(Attributes, i64)> {
    match metric.data.as_ref().unwrap() {
        Data::Sum(sum) => {
            let value = |value: Option<Value>| match value {
                Some(Value::AsInt(value)) => value,
                other => panic!("{other:?}"),
            };
            sum.data_points.iter().map(|point| (attributes(&point.attributes), value(point.value))).collect()
        }
        Data::Histogram(histogram) => {
            let points = histogram.data_points.iter();
            points.map(|point| (attributes(&point.attributes), point.count as i64)).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// The points of a metric in the last request.
fn of_name(receiver: &Receiver, name: &str) -> Vec<(Attributes, i64)> {
    metrics(receiver).iter().filter(|metric| metric.name == name).flat_map(points).collect()
}

/// The values of a metric by `error.type`, of the last request; without those of the exporter that made it.
fn values(receiver: &Receiver, name: &str) -> BTreeMap<String, i64> {
    let points = of_name(receiver, name).into_iter();
    let of_others = points.filter(|(attributes, _)| {
        attributes.get("otel.component.type").is_none_or(|of| of != "\"otlp_http_metric_exporter\"")
    });
    let by_error = |(attributes, value): (Attributes, i64)| {
        (attributes.get("error.type").map_or("", |value| value.trim_matches('"')).to_owned(), value)
    };
    of_others.map(by_error).collect()
}

fn map<const N: usize>(pairs: [(&str, i64); N]) -> BTreeMap<String, i64> {
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

fn measured(receiver: &Receiver) -> Config {
    let mut config = config(receiver, None);
    config.self_metrics = true;
    config.traces.schedule_delay = Some(Duration::from_secs(600));
    config.logs.schedule_delay = Some(Duration::from_secs(600));
    config
}

// H-130, H-131
#[tokio::test]
async fn the_metrics_of_the_standard_say_what_the_statistics_say() {
    let receiver = Receiver::start();
    receiver.script(Signal::Traces, 1, Fault::Partial { rejected: 2, message: "too old".into() });
    let mut config = measured(&receiver);
    config.traces.max_queue = 20;
    config.traces.max_batch = 20;
    let telemetry = Telemetry::build(config).unwrap();
    record(&telemetry, 15);
    assert!(telemetry.handle().flush(PATIENCE).await.is_err());
    // Twice as many as the queue holds.
    record(&telemetry, 19);
    let waiting = of(&telemetry, Signal::Traces);
    assert_eq!(counts(&waiting), [34, 13, 2, 0, 19]);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let stats = of(&telemetry, Signal::Traces);
    // What a flush collects may be from before or after the spans of the same flush.
    telemetry.handle().flush(PATIENCE).await.unwrap();
    assert_eq!(counts(&stats), [34, 32, 2, 0, 0]);
    let value = |name: &str| values(&receiver, &format!("otel.sdk.{name}"));
    assert_eq!(value("exporter.span.exported"), map([("", 32), ("rejected", 2)]));
    assert_eq!(value("exporter.span.inflight"), map([("", 0)]));
    assert_eq!(value("exporter.operation.duration"), map([("", 1), ("rejected", 1)]));
    assert_eq!(value("processor.span.processed"), map([("", 34)]));
    assert_eq!(value("processor.span.queue.size"), map([("", 0)]));
    assert_eq!(value("processor.span.queue.capacity"), map([("", 20)]));
    assert_eq!(value("processor.log.processed"), map([]), "no log record, no series");
    assert_eq!(value("log.created"), map([]), "no log record, no series");
    // Three flushes; the last collection was not over when it was collected.
    assert_eq!(value("metric_reader.collection.duration"), map([("", 2)]));
}

/// Names, units, kinds and the names of attributes of everything that is measured of ourselves.
fn forms(receiver: &Receiver) -> BTreeSet<(String, String, &'static str, String)> {
    let own = metrics(receiver).into_iter().filter(|metric| metric.name.starts_with("otel.sdk."));
    let forms = own.flat_map(|metric| {
        let kind = match metric.data.as_ref().unwrap() {
            Data::Sum(sum) if sum.is_monotonic => "counter",
            Data::Sum(_) => "up and down",
            Data::Histogram(_) => "histogram",
            other => panic!("{other:?}"),
        };
        let keys = |(attributes, _): (Attributes, i64)| attributes.into_keys().collect::<Vec<_>>().join(" ");
        let keys = BTreeSet::from_iter(points(&metric).into_iter().map(keys));
        let (name, unit) = (metric.name["otel.sdk.".len()..].to_owned(), metric.unit.clone());
        Vec::from_iter(keys.into_iter().map(move |keys| (name.clone(), unit.clone(), kind, keys)))
    });
    forms.collect()
}

// H-130, H-131
#[tokio::test]
async fn names_units_kinds_and_attributes_are_those_of_the_standard() {
    const COMPONENT: &str = "otel.component.name otel.component.type";
    const EXPORTER: &str = "otel.component.name otel.component.type server.address server.port";
    let receiver = Receiver::start();
    let telemetry = Telemetry::build(measured(&receiver)).unwrap();
    for _ in 0..3 {
        super::work(&telemetry);
        telemetry.handle().flush(PATIENCE).await.unwrap();
    }
    let mut expected = BTreeSet::from(
        [
            ("span.started", "{span}", "counter", "otel.span.parent.origin otel.span.sampling_result"),
            ("span.live", "{span}", "up and down", "otel.span.sampling_result"),
            ("log.created", "{log_record}", "counter", ""),
            ("metric_reader.collection.duration", "s", "histogram", COMPONENT),
            ("exporter.operation.duration", "s", "histogram", EXPORTER),
        ]
        .map(|(name, unit, kind, keys)| (name.to_owned(), unit.to_owned(), kind, keys.to_owned())),
    );
    for (item, unit) in [("span", "{span}"), ("log", "{log_record}"), ("metric_data_point", "{data_point}")] {
        let mut insert = |name: &str, kind, keys: &str| {
            expected.insert((name.replace('@', item), unit.to_owned(), kind, keys.to_owned()))
        };
        insert("exporter.@.exported", "counter", EXPORTER);
        insert("exporter.@.inflight", "up and down", EXPORTER);
        if item != "metric_data_point" {
            insert("processor.@.processed", "counter", COMPONENT);
            insert("processor.@.queue.size", "up and down", COMPONENT);
            insert("processor.@.queue.capacity", "up and down", COMPONENT);
        }
    }
    assert_eq!(forms(&receiver), expected);
}

fn parent(flags: TraceFlags, is_remote: bool) -> Context {
    let (trace, span) = (1_u128.into(), 1_u64.into());
    let parent = SpanContext::new(trace, span, flags, is_remote, TraceState::default());
    Context::new().with_remote_span_context(parent)
}

// H-130
#[tokio::test]
async fn every_span_that_began_is_counted_and_those_that_did_not_end() {
    let receiver = Receiver::start();
    let telemetry = Telemetry::build(measured(&receiver)).unwrap();
    let tracer = telemetry.tracer_provider().tracer("test");
    let root = tracer.start_with_context("root", &Context::new());
    let with_root = Context::new().with_span(root);
    let alive = tracer.start_with_context("child", &with_root);
    drop(tracer.start_with_context("called", &parent(TraceFlags::SAMPLED, true)));
    drop(tracer.start_with_context("not sampled", &parent(TraceFlags::default(), true)));
    // As a request that its caller does not sample: elsewhere the layer would not ask anybody.
    let service = tower::ServiceBuilder::new().layer(telemetry.server_layer()).service_fn(
        |_: http::Request<String>| async {
            Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
        },
    );
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let request = http::Request::get("/").header("traceparent", traceparent).body(String::new()).unwrap();
    drop(tower::ServiceExt::oneshot(service, request).await.unwrap());

    telemetry.handle().flush(PATIENCE).await.unwrap();
    let pair = |(key, value): (&str, &str)| (key.to_owned(), format!("{value:?}"));
    let started = |origin, result| {
        Attributes::from(
            [("otel.span.parent.origin", origin), ("otel.span.sampling_result", result)].map(pair),
        )
    };
    let live = || Attributes::from([pair(("otel.span.sampling_result", "RECORD_AND_SAMPLE"))]);
    let sorted = |name: &str| BTreeMap::from_iter(of_name(&receiver, name));
    let expected = BTreeMap::from([
        (started("none", "RECORD_AND_SAMPLE"), 1),
        (started("local", "RECORD_AND_SAMPLE"), 1),
        (started("remote", "RECORD_AND_SAMPLE"), 1),
        (started("remote", "DROP"), 2),
    ]);
    assert_eq!(sorted("otel.sdk.span.started"), expected);
    assert_eq!(sorted("otel.sdk.span.live"), BTreeMap::from([(live(), 2)]));
    drop(alive);
    with_root.span().end();
    telemetry.handle().flush(PATIENCE).await.unwrap();
    assert_eq!(sorted("otel.sdk.span.live"), BTreeMap::from([(live(), 0)]));
    assert_eq!(receiver.items(Signal::Traces), 3);
}

// H-130
#[tokio::test]
async fn log_records_are_created_whether_the_queue_has_room_for_them_or_not() {
    let receiver = Receiver::start();
    let mut config = measured(&receiver);
    (config.logs.max_queue, config.logs.max_batch) = (2, 2);
    let telemetry = Telemetry::build(config).unwrap();
    // On this runtime's one thread nothing leaves meanwhile; by both ways in.
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || (0..20).for_each(|_| tracing::info!("one of many")));
    let logger = telemetry.logger_provider().unwrap().logger("own");
    for _ in 0..20 {
        let mut record = logger.create_log_record();
        record.set_body("own".into());
        logger.emit(record);
    }
    let _ = telemetry.handle().flush(PATIENCE).await; // an error if some were dropped
    let stats = of(&telemetry, Signal::Logs);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    assert_eq!(stats.recorded, 40);
    assert_eq!(values(&receiver, "otel.sdk.log.created"), map([("", 40)]));
    let processed = values(&receiver, "otel.sdk.processor.log.processed");
    assert_eq!(processed.values().sum::<i64>(), 40, "{processed:?}");
}

#[tokio::test]
async fn metrics_of_ones_own_do_not_make_an_idle_service_talk() {
    let receiver = Receiver::start();
    let mut config = config(&receiver, None);
    config.self_metrics = true;
    config.metrics.schedule_delay = Some(Duration::from_millis(1));
    let telemetry = Telemetry::build(config).unwrap();
    for _ in 0..50 {
        telemetry.handle().flush(PATIENCE).await.unwrap(); // each collects
    }
    assert_eq!(receiver.requests().len(), 0);
    telemetry.shutdown(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 0);
}

#[test]
#[ignore = "the process of the test below"]
fn process() {
    let telemetry = Telemetry::init(Config::from_env()).unwrap();
    // Made when the meter provider is global: the SDK's own measurements find it.
    let logger = telemetry.logger_provider().unwrap().logger("own");
    logger.emit(logger.create_log_record());
    drop(telemetry.tracer_provider().tracer("test").start("work"));
    telemetry.meter_provider().meter("test").u64_counter("work").build().add(1, &[]);
    telemetry.shutdown_blocking(PATIENCE).unwrap();
}

// The SDK counts log records on its own, through whatever is global, asked or not.
#[tokio::test]
async fn nothing_is_measured_of_ourselves_unasked_and_nothing_under_one_name_twice() {
    for (asked, created) in [("false", vec![]), ("true", vec![2])] {
        let receiver = Receiver::start();
        let endpoint = receiver.http_endpoint();
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
            ("THROUGHLINE_SELF_METRICS", asked),
            ("THROUGHLINE_RUNTIME_METRICS", "false"),
        ];
        let mut process = Process::this_test("outage::measured::process", &variables);
        assert!(process.ended().await.success(), "{:#?}", process.lines());
        let names = Vec::from_iter(metrics(&receiver).into_iter().map(|metric| metric.name));
        assert_eq!(BTreeSet::from_iter(&names).len(), names.len(), "{names:?}");
        assert!(names.iter().any(|name| name == "work"), "{names:?}");
        assert_eq!(names.iter().any(|name| name.starts_with("otel.")), asked == "true", "{names:?}");
        let counted = of_name(&receiver, "otel.sdk.log.created").into_iter().map(|(_, count)| count);
        assert_eq!(Vec::from_iter(counted), created, "one of the program, one about the start");
    }
}
