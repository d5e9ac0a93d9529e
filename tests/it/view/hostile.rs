//! What is sent by somebody who wants to do harm is text on every page.

use super::{pages::start, sample::HOSTILE};
use crate::support::get;
use serde_json::json;

const TRACE: &str = "5b8efff798038103d269b633813fc60c";

/// All names and values of it are hostile.
fn telemetry() -> String {
    let attribute = |key: &str| json!({ "key": key, "value": { "stringValue": HOSTILE } });
    let resource = json!({ "attributes": [attribute("service.name"), attribute(HOSTILE)] });
    let scope = json!({ "name": HOSTILE, "version": HOSTILE });
    let keys = ["http.route", "http.request.method", "server.address", "db.system.name", HOSTILE];
    let attributes: Vec<_> = keys.into_iter().map(attribute).collect();
    let span = |id: u8, parent: &str, kind: u8| {
        json!({ "traceId": TRACE, "spanId": format!("{id:016x}"), "parentSpanId": parent, "kind": kind, "name": HOSTILE,
            "startTimeUnixNano": "1", "endTimeUnixNano": "18446744073709551615", "attributes": attributes,
            "status": { "code": 2, "message": HOSTILE }, "events": [{ "name": HOSTILE, "attributes": attributes }] })
    };
    let point = json!({ "timeUnixNano": "20000000000", "asDouble": "Infinity", "attributes": attributes,
        "exemplars": [{ "timeUnixNano": "20000000000", "asDouble": 1.0, "filteredAttributes": attributes }] });
    let older = json!({ "timeUnixNano": "10000000000", "asDouble": -1e308, "attributes": attributes });
    let gauge = json!({ "dataPoints": [older, point] });
    let record = json!({ "timeUnixNano": "1", "severityNumber": 17, "severityText": HOSTILE, "body": { "stringValue": HOSTILE },
        "eventName": HOSTILE, "traceId": TRACE, "attributes": attributes });
    let lines = [
        json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": scope, "spans": [span(1, "", 2), span(2, "0000000000000001", 3)] }] }] }),
        json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "scope": scope, "logRecords": [record] }] }] }),
        json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "scope": scope, "metrics": [
            { "name": HOSTILE, "description": HOSTILE, "unit": HOSTILE, "gauge": gauge },
            { "name": format!("process.{HOSTILE}"), "unit": format!("{{{HOSTILE}}}"), "gauge": gauge },
        ] }] }] }),
    ];
    lines.map(|line| format!("{line}\n")).concat()
}

/// The characters outside of tags: a form has to send back what was sent, as it was.
fn shown(body: &str) -> impl Iterator<Item = char> {
    let mut is_tag = false;
    body.chars().filter(move |c| {
        is_tag = *c == '<' || is_tag && *c != '>';
        !is_tag
    })
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn names_values_and_addresses_are_text_on_every_page() {
    let collector = start(|_| ());
    let imported = collector.import(telemetry().as_bytes());
    assert_eq!((imported.requests, imported.refused), (3, 0), "{imported:?}");
    let words = encoded(HOSTILE);
    let paths = [
        "".to_owned(),
        "logs".to_owned(),
        format!("logs?q={words}&service={words}&trace={words}&span={words}&level={words}"),
        "metrics".to_owned(),
        format!(
            "metrics?service={words}&name={words}&by={words}&find={words}&show={words}&attribute={words}%3D{words}&last={words}"
        ),
        format!("metrics?service={words}&name={words}&by=http.route"),
        format!("metrics/runtime?service={words}&last={words}"),
        "map".to_owned(),
        format!("map?service={words}&route={words}%20{words}"),
        format!("map?from={words}&to=database%3A{words}&last={words}"),
        "pipeline".to_owned(),
        format!("trace/{TRACE}"),
    ];
    for path in paths {
        let (status, page) = get(&format!("{}{path}", collector.view_url().unwrap()), &[]).await.unwrap();
        assert_eq!(status, 200, "{path}");
        let body = page.split_once("<body>").unwrap().1;
        assert!(!body.contains("<script"), "{path}: {page}");
        let is_harmful = |c: &char| (c.is_control() && *c != '\n') || *c == '\u{202e}';
        assert_eq!(shown(body).filter(is_harmful).count(), 0, "{path}: {page}");
        let inline = [" style=", " onclick", " onload", "javascript:"];
        assert!(!inline.iter().any(|word| body.contains(word)), "{path}");
    }
}
