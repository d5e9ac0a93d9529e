use super::*;
use crate::check::{check, field};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, ArrayValue, KeyValue, any_value},
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

type List = Vec<(String, Option<any_value::Value>)>;

/// What the actions are to do, on decoded attributes.
fn reference(list: &mut List, action: &Action) {
    let last = |list: &List, key: &str| list.iter().rfind(|pair| pair.0 == key).map(|pair| pair.1.clone());
    fn value_of(list: &List, value: &Value) -> Option<Option<any_value::Value>> {
        use any_value::Value as Any;
        Some(Some(match value {
            Value::Text(text) => Any::StringValue(text.clone()),
            Value::Int(number) => Any::IntValue(*number),
            Value::Double(number) => Any::DoubleValue(*number),
            Value::Bool(truth) => Any::BoolValue(*truth),
            Value::Attribute(key) => return list.iter().rfind(|pair| pair.0 == *key).map(|p| p.1.clone()),
            Value::AttributeOr(key, other) => {
                return value_of(list, &Value::Attribute(key.clone())).or_else(|| value_of(list, other));
            }
        }))
    }
    let set = |list: &mut List, key: &str, value: Option<any_value::Value>| {
        let mut is_there = false;
        for pair in list.iter_mut().filter(|pair| pair.0 == key) {
            pair.1 = value.clone();
            is_there = true;
        }
        if !is_there {
            list.push((key.to_owned(), value));
        }
    };
    let is_there = |list: &List, key: &str| list.iter().any(|pair| pair.0 == key);
    match action {
        Action::Insert(key, value) | Action::Update(key, value) | Action::Upsert(key, value) => {
            let acts = match action {
                Action::Insert(..) => !is_there(list, key),
                Action::Update(..) => is_there(list, key),
                _ => true,
            };
            if let Some(value) = value_of(list, value).filter(|_| acts) {
                set(list, key, value);
            }
        }
        Action::Delete(key) => list.retain(|pair| pair.0 != *key),
        Action::DeleteMatching(pattern) => {
            let pattern = regex::Regex::new(pattern).unwrap();
            list.retain(|pair| !pattern.is_match(&pair.0));
        }
        Action::Hash(key) => {
            for pair in list.iter_mut().filter(|pair| pair.0 == *key) {
                let bytes = match &pair.1 {
                    Some(any_value::Value::StringValue(text)) => text.clone().into_bytes(),
                    Some(any_value::Value::IntValue(number)) => number.to_le_bytes().to_vec(),
                    Some(any_value::Value::DoubleValue(number)) => number.to_le_bytes().to_vec(),
                    Some(any_value::Value::BoolValue(truth)) => vec![u8::from(*truth)],
                    other => AnyValue { value: other.clone() }.encode_to_vec(),
                };
                pair.1 =
                    Some(any_value::Value::StringValue(sha1_smol::Sha1::from(bytes).digest().to_string()));
            }
        }
        Action::Convert(key, kind) => {
            use any_value::Value::{BoolValue, DoubleValue, IntValue, StringValue};
            for pair in list.iter_mut().filter(|pair| pair.0 == *key) {
                let new = match (kind, &pair.1) {
                    (Kind::Text, Some(IntValue(number))) => Some(StringValue(number.to_string())),
                    (Kind::Text, Some(DoubleValue(number))) => Some(StringValue(number.to_string())),
                    (Kind::Text, Some(BoolValue(truth))) => Some(StringValue(truth.to_string())),
                    (Kind::Int, Some(StringValue(text))) => text.parse().ok().map(IntValue),
                    (Kind::Int, Some(DoubleValue(number))) => Some(IntValue(*number as i64)),
                    (Kind::Int, Some(BoolValue(truth))) => Some(IntValue((*truth).into())),
                    (Kind::Double, Some(StringValue(text))) => text.parse().ok().map(DoubleValue),
                    (Kind::Double, Some(IntValue(number))) => Some(DoubleValue(*number as f64)),
                    (Kind::Double, Some(BoolValue(truth))) => Some(DoubleValue(u8::from(*truth).into())),
                    _ => None,
                };
                pair.1 = new.or(pair.1.take());
            }
        }
        Action::Extract(key, pattern) => {
            let Some(Some(any_value::Value::StringValue(text))) = last(list, key) else { return };
            let pattern = regex::Regex::new(pattern).unwrap();
            let Some(groups) = pattern.captures(&text) else { return };
            for name in pattern.capture_names().flatten() {
                if let Some(part) = groups.name(name) {
                    set(list, name, Some(any_value::Value::StringValue(part.as_str().into())));
                }
            }
        }
    }
}

