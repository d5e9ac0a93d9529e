//! OTLP over HTTP in JSON: the same requests, the same answers, in other letters.

use super::*;
use prost::Message;
use serde_json::{Value as Json, json};
use throughline_sender::{
    Signal,
    json::{from_json, to_json},
};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(collector: &Collector, path: &str, body: &[u8]) -> Reply {
    send(collector.http_address().unwrap(), "POST", path, &[JSON], body).await
}

fn answer(reply: &Reply) -> Json {
    assert_eq!(reply.header("content-type"), Some("application/json"));
    serde_json::from_slice(&reply.body).unwrap()
}

// O-060, O-061, O-063, O-068
#[tokio::test]
async fn each_signal_is_kept_in_json_as_in_protobuf_and_answered_with_an_empty_object() {
    let [in_json, in_protobuf] = [start(|_| ()), start(|_| ())];
    let spans = vec![failed(span(1, 0, "näme"), "wörds"), span(2, 1, "y")];
    for (signal, body) in [
        (Signal::Traces, traces("a", spans).encode_to_vec()),
        (Signal::Metrics, metrics("a").encode_to_vec()),
        (Signal::Logs, logs("a", vec![log(1, "l"), log(0, "m")]).encode_to_vec()),
    ] {
        let path = format!("/{}", signal.http_path());
        let json = to_json(signal, &body).unwrap();
        let zipped = gzip(&json);
        for (kind, encoding, body) in [
            ("application/json", "identity", &json),
            ("application/json; charset=utf-8", "gzip", &zipped),
            ("Application/JSON", "gzip", &zipped),
        ] {
            let headers = [("content-type", kind), ("content-encoding", encoding)];
            let reply = send(in_json.http_address().unwrap(), "POST", &path, &headers, body).await;
            assert_eq!((reply.status, reply.text()), (StatusCode::OK, "{}"), "{path} {kind}");
            assert_eq!(reply.header("content-type"), Some("application/json"));
        }
        for _ in 0..3 {
            assert_eq!(super::post(&in_protobuf, &path, &body).await.status, StatusCode::OK);
        }
    }
    assert_eq!(in_json.counters(), in_protobuf.counters());
    assert_eq!(in_json.counters().requests, 9);
    let traces = [&in_json, &in_protobuf].map(|collector| collector.trace(TRACE_TEXT).unwrap().to_string());
    assert_eq!(traces[0], traces[1]);
}

// O-053, O-061, O-083
#[tokio::test]
async fn a_partial_success_is_told_in_json() {
    let collector = start(|_| ());
    let mut bad = log(1, "l");
    bad.span_id = vec![1; 8];
    let request = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"no ids"},
        {"traceId":"5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b","spanId":"0101010101010101"}]}]}]}"#;
    let reply = post(&collector, "/v1/traces", request.as_bytes()).await;
    assert_eq!(reply.status, StatusCode::OK);
    let message = "spans rejected: 1; a trace id is not 16 bytes long";
    assert_eq!(
        answer(&reply),
        json!({ "partialSuccess": { "rejectedSpans": "1", "errorMessage": message } })
    );
    assert_eq!((collector.counters().spans, collector.counters().rejected_items), (1, 1));
}

