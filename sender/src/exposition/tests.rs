//! Pages compared line by line.

mod histograms;

use super::{Format::*, *};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    metrics::v1::{
        Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
        Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
        exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
        summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
};
use prost::Message;

const CUMULATIVE: i32 = 2;

fn attributes(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    let value = |text: &str| AnyValue { value: Some(Value::StringValue(text.into())) };
    let attribute = |(key, text): &(&str, &str)| KeyValue {
        key: (*key).into(),
        value: Some(value(text)),
        ..KeyValue::default()
    };
    pairs.iter().map(attribute).collect()
}

fn request(metrics: Vec<Metric>) -> Vec<u8> {
    let scope = InstrumentationScope { name: "shop".into(), ..InstrumentationScope::default() };
    of(&[], vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }])
}

fn of(resource: &[(&str, &str)], scope_metrics: Vec<ScopeMetrics>) -> Vec<u8> {
    let resource = Resource { attributes: attributes(resource), ..Resource::default() };
    let resource_metrics =
        vec![ResourceMetrics { resource: Some(resource), scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

fn metric(name: &str, data: Data) -> Metric {
    Metric { name: name.into(), data: Some(data), ..Metric::default() }
}

fn number(value: f64, pairs: &[(&str, &str)]) -> NumberDataPoint {
    let value = Some(number_data_point::Value::AsDouble(value));
    NumberDataPoint { value, attributes: attributes(pairs), ..NumberDataPoint::default() }
}

fn gauge(value: f64, pairs: &[(&str, &str)]) -> Data {
    Data::Gauge(Gauge { data_points: vec![number(value, pairs)] })
}

fn counter(points: Vec<NumberDataPoint>) -> Data {
    Data::Sum(Sum { data_points: points, aggregation_temporality: CUMULATIVE, is_monotonic: true })
}

fn histogram(point: HistogramDataPoint) -> Data {
    Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: CUMULATIVE })
}

fn exponential(point: ExponentialHistogramDataPoint) -> Data {
    let data_points = vec![point];
    Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality: CUMULATIVE })
}

/// The lines, and what was left out with how many points.
fn shown(request: &[u8], options: Options) -> (Vec<String>, Vec<(String, Reason, u64)>) {
    let page = page(request, options).unwrap();
    let lines = String::from_utf8(page.text).unwrap().lines().map(str::to_owned).collect();
    (lines, page.left_out.into_iter().map(|out| (out.metric, out.reason, out.points)).collect())
}

fn lines(request: &[u8], format: Format) -> Vec<String> {
    shown(request, Options { scope_labels: false, ..Options::new(format) }).0
}

