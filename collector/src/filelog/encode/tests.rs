use super::*;
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, any_value},
    logs::v1::LogRecord,
};
use proptest::prelude::*;
use prost::Message;

fn decoded(entries: &[Entry]) -> ExportLogsServiceRequest {
    let mut batch = Batch::default();
    entries.iter().for_each(|entry| batch.add(entry));
    assert_eq!(batch.items(), entries.len() as u64);
    let request = batch.take();
    assert_eq!((batch.items(), batch.take().len()), (0, 0));
    ExportLogsServiceRequest::decode(&request[..]).unwrap()
}

fn text(text: &str) -> Option<AnyValue> {
    Some(AnyValue { value: Some(any_value::Value::StringValue(text.into())) })
}

#[test]
fn an_entry_is_a_record_with_all_that_it_says() {
    let mut entry = Entry::of("hello");
    entry.attributes.insert("log.file.name", "a.log");
    (entry.timestamp, entry.observed) = (Some(5), 7);
    (entry.severity_number, entry.severity_text) = (9, "info".to_owned());
    (entry.trace_id, entry.span_id, entry.trace_flags) = (Some([1; 16]), Some([2; 8]), Some(1));
    entry.scope_name = "scope".to_owned();
    let request = decoded(&[entry]);
    let scope = &request.resource_logs[0].scope_logs[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "scope");
    let LogRecord { attributes, .. } = &scope.log_records[0];
    assert_eq!((&*attributes[0].key, &attributes[0].value), ("log.file.name", &text("a.log")));
    let expected = LogRecord {
        time_unix_nano: 5,
        observed_time_unix_nano: 7,
        severity_number: 9,
        severity_text: "info".into(),
        body: text("hello"),
        attributes: attributes.clone(),
        flags: 1,
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        ..LogRecord::default()
    };
    assert_eq!(scope.log_records, [expected]);
}

#[test]
fn entries_of_one_resource_are_together_in_their_order() {
    let of = |resource: &str, body: &str| {
        let mut entry = Entry::of(body);
        entry.resource.insert("pod", resource);
        entry
    };
    let request = decoded(&[of("a", "1"), of("b", "2"), of("a", "3"), Entry::of("4")]);
    let bodies = |at: usize| -> Vec<_> {
        request.resource_logs[at].scope_logs[0].log_records.iter().map(|record| record.body.clone()).collect()
    };
    assert_eq!(request.resource_logs.len(), 3);
    assert_eq!(
        (bodies(0), bodies(1), bodies(2)),
        (vec![text("1"), text("3")], vec![text("2")], vec![text("4")])
    );
    let resource = request.resource_logs[1].resource.as_ref().unwrap();
    assert_eq!((&*resource.attributes[0].key, &resource.attributes[0].value), ("pod", &text("b")));
    assert_eq!(request.resource_logs[2].resource.as_ref().unwrap().attributes, []);
}

#[test]
fn what_nests_too_deep_is_json() {
    let nested = |depth| (0..depth).fold(Value::Integer(1), |value, _| Value::List(vec![value]));
    let request = decoded(&[Entry::of(nested(100)), Entry::of(nested(3))]);
    assert!(crate::check::check(throughline_sender::Signal::Logs, &request.encode_to_vec()).is_ok());
    let mut value = request.resource_logs[0].scope_logs[0].log_records[0].body.clone().unwrap();
    for _ in 0..MAX_DEPTH {
        let Some(any_value::Value::ArrayValue(mut list)) = value.value else { panic!() };
        value = list.values.remove(0);
    }
    let rest = 100 - MAX_DEPTH;
    assert_eq!(Some(value), text(&format!("{}1{}", "[".repeat(rest), "]".repeat(rest))));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        ".{0,9}".prop_map(Value::Text),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Double),
        any::<bool>().prop_map(Value::Bool),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec((".{0,4}", inner), 0..4)
                .prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
        ]
    })
}

/// As the other decoder has it.
fn expected(value: &Value) -> AnyValue {
    use any_value::Value as Any;
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValue, KeyValueList};
    let value = match value {
        Value::Null => None,
        Value::Text(text) => Some(Any::StringValue(text.clone())),
        Value::Bytes(bytes) => Some(Any::BytesValue(bytes.clone())),
        Value::Integer(number) => Some(Any::IntValue(*number)),
        Value::Double(number) => Some(Any::DoubleValue(*number)),
        Value::Bool(truth) => Some(Any::BoolValue(*truth)),
        Value::List(values) => {
            Some(Any::ArrayValue(ArrayValue { values: values.iter().map(expected).collect() }))
        }
        Value::Map(map) => {
            let pair = |(key, value): (&str, &Value)| KeyValue {
                key: key.into(),
                value: Some(expected(value)),
                ..KeyValue::default()
            };
            Some(Any::KvlistValue(KeyValueList { values: map.iter().map(pair).collect() }))
        }
    };
    AnyValue { value }
}

proptest! {
    #[test]
    fn whatever_it_holds_another_decoder_reads_it(body in value(), attribute in value()) {
        let mut entry = Entry::of(body.clone());
        entry.attributes.insert("key", attribute.clone());
        let request = decoded(&[entry]);
        let record = &request.resource_logs[0].scope_logs[0].log_records[0];
        let body = if body == Value::Null { None } else { Some(expected(&body)) };
        prop_assert_eq!(&record.body, &body);
        prop_assert_eq!(record.attributes[0].value.as_ref(), Some(&expected(&attribute)));
    }
}
