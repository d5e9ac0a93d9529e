use super::*;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use proptest::{collection::vec, prelude::*};
use prost::Message;
use std::collections::BTreeMap;

const WAYS: usize = 4;

/// The trace of an item by its number; zero: none.
fn id(trace: u8) -> Vec<u8> {
    if trace == 0 { Vec::new() } else { vec![trace; 16] }
}

fn way(key: u64) -> usize {
    (key >> 7) as usize % WAYS
}

fn of(bytes: &[u8]) -> usize {
    way(key(bytes))
}

/// A resource that others may have too, with a service or without.
fn described(number: usize, service: u8) -> Option<Resource> {
    let text = |text: String| Some(AnyValue { value: Some(any_value::Value::StringValue(text)) });
    let attribute =
        |key: &str, value| KeyValue { key: key.into(), value: text(value), ..KeyValue::default() };
    let mut attributes = vec![attribute("host.name", "h".repeat(number * 50))];
    if service > 0 {
        attributes.push(attribute("service.name", format!("service {service}")));
    }
    (service < 5).then(|| Resource { attributes, ..Resource::default() })
}

fn scope(number: usize) -> Option<InstrumentationScope> {
    number
        .is_multiple_of(2)
        .then(|| InstrumentationScope { name: format!("scope {number}"), ..Default::default() })
}

/// Resources with services, scopes and items of these traces.
type Shape = Vec<(u8, Vec<Vec<u8>>)>;

fn spans(shape: &Shape) -> ExportTraceServiceRequest {
    let mut number = 0_u64;
    let mut span = |trace: &u8| {
        number += 1;
        Span { trace_id: id(*trace), span_id: number.to_be_bytes().into(), ..Span::default() }
    };
    let resource_spans = shape.iter().enumerate().map(|(place, (service, scopes))| ResourceSpans {
        resource: described(place, *service),
        scope_spans: Vec::from_iter(scopes.iter().enumerate().map(|(place, traces)| ScopeSpans {
            scope: scope(place),
            spans: traces.iter().map(&mut span).collect(),
            schema_url: "s".repeat(place),
        })),
        schema_url: "r".repeat(place),
    });
    ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
}

/// Every span with all that stands above it.
fn told(request: &ExportTraceServiceRequest) -> Vec<String> {
    let mut told = Vec::new();
    for of_resource in &request.resource_spans {
        for of_scope in &of_resource.scope_spans {
            for span in &of_scope.spans {
                let (resource, scope) = (&of_resource.resource, &of_scope.scope);
                let urls = (&of_resource.schema_url, &of_scope.schema_url);
                told.push(format!("{:?} {resource:?} {scope:?} {urls:?}", span.span_id));
            }
        }
    }
    told
}

fn logs(shape: &Shape) -> ExportLogsServiceRequest {
    let mut number = 0;
    let mut record = |trace: &u8| {
        number += 1;
        LogRecord { trace_id: id(*trace), time_unix_nano: number, ..LogRecord::default() }
    };
    let resource_logs = shape.iter().enumerate().map(|(place, (service, scopes))| ResourceLogs {
        resource: described(place, *service),
        scope_logs: Vec::from_iter(scopes.iter().map(|traces| ScopeLogs {
            log_records: traces.iter().map(&mut record).collect(),
            ..ScopeLogs::default()
        })),
        ..ResourceLogs::default()
    });
    ExportLogsServiceRequest { resource_logs: resource_logs.collect() }
}

fn shape() -> impl Strategy<Value = Shape> {
    vec((0_u8..6, vec(vec(1_u8..9, 0..6), 0..4)), 0..4)
}

