use super::*;
use opentelemetry::{
    Context, ContextGuard, KeyValue as Attribute, SpanId, TraceFlags, TraceId,
    metrics::{Counter, Meter, MeterProvider},
    trace::{SpanContext, TraceContextExt, TraceState},
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::any_value,
    metrics::v1::{Exemplar, exemplar, metric::Data, number_data_point},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        Aggregation, InstrumentKind, ManualReader, Pipeline, Temporality, data::ResourceMetrics,
        reader::MetricReader,
    },
};
use prost::Message;
use std::{cell::RefCell, sync::Weak, time::Duration};

mod arbitrary; // sequences of measurements
mod points; // whose an exemplar is
mod views; // … under Views

const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;

/// Makes a span active whose id is this number.
fn active(span: u64, is_sampled: bool) -> ContextGuard {
    let flags = if is_sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let (trace, span) = (TraceId::from(TRACE), SpanId::from(span));
    let span = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(span).attach()
}

#[derive(Clone, Debug)]
struct Asked(Arc<ManualReader>);

impl MetricReader for Asked {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

impl Asked {
    fn new(temporality: Temporality) -> Self {
        Asked(Arc::new(ManualReader::builder().with_temporality(temporality).build()))
    }

    fn encoded(&self) -> Vec<u8> {
        let mut metrics = ResourceMetrics::default();
        self.0.collect(&mut metrics).unwrap();
        ExportMetricsServiceRequest::from(&metrics).encode_to_vec()
    }
}

/// A provider with two readers, under Views.
struct Measured {
    cumulative: Asked,
    delta: Asked,
    exemplars: Exemplars,
    provider: Provider,
}

impl Measured {
    fn new() -> Self {
        Measured::of(ExemplarFilter::TraceBased, Vec::new)
    }

    fn of(filter: ExemplarFilter, views: impl Fn() -> Vec<View>) -> Self {
        let (cumulative, delta) = (Asked::new(Temporality::Cumulative), Asked::new(Temporality::Delta));
        let mut sdk = SdkMeterProvider::builder().with_reader(cumulative.clone()).with_reader(delta.clone());
        for view in views() {
            sdk = sdk.with_view(view);
        }
        let exemplars = Exemplars::new(filter, views());
        exemplars.begin();
        let provider = exemplars.provider(sdk.build());
        Measured { cumulative, delta, exemplars, provider }
    }

    fn meter(&self) -> Meter {
        self.provider.meter("test")
    }

    /// What is told, read by the types of OTLP.
    fn told(&self, reader: &Asked) -> Vec<Told> {
        told(&self.added(reader).body)
    }

    fn added(&self, reader: &Asked) -> Request {
        let exemplars = self.exemplars.collect();
        exemplars.add(Request { items: 1, body: reader.encoded().into() })
    }

