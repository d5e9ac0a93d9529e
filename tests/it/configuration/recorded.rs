//! What holds for spans, measurements and log records, seen on the wire.

use crate::support::{
    PATIENCE,
    receiver::{Decoded, Receiver, attributes},
};
use opentelemetry::{
    Key, KeyValue,
    logs::{AnyValue, LogRecord, Logger, LoggerProvider},
    metrics::MeterProvider,
    trace::{
        Span, SpanBuilder, SpanContext, SpanId, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
    },
};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality::{Cumulative, Delta},
    metric::Data,
};
use std::collections::BTreeMap;
use throughline::{Config, Telemetry};
use tracing_subscriber::prelude::*;

async fn start(vars: &[(&str, &str)]) -> (Receiver, Telemetry) {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let config = Config::from_vars(vars.iter().copied().chain([("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)]));
    config.check().unwrap();
    (receiver, Telemetry::build(config).unwrap())
}

fn pairs(count: usize) -> Vec<KeyValue> {
    (0..count).map(|number| KeyValue::new(format!("k{number}"), "äöü€")).collect()
}

fn link(number: u64, count: usize) -> (SpanContext, Vec<KeyValue>) {
    let flags = TraceFlags::SAMPLED;
    let ids = (TraceId::from(u128::from(number)), SpanId::from(number));
    (SpanContext::new(ids.0, ids.1, flags, false, TraceState::NONE), pairs(count))
}

/// Ten of everything: some given at the start of the span, some later.
async fn ten_of_everything(vars: &[(&str, &str)]) -> Receiver {
    let (receiver, telemetry) = start(vars).await;
    let tracer = telemetry.tracer_provider().tracer("test");
    let mut span = tracer.build(SpanBuilder::from_name("work").with_attributes(pairs(4)));
    pairs(10).into_iter().skip(4).for_each(|pair| span.set_attribute(pair));
    for number in 1..=10 {
        span.add_event(format!("event {number}"), pairs(10));
        let (context, attributes) = link(number, 10);
        span.add_link(context, attributes);
    }
    drop(span);
    let logger = telemetry.logger_provider().unwrap().logger("test");
    let mut record = logger.create_log_record();
    record.add_attributes(pairs(10).into_iter().map(|pair| (pair.key, AnyValue::from("äöü€"))));
    record.add_attribute(Key::from("list"), AnyValue::ListAny(Box::new(vec![AnyValue::from("äöü€")])));
    logger.emit(record);
    telemetry.shutdown(PATIENCE).await.unwrap();
    receiver
}

/// Attributes of the span, its events, those of an event, its links, those of a link, of the log record: how many are
/// there, and how many are told to be dropped. Then the longest text among them.
fn held(receiver: &Receiver) -> ([(usize, u32); 6], usize) {
    let ((_, span), (_, record)) = (receiver.spans().remove(0), receiver.logs().remove(0));
    let event =
        span.events.first().map_or((0, 0), |event| (event.attributes.len(), event.dropped_attributes_count));
    let link =
        span.links.first().map_or((0, 0), |link| (link.attributes.len(), link.dropped_attributes_count));
    let inner = span
        .events
        .iter()
        .map(|event| &event.attributes)
        .chain(span.links.iter().map(|link| &link.attributes));
    let all = inner.flatten().chain(&span.attributes).chain(&record.attributes);
    let longest = all.map(|pair| longest(pair.value.as_ref().unwrap())).max();
    let counts = [
        (span.attributes.len(), span.dropped_attributes_count),
        (span.events.len(), span.dropped_events_count),
        event,
        (span.links.len(), span.dropped_links_count),
        link,
        (record.attributes.len(), record.dropped_attributes_count),
    ];
    (counts, longest.unwrap_or_default())
}

fn longest(value: &opentelemetry_proto::tonic::common::v1::AnyValue) -> usize {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    match value.value.as_ref().unwrap() {
        Value::StringValue(text) => text.chars().count(),
        Value::ArrayValue(list) => list.values.iter().map(longest).max().unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

// E-13, E-14, E-15, E-16
#[tokio::test]
async fn what_is_beyond_a_limit_is_dropped_and_counted_on_the_wire() {
    let all = [(10, 0), (10, 0), (10, 0), (10, 0), (10, 0), (11, 0)];
    assert_eq!(held(&ten_of_everything(&[]).await), (all, 4));

    let vars = [
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "8"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "7"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "6"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "5"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "4"),
    ];
    let general = [(8, 2), (7, 3), (5, 5), (6, 4), (4, 6), (8, 3)];
    assert_eq!(held(&ten_of_everything(&vars).await), (general, 2));

    let own = [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "9"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
    ];
    let receiver = ten_of_everything(&[&vars[..], &own].concat()).await;
    assert_eq!(held(&receiver), ([(3, 7), (7, 3), (5, 5), (6, 4), (4, 6), (9, 2)], 3));
    let span = receiver.spans().remove(0).1;
    assert_eq!(attributes(&span.events[0].attributes)["k0"], "\"ä\"");

    let names = [
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    ];
    let nothing = [(0, 10), (0, 10), (0, 0), (0, 10), (0, 0), (0, 11)];
    assert_eq!(held(&ten_of_everything(&names.map(|name| (name, "0"))).await), (nothing, 0));
}

/// Two collections of one of each instrument, told 1 and then 2: by name the temporality, and the sums or counts.
async fn collected(vars: &[(&str, &str)]) -> BTreeMap<String, (i32, Vec<f64>)> {
    let (receiver, telemetry) = start(vars).await;
    let meter = telemetry.meter_provider().meter("test");
    let (counter, updown, histogram) = (
        meter.f64_counter("counter").build(),
        meter.f64_up_down_counter("updown").build(),
        meter.f64_histogram("histogram").build(),
    );
    let _observed =
        meter.f64_observable_counter("observed").with_callback(|observer| observer.observe(5.0, &[])).build();
    for number in [1.0, 2.0] {
        counter.add(number, &[]);
        updown.add(number, &[]);
        histogram.record(number, &[]);
        telemetry.handle().flush(PATIENCE).await.unwrap();
    }
    telemetry.shutdown(PATIENCE).await.unwrap();
    let mut collected: BTreeMap<String, (i32, Vec<f64>)> = BTreeMap::new();
    for (_, metric) in receiver.metrics() {
        use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
        let (temporality, value) = match metric.data.unwrap() {
            Data::Sum(sum) => match sum.data_points[0].value {
                Some(Value::AsDouble(value)) => (sum.aggregation_temporality, value),
                ref other => panic!("{other:?}"),
            },
            Data::Histogram(histogram) => {
                (histogram.aggregation_temporality, histogram.data_points[0].sum.unwrap())
            }
            other => panic!("{other:?}"),
        };
        let entry = collected.entry(metric.name).or_insert((temporality, vec![]));
        assert_eq!(entry.0, temporality);
        entry.1.push(value);
        entry.1.truncate(2); // a third collection may come with the end
    }
    collected
}

// E-21, O-017
#[tokio::test]
async fn the_preferred_temporality_is_that_of_the_measurements() {
    let preference = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let expect = |of: [(&str, i32, [f64; 2]); 4]| {
        of.into_iter()
            .map(|(name, temporality, values)| (name.to_owned(), (temporality, values.to_vec())))
            .collect()
    };
    let [all, new] = [Cumulative as i32, Delta as i32];
    let cumulative: BTreeMap<_, _> = expect([
        ("counter", all, [1.0, 3.0]),
        ("updown", all, [1.0, 3.0]),
        ("histogram", all, [1.0, 3.0]),
        ("observed", all, [5.0, 5.0]),
    ]);
    assert_eq!(collected(&[]).await, cumulative);
    assert_eq!(collected(&[(preference, "Cumulative")]).await, cumulative);
    let delta: BTreeMap<_, _> = expect([
        ("counter", new, [1.0, 2.0]),
        ("updown", all, [1.0, 3.0]),
        ("histogram", new, [1.0, 2.0]),
        ("observed", new, [5.0, 0.0]),
    ]);
    assert_eq!(collected(&[(preference, "DELTA")]).await, delta);
    let low_memory: BTreeMap<_, _> = expect([
        ("counter", new, [1.0, 2.0]),
        ("updown", all, [1.0, 3.0]),
        ("histogram", new, [1.0, 2.0]),
        ("observed", all, [5.0, 5.0]),
    ]);
    assert_eq!(collected(&[(preference, "lowmemory")]).await, low_memory);
}

// E-22, O-017
#[tokio::test]
async fn histograms_have_the_aggregation_that_is_asked_for_and_stay_what_they_are_else() {
    for (aggregation, exponential) in
        [("", false), ("explicit_bucket_histogram", false), ("Base2_Exponential_Bucket_Histogram", true)]
    {
        let (receiver, telemetry) =
            start(&[("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", aggregation)]).await;
        let meter = telemetry.meter_provider().meter("test");
        let histogram =
            meter.f64_histogram("h").with_unit("s").with_description("how long").with_boundaries(vec![1.0]);
        let histogram = histogram.build();
        [0.5, 2.0, 1_000.0].into_iter().for_each(|value| histogram.record(value, &pairs(1)));
        meter.u64_counter("c").build().add(1, &[]);
        telemetry.shutdown(PATIENCE).await.unwrap();
        let metrics: BTreeMap<_, _> =
            receiver.metrics().into_iter().map(|(_, metric)| (metric.name.clone(), metric)).collect();
        assert!(matches!(metrics["c"].data, Some(Data::Sum(_))));
        let histogram = &metrics["h"];
        assert_eq!((histogram.unit.as_str(), histogram.description.as_str()), ("s", "how long"));
        match histogram.data.as_ref().unwrap() {
            Data::Histogram(histogram) if !exponential => {
                let point = &histogram.data_points[0];
                assert_eq!((&*point.explicit_bounds, &*point.bucket_counts), (&[1.0][..], &[1, 2][..]));
            }
            Data::ExponentialHistogram(histogram) if exponential => {
                let point = &histogram.data_points[0];
                assert_eq!(
                    (point.count, point.sum, point.min, point.max),
                    (3, Some(1_002.5), Some(0.5), Some(1_000.0))
                );
                assert_eq!(attributes(&point.attributes).len(), 1);
            }
            other => panic!("{aggregation}: {other:?}"),
        }
    }
}

/// The levels of which log records about throughline itself arrive.
async fn said(vars: &[(&str, &str)]) -> Vec<String> {
    let (receiver, telemetry) = start(&[&[("OTEL_METRICS_EXPORTER", "none")], vars].concat()).await;
    let subscriber = tracing_subscriber::registry().with(telemetry.layers());
    tracing::subscriber::with_default(subscriber, || {
        tracing::error!(target: "throughline", "said");
        tracing::warn!(target: "throughline", "said");
        tracing::info!(target: "throughline", "said");
        tracing::debug!(target: "throughline", "said");
        tracing::trace!(target: "throughline", "said");
    });
    telemetry.shutdown(PATIENCE).await.unwrap();
    receiver.logs().into_iter().map(|(_, record)| record.severity_text).collect()
}

// E-05
#[tokio::test]
async fn the_level_is_that_of_what_throughline_says_and_a_filter_that_names_it_wins() {
    let all = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
    assert_eq!(said(&[]).await, all[..3]);
    for (level, count) in
        [("none", 0), ("ERROR", 1), ("warn", 2), ("info", 3), ("debug", 4), ("trace", 5), ("all", 5)]
    {
        assert_eq!(said(&[("OTEL_LOG_LEVEL", level)]).await, all[..count], "{level}");
        assert_eq!(said(&[("OTEL_LOG_LEVEL", level), ("RUST_LOG", "error")]).await, all[..count], "{level}");
    }
    assert_eq!(said(&[("OTEL_LOG_LEVEL", "trace"), ("RUST_LOG", "info,throughline=warn")]).await, all[..2]);
    assert_eq!(said(&[("OTEL_LOG_LEVEL", "trace"), ("RUST_LOG", "off")]).await, all[..0]);
}
