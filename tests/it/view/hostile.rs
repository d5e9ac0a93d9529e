//! What is sent by somebody who wants to do harm is text on every page.

use super::{
    pages::start,
    sample::HOSTILE,
    terminal::{ended, throughline},
};
use crate::support::{ask, gateway::Directory, get, until};
use serde_json::json;
use throughline::sender::{Destination, Protocol, Remote, Signal};

pub(super) const TRACE: &str = "5b8efff798038103d269b633813fc60c";

/// The same once more, for the page of two traces.
const OTHER: &str = "5b8efff798038103d269b633813fc60d";

/// All names and values of it are a text.
pub(super) fn telemetry(trace: &str, text: &str) -> String {
    let attribute = |key: &str| json!({ "key": key, "value": { "stringValue": text } });
    let resource = json!({ "attributes": [attribute("service.name"), attribute(text)] });
    let scope = json!({ "name": text, "version": text });
    let keys = ["http.route", "http.request.method", "server.address", "db.system.name", text];
    let attributes: Vec<_> = keys.into_iter().map(attribute).collect();
    let span = |id: u8, parent: &str, kind: u8| {
        json!({ "traceId": trace, "spanId": format!("{id:016x}"), "parentSpanId": parent, "kind": kind, "name": text,
            "startTimeUnixNano": "1", "endTimeUnixNano": "18446744073709551615", "attributes": attributes,
            "status": { "code": 2, "message": text }, "traceState": text,
            "events": [{ "name": text, "attributes": attributes }],
            "links": [{ "traceId": trace, "spanId": "0000000000000001", "traceState": text, "attributes": attributes }] })
    };
    let point = json!({ "timeUnixNano": "20000000000", "asDouble": "Infinity", "attributes": attributes,
        "exemplars": [{ "timeUnixNano": "20000000000", "asDouble": 1.0, "filteredAttributes": attributes }] });
    let older = json!({ "timeUnixNano": "10000000000", "asDouble": -1e308, "attributes": attributes });
    let gauge = json!({ "dataPoints": [older, point] });
    let record = json!({ "timeUnixNano": "1", "severityNumber": 17, "severityText": text, "body": { "stringValue": text },
        "eventName": text, "traceId": trace, "spanId": "0000000000000001", "attributes": attributes });
    let lines = [
        json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": scope, "spans": [span(1, "", 2), span(2, "0000000000000001", 3)] }] }] }),
        json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "scope": scope, "logRecords": [record] }] }] }),
        json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "scope": scope, "metrics": [
            { "name": text, "description": text, "unit": text, "gauge": gauge },
            { "name": format!("process.{text}"), "unit": format!("{{{text}}}"), "gauge": gauge },
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

/// Every page, with the words wherever words can be in an address.
fn paths(words: &str) -> Vec<String> {
    vec![
        String::new(),
        format!("?q={words}&service={words}&route={words}&status={words}&over={words}&sort={words}"),
        "logs".to_owned(),
        format!("logs?q={words}&service={words}&trace={words}&span={words}&level={words}"),
        "metrics".to_owned(),
        format!(
            "metrics?service={words}&name={words}&by={words}&find={words}&show={words}&attribute={words}%3D{words}&last={words}"
        ),
        format!("metrics?service={words}&name={words}&by=http.route"),
        format!("metrics/runtime?service={words}&last={words}"),
        "metrics/runtime".to_owned(),
        "map".to_owned(),
        format!("map?service={words}&route={words}%20{words}"),
        format!("map?from={words}&to=database%3A{words}&last={words}"),
        "pipeline".to_owned(),
        format!("trace/{TRACE}"),
        format!("trace/{TRACE}?span=0000000000000001&lines=1&find={words}"),
        format!("trace/{TRACE}/rows?lines=1"),
        format!("trace/{TRACE}/details?span=0000000000000002"),
        format!("compare?trace={TRACE}&trace={OTHER}"),
        format!("compare?trace={words}&trace={words}"),
    ]
}

#[tokio::test]
async fn names_values_and_addresses_are_text_on_every_page() {
    let backend = refusing().await;
    let collector = start(|config| {
        let url = format!("{backend}/v1/logs").parse().unwrap();
        config.destinations.add(Signal::Logs, Destination::Remote(Remote::new(Protocol::HttpProtobuf, url)));
    });
    for trace in [TRACE, OTHER] {
        let imported = collector.import(telemetry(trace, HOSTILE).as_bytes());
        assert_eq!((imported.requests, imported.refused), (3, 0), "{imported:?}");
    }
    // What a backend says of what it refuses is nobody's word but its own.
    let record = super::sample::log("front", None, (9, "INFO"), "to send").to_string();
    let url = format!("http://{}/v1/logs", collector.http_address().unwrap());
    let request = http::Request::post(url).header("content-type", "application/json");
    ask(request.body(http_body_util::Full::from(record)).unwrap()).await.unwrap();
    let view = collector.view_url().unwrap();
    until("what the backend said", async || {
        let (_, page) = get(&format!("{view}pipeline"), &[]).await.ok()?;
        page.contains("class=\"fault\"").then_some(())
    })
    .await;
    for path in paths(&encoded(HOSTILE)) {
        let (status, page) = get(&format!("{view}{path}"), &[]).await.unwrap();
        assert_eq!(status, 200, "{path}");
        let body = page.split_once("<body>").map_or(&*page, |(_, body)| body);
        assert!(!body.contains("<script"), "{path}: {page}");
        let is_harmful = |c: &char| (c.is_control() && *c != '\n') || *c == '\u{202e}';
        assert_eq!(shown(body).filter(is_harmful).count(), 0, "{path}: {page}");
        let inline = [" style=", " onclick", " onload", "javascript:"];
        assert!(!inline.iter().any(|word| body.contains(word)), "{path}");
    }
}

/// A backend that answers with what could do harm.
async fn refusing() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(async || (http::StatusCode::BAD_REQUEST, HOSTILE));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn however_long_names_and_values_are_pages_are_not() {
    let collector = start(|_| ());
    for trace in [TRACE, OTHER] {
        let imported = collector.import(telemetry(trace, &"<b>".repeat(35_000)).as_bytes());
        assert_eq!((imported.requests, imported.refused), (3, 0), "{imported:?}");
    }
    for path in paths("b") {
        let (status, page) = get(&format!("{}{path}", collector.view_url().unwrap()), &[]).await.unwrap();
        assert_eq!(status, 200, "{path}");
        // The longest is the beginning of a folded value: 20,000 characters.
        let longest = page.split(['<', '>', '"']).map(str::len).max();
        assert!(longest <= Some(20_000 * "&lt;b&gt;".len() / 3 + 100), "{path}: {longest:?}");
        assert!(page.len() < 3_000_000, "{path}: {}", page.len());
    }
}

#[tokio::test]
async fn a_terminal_shows_what_is_hostile_as_text_and_short() {
    let directory = Directory::new();
    for text in [HOSTILE.to_owned(), format!("{HOSTILE}\n").repeat(20_000)] {
        let file = directory.write("hostile.jsonl", telemetry(TRACE, &text)).display().to_string();
        let (is_fine, printed) = ended(throughline(&["view", "--trace", TRACE, &file], &[])).await;
        assert!(is_fine, "{printed}");
        assert_eq!(
            printed.chars().filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}').count(),
            0,
            "{printed}"
        );
        assert!(printed.contains("</script> \\u{1b}[31mred \\u{202e}txt"), "{printed}");
        assert_eq!(printed.lines().count(), 5, "{printed}");
        assert!(printed.lines().all(|line| line.chars().count() < 3000), "{printed}");
    }
}