    fn cumulative(&self) -> Vec<Told> {
        self.told(&self.cumulative)
    }
}

/// An exemplar and its point: scope, metric and the point's attributes; value, the span's number, other attributes.
type Told = (String, String, String);

fn told(body: &[u8]) -> Vec<Told> {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let mut all = Vec::new();
    for of_scope in request.resource_metrics.into_iter().flat_map(|of| of.scope_metrics) {
        let scope = of_scope.scope.unwrap().name;
        for metric in of_scope.metrics {
            for (attributes, exemplars) in points(metric.data.unwrap()) {
                for exemplar in exemplars {
                    let place = format!("{scope}/{}{}", metric.name, texts(&attributes));
                    all.push((place, value(&exemplar), texts(&exemplar.filtered_attributes)));
                }
            }
        }
    }
    all.sort();
    all
}

fn points(data: Data) -> Vec<(Vec<KeyValue>, Vec<Exemplar>)> {
    match data {
        Data::Gauge(of) => of.data_points.into_iter().map(|of| (of.attributes, of.exemplars)).collect(),
        Data::Sum(of) => of.data_points.into_iter().map(|of| (of.attributes, of.exemplars)).collect(),
        Data::Histogram(of) => of.data_points.into_iter().map(|of| (of.attributes, of.exemplars)).collect(),
        Data::ExponentialHistogram(of) => {
            of.data_points.into_iter().map(|of| (of.attributes, of.exemplars)).collect()
        }
        Data::Summary(_) => panic!("the SDK makes none"),
    }
}

fn value(exemplar: &Exemplar) -> String {
    let value = match exemplar.value.unwrap() {
        exemplar::Value::AsInt(value) => format!("{value}"),
        exemplar::Value::AsDouble(value) => format!("{value:?}"),
    };
    assert!(exemplar.time_unix_nano > 0);
    match (&*exemplar.trace_id, &*exemplar.span_id) {
        ([], []) => value,
        (trace, span) => {
            assert_eq!(trace, TRACE.to_be_bytes());
            format!("{value} by {}", u64::from_be_bytes(span.try_into().unwrap()))
        }
    }
}

fn texts(attributes: &[KeyValue]) -> String {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().unwrap().value.as_ref().unwrap() {
        any_value::Value::StringValue(value) => format!("{}={value}", attribute.key),
        other => format!("{}={other:?}", attribute.key),
    };
    let mut texts: Vec<String> = attributes.iter().map(text).collect();
    texts.sort();
    format!("{{{}}}", texts.join(","))
}

fn expected<const COUNT: usize>(all: [(&str, &str, &str); COUNT]) -> Vec<Told> {
    all.map(|(place, value, other)| (place.to_owned(), value.to_owned(), other.to_owned())).to_vec()
}

fn one(key: &'static str, value: &'static str) -> Attribute {
    Attribute::new(key, value)
}

// O-100, O-042
#[test]
fn each_bucket_tells_the_last_measurement_of_a_sampled_span() {
    let measured = Measured::new();
    let histogram = measured.meter().f64_histogram("h").with_boundaries(vec![1.0, 2.0, 4.0]).build();
    for (span, value) in [(1, 0.5), (2, 1.0), (3, 1.5), (4, 9.0), (5, 8.0)] {
        let _active = active(span, true);
        histogram.record(value, &[one("a", "b")]);
    }
    let _active = active(6, false);
    histogram.record(3.0, &[one("a", "b")]);
    let place = "test/h{a=b}";
    let all = [(place, "1.0 by 2", "{}"), (place, "1.5 by 3", "{}"), (place, "8.0 by 5", "{}")];
    assert_eq!(measured.cumulative(), expected(all));
}

// O-100
#[test]
fn every_instrument_that_is_told_values_has_exemplars_of_its_type() {
    let measured = Measured::new();
    let meter = measured.meter();
    let _active = active(7, true);
    meter.u64_counter("u64.counter").build().add(1, &[]);
    meter.f64_counter("f64.counter").build().add(1.5, &[]);
    meter.i64_up_down_counter("i64.up_down").build().add(-1, &[]);
    meter.f64_up_down_counter("f64.up_down").build().add(-1.5, &[]);
    meter.u64_gauge("u64.gauge").build().record(2, &[]);
    meter.i64_gauge("i64.gauge").build().record(-2, &[]);
    meter.f64_gauge("f64.gauge").build().record(-2.5, &[]);
    meter.u64_histogram("u64.histogram").build().record(3, &[]);
    meter.f64_histogram("f64.histogram").build().record(3.5, &[]);
    meter.u64_observable_counter("observed").with_callback(|to| to.observe(4, &[])).build();
    let all = [
        ("test/f64.counter{}", "1.5 by 7", "{}"),
        ("test/f64.gauge{}", "-2.5 by 7", "{}"),
        ("test/f64.histogram{}", "3.5 by 7", "{}"),
        ("test/f64.up_down{}", "-1.5 by 7", "{}"),
        ("test/i64.gauge{}", "-2 by 7", "{}"),
        ("test/i64.up_down{}", "-1 by 7", "{}"),
        ("test/u64.counter{}", "1 by 7", "{}"),
        ("test/u64.gauge{}", "2 by 7", "{}"),
        ("test/u64.histogram{}", "3 by 7", "{}"),
    ];
    assert_eq!(measured.cumulative(), expected(all));
}

// E-12
#[test]
fn the_filter_says_which_measurements_may_become_exemplars() {
    let measure = |filter| {
        let measured = Measured::of(filter, Vec::new);
        let histogram = measured.meter().u64_histogram("h").with_boundaries(vec![10.0, 20.0]).build();
        histogram.record(5, &[]);
        {
            let _active = active(1, false);
            histogram.record(15, &[]);
        }
        let _active = active(2, true);
        histogram.record(25, &[]);
        measured.cumulative()
    };
    let [without, unsampled, sampled] = ["5", "15 by 1", "25 by 2"].map(|value| ("test/h{}", value, "{}"));
    assert_eq!(measure(ExemplarFilter::TraceBased), expected([sampled]));
    assert_eq!(measure(ExemplarFilter::AlwaysOn), expected([unsampled, sampled, without]));
    assert_eq!(measure(ExemplarFilter::AlwaysOff), []);
}

#[test]
fn what_the_sdk_does_not_record_is_no_exemplar() {
    let measured = Measured::of(ExemplarFilter::AlwaysOn, Vec::new);
    let (gauge, counter) =
        (measured.meter().f64_gauge("g").build(), measured.meter().f64_counter("c").build());
    let refused = measured.meter().u64_counter("1 is no name").build();
    gauge.record(1.0, &[]);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        gauge.record(value, &[]);
        counter.add(value, &[]);
    }
    refused.add(1, &[]);
    assert_eq!(measured.cumulative(), expected([("test/g{}", "1.0", "{}")]));
}

