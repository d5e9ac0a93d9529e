mod reference; // what actions do, on decoded attributes

use super::*;
use crate::{
    check::{check, field},
    edit::framed,
};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
        NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, metric::Data,
    },
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, span},
};
use proptest::{collection::vec, prelude::*, sample::select};
use prost::Message;
use reference::{acted, pair};

fn keys() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "http.header.x", "http.header.y", ""]).prop_map(str::to_owned)
}

fn any_values() -> impl Strategy<Value = Option<any_value::Value>> {
    use any_value::Value::{ArrayValue as Array, BoolValue, DoubleValue, IntValue, StringValue};
    let one = prop_oneof![
        select(vec![
            "",
            "12",
            "-3.5",
            "GET /users/7",
            "long, so that its length takes two bytes: ".repeat(4).leak()
        ])
        .prop_map(|text: &str| StringValue(text.into())),
        any::<i64>().prop_map(IntValue),
        (-1e9..1e9).prop_map(DoubleValue),
        any::<bool>().prop_map(BoolValue),
    ];
    let list = vec(one.clone(), 0..3).prop_map(|values| {
        Array(ArrayValue { values: values.into_iter().map(|v| AnyValue { value: Some(v) }).collect() })
    });
    prop_oneof![4 => one.prop_map(Some), 1 => list.prop_map(Some), 1 => Just(None)]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((keys(), any_values()).prop_map(|(key, value)| pair(&key, value)), 0..6)
}

fn values() -> impl Strategy<Value = Value> {
    let one = prop_oneof![
        any::<String>().prop_map(Value::Text),
        any::<i64>().prop_map(Value::Int),
        (-1e9..1e9).prop_map(Value::Double),
        any::<bool>().prop_map(Value::Bool),
        keys().prop_map(Value::Attribute),
        contexts().prop_map(Value::Context),
    ];
    prop_oneof![
        2 => one.clone(),
        1 => (keys(), one.clone()).prop_map(|(key, other)| Value::AttributeOr(key, Box::new(other))),
        1 => (contexts(), one).prop_map(|(context, other)| Value::ContextOr(context, Box::new(other))),
    ]
}

fn contexts() -> impl Strategy<Value = Context> {
    select(vec![Context::Address, Context::Header("X-Tenant".into()), Context::User])
}

/// Processors without others beside them.
struct Alone {
    process: Process,
    asked: Asked,
}

impl Alone {
    fn new(processors: &[Processor]) -> Result<Self, Error> {
        let mut asked = Asked::default();
        Ok(Alone { process: Process::new(processors, &mut asked)?, asked })
    }

    fn asked(&self) -> &Asked {
        &self.asked
    }
}

