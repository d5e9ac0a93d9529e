//! What becomes of an instrument is what the configuration says, and what is beyond its limit is told.

use crate::support::{
    PATIENCE,
    receiver::{Decoded, Receiver, attributes},
};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Meter, MeterProvider},
};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use std::{collections::BTreeMap, time::SystemTime};
use throughline::{
    Config, Telemetry,
    config::{Aggregation, InstrumentKind, MetricView},
    sender::Signal,
};

fn start(vars: &[(&str, &str)], views: Vec<MetricView>) -> (Receiver, Telemetry) {
    let receiver = Receiver::start();
    let endpoint = receiver.http_endpoint();
    let mut config = Config::from_vars([&[("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)], vars].concat());
    assert_eq!(config.faults(), []);
    config.measurements.views.extend(views);
    (receiver, Telemetry::build(config).unwrap())
}

/// One measurement by an instrument of each kind.
fn measure(meter: &Meter) {
    let attributes = [KeyValue::new("kept", "a"), KeyValue::new("other", "b")];
    meter.u64_counter("counter").with_unit("{order}").build().add(3, &attributes);
    meter.i64_up_down_counter("level").build().add(3, &attributes);
    meter.f64_gauge("gauge").build().record(3.0, &attributes);
    let histogram = meter.f64_histogram("histogram").with_description("as it is").with_boundaries(vec![1.0]);
    histogram.build().record(3.0, &attributes);
}

/// What a metric is, in words.
fn words(metric: &Metric) -> String {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(_) => "last value".into(),
        Data::Sum(sum) => if sum.is_monotonic { "sum" } else { "level" }.into(),
        Data::Histogram(of) => format!("histogram {:?}", of.data_points[0].explicit_bounds),
        Data::ExponentialHistogram(of) => format!("exponential of {}", of.data_points[0].count),
        other => panic!("{other:?}"),
    }
}

fn keys(metric: &Metric) -> Vec<String> {
    let attributes = match metric.data.as_ref().unwrap() {
        Data::Gauge(of) => &of.data_points[0].attributes,
        Data::Sum(of) => &of.data_points[0].attributes,
        Data::Histogram(of) => &of.data_points[0].attributes,
        Data::ExponentialHistogram(of) => &of.data_points[0].attributes,
        other => panic!("{other:?}"),
    };
    attributes_of(attributes)
}

fn attributes_of(pairs: &[opentelemetry_proto::tonic::common::v1::KeyValue]) -> Vec<String> {
    attributes(pairs).into_keys().collect()
}

async fn told(vars: &[(&str, &str)], views: Vec<MetricView>) -> BTreeMap<String, String> {
    let (receiver, telemetry) = start(vars, views);
    measure(&telemetry.meter_provider().meter("test"));
    telemetry.shutdown(PATIENCE).await.unwrap();
    let metrics = receiver.metrics();
    metrics.iter().map(|(_, metric)| (metric.name.clone(), words(metric))).collect()
}

fn expected<const N: usize>(rows: [(&str, &str); N]) -> BTreeMap<String, String> {
    rows.map(|(name, words)| (name.to_owned(), words.to_owned())).into()
}

const EXPONENTIAL: (&str, &str) =
    ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram");

// E-22
#[tokio::test]
async fn a_variable_says_it_for_each_instrument() {
    let untouched =
        [("counter", "sum"), ("gauge", "last value"), ("histogram", "histogram [1.0]"), ("level", "level")];
    assert_eq!(told(&[], vec![]).await, expected(untouched));
    let aggregations = |text| ("THROUGHLINE_AGGREGATIONS", text);
    let one = aggregations("HISTO*=0.5|2.5,gauge=drop,level=exponential");
    let wanted = [("counter", "sum"), ("histogram", "histogram [0.5, 2.5]"), ("level", "exponential of 1")];
    assert_eq!(told(&[one], vec![]).await, expected(wanted));
    // What is said of one instrument counts more than what is said of all.
    let wanted =
        [("counter", "sum"), ("gauge", "last value"), ("histogram", "histogram [2.0]"), ("level", "level")];
    assert_eq!(told(&[EXPONENTIAL, aggregations("histogram=2")], vec![]).await, expected(wanted));
    assert_eq!(told(&[aggregations("*=drop")], vec![]).await, expected([]));
    // What does not suit an instrument leaves it as it is.
    assert_eq!(told(&[aggregations("counter=last")], vec![]).await, expected(untouched));
}

#[tokio::test]
async fn code_says_more_and_each_view_that_fits_makes_a_metric() {
    let mut renamed = MetricView::of("histogram");
    renamed.name = Some("renamed".into());
    renamed.description = Some("otherwise".into());
    renamed.attributes = Some(vec!["kept".into()]);
    let mut second = MetricView::of("hist*");
    second.kind = Some(InstrumentKind::Histogram);
    second.aggregation = Aggregation::Sum;
    let mut of_other_meter = MetricView::of("*");
    of_other_meter.meter = Some("other".into());
    of_other_meter.aggregation = Aggregation::Drop;
    let mut of_unit = MetricView::of("*");
    (of_unit.unit, of_unit.aggregation) = (Some("{order}".into()), Aggregation::Drop);
    let (receiver, telemetry) = start(&[], vec![renamed, second, of_other_meter, of_unit]);
    let scope = InstrumentationScope::builder("test").with_version("1").build();
    measure(&telemetry.meter_provider().meter_with_scope(scope));
    measure(&telemetry.meter_provider().meter("other"));
    telemetry.shutdown(PATIENCE).await.unwrap();
    let metrics = receiver.metrics();
    let told: BTreeMap<_, _> = metrics
        .iter()
        .map(|(_, metric)| (metric.name.as_str(), (words(metric), metric.description.as_str(), keys(metric))))
        .collect();
    let both = || vec!["kept".to_owned(), "other".to_owned()];
    let wanted = [
        ("gauge", ("last value".to_owned(), "", both())),
        ("histogram", ("sum".to_owned(), "as it is", both())),
        ("level", ("level".to_owned(), "", both())),
        ("renamed", ("histogram [1.0]".to_owned(), "otherwise", vec!["kept".to_owned()])),
    ];
    assert_eq!(told, wanted.into());
}

#[test]
fn numbers_that_are_none_fail_the_start() {
    let mut config = Config::from_vars([("OTEL_METRICS_EXPORTER", "none")]);
    for (name, aggregation) in [
        ("a", Aggregation::ExplicitBuckets(vec![1.0, 1.0])),
        ("b", Aggregation::ExplicitBuckets(vec![f64::INFINITY])),
        ("c", Aggregation::Exponential { max_size: 1, max_scale: 20 }),
        ("d", Aggregation::Exponential { max_size: 160, max_scale: 21 }),
        ("e", Aggregation::ExplicitBuckets(vec![])),
    ] {
        let mut view = MetricView::of(name);
        view.aggregation = aggregation;
        config.measurements.views.push(view);
    }
    let error = Telemetry::build(config).unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(
        error.to_string(),
        "views: the aggregation of \"a\": a bound is not above the one before\n\
         views: the aggregation of \"b\": a bound is not a number\n\
         views: the aggregation of \"c\": max_size is below 2\n\
         views: the aggregation of \"d\": max_scale is not from -10 to 20"
    );
}

// OpenTelemetry specification, metrics SDK, cardinality limits.
#[tokio::test]
async fn what_is_beyond_the_limit_is_one_series_more_and_told_in_the_statistics() {
    for (vars, of_view, limit) in [
        (vec![], None, 2_000),
        (vec![("THROUGHLINE_CARDINALITY_LIMIT", "5")], None, 5),
        (vec![("THROUGHLINE_CARDINALITY_LIMIT", "5")], Some(3), 3),
    ] {
        let mut view = MetricView::of("many");
        view.cardinality_limit = of_view;
        let before = SystemTime::now();
        let (receiver, telemetry) = start(&vars, vec![view]);
        let meter = telemetry.meter_provider().meter("test");
        let (many, few) = (meter.u64_counter("many").build(), meter.u64_counter("few").build());
        (0..limit + 7).for_each(|number| many.add(1, &[KeyValue::new("number", number)]));
        few.add(1, &[KeyValue::new("number", 1)]);
        telemetry.handle().flush(PATIENCE).await.unwrap();
        let handle = telemetry.handle();
        telemetry.shutdown(PATIENCE).await.unwrap();
        let metrics = receiver.metrics();
        let (_, metric) = metrics.iter().find(|(_, metric)| metric.name == "many").unwrap();
        let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
        assert_eq!(sum.data_points.len() as i64, limit + 1);
        let beyond = sum
            .data_points
            .iter()
            .filter(|point| attributes_of(&point.attributes) == ["otel.metric.overflow"]);
        use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
        assert_eq!(beyond.map(|point| point.value).collect::<Vec<_>>(), [Some(Value::AsInt(7))]);
        for stats in handle.stats() {
            let overflows: Vec<_> = stats
                .overflows
                .iter()
                .map(|of| (of.meter.as_str(), of.instrument.as_str(), of.collections, of.since >= before))
                .collect();
            match stats.signal {
                Signal::Metrics => assert_eq!(overflows, [("test", "many", 2, true)]),
                _ => assert_eq!(overflows, []),
            }
        }
    }
}
