use super::*;
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
};
use serde_json::{Value as Json, json};

fn any(value: &Json) -> AnyValue {
    use any_value::Value::{ArrayValue as List, BoolValue, DoubleValue, IntValue, KvlistValue, StringValue};
    let value = match value {
        Json::Null => None,
        Json::Bool(truth) => Some(BoolValue(*truth)),
        Json::Number(number) => {
            Some(number.as_i64().map_or_else(|| DoubleValue(number.as_f64().unwrap()), IntValue))
        }
        Json::String(text) => Some(StringValue(text.clone())),
        Json::Array(list) => Some(List(ArrayValue { values: list.iter().map(any).collect() })),
        Json::Object(_) => Some(KvlistValue(KeyValueList { values: pairs(value) })),
    };
    AnyValue { value }
}

fn pairs(map: &Json) -> Vec<KeyValue> {
    let pair = |(key, value): (&String, &Json)| KeyValue {
        key: key.clone(),
        value: Some(any(value)),
        ..KeyValue::default()
    };
    map.as_object().unwrap().iter().map(pair).collect()
}

fn log(body: &Json, attributes: &Json) -> LogRecord {
    LogRecord {
        time_unix_nano: 1_700_000_000_000_000_001,
        body: Some(any(body)),
        attributes: pairs(attributes),
        ..LogRecord::default()
    }
}

fn request(resource: &Json, records: Vec<LogRecord>) -> Vec<u8> {
    let scope = InstrumentationScope { name: "web".into(), version: "1.2".into(), ..Default::default() };
    let scope_logs = ScopeLogs { scope: Some(scope), log_records: records, ..Default::default() };
    let resource = Resource { attributes: pairs(resource), ..Default::default() };
    let resource_logs =
        ResourceLogs { resource: Some(resource), scope_logs: vec![scope_logs], ..Default::default() };
    ExportLogsServiceRequest { resource_logs: vec![resource_logs] }.encode_to_vec()
}

fn spoken(change: impl FnOnce(&mut Options), request: &[u8]) -> Result<Spoken, Unspeakable> {
    let mut options = Options { encoding: Encoding::Json, ..Options::default() };
    change(&mut options);
    Loki(options).speak(Signal::Logs, request)
}

/// The streams of the only request.
fn streams(change: impl FnOnce(&mut Options), request: &[u8]) -> Json {
    let spoken = spoken(change, request).unwrap();
    let [message] = &spoken.messages[..] else { panic!("one request") };
    serde_json::from_slice::<Json>(&message.body).unwrap()["streams"].take()
}

/// What the line of a record says in a format.
fn line(format: &str, record: LogRecord) -> String {
    let resource = json!({"loki.format": format, "service.name": "auth", "host": "blue"});
    let streams = streams(|_| {}, &request(&resource, vec![record]));
    streams[0]["values"][0][1].as_str().unwrap().to_owned()
}

fn traced(record: LogRecord) -> LogRecord {
    LogRecord {
        trace_id: 0x4bf92f3577b34da6a3ce929d0e0e4736_u128.to_be_bytes().to_vec(),
        span_id: 0x00f067aa0ba902b7_u64.to_be_bytes().to_vec(),
        flags: 1,
        severity_number: 17,
        severity_text: "error".into(),
        ..record
    }
}