#[test]
fn a_bound_instrument_has_exemplars_as_the_one_it_is_of() {
    let measured = Measured::new();
    let meter = measured.meter();
    let bound = meter.f64_histogram("h").build().bind(&[one("a", "1"), one("b", "2")]);
    let counter = meter.u64_counter("c").build().bind(&[]);
    bound.record(5.0);
    {
        let _active = active(1, true);
        bound.record(7.0);
        counter.add(3);
    }
    bound.record(8.0);
    let all = [("test/c{}", "3 by 1", "{}"), ("test/h{a=1,b=2}", "7.0 by 1", "{}")];
    assert_eq!(measured.cumulative(), expected(all));
    let request = ExportMetricsServiceRequest::decode(&*measured.cumulative.encoded()).unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let counts: u64 = metrics
        .iter()
        .map(|metric| match metric.data.as_ref().unwrap() {
            Data::Histogram(of) => of.data_points[0].count,
            _ => 0,
        })
        .sum();
    assert_eq!(counts, 3);
}

#[test]
fn what_is_measured_at_the_end_of_a_thread_is_recorded_and_has_no_exemplar() {
    struct Last(RefCell<Option<Counter<u64>>>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.take().unwrap().add(1, &[]);
        }
    }
    thread_local!(static LAST: Last = const { Last(RefCell::new(None)) });
    let measured = Measured::new();
    let counter = measured.meter().u64_counter("c").build();
    // A panic while the values of a thread are dropped ends the process.
    let measuring = counter.clone();
    let thread = std::thread::spawn(move || {
        LAST.with(|last| last.0.replace(Some(measuring.clone())));
        let _active = active(1, true);
        measuring.add(0, &[]);
    });
    thread.join().unwrap();
    let body = measured.cumulative.encoded();
    let request = ExportMetricsServiceRequest::decode(&*body).unwrap();
    let Some(Data::Sum(sum)) = &request.resource_metrics[0].scope_metrics[0].metrics[0].data else {
        panic!()
    };
    assert_eq!(sum.data_points[0].value, Some(number_data_point::Value::AsInt(1)));
    assert_eq!(measured.cumulative(), expected([("test/c{}", "0 by 1", "{}")]));
}

// O-100: "SHOULD have occurred within the start/stop timestamps of that point"
#[test]
fn a_reader_of_what_is_new_is_told_once_and_one_of_all_again_and_neither_takes_from_the_other() {
    let measured = Measured::new();
    let counter = measured.meter().u64_counter("c").build();
    let add = |span| {
        let _active = active(span, true);
        counter.add(span, &[]);
    };
    let first = expected([("test/c{}", "1 by 1", "{}")]);
    let second = expected([("test/c{}", "2 by 2", "{}")]);
    add(1);
    assert_eq!(measured.told(&measured.delta), first);
    assert_eq!(measured.cumulative(), first);
    counter.add(9, &[]);
    assert_eq!(measured.told(&measured.delta), []);
    assert_eq!(measured.cumulative(), first);
    add(2);
    assert_eq!(measured.cumulative(), second);
    assert_eq!(measured.told(&measured.delta), second);
    assert_eq!(measured.told(&measured.delta), []);
    assert_eq!(measured.cumulative(), second);
}

// Else a bucket that is hit all the time would be without one.
#[test]
fn what_is_measured_between_collection_and_encoding_takes_the_place_of_nothing() {
    let measured = Measured::new();
    let histogram = measured.meter().u64_histogram("h").build();
    let record = |span| {
        let _active = active(span, true);
        histogram.record(span, &[]);
    };
    record(1);
    for reader in [&measured.cumulative, &measured.delta] {
        let exemplars = measured.exemplars.collect();
        let body = reader.encoded().into();
        record(2);
        assert_eq!(told(&exemplars.add(Request { items: 1, body }).body).len(), 1);
    }
}

#[test]
fn few_of_many_are_drawn_and_after_a_collection_drawn_anew() {
    let measured = Measured::of(ExemplarFilter::AlwaysOn, || vec![Box::new(views::exponential)]);
    let histogram = measured.meter().u64_histogram("h").build();
    let values = |told: Vec<Told>| -> Vec<u64> { told.iter().map(|told| told.1.parse().unwrap()).collect() };
    // As many as there is room for, twice: those of before have had their time.
    for all in [0..20, 100..120] {
        all.clone().for_each(|value| histogram.record(value, &[]));
        let mut drawn = values(measured.cumulative());
        drawn.sort();
        assert_eq!(drawn, Vec::from_iter(all));
    }
    (200..1_200).for_each(|value| histogram.record(value, &[]));
    let drawn = values(measured.cumulative());
    assert_eq!(drawn.len(), 20);
    // By chance once in 10^40.
    assert!(drawn.iter().any(|value| *value < 1_180), "only the last: {drawn:?}");
    assert!(drawn.iter().any(|value| *value >= 220), "only the first: {drawn:?}");
}

#[test]
fn what_cannot_be_read_leaves_as_it_is() {
    let measured = Measured::of(ExemplarFilter::AlwaysOn, Vec::new);
    measured.meter().u64_counter("c").build().add(1, &[]);
    let (exemplars, whole) = (measured.exemplars.collect(), measured.cumulative.encoded());
    for length in 0..whole.len() {
        let body = whole[..length].to_vec();
        let request = Request { items: 1, body: body.clone().into() };
        let added = exemplars.add(request);
        // Cut between two fields, it can be read.
        assert!(added.body == body || ExportMetricsServiceRequest::decode(&*body).is_ok(), "{length}");
    }
}
