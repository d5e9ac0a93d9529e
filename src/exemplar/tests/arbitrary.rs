//! Whatever is measured: each exemplar belongs to its point, and nothing else changes.

use super::*;
use proptest::{collection::vec, prelude::*};

const BOUNDS: [f64; 3] = [0.0, 10.0, 20.0];

#[derive(Clone, Debug)]
struct Measurement {
    value: f64,
    attributes: Vec<(usize, u8)>,
    /// `None`: there is no span.
    is_sampled: Option<bool>,
    instrument: usize,
    is_collected: bool,
}

prop_compose! {
    fn measurement()(
        value in -5i8..30, attributes in vec((0usize..3, 0u8..3), 0..4), is_sampled: Option<bool>,
        instrument in 0usize..4, is_collected in prop::bool::weighted(0.1),
    ) -> Measurement {
        Measurement { value: f64::from(value), attributes, is_sampled, instrument, is_collected }
    }
}

fn all_views() -> Vec<View> {
    vec![
        Box::new(|instrument| {
            let keys = ["k0", "k1"].map(opentelemetry::Key::from_static_str);
            let stream = SdkStream::builder().with_name("filtered").with_allowed_attribute_keys(keys);
            (instrument.name() == "viewed").then(|| stream.build().ok()).flatten()
        }),
        Box::new(|instrument| {
            (instrument.name() == "viewed").then(|| views::exponential(instrument)).flatten()
        }),
        Box::new(|instrument| {
            let limited = SdkStream::builder().with_cardinality_limit(3);
            (instrument.name() == "limited").then(|| limited.build().ok()).flatten()
        }),
    ]
}

fn record(measured: &Measured, all: &[Measurement]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let meter = measured.meter();
    let histogram = |name| meter.f64_histogram(name).with_boundaries(BOUNDS.to_vec()).build();
    let histograms = ["viewed", "limited", "plain"].map(histogram);
    let counter = meter.f64_up_down_counter("counter").build();
    let mut requests = Vec::new();
    let mut collect = || {
        for reader in [&measured.delta, &measured.cumulative] {
            let (exemplars, body) = (measured.exemplars.collect(), reader.encoded());
            let added = exemplars.add(Request { items: 7, body: body.clone().into() });
            assert_eq!(added.items, 7);
            requests.push((body, added.body.to_vec()));
        }
    };
    for (number, one) in (1..).zip(all) {
        let key = |key| ["k0", "k1", "k2"][key];
        let attributes: Vec<Attribute> = one
            .attributes
            .iter()
            .map(|(number, value)| Attribute::new(key(*number), i64::from(*value)))
            .chain(
                [Attribute::new("whole", format!("{:?}", one.attributes))]
                    .into_iter()
                    .filter(|_| one.instrument == 0),
            )
            .collect();
        let _active = one.is_sampled.map(|is_sampled| active(number, is_sampled));
        match histograms.get(one.instrument) {
            Some(histogram) => histogram.record(one.value, &attributes),
            None => counter.add(one.value, &attributes),
        }
        if one.is_collected {
            collect();
        }
    }
    collect();
    requests
}

/// Checks the exemplars of a request, and takes them away.
fn judge(request: &mut ExportMetricsServiceRequest, all: &[Measurement]) {
    let metrics = request.resource_metrics.iter_mut().flat_map(|of| &mut of.scope_metrics);
    for metric in metrics.flat_map(|of| &mut of.metrics) {
        let name = metric.name.clone();
        match metric.data.as_mut().unwrap() {
            Data::Sum(sum) => sum.data_points.iter_mut().for_each(|point| {
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                let exemplars = std::mem::take(&mut point.exemplars);
                assert!(exemplars.len() <= 1);
                judge_each(&exemplars, &point.attributes, times, &name, all);
            }),
            Data::Histogram(histogram) => histogram.data_points.iter_mut().for_each(|point| {
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                let exemplars = std::mem::take(&mut point.exemplars);
                let values = judge_each(&exemplars, &point.attributes, times, &name, all);
                let bucket = |value: &f64| point.explicit_bounds.partition_point(|bound| bound < value);
                let buckets: Vec<usize> = values.iter().map(bucket).collect();
                assert!(buckets.is_sorted_by(|one, next| one < next), "{buckets:?}");
                assert!(buckets.iter().all(|bucket| point.bucket_counts[*bucket] > 0));
            }),
            Data::ExponentialHistogram(histogram) => histogram.data_points.iter_mut().for_each(|point| {
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                let exemplars = std::mem::take(&mut point.exemplars);
                assert!(exemplars.len() as u64 <= point.count.min(20));
                judge_each(&exemplars, &point.attributes, times, &name, all);
            }),
            _ => panic!("{name} is of another kind"),
        }
    }
}

/// Checks each against the measurement whose span it names, and returns the values.
fn judge_each(
    exemplars: &[Exemplar],
    attributes: &[KeyValue],
    times: (u64, u64),
    name: &str,
    all: &[Measurement],
) -> Vec<f64> {
    let judge = |exemplar: &Exemplar| {
        assert!((times.0..=times.1).contains(&exemplar.time_unix_nano));
        assert_eq!(exemplar.trace_id, TRACE.to_be_bytes());
        let span = u64::from_be_bytes(exemplar.span_id[..].try_into().unwrap());
        let measurement = &all[span as usize - 1];
        assert_eq!(measurement.is_sampled, Some(true));
        assert_eq!(exemplar.value, Some(exemplar::Value::AsDouble(measurement.value)));
        let metrics = [["filtered", "viewed"], ["limited"; 2], ["plain"; 2], ["counter"; 2]];
        assert!(metrics[measurement.instrument].contains(&name));
        // Those of the point and those of the exemplar are together those of the measurement.
        let is_overflow = attributes.iter().any(|attribute| attribute.key == "otel.metric.overflow");
        let of_point = attributes.iter().filter(|_| !is_overflow).cloned();
        let together = sorted(of_point.chain(exemplar.filtered_attributes.iter().cloned()).collect());
        let together: Vec<KeyValue> =
            together.into_iter().filter(|attribute| attribute.key != "whole").collect();
        let key = |(key, value): &(usize, u8)| Attribute::new(["k0", "k1", "k2"][*key], i64::from(*value));
        let own = sorted(measurement.attributes.iter().map(|one| KeyValue::from(&key(one))).collect());
        assert_eq!(together, own);
        measurement.value
    };
    exemplars.iter().map(judge).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    // O-100
    #[test]
    fn each_exemplar_belongs_to_its_point_and_nothing_else_changes(all in vec(measurement(), 0..60)) {
        let measured = Measured::of(ExemplarFilter::TraceBased, all_views);
        for (before, after) in record(&measured, &all) {
            let before = ExportMetricsServiceRequest::decode(&*before).unwrap();
            let mut after = ExportMetricsServiceRequest::decode(&*after).unwrap();
            judge(&mut after, &all);
            prop_assert_eq!(before, after);
        }
    }
}