impl std::ops::Deref for Alone {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// Somebody without a password.
fn client(process: &Alone) -> Client {
    let mut headers = http::HeaderMap::new();
    headers.append("x-tenant", "blue".parse().unwrap());
    headers.append("x-tenant", "green".parse().unwrap());
    headers.append("authorization", "Basic YWRhOnNlY3JldA==".parse().unwrap());
    process.asked().answers(&headers, Some("::ffff:10.1.2.3".parse().unwrap()), false)
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let kinds = select(vec![Kind::Text, Kind::Int, Kind::Double]);
    let patterns = select(vec!["^http", "a|b", "header", "^$"]).prop_map(str::to_owned);
    let groups = select(vec!["^(?P<method>[A-Z]+) /(?P<b>[a-z]+)", "(?P<a>[0-9])|(?P<no>x)"]);
    let one = prop_oneof![
        (keys(), values()).prop_map(|(key, value)| Action::Insert(key, value)),
        (keys(), values()).prop_map(|(key, value)| Action::Update(key, value)),
        (keys(), values()).prop_map(|(key, value)| Action::Upsert(key, value)),
        keys().prop_map(Action::Delete),
        patterns.prop_map(Action::DeleteMatching),
        keys().prop_map(Action::Hash),
        (keys(), kinds).prop_map(|(key, kind)| Action::Convert(key, kind)),
        (keys(), groups).prop_map(|(key, pattern)| Action::Extract(key, pattern.into())),
    ];
    vec(one, 0..5)
}

fn spans(resource: Option<Resource>, lists: Vec<Vec<KeyValue>>) -> ExportTraceServiceRequest {
    let span = |attributes: Vec<KeyValue>| Span {
        trace_id: vec![7; 16],
        span_id: vec![8; 8],
        name: "n".into(),
        events: vec![span::Event { attributes: attributes.clone(), ..span::Event::default() }; 2],
        links: vec![span::Link { attributes: attributes.clone(), flags: 1, ..span::Link::default() }],
        attributes,
        ..Span::default()
    };
    let scope = |lists: &[Vec<KeyValue>]| ScopeSpans {
        scope: lists.first().map(|attributes| InstrumentationScope {
            name: "n".into(),
            attributes: attributes.clone(),
            ..InstrumentationScope::default()
        }),
        spans: lists.iter().cloned().map(span).collect(),
        schema_url: "s".into(),
    };
    let (first, second) = lists.split_at(lists.len() / 2);
    let whole =
        ResourceSpans { resource, scope_spans: vec![scope(first), scope(second)], schema_url: "r".into() };
    ExportTraceServiceRequest { resource_spans: vec![whole.clone(), ResourceSpans::default(), whole] }
}

fn metrics(lists: Vec<Vec<KeyValue>>) -> ExportMetricsServiceRequest {
    let metric = |(place, attributes): (usize, Vec<KeyValue>)| {
        let number = vec![NumberDataPoint { attributes: attributes.clone(), ..NumberDataPoint::default() }];
        let data = match place % 5 {
            0 => Data::Gauge(Gauge { data_points: number }),
            1 => Data::Sum(Sum { data_points: number, is_monotonic: true, ..Sum::default() }),
            2 => Data::Histogram(Histogram {
                data_points: vec![HistogramDataPoint {
                    attributes,
                    explicit_bounds: vec![1.0],
                    bucket_counts: vec![1, 2],
                    ..HistogramDataPoint::default()
                }],
                ..Histogram::default()
            }),
            3 => Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![ExponentialHistogramDataPoint { attributes, ..Default::default() }],
                ..ExponentialHistogram::default()
            }),
            _ => Data::Summary(Summary {
                data_points: vec![SummaryDataPoint { attributes, ..SummaryDataPoint::default() }],
            }),
        };
        Metric { name: "m".into(), data: Some(data), ..Metric::default() }
    };
    let metrics = lists.into_iter().enumerate().map(metric).collect();
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }],
    }
}

fn points(metric: &mut Metric) -> Vec<&mut Vec<KeyValue>> {
    match metric.data.as_mut().unwrap() {
        Data::Gauge(data) => data.data_points.iter_mut().map(|point| &mut point.attributes).collect(),
        Data::Sum(data) => data.data_points.iter_mut().map(|point| &mut point.attributes).collect(),
        Data::Histogram(data) => data.data_points.iter_mut().map(|point| &mut point.attributes).collect(),
        Data::ExponentialHistogram(data) => {
            data.data_points.iter_mut().map(|point| &mut point.attributes).collect()
        }
        Data::Summary(data) => data.data_points.iter_mut().map(|point| &mut point.attributes).collect(),
    }
}

fn processed(signal: Signal, processors: &[Processor], body: &[u8]) -> Vec<u8> {
    let process = Alone::new(processors).unwrap();
    let processed = process.apply(signal, body, &client(&process), usize::MAX).unwrap();
    let processed = processed.unwrap_or_else(|| body.to_vec());
    check(signal, &processed).unwrap();
    processed
}

fn resource_acted(resource: &mut Option<Resource>, actions: &[Action]) {
    let mut with = resource.clone().unwrap_or_default();
    acted(&mut with.attributes, actions);
    if resource.is_some() || !with.attributes.is_empty() {
        *resource = Some(with);
    }
}

fn scope_acted(scope: &mut Option<InstrumentationScope>, actions: &[Action]) {
    let mut with = scope.clone().unwrap_or_default();
    acted(&mut with.attributes, actions);
    if scope.is_some() || !with.attributes.is_empty() {
        *scope = Some(with);
    }
}