// O-064, O-081, O-082, O-088
#[tokio::test]
async fn what_is_no_request_gets_400_with_a_status_in_json() {
    let collector = start(|_| ());
    let span =
        |member: &str| format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{member}}}]}}]}}]}}"#);
    let deep = format!("{}1{}", r#"{"arrayValue":{"values":["#.repeat(100), "]}}".repeat(100));
    for (body, fault) in [
        (String::new(), "not an object, at byte 0"),
        ("hello".into(), "not an object, at byte 0"),
        (r#"{"resourceSpans":7}"#.into(), "not a list, at byte 17"),
        (span(r#""traceId":"5B8E""#), "an id is not of 32 or 16 hexadecimal digits, at byte 54"),
        (span(r#""kind":"SPAN_KIND_SERVER""#), "an enumeration is not a number, at byte 51"),
        (span(r#""kind":1,"kind":1"#), "a name stands twice, or two of one choice, at byte 53"),
        (span(&format!(r#""attributes":[{{"key":"k","value":{deep}}}]"#)), ""),
        (
            span(&format!(r#""x":{}{}"#, "[".repeat(1000), "]".repeat(1000))),
            "lists and objects nest too deep, at byte 177",
        ),
    ] {
        let reply = post(&collector, "/v1/traces", body.as_bytes()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        let status = answer(&reply);
        let message = status["message"].as_str().unwrap().to_owned();
        let told = message.strip_prefix("not a request of traces in JSON: ").unwrap();
        assert!(fault.is_empty() || told == fault, "{told}");
        let violations = json!([{ "field": "body", "description": message }]);
        let detail =
            json!({ "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations });
        assert_eq!(status, json!({ "code": 3, "message": message, "details": [detail] }));
    }
    assert_eq!((collector.counters().refused_requests, collector.counters().stored_bytes), (8, 0));
}

// O-062, O-064, O-066, O-067, O-069: whatever is refused is refused in the form of the request.
#[tokio::test]
async fn other_refusals_have_a_status_in_json_too() {
    let collector = start(|config| config.max_request_bytes = 1000);
    let address = collector.http_address().unwrap();
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(1000));
    for (method, path, header, body, status, code) in [
        ("PUT", "/v1/traces", None, "{}", 405, 12),
        ("POST", "/v1/trace", None, "{}", 404, 12),
        ("POST", "/v1/traces", Some(("content-encoding", "br")), "{}", 415, 12),
        ("POST", "/v1/traces", Some(("origin", "http://evil.example")), "{}", 403, 7),
        ("POST", "/v1/traces", None, large.as_str(), 413, 8),
    ] {
        let headers: Vec<_> = [Some(JSON), header].into_iter().flatten().collect();
        let reply = send(address, method, path, &headers, body.as_bytes()).await;
        assert_eq!((reply.status.as_u16(), &answer(&reply)["code"]), (status, &code.into()));
        assert_eq!(answer(&reply).as_object().unwrap().len(), 2);
    }
}

// O-088
#[tokio::test]
async fn a_text_of_ten_megabytes_is_taken() {
    let collector = start(|_| ());
    let text = "x".repeat(10 << 20);
    let body = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{text}"}}}}]}}]}}]}}"#
    );
    let reply = post(&collector, "/v1/logs", body.as_bytes()).await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "{}"));
    let stored = collector.counters().stored_bytes;
    assert!((10 << 20..11 << 20).contains(&stored), "{stored}");
}

// O-065: what is little JSON and much protobuf is bounded by what it is in protobuf.
#[tokio::test]
async fn json_that_becomes_larger_in_protobuf_is_taken_up_to_the_limit() {
    let bounds = |count: usize| {
        let bounds = vec!["1"; count].join(",");
        format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"histogram":{{"dataPoints":[{{"explicitBounds":[{bounds}]}}]}}}}]}}]}}]}}"#
        )
    };
    let collector = start(|config| config.max_request_bytes = 100_000);
    let reply = post(&collector, "/v1/metrics", bounds(12_000).as_bytes()).await;
    assert_eq!((reply.status, collector.counters().data_points), (StatusCode::OK, 1));
    assert!(bounds(40_000).len() < 100_000);
    let reply = post(&collector, "/v1/metrics", bounds(40_000).as_bytes()).await;
    assert_eq!((reply.status, &answer(&reply)["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &8.into()));
    assert_eq!(collector.counters().data_points, 1);
}

fn is_read_as_by_the_official_types<T: Message + Default + PartialEq + std::fmt::Debug>(
    signal: Signal,
    example: &str,
    officially: serde_json::Result<T>,
) {
    let request = from_json(signal, example.as_bytes(), usize::MAX).unwrap().unwrap();
    assert_eq!(T::decode(&request[..]).unwrap(), officially.unwrap());
    let written = to_json(signal, &request).unwrap();
    let [written, example]: [Json; 2] =
        [&written[..], example.as_bytes()].map(|json| serde_json::from_slice(json).unwrap());
    assert_eq!(written, example);
}

// O-086
#[test]
fn requests_like_those_of_the_specification_are_read_and_written_again() {
    let example = include_str!("examples/trace.json");
    let officially = serde_json::from_str::<ExportTraceServiceRequest>(example);
    is_read_as_by_the_official_types(Signal::Traces, example, officially);
    let example = include_str!("examples/metrics.json");
    let officially = serde_json::from_str::<ExportMetricsServiceRequest>(example);
    is_read_as_by_the_official_types(Signal::Metrics, example, officially);
    for example in [include_str!("examples/logs.json"), include_str!("examples/events.json")] {
        let officially = serde_json::from_str::<ExportLogsServiceRequest>(example);
        is_read_as_by_the_official_types(Signal::Logs, example, officially);
    }
}

// O-083, O-086: the examples of the specification have numbers where decimal strings are written, and whole doubles.
#[test]
fn a_request_in_the_other_letters_of_the_specification_is_the_same_one() {
    fn loosened(json: Json) -> Json {
        match json {
            Json::Object(members) => {
                members.into_iter().map(|(name, value)| (name, loosened(value))).collect()
            }
            Json::Array(values) => values.into_iter().map(loosened).collect(),
            Json::String(text) => text.parse::<u64>().map_or(Json::String(text), Json::from),
            Json::Number(number) => match number.as_f64() {
                Some(whole) if whole.fract() == 0.0 => Json::from(whole as i64),
                _ => Json::Number(number),
            },
            other => other,
        }
    }
    let example = include_str!("examples/metrics.json");
    let other = loosened(serde_json::from_str(example).unwrap()).to_string();
    assert!(
        other.contains(r#""timeUnixNano":1795000060000000000"#) && other.contains(r#""max":5"#),
        "{other}"
    );
    let [example, other] = [example, &other].map(|json| {
        let request = from_json(Signal::Metrics, json.as_bytes(), usize::MAX).unwrap().unwrap();
        ExportMetricsServiceRequest::decode(&request[..]).unwrap()
    });
    assert_eq!(example, other);
}