// B-054, B-056
#[test]
fn a_record_becomes_a_line_of_its_stream() {
    let resource = json!({"service.name": "auth", "service.namespace": "shop", "service.instance.id": "7"});
    let record = traced(log(&json!("no entry"), &json!({"user.id": 7})));
    assert_eq!(
        streams(|_| {}, &request(&resource, vec![record])),
        json!([{
            "stream": {"exporter": "OTLP", "job": "shop/auth", "instance": "7", "level": "ERROR"},
            "values": [[
                "1700000000000000001",
                concat!(
                    r#"{"body":"no entry","traceid":"4bf92f3577b34da6a3ce929d0e0e4736","spanid":"00f067aa0ba902b7","#,
                    r#""severity":"error","flags":1,"attributes":{"user.id":7},"#,
                    r#""resources":{"service.instance.id":"7","service.name":"auth","service.namespace":"shop"},"#,
                    r#""instrumentation_scope":{"name":"web","version":"1.2"}}"#
                ),
                {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"}
            ]]
        }])
    );
}

// B-055
#[test]
fn hints_say_what_is_a_label_and_are_not_sent() {
    let resource = json!({
        "loki.resource.labels": "pod, absent,nested.deep",
        "loki.format": "json",
        "pod": "auth-7",
        "cluster": "minikube",
        "nested": {"deep": "x"},
    });
    let attributes = json!({
        "loki.attribute.labels": ["http.route", "ok"],
        "loki.resource.labels": "cluster",
        "http.route": "/login",
        "ok": true,
        "level": "notice",
        "left": 1.5,
    });
    let mut record = log(&json!("x"), &attributes);
    record.severity_number = 10;
    assert_eq!(
        streams(|_| {}, &request(&resource, vec![record])),
        json!([{
            "stream": {
                "exporter": "OTLP", "pod": "auth-7", "cluster": "minikube", "nested_deep": "x",
                "http_route": "/login", "ok": "true", "level": "notice",
            },
            "values": [[
                "1700000000000000001",
                r#"{"body":"x","attributes":{"left":1.5},"resources":{"nested":{"deep":"x"}},"instrumentation_scope":{"name":"web","version":"1.2"}}"#
            ]]
        }])
    );
}

#[test]
fn default_labels_can_be_left_out_but_for_one() {
    let resource = json!({"service.namespace": "shop", "service.instance.id": "7"});
    let record = traced(log(&json!("x"), &json!({})));
    let labels = |change: fn(&mut Options)| {
        streams(change, &request(&resource, vec![record.clone()]))[0]["stream"].take()
    };
    // Without a name a namespace is no job.
    assert_eq!(labels(|_| {}), json!({"exporter": "OTLP", "instance": "7", "level": "ERROR"}));
    let named = json!({"service.name": "auth", "service.instance.id": "7"});
    for (change, left) in [
        ((|labels| labels.exporter = false) as fn(&mut DefaultLabels), ["instance", "job", "level"]),
        (|labels| labels.job = false, ["exporter", "instance", "level"]),
        (|labels| labels.instance = false, ["exporter", "job", "level"]),
        (|labels| labels.level = false, ["exporter", "instance", "job"]),
    ] {
        let request = request(&named, vec![record.clone()]);
        let streams = streams(|options| change(&mut options.default_labels), &request);
        let names: Vec<_> = streams[0]["stream"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, left);
    }
    let none = DefaultLabels { exporter: false, job: false, instance: false, level: false };
    let labels = streams(|options| options.default_labels = none, &request(&resource, vec![record.clone()]));
    assert_eq!(labels[0]["stream"], json!({"exporter": "OTLP"}));
    let without = streams(|options| options.structured_metadata = false, &request(&resource, vec![record]));
    assert_eq!(without[0]["values"][0].as_array().unwrap().len(), 2);
}

#[test]
fn a_line_is_written_as_its_format_says() {
    let attributes = json!({"a b": "x y", "list": [1, {"c": "d"}], "empty": "", "null": null});
    assert_eq!(
        line("logfmt", traced(log(&json!("no entry"), &attributes))),
        concat!(
            r#"msg="no entry" traceID=4bf92f3577b34da6a3ce929d0e0e4736 spanID=00f067aa0ba902b7 severity=error flags=1 "#,
            r#"attribute_ab="x y" attribute_empty= attribute_list_0=1 attribute_list_1_c=d "#,
            r#"resource_host=blue resource_service.name=auth "#,
            r#"instrumentation_scope_name=web instrumentation_scope_version=1.2"#
        )
    );
    let body = |body: Json| {
        let line = line("logfmt", log(&body, &json!({})));
        line.split(" resource_host").next().unwrap().to_owned()
    };
    assert_eq!(
        body(json!(r#"level=warn msg="a \"b\"" severity=x"#)),
        r#"level=warn msg="a \"b\"" severity=x"#
    );
    assert_eq!(body(json!("one two=2")), r#"msg="one two=2""#);
    assert_eq!(body(json!("a=b=c")), r#"msg="a=b=c""#);
    assert_eq!(body(json!("a=\"b\"c")), r#"msg="a=\"b\"c""#);
    assert_eq!(body(json!({"msg": "hello", "n": {"m": 1}})), "msg=hello n_m=1");
    assert_eq!(body(json!(["a", "b"])), "body_0=a body_1=b");
    assert_eq!(body(json!(7)), "msg=7");
    let with_severity = traced(log(&json!("severity=x a=b"), &json!({})));
    assert!(line("logfmt", with_severity).starts_with("a=b traceID=4bf"));

    assert_eq!(line("raw", traced(log(&json!("no\nentry"), &attributes))), "no\nentry");
    assert_eq!(line("raw", log(&json!({"a": [1]}), &json!({}))), r#"{"a":[1]}"#);
    assert_eq!(line("xml", log(&json!("x"), &json!({}))), line("json", log(&json!("x"), &json!({}))));
}

#[test]
fn lines_are_in_the_order_of_their_times() {
    let at = |time, observed, body: &str| LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: observed,
        ..log(&json!(body), &json!({}))
    };
    let records = vec![at(30, 1, "c"), at(0, 20, "b"), at(10, 0, "a"), at(30, 2, "d"), at(0, 0, "now")];
    let streams = streams(|_| {}, &request(&json!({"loki.format": "raw"}), records));
    let values = streams[0]["values"].as_array().unwrap();
    let lines: Vec<_> = values.iter().map(|value| value[1].as_str().unwrap()).collect();
    assert_eq!(lines, ["a", "b", "c", "d", "now"]);
    assert!(values[4][0].as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000_000_000_000);
}

#[test]
fn each_tenant_has_a_request_of_its_own() {
    let resource = json!({"loki.tenant": "team", "loki.format": "raw", "host": "x"});
    let of = |team: &str| log(&json!(format!("of {team}")), &json!({"team": team, "loki.tenant": "host"}));
    let records = vec![of("b"), of("a"), of("b"), of("bad team"), log(&json!("of none"), &json!({}))];
    let spoken = spoken(|_| {}, &request(&resource, records)).unwrap();
    let told: Vec<_> = spoken
        .messages
        .iter()
        .map(|message| {
            let tenant = message.headers.get("x-scope-orgid").map(|name| name.to_str().unwrap().to_owned());
            let body: Json = serde_json::from_slice(&message.body).unwrap();
            (tenant, body["streams"][0]["values"].as_array().unwrap().len())
        })
        .collect();
    assert_eq!(told, [(None, 1), (Some("a".into()), 1), (Some("b".into()), 2)]);
    assert_eq!((spoken.rejected, &*spoken.reason), (1, "their tenant has a name that Loki does not allow"));

    let many = (0..101).map(|number| of(&number.to_string())).collect();
    let fault = super::tests::spoken(|_| {}, &request(&resource, many)).unwrap_err();
    assert_eq!(fault, Unspeakable::TooLarge("101 tenants in one request".into()));
}

#[test]
fn what_is_no_request_of_log_records_is_refused() {
    let loki = Loki(Options::default());
    for (signal, request) in [(Signal::Traces, &[][..]), (Signal::Logs, &[0x0a, 0x7f])] {
        assert!(matches!(loki.speak(signal, request), Err(Unspeakable::Refused(_))));
    }
    assert!(loki.speak(Signal::Logs, &[]).unwrap().messages.is_empty());
}

proptest::proptest! {
    #[test]
    fn what_is_logfmt_is_written_as_it_was(values in proptest::collection::vec("[a-z]{1,8}|\"[a-z =]{1,8}\"", 1..6)) {
        let keyed: Vec<String> = values.iter().enumerate().map(|(at, value)| format!("k{at}={value}")).collect();
        let body = keyed.join(" ");
        let written = line("logfmt", log(&json!(body), &json!({})));
        let is_kept = values.iter().all(|value| !value.starts_with('"') || value.contains([' ', '=']));
        if is_kept {
            let head = format!("{body} resource_host=blue");
            proptest::prop_assert!(written.starts_with(&head), "{written}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = Loki(Options::default()).speak(Signal::Logs, &bytes);
    }
}