// B-010, B-021, B-022, H-089
// B-011
#[test]
fn labels_are_escaped_joined_and_sorted_and_empty_ones_are_none() {
    let point = number(
        1.0,
        &[
            ("z", "\"\\\n"),
            ("a.b", "1"),
            ("a_b", "2"),
            ("a-b", "0"),
            ("none", ""),
            ("__name__", "x"),
            ("..", "x"),
        ],
    );
    let request = request(vec![metric("up", Data::Gauge(Gauge { data_points: vec![point] }))]);
    assert_eq!(lines(&request, Text), ["# TYPE up gauge", r#"up{a_b="0;1;2",z="\"\\\n"} 1"#]);
}

// B-022
#[test]
fn a_scope_is_told_by_labels_unless_they_are_not_wanted() {
    let scope = InstrumentationScope {
        name: "shop".into(),
        version: "1.2".into(),
        attributes: attributes(&[("team", "a"), ("name", "lost")]),
        ..InstrumentationScope::default()
    };
    let request = of(
        &[("service.name", "cart"), ("host.name", "h")],
        vec![ScopeMetrics {
            scope: Some(scope),
            metrics: vec![metric("up", gauge(1.0, &[("otel.scope.version", "0")]))],
            schema_url: "https://s/1".into(),
        }],
    );
    let info = ["# HELP target_info Target metadata", "# TYPE target_info gauge"];
    let all = [
        info[0],
        info[1],
        r#"target_info{host_name="h",service_name="cart"} 1"#,
        "# TYPE up gauge",
        r#"up{otel_scope_name="shop",otel_scope_schema_url="https://s/1",otel_scope_team="a",otel_scope_version="0;1.2"} 1"#,
    ];
    assert_eq!(shown(&request, Options::new(Text)).0, all);
    assert_eq!(lines(&request, Text)[4], r#"up{otel_scope_version="0"} 1"#);
    let open = [
        "# HELP target Target metadata",
        "# TYPE target info",
        all[2],
        all[3],
        r#"up{otel_scope_version="0"} 1"#,
        "# EOF",
    ];
    assert_eq!(lines(&request, OpenMetrics), open);
}

// B-008, B-009: what a collector shows of several services.
#[test]
fn several_targets_are_told_by_job_and_instance() {
    let one = |pairs: &[(&str, &str)]| {
        let metrics = vec![metric("up", gauge(1.0, &[("job", "mine")]))];
        of(pairs, vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }])
    };
    let request = [
        one(&[
            ("service.name", "cart"),
            ("service.namespace", "shop"),
            ("service.instance.id", "1"),
            ("os.type", "l"),
        ]),
        one(&[("service.name", "till"), ("service.instance.id", "2")]),
        one(&[("os.type", "l")]),
    ]
    .concat();
    let options = Options { targets: Targets::Many, ..Options::new(Text) };
    assert_eq!(
        shown(&request, options).0,
        [
            "# HELP target_info Target metadata",
            "# TYPE target_info gauge",
            r#"target_info{instance="1",job="shop/cart",os_type="l"} 1"#,
            "# TYPE up gauge",
            r#"up{instance="1",job="shop/cart"} 1"#,
            r#"up{instance="2",job="till"} 1"#,
            r#"up{job="mine"} 1"#,
        ]
    );
}

// B-022
#[test]
fn a_gauge_whose_name_ends_like_a_series_of_a_histogram_has_no_type() {
    let of = |name: &str| metric(name, gauge(1.0, &[]));
    let names = ["thread.count", "size.sum", "in_bucket", "account", "count"];
    let mut metrics: Vec<Metric> = names.into_iter().map(of).collect();
    metrics.push(metric("retry.count", counter(vec![number(1.0, &[])])));
    let request = request(metrics);
    for (format, none, retries) in
        [(Text, "untyped", "retry_count_total"), (OpenMetrics, "unknown", "retry_count")]
    {
        let types: Vec<String> =
            lines(&request, format).into_iter().filter(|line| line.starts_with("# T")).collect();
        let expected = [
            "# TYPE account gauge".to_owned(),
            "# TYPE count gauge".to_owned(),
            format!("# TYPE in_bucket {none}"),
            format!("# TYPE {retries} counter"),
            format!("# TYPE size_sum {none}"),
            format!("# TYPE thread_count {none}"),
        ];
        assert_eq!(types, expected);
    }
}

// B-022
#[test]
fn what_cannot_stand_together_is_left_out_and_told() {
    let both = vec![number(1.0, &[("a.b", "x")]), number(2.0, &[("a_b", "x")]), number(f64::NAN, &[])];
    let delta = Sum { data_points: both.clone(), aggregation_temporality: 1, is_monotonic: true };
    let point = HistogramDataPoint { count: 1, bucket_counts: vec![2], ..HistogramDataPoint::default() };
    let gone = NumberDataPoint { flags: 1, ..number(1.0, &[]) };
    let request = request(vec![
        metric("jobs", counter(both)),
        metric("jobs.total", gauge(1.0, &[])),
        metric("jobs", gauge(1.0, &[])),
        metric("target", gauge(1.0, &[])),
        metric("per.request", Data::Sum(delta)),
        metric("...", gauge(1.0, &[])),
        metric("odd", histogram(point)),
        metric("gone", Data::Gauge(Gauge { data_points: vec![gone] })),
        metric("empty", Data::Gauge(Gauge::default())),
        Metric { name: "nothing".into(), ..Metric::default() },
    ]);
    let out = |name: &str, reason, points| (name.to_owned(), reason, points);
    for format in [Text, OpenMetrics] {
        let (lines, left_out) = shown(&request, Options { scope_labels: false, ..Options::new(format) });
        assert_eq!(lines[..2], ["# TYPE jobs gauge", "jobs 1"]);
        assert_eq!(lines.len(), if format == Text { 2 } else { 3 }, "{lines:?}");
        assert_eq!(
            left_out,
            [
                out("per.request", Reason::NotCumulative, 3),
                out("...", Reason::Nameless, 1),
                out("jobs.total", Reason::Conflict, 1),
                out("jobs", Reason::Conflict, 3),
                out("target", Reason::Conflict, 1),
                out("odd", Reason::Unfit, 1),
            ]
        );
    }
    let alone = self::request(vec![metric(
        "jobs",
        counter(vec![number(1.0, &[("a.b", "x")]), number(2.0, &[("a_b", "x")]), number(f64::NAN, &[])]),
    )]);
    let (lines, left_out) = shown(&alone, Options { scope_labels: false, ..Options::new(Text) });
    assert_eq!(lines, ["# TYPE jobs_total counter", r#"jobs_total{a_b="x"} 1"#]);
    assert_eq!(left_out, [out("jobs", Reason::Duplicate, 1), out("jobs", Reason::Unfit, 1)]);
}

// B-014, B-024
#[test]
fn exemplars_are_the_latest_and_have_at_most_128_characters() {
    let exemplar = |value, time, pairs: &[(&str, &str)]| Exemplar {
        value: Some(exemplar::Value::AsDouble(value)),
        time_unix_nano: time,
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        filtered_attributes: attributes(pairs),
    };
    let ids = format!("span_id=\"{}\",trace_id=\"{}\"", "cd".repeat(8), "ab".repeat(16));
    let (fits, long) = ("é".repeat(64), "x".repeat(65));
    let point = HistogramDataPoint {
        count: 3,
        sum: Some(3.0),
        bucket_counts: vec![1, 1, 1],
        explicit_bounds: vec![1.0, 2.0],
        exemplars: vec![
            exemplar(1.0, 2_500_000_000, &[("a", &fits), ("trace.id", "mine")]),
            exemplar(0.5, 1_500_000_000, &[]),
            exemplar(9.0, 0, &[("a", &long)]),
        ],
        ..HistogramDataPoint::default()
    };
    let total = NumberDataPoint { exemplars: vec![exemplar(2.0, 1_000_000_000, &[])], ..number(7.0, &[]) };
    let level = NumberDataPoint { exemplars: total.exemplars.clone(), ..number(7.0, &[]) };
    let request = request(vec![
        metric("took", histogram(point)),
        metric("jobs", counter(vec![total])),
        metric("level", Data::Gauge(Gauge { data_points: vec![level] })),
    ]);
    let expected = [
        "# TYPE jobs counter".into(),
        format!("jobs_total 7 # {{{ids}}} 2 1.000"),
        "# TYPE level gauge".into(),
        "level 7".into(),
        "# TYPE took histogram".into(),
        format!("took_bucket{{le=\"1.0\"}} 1 # {{{ids},a=\"{fits}\"}} 1 2.500"),
        "took_bucket{le=\"2.0\"} 2".into(),
        format!("took_bucket{{le=\"+Inf\"}} 3 # {{{ids}}} 9"),
        "took_sum 3".into(),
        "took_count 3".into(),
        "# EOF".into(),
    ];
    assert_eq!(lines(&request, OpenMetrics), expected);
    assert!(!lines(&request, Text).iter().any(|line| line.contains(" # ")));
}

#[test]
fn open_metrics_has_no_sum_that_could_fall() {
    let point = |bounds: &[f64], sum| HistogramDataPoint {
        count: 2,
        sum,
        bucket_counts: vec![1; bounds.len() + 1],
        explicit_bounds: bounds.to_vec(),
        ..HistogramDataPoint::default()
    };
    for (bounds, sum, sums, counts) in [
        (&[1.0][..], Some(3.0), [1, 1], [1, 1]),
        (&[-1.0], Some(3.0), [1, 0], [1, 0]),
        (&[1.0], Some(-3.0), [1, 0], [1, 0]),
        (&[1.0], Some(f64::NAN), [1, 0], [1, 0]),
        (&[1.0], None, [0, 0], [1, 0]),
    ] {
        let request = request(vec![metric("t", histogram(point(bounds, sum)))]);
        for (index, format) in [Text, OpenMetrics].into_iter().enumerate() {
            let lines = lines(&request, format);
            let count = |begin: &str| lines.iter().filter(|line| line.starts_with(begin)).count();
            assert_eq!((count("t_sum"), count("t_count")), (sums[index], counts[index]), "{lines:?}");
        }
    }
}

#[test]
fn a_summary_keeps_its_quantiles() {
    let at = |quantile, value| ValueAtQuantile { quantile, value };
    let point = SummaryDataPoint {
        count: 3,
        sum: 6.0,
        quantile_values: vec![at(0.0, -1.0), at(0.5, 2.0), at(0.5, 9.0), at(1.0, 3.5), at(2.0, 1.0)],
        attributes: attributes(&[("quantile", "x")]),
        ..SummaryDataPoint::default()
    };
    let request = request(vec![metric("s", Data::Summary(Summary { data_points: vec![point] }))]);
    let text = [
        "# TYPE s summary",
        r#"s{exported_quantile="x",quantile="0"} -1"#,
        r#"s{exported_quantile="x",quantile="0.5"} 2"#,
        r#"s{exported_quantile="x",quantile="1"} 3.5"#,
        r#"s_sum{exported_quantile="x"} 6"#,
        r#"s_count{exported_quantile="x"} 3"#,
    ];
    assert_eq!(lines(&request, Text), text);
    assert_eq!(lines(&request, OpenMetrics)[1], r#"s{exported_quantile="x",quantile="0.5"} 2"#);
}

#[test]
fn points_with_many_rows_of_keys_keep_their_labels() {
    let keys: Vec<String> = (0..50).map(|number| format!("k{number:02}")).collect();
    let points = keys.iter().chain(&keys[..1]).map(|key| number(1.0, &[(key, "v")])).collect();
    let request = request(vec![metric("g", counter(points))]);
    let (lines, left_out) = shown(&request, Options { scope_labels: false, ..Options::new(Text) });
    let expected: Vec<String> = keys.iter().map(|key| format!("g_total{{{key}=\"v\"}} 1")).collect();
    assert_eq!(lines[1..], expected);
    assert_eq!(left_out, [("g".to_owned(), Reason::Duplicate, 1)]);
}

proptest::proptest! {
    // Whatever arrives: no panic, and a page that is whole UTF-8.
    #[test]
    fn any_bytes_make_a_page_or_a_fault(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), cut in 0..400usize) {
        let point = HistogramDataPoint {
            attributes: attributes(&[("a", "b")]),
            count: 3,
            bucket_counts: vec![1, 2],
            explicit_bounds: vec![1.0],
            ..HistogramDataPoint::default()
        };
        let mut mangled = request(vec![metric("h", histogram(point))]);
        for (place, byte) in mangled.iter_mut().skip(cut).zip(bytes.iter().take(3)) {
            *place = *byte;
        }
        for request in [&bytes[..], &mangled] {
            for format in [Text, OpenMetrics] {
                if let Ok(page) = page(request, Options::new(format)) {
                    proptest::prop_assert!(std::str::from_utf8(&page.text).is_ok());
                }
            }
        }
    }
}
