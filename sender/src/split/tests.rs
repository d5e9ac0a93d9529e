use super::*;
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
        NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, metric::Data,
    },
};
use proptest::{collection::vec, prelude::*};
use prost::Message;

fn records(of_each: &[Vec<u32>]) -> ExportLogsServiceRequest {
    let record = |flags| LogRecord { flags, ..LogRecord::default() };
    let of_resource = |scopes: &Vec<u32>| ResourceLogs {
        scope_logs: scopes
            .iter()
            .map(|records| ScopeLogs {
                log_records: (0..*records).map(record).collect(),
                schema_url: records.to_string(),
                ..ScopeLogs::default()
            })
            .collect(),
        schema_url: scopes.len().to_string(),
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest { resource_logs: of_each.iter().map(of_resource).collect() }
}

/// A metric of any kind with so many points, each another one.
fn metric(kind: u8, points: u64) -> Metric {
    let (aggregation_temporality, is_monotonic) = (2, true);
    macro_rules! points {
        ($point:ident) => {
            (0..points).map(|time_unix_nano| $point { time_unix_nano, ..$point::default() }).collect()
        };
    }
    let data = match kind {
        0 => None,
        1 => Some(Data::Gauge(Gauge { data_points: points!(NumberDataPoint) })),
        2 => Some(Data::Sum(Sum {
            data_points: points!(NumberDataPoint),
            aggregation_temporality,
            is_monotonic,
        })),
        3 => Some(Data::Histogram(Histogram {
            data_points: points!(HistogramDataPoint),
            aggregation_temporality,
        })),
        4 => Some(Data::ExponentialHistogram(ExponentialHistogram {
            data_points: points!(ExponentialHistogramDataPoint),
            aggregation_temporality,
        })),
        _ => Some(Data::Summary(Summary { data_points: points!(SummaryDataPoint) })),
    };
    Metric { name: format!("{kind}"), unit: format!("{points}"), data, ..Metric::default() }
}

fn metrics(of_each: &[Vec<Vec<(u8, u64)>>]) -> ExportMetricsServiceRequest {
    let of_scope = |of_metrics: &Vec<(u8, u64)>| ScopeMetrics {
        metrics: of_metrics.iter().map(|(kind, points)| metric(*kind, *points)).collect(),
        schema_url: of_metrics.len().to_string(),
        ..ScopeMetrics::default()
    };
    let of_resource = |scopes: &Vec<_>| ResourceMetrics {
        scope_metrics: scopes.iter().map(of_scope).collect(),
        schema_url: scopes.len().to_string(),
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest { resource_metrics: of_each.iter().map(of_resource).collect() }
}

/// The same with every field of these levels alone in the fields above it, as many requests.
fn alone(body: &Bytes, levels: &[&[u32]]) -> Vec<Vec<u8>> {
    let Some((level, deeper)) = levels.split_first() else { return vec![body.to_vec()] };
    let fields = fields(body).unwrap();
    let (children, heads): (Vec<_>, Vec<_>) = fields.iter().partition(|field| level.contains(&field.number));
    let heads = heads.iter().flat_map(|field| &field.whole[..]).copied().collect::<Vec<u8>>();
    if children.is_empty() {
        return vec![heads];
    }
    let within = |inner: Vec<u8>, number| {
        let mut whole = BytesMut::from(&heads[..]);
        nest(number, &inner, &mut whole);
        whole.to_vec()
    };
    let inner = |child: &&Field| {
        let number = child.number;
        alone(&child.content, deeper).into_iter().map(move |inner| (inner, number)).collect::<Vec<_>>()
    };
    children.iter().flat_map(inner).map(|(inner, number)| within(inner, number)).collect()
}

/// Halves of halves, until nothing can be divided.
fn crumbs(signal: Signal, request: Request) -> Vec<Request> {
    match halves(signal, &request) {
        Some(halves) => halves.into_iter().flat_map(|half| crumbs(signal, half)).collect(),
        None => vec![request],
    }
}

fn request() -> impl Strategy<Value = (Signal, Bytes)> {
    let of_logs = vec(vec(0_u32..5, 0..4), 0..4);
    let of_metrics = vec(vec(vec((0_u8..6, 0_u64..9), 0..4), 0..3), 0..3);
    prop_oneof![
        of_logs.prop_map(|of_each| (Signal::Logs, records(&of_each).encode_to_vec().into())),
        of_metrics.prop_map(|of_each| (Signal::Metrics, metrics(&of_each).encode_to_vec().into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_pieces_together_are_the_whole_item_by_item_with_all_that_stands_above((signal, body) in request()) {
        let (levels, items) = (levels(signal), count(&body, levels(signal)).unwrap());
        let crumbs = crumbs(signal, Request { items, body: body.clone() });
        prop_assert!(crumbs.iter().all(|crumb| crumb.items == 1) || items == 0);
        let pieces = Vec::from_iter(crumbs.iter().flat_map(|crumb| alone(&crumb.body, levels)));
        prop_assert_eq!(&pieces, &alone(&body, levels));
        // What begins behind any of them is what the pieces from there on are together.
        for settled in 0..=items {
            let rest = behind(signal, body.clone(), settled);
            prop_assert_eq!(count(&rest, levels).unwrap(), items - settled);
            prop_assert!(alone(&body, levels).ends_with(&alone(&rest, levels)) || settled == items);
        }
    }

    #[test]
    fn what_strangers_call_a_request_is_divided_or_not(body in vec(any::<u8>(), 0..200), items in 0_u64..9) {
        for signal in Signal::ALL {
            let body = Bytes::from(body.clone());
            let _ = halves(signal, &Request { items, body: body.clone() });
            let _ = behind(signal, body, items);
        }
    }
}

#[test]
fn one_metric_with_many_points_of_any_kind_is_divided_between_them() {
    for kind in 1..6 {
        let whole = |points| metrics(&[vec![vec![(kind, points)]]]);
        let body = whole(7).encode_to_vec().into();
        let halves = halves(Signal::Metrics, &Request { items: 7, body }).unwrap();
        let decode = |half: &Request| ExportMetricsServiceRequest::decode(half.body.clone()).unwrap();
        // The unit of the test's metric tells how many there were.
        let head = |mut request: ExportMetricsServiceRequest| {
            let metric = &mut request.resource_metrics[0].scope_metrics[0].metrics[0];
            (std::mem::take(&mut metric.unit), request)
        };
        assert_eq!((halves[0].items, halves[1].items), (3, 4));
        assert_eq!(head(decode(&halves[0])), ("7".into(), head(whole(3)).1));
        assert_eq!(head(decode(&halves[1])).0, "7");
    }
}

#[test]
fn a_request_is_divided_in_the_middle_of_its_items() {
    let whole = records(&[vec![1], vec![5], vec![2]]);
    let body = whole.encode_to_vec().into();
    let halves = halves(Signal::Logs, &Request { items: 8, body }).unwrap();
    let of = |half: &Request| {
        let decoded = ExportLogsServiceRequest::decode(half.body.clone()).unwrap();
        decoded.resource_logs.iter().map(|of| of.scope_logs[0].log_records.len()).collect::<Vec<_>>()
    };
    assert_eq!([of(&halves[0]), of(&halves[1])], [vec![1, 3], vec![2, 2]]);
    assert_eq!([halves[0].items, halves[1].items], [4, 4]);
}

#[test]
fn what_is_one_item_or_no_request_is_not_divided() {
    let one = records(&[vec![], vec![0, 1]]).encode_to_vec();
    let lengths_that_lie =
        [&b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], b"\x0a\x05\x12", b"\x0b", b"\xff"];
    let bodies = lengths_that_lie.into_iter().chain([&b""[..], b"text", b"\x0a\x00", b"\x0a\x02\x12\x00"]);
    for body in bodies.chain([&one[..]]) {
        let request = Request { items: 2, body: Bytes::copy_from_slice(body) };
        assert!(halves(Signal::Traces, &request).is_none(), "{body:?}");
    }
}