fn span_acted(span: &mut Span, items: &[Action], events: &[Action], links: &[Action]) {
    acted(&mut span.attributes, items);
    span.events.iter_mut().for_each(|event| acted(&mut event.attributes, events));
    span.links.iter_mut().for_each(|link| acted(&mut link.attributes, links));
}

fn at(place: Place, actions: &[Action]) -> Processor {
    Processor::at(place, actions.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    // B-067
    #[test]
    fn spans_are_as_if_they_were_decoded_changed_and_encoded(
        resource in proptest::option::of(attributes()),
        lists in vec(attributes(), 0..4),
        (on_resource, on_scope, on_items, on_events, on_links) in (actions(), actions(), actions(), actions(), actions()),
    ) {
        let resource = resource.map(|attributes| Resource { attributes, dropped_attributes_count: 3, ..Resource::default() });
        let mut request = spans(resource, lists);
        let processors = [
            at(Place::Links, &on_links),
            at(Place::Resource, &on_resource),
            at(Place::Scope, &on_scope),
            at(Place::Items, &on_items),
            at(Place::Events, &on_events),
        ];
        let body = processed(Signal::Traces, &processors, &request.encode_to_vec());
        for of in &mut request.resource_spans {
            resource_acted(&mut of.resource, &on_resource);
            for of in &mut of.scope_spans {
                scope_acted(&mut of.scope, &on_scope);
                of.spans.iter_mut().for_each(|span| span_acted(span, &on_items, &on_events, &on_links));
            }
        }
        prop_assert_eq!(ExportTraceServiceRequest::decode(&body[..]).unwrap(), request);
    }

    #[test]
    fn the_order_in_which_the_fields_of_a_span_come_does_not_matter(
        fields in vec((select(vec![9_u32, 11, 13]), attributes()), 0..6).prop_shuffle(),
        (on_items, on_events, on_links) in (actions(), actions(), actions()),
    ) {
        let attribute = |number, pair: KeyValue| framed(number, &pair.encode_to_vec());
        let list = |number, list: Vec<KeyValue>| list.into_iter().map(|pair| attribute(number, pair)).collect::<Vec<_>>().concat();
        let field = |(number, attributes)| match number {
            9 => list(9, attributes),
            11 => framed(11, &list(3, attributes)),
            _ => framed(13, &list(4, attributes)),
        };
        let span: Vec<u8> = fields.into_iter().flat_map(field).collect();
        let body = framed(1, &framed(2, &framed(2, &span)));
        let processors = [at(Place::Items, &on_items), at(Place::Events, &on_events), at(Place::Links, &on_links)];
        let process = Alone::new(&processors).unwrap();
        let changed = process.apply(Signal::Traces, &body, &client(&process), usize::MAX).unwrap();
        let changed = ExportTraceServiceRequest::decode(&changed.unwrap_or(body)[..]).unwrap();
        let mut span = Span::decode(&span[..]).unwrap();
        span_acted(&mut span, &on_items, &on_events, &on_links);
        prop_assert_eq!(&changed.resource_spans[0].scope_spans[0].spans[0], &span);
    }

    #[test]
    fn data_points_of_every_kind_are_as_if_they_were_decoded_changed_and_encoded(
        lists in vec(attributes(), 0..10),
        actions in actions(),
    ) {
        let mut request = metrics(lists);
        let body = processed(Signal::Metrics, &[Processor::items(actions.clone())], &request.encode_to_vec());
        let scopes = request.resource_metrics.iter_mut().flat_map(|of| &mut of.scope_metrics);
        scopes.flat_map(|of| &mut of.metrics).flat_map(points).for_each(|list| acted(list, &actions));
        prop_assert_eq!(ExportMetricsServiceRequest::decode(&body[..]).unwrap(), request);
    }

    #[test]
    fn log_records_are_as_if_they_were_decoded_changed_and_encoded(
        lists in vec(attributes(), 0..4),
        actions in actions(),
    ) {
        let log_records = lists.into_iter().map(|attributes| LogRecord { attributes, ..LogRecord::default() }).collect();
        let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
        let mut request = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }],
        };
        let body = processed(Signal::Logs, &[Processor::items(actions.clone())], &request.encode_to_vec());
        for record in &mut request.resource_logs[0].scope_logs[0].log_records {
            acted(&mut record.attributes, &actions);
        }
        prop_assert_eq!(ExportLogsServiceRequest::decode(&body[..]).unwrap(), request);
    }

    #[test]
    fn what_is_no_request_is_a_fault_and_no_panic(body in any::<Vec<u8>>(), actions in actions()) {
        let processors = [Processor::resource(actions.clone()), Processor::items(actions)];
        let process = Alone::new(&processors).unwrap();
        for signal in Signal::ALL {
            let _ = process.apply(signal, &body, &Client::default(), 1 << 20);
        }
    }
}