fn whole(items: usize, body: Vec<u8>) -> Request {
    Request { items: items as u64, body: body.into() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_of_spans_together_are_the_whole_and_each_trace_is_in_one(shape in shape()) {
        let request = spans(&shape);
        let items = told(&request).len();
        let parts = parts(Signal::Traces, Key::Trace, &whole(items, request.encode_to_vec()), &way, &Hold::default());
        let mut all = Vec::new();
        for (place, part) in &parts {
            let part_told = ExportTraceServiceRequest::decode(part.body.clone()).unwrap();
            prop_assert_eq!(told(&part_told).len() as u64, part.items);
            let spans = part_told.resource_spans.iter().flat_map(|of| &of.scope_spans).flat_map(|of| &of.spans);
            prop_assert!(items == 0 || spans.into_iter().all(|span| of(&span.trace_id) == *place));
            all.extend(told(&part_told));
        }
        let mut expected = told(&request);
        expected.sort();
        all.sort();
        prop_assert_eq!(all, expected);
        let ways = Vec::from_iter(parts.iter().map(|(place, _)| *place));
        prop_assert!(ways.iter().collect::<std::collections::BTreeSet<_>>().len() == ways.len());
    }

    #[test]
    fn log_records_go_with_their_trace_and_else_with_their_service(
        shape in vec((0_u8..6, vec(vec(0_u8..4, 0..6), 0..4)), 0..4)
    ) {
        let request = logs(&shape);
        let records = |request: &ExportLogsServiceRequest| {
            let mut records = BTreeMap::new();
            for of_resource in &request.resource_logs {
                for record in of_resource.scope_logs.iter().flat_map(|of| &of.log_records) {
                    records.insert(record.time_unix_nano, (of_resource.resource.clone(), record.clone()));
                }
            }
            records
        };
        let expected = records(&request);
        let parts = parts(Signal::Logs, Key::Trace, &whole(expected.len(), request.encode_to_vec()), &way, &Hold::default());
        let (mut all, mut of_service) = (BTreeMap::new(), BTreeMap::new());
        for (place, part) in parts {
            let records = records(&ExportLogsServiceRequest::decode(part.body).unwrap());
            prop_assert_eq!(records.len() as u64, part.items);
            for (resource, record) in records.values() {
                match &record.trace_id[..] {
                    [] => {
                        let service = resource.as_ref().map(|resource| resource.attributes.last().cloned());
                        let known = *of_service.entry(format!("{service:?}")).or_insert(place);
                        prop_assert_eq!(known, place);
                    }
                    id => prop_assert_eq!(of(id), place),
                }
            }
            all.extend(records);
        }
        prop_assert_eq!(all, expected);
    }

    #[test]
    fn what_strangers_call_a_request_is_parted_or_goes_whole(body in vec(any::<u8>(), 0..200), items in 1_u64..9) {
        for (signal, by) in Signal::ALL.into_iter().flat_map(|signal| {
            [Key::Trace, Key::Service, Key::Resource].map(|by| (signal, by))
        }) {
            let parts = parts(signal, by, &Request { items, body: body.clone().into() }, &way, &Hold::default());
            prop_assert_eq!(parts.iter().map(|(_, part)| part.items).sum::<u64>(), items);
        }
    }
}

#[test]
fn what_goes_one_way_is_not_copied() {
    let request = whole(6, spans(&vec![(1, vec![vec![7, 7, 7]]), (2, vec![vec![7, 7, 7]])]).encode_to_vec());
    let parts = parts(Signal::Traces, Key::Trace, &request, &way, &Hold::default());
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].1.body.as_ptr(), request.body.as_ptr());
}

#[test]
fn measurements_stay_with_their_service_and_by_choice_with_their_resource() {
    let of_service = |number: usize, service: u8| {
        let points = vec![NumberDataPoint::default(); number + 1];
        let data = Some(Data::Gauge(Gauge { data_points: points }));
        let metrics = vec![Metric { name: format!("{number}"), data, ..Metric::default() }];
        let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
        ResourceMetrics { resource: described(number, service), scope_metrics, ..ResourceMetrics::default() }
    };
    let resource_metrics = (0..20).map(|number| of_service(number, (number % 4) as u8 + 1)).collect();
    let request = ExportMetricsServiceRequest { resource_metrics };
    let request = whole((1..=20).sum(), request.encode_to_vec());
    for (by, most) in [(Key::Trace, 1), (Key::Service, 1), (Key::Resource, WAYS)] {
        let parts = parts(Signal::Metrics, by, &request, &way, &Hold::default());
        assert_eq!(parts.iter().map(|(_, part)| part.items).sum::<u64>(), 210);
        let mut ways = BTreeMap::<String, std::collections::BTreeSet<usize>>::new();
        for (place, part) in parts {
            let request = ExportMetricsServiceRequest::decode(part.body).unwrap();
            let points =
                |of: &ResourceMetrics| of.scope_metrics[0].metrics[0].name.parse::<u64>().unwrap() + 1;
            assert_eq!(request.resource_metrics.iter().map(points).sum::<u64>(), part.items);
            for of_resource in request.resource_metrics {
                let service = of_resource.resource.unwrap().attributes.pop().unwrap();
                ways.entry(format!("{service:?}")).or_default().insert(place);
            }
        }
        assert!(ways.len() == 4 && ways.values().all(|ways| ways.len() <= most), "{by:?} {ways:?}");
        assert!(by != Key::Resource || ways.values().any(|ways| ways.len() > 1), "{ways:?}");
    }
}

#[test]
fn a_head_that_would_be_repeated_without_end_is_not() {
    let attributes = vec![KeyValue { key: "x".repeat(9 << 20), ..KeyValue::default() }];
    let mut request = spans(&vec![(1, vec![vec![1, 2, 3, 4, 5, 6, 7, 8]])]);
    request.resource_spans[0].resource = Some(Resource { attributes, ..Resource::default() });
    let request = whole(8, request.encode_to_vec());
    let eight = |key: u64| (key >> 3) as usize % 8;
    let parts = parts(Signal::Traces, Key::Trace, &request, &eight, &Hold::default());
    assert_eq!(parts.len(), 1, "eight parts of nine mebibytes are more than four times the request");
    assert_eq!(parts[0].1.items, 8);
}