fn acted(attributes: &mut Vec<KeyValue>, actions: &[Action]) {
    let mut list: List =
        attributes.iter().map(|pair| (pair.key.clone(), pair.value.clone().and_then(|v| v.value))).collect();
    actions.iter().for_each(|action| reference(&mut list, action));
    *attributes = list.into_iter().map(|(key, value)| pair(&key, value)).collect();
}

fn pair(key: &str, value: Option<any_value::Value>) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value }), ..KeyValue::default() }
}

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
    ];
    prop_oneof![one.clone(), (keys(), one).prop_map(|(key, other)| Value::AttributeOr(key, Box::new(other)))]
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
        events: vec![span::Event { attributes: attributes.clone(), ..span::Event::default() }],
        attributes,
        ..Span::default()
    };
    let scope = |lists: &[Vec<KeyValue>]| ScopeSpans {
        spans: lists.iter().cloned().map(span).collect(),
        schema_url: "s".into(),
        ..ScopeSpans::default()
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
    let process = Process::new(processors).unwrap();
    let processed = process.apply(signal, body).unwrap().unwrap_or_else(|| body.to_vec());
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    // B-067
    #[test]
    fn spans_are_as_if_they_were_decoded_changed_and_encoded(
        resource in proptest::option::of(attributes()),
        lists in vec(attributes(), 0..4),
        (on_resource, on_items) in (actions(), actions()),
    ) {
        let resource = resource.map(|attributes| Resource { attributes, dropped_attributes_count: 3, ..Resource::default() });
        let mut request = spans(resource, lists);
        let processors = [Processor::resource(on_resource.clone()), Processor::items(on_items.clone())];
        let body = processed(Signal::Traces, &processors, &request.encode_to_vec());
        for of in &mut request.resource_spans {
            resource_acted(&mut of.resource, &on_resource);
            let spans = of.scope_spans.iter_mut().flat_map(|of| &mut of.spans);
            spans.for_each(|span| acted(&mut span.attributes, &on_items));
        }
        prop_assert_eq!(ExportTraceServiceRequest::decode(&body[..]).unwrap(), request);
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
        let process = Process::new(&processors).unwrap();
        for signal in Signal::ALL {
            let _ = process.apply(signal, &body);
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
    let process = |actions: &[Action]| Process::new(&[Processor::items(actions.to_vec())]).unwrap();
    let nothing = [Action::Delete("no".into()), Action::Update("no".into(), Value::Int(1))];
    assert_eq!(process(&nothing).apply(Signal::Traces, &body), Ok(None));
    let deleted = process(&[Action::Delete("key".into())]).apply(Signal::Traces, &body).unwrap().unwrap();
    assert_eq!(deleted, within(name));
}

#[test]
fn a_processor_acts_on_its_signals_only_and_a_bad_pattern_is_an_error() {
    let mut processor = Processor::items([Action::Insert("a".into(), Value::Bool(true))]);
    processor.signals = vec![Signal::Logs];
    let process = Process::new(&[processor]).unwrap();
    assert_eq!(Signal::ALL.map(|signal| process.is_empty(signal)), [true, true, false]);
    let error = Process::new(&[Processor::items([Action::DeleteMatching("(".into())])]).err().unwrap();
    assert!(error.to_string().starts_with(r#"the pattern "(" of a processor cannot be used: "#), "{error}");
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
