use super::{of, right, told};
use crate::config::{Aggregation, InstrumentKind, MetricView};

const READERS: &str = "meter_provider:\n  readers: [{periodic: {exporter: {console: }}}]\n";

// B-090
#[test]
fn views_of_a_file_are_those_of_code() {
    let config = right(&format!(
        "{READERS}{}",
        "  views:
    - selector:
        instrument_name: http.*
        instrument_type: observable_up_down_counter
        unit: ms
        meter_name: shop
        meter_version: '1'
        meter_schema_url: https://opentelemetry.io/schemas/1.42.0
      stream:
        name: renamed
        description: otherwise
        aggregation: {explicit_bucket_histogram: {boundaries: [-1, 0, 2.5]}}
        aggregation_cardinality_limit: 7
        attribute_keys: {included: [a, b]}
    - {selector: {}, stream: {aggregation: {base2_exponential_bucket_histogram: {max_scale: -10, max_size: 2}}}}
    - {selector: {instrument_name: a}, stream: {aggregation: {base2_exponential_bucket_histogram: }}}
    - {selector: {instrument_name: b}, stream: {aggregation: {explicit_bucket_histogram: {boundaries: []}}}}
    - {selector: {instrument_name: c}, stream: {aggregation: {drop: }}}
    - {selector: {instrument_name: d}, stream: {aggregation: {sum: }}}
    - {selector: {instrument_name: e}, stream: {aggregation: {last_value: }}}
    - {selector: {instrument_name: f}, stream: {aggregation: {default: }}}
"
    ));
    let first = MetricView {
        kind: Some(InstrumentKind::ObservableUpDownCounter),
        unit: Some("ms".into()),
        meter: Some("shop".into()),
        meter_version: Some("1".into()),
        meter_schema_url: Some("https://opentelemetry.io/schemas/1.42.0".into()),
        name: Some("renamed".into()),
        description: Some("otherwise".into()),
        aggregation: Aggregation::ExplicitBuckets(vec![-1.0, 0.0, 2.5]),
        attributes: Some(vec!["a".into(), "b".into()]),
        cardinality_limit: Some(7),
        ..MetricView::of("http.*")
    };
    let rest = [
        ("*", Aggregation::Exponential { max_size: 2, max_scale: -10 }),
        ("a", Aggregation::EXPONENTIAL),
        ("b", Aggregation::ExplicitBuckets(vec![])),
        ("c", Aggregation::Drop),
        ("d", Aggregation::Sum),
        ("e", Aggregation::LastValue),
        ("f", Aggregation::Default),
    ]
    .map(|(name, aggregation)| MetricView { aggregation, ..MetricView::of(name) });
    assert_eq!(config.measurements.views, [&[first][..], &rest].concat());
}

#[test]
fn numbers_that_no_histogram_can_have_are_faults_of_the_file() {
    let fault = |stream: &str| {
        let view = format!("  views: [{{selector: {{instrument_name: a}}, stream: {stream}}}]\n");
        told(&of(&format!("file_format: '1.1'\npropagator: {{}}\n{READERS}{view}"))).join("\n")
    };
    let path = "line 5: meter_provider.views[0].stream";
    for (stream, words) in [
        (
            "{aggregation: {explicit_bucket_histogram: {boundaries: [2, 1]}}}",
            ".aggregation: a bound is not above the one before",
        ),
        (
            "{aggregation: {explicit_bucket_histogram: {boundaries: [.nan]}}}",
            ".aggregation: a bound is not a number",
        ),
        (
            "{aggregation: {explicit_bucket_histogram: {boundaries: [x]}}}",
            ".aggregation.explicit_bucket_histogram.boundaries[0] is not a number",
        ),
        (
            "{aggregation: {base2_exponential_bucket_histogram: {max_size: 1}}}",
            ".aggregation.base2_exponential_bucket_histogram.max_size is not a whole number from 2 to 16384",
        ),
        (
            "{aggregation: {base2_exponential_bucket_histogram: {max_scale: 21}}}",
            ".aggregation.base2_exponential_bucket_histogram.max_scale is not a whole number from -10 to 20",
        ),
        (
            "{aggregation_cardinality_limit: 0}",
            ".aggregation_cardinality_limit is not a whole number from 1 to 100000",
        ),
        (
            "{attribute_keys: {excluded: [a]}}",
            ".attribute_keys.excluded is not supported. Name those that are included.",
        ),
    ] {
        assert_eq!(fault(stream), format!("{path}{words}"), "{stream}");
    }
}

#[test]
fn a_kind_of_instruments_has_a_limit_of_its_own_which_all_readers_share() {
    let read = |first: &str, second: &str| {
        let reader =
            |limits: &str| format!("{{periodic: {{exporter: {{console: }}, cardinality_limits: {limits}}}}}");
        let readers = [first, second].map(reader).join(", ");
        of(&format!("file_format: '1.1'\npropagator: {{}}\nmeter_provider: {{readers: [{readers}]}}"))
    };
    let config = read("{default: 100, counter: 200}", "{counter: 200, observable_gauge: 300}");
    assert_eq!(config.faults(), []);
    let measurements = &config.measurements;
    let limits = [(InstrumentKind::Counter, 200), (InstrumentKind::ObservableGauge, 300)];
    assert_eq!((measurements.cardinality_limit, &measurements.cardinality_limits[..]), (100, &limits[..]));
    let kinds = [InstrumentKind::Counter, InstrumentKind::ObservableGauge, InstrumentKind::Histogram];
    assert_eq!(kinds.map(|kind| measurements.series(None, kind)), [200, 300, 100]);
    assert_eq!(kinds.map(|kind| measurements.series(Some(7), kind)), [7, 7, 7]);
    assert_eq!(
        told(&read("{counter: 200}", "{counter: 201}")),
        [
            "line 3: meter_provider.readers[1].periodic.cardinality_limits.counter is another than on line 3; the \
             destinations of a signal share one"
        ]
    );
}