#[test]
fn a_request_in_which_nothing_changes_stays_as_it_is_and_unknown_fields_stay_where_they_are() {
    // Unknown fields, and a length in more bytes than it needs.
    let name = b"\x2a\x81\x00n";
    let span = [&field(9, &field(1, b"key"))[..], name].concat();
    let within = |span: &[u8]| {
        field(1, &[field(9, b"!"), field(2, &[field(8, b"?"), field(2, span)].concat())].concat())
    };
    let body = within(&span);
    let process = |actions: &[Action]| Alone::new(&[Processor::items(actions.to_vec())]).unwrap();
    let nothing = [Action::Delete("no".into()), Action::Update("no".into(), Value::Int(1))];
    assert_eq!(process(&nothing).apply(Signal::Traces, &body, &Client::default(), usize::MAX), Ok(None));
    let deleted = process(&[Action::Delete("key".into())])
        .apply(Signal::Traces, &body, &Client::default(), usize::MAX)
        .unwrap()
        .unwrap();
    assert_eq!(deleted, within(name));
}

#[test]
fn a_processor_acts_on_its_signals_only_and_a_bad_pattern_is_an_error() {
    let mut processor = Processor::items([Action::Insert("a".into(), Value::Bool(true))]);
    processor.signals = vec![Signal::Logs];
    let process = Alone::new(&[processor]).unwrap();
    assert_eq!(Signal::ALL.map(|signal| process.is_empty(signal)), [true, true, false]);
    let error = Alone::new(&[Processor::items([Action::DeleteMatching("(".into())])]).err().unwrap();
    let expected = r#"a processor cannot be used: "(" is no regular expression: unclosed group"#;
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_request_does_not_grow_beyond_the_limit_and_stops_growing_early() {
    let spans = spans(None, vec![Vec::new(); 100]).encode_to_vec();
    let long = Action::Insert("long".into(), Value::Text("x".repeat(1000)));
    let process = Alone::new(&[Processor::items([long])]).unwrap();
    let apply = |most| process.apply(Signal::Traces, &spans, &Client::default(), most);
    let whole = apply(usize::MAX).unwrap().unwrap().len();
    assert_eq!(apply(whole).unwrap().unwrap().len(), whole);
    assert_eq!(apply(whole - 1), Err(Failure::TooLarge));
    assert_eq!(apply(0), Err(Failure::TooLarge));
}

// O-052: what the answer says was rejected does not go on.
#[test]
fn records_that_were_rejected_are_cut_out_and_all_others_stay() {
    let request = spans(None, vec![vec![pair("a", None)], vec![], vec![]]);
    let mut wrong = request.clone();
    wrong.resource_spans[0].scope_spans[1].spans[0].span_id = vec![0; 8];
    wrong.resource_spans[2].scope_spans[0].spans[0].trace_id = vec![1];
    let body = wrong.encode_to_vec();
    let cut = without(&body, |span| crate::scan::is_rejected(Signal::Traces, &body, span)).unwrap();
    let mut expected = request;
    expected.resource_spans[0].scope_spans[1].spans.remove(0);
    expected.resource_spans[2].scope_spans[0].spans.remove(0);
    assert_eq!(ExportTraceServiceRequest::decode(&cut[..]).unwrap(), expected);
}
