//! With `NODE_IP` set the agent of the node reads stdout: each event is there once, and nowhere else.

use crate::support::{PATIENCE, child::Process, client, get, receiver::*, request, serve};
use axum::{Router, http::StatusCode, routing};
use http_body_util::Full;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    thread,
};
use throughline::{Config, Telemetry};
use tower::{Layer, ServiceExt};
use tracing::Instrument;

/// How many events each of two threads says.
const MANY: usize = 100;

#[tokio::test]
#[ignore = "the process of the tests below"]
async fn process() {
    let telemetry = Telemetry::init(Config::from_env()).unwrap();
    let threads = ["left", "right"]
        .map(|name| thread::spawn(move || (0..MANY).for_each(|number| tracing::info!("{name} {number}"))));
    threads.into_iter().for_each(|thread| thread.join().unwrap());

    let handler = || async {
        tracing::info!("in the handler");
        log::warn!("by the log crate");
        async { tracing::error!("in a span") }.instrument(tracing::info_span!("inner")).await;
        StatusCode::OK
    };
    let panics = || async {
        if true {
            panic!("out of tea")
        }
    };
    let app = Router::new().route("/", routing::get(handler)).route("/panics", routing::get(panics));
    let address = serve(app.layer(telemetry.server_layer())).await;
    assert_eq!(get(&format!("http://{address}/"), &[]).await.unwrap().0, 200);
    assert!(get(&format!("http://{address}/panics"), &[]).await.is_err());

    // Nobody listens there.
    let nowhere = request("GET", "http://127.0.0.1:1/".into(), &[]);
    let client = telemetry.client_layer().layer(client());
    assert!(client.oneshot(nowhere.map(|_: Full<_>| Full::default())).await.is_err());
    telemetry.shutdown(PATIENCE).await.unwrap();
}

/// The lines of the process, and what it sends.
async fn run(node: Option<IpAddr>, variables: &[(&str, &str)]) -> (Vec<Value>, Receiver) {
    let receiver = match node {
        Some(node) => Receiver::setup().node(node).start(),
        None => Receiver::start(),
    };
    let endpoint = format!("http://{}", receiver.http_address());
    let node = node.map(|node| node.to_string());
    let place = match &node {
        Some(node) => ("NODE_IP", node.as_str()),
        None => ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
    };
    let own = [place, ("THROUGHLINE_LOG_FORMAT", "json"), ("OTEL_METRICS_EXPORTER", "none")];
    let mut process = Process::this_test("logs::node::process", &[&own, variables].concat());
    assert!(process.ended().await.success(), "{:#?}", process.lines());
    // The harness begins a line of its own, which the first of ours ends.
    let objects = process.lines().into_iter().filter_map(|line| {
        serde_json::from_str::<Value>(&line[line.find('{')?..]).ok().filter(Value::is_object)
    });
    (objects.collect(), receiver)
}

fn message(line: &Value) -> String {
    line["message"].as_str().unwrap().to_owned()
}

/// How often each of the events arrived, over both ways: as a line, and as a record.
fn arrived(lines: &[Value], receiver: &Receiver) -> BTreeMap<String, (usize, usize)> {
    let mut arrived = BTreeMap::<String, (usize, usize)>::new();
    for line in lines.iter().map(message).filter(|message| !message.starts_with("throughline ")) {
        arrived.entry(line).or_default().0 += 1;
    }
    for (_, record) in receiver.logs() {
        let name = match &*record.event_name {
            "" => value(record.body.as_ref()).trim_matches('"').to_owned(),
            name => name.to_owned(),
        };
        if !name.starts_with("throughline ") {
            arrived.entry(name).or_default().1 += 1;
        }
    }
    arrived
}

fn expected(of_events: (usize, usize), of_exceptions: (usize, usize)) -> BTreeMap<String, (usize, usize)> {
    let many = (0..MANY).flat_map(|number| ["left", "right"].map(|name| format!("{name} {number}")));
    let events = ["in the handler", "by the log crate", "in a span"].map(str::to_owned);
    let exceptions = ["http.server.request.exception", "http.client.request.exception"].map(str::to_owned);
    let events = many.chain(events).map(|event| (event, of_events));
    events.chain(exceptions.map(|exception| (exception, of_exceptions))).collect()
}

/// An address of this machine at which nobody else listens.
#[cfg(target_os = "linux")]
fn own_address() -> IpAddr {
    let [_, first, second, third] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, first | 1, second, third.max(1)).into()
}

// H-090, H-091, H-092
#[cfg(target_os = "linux")]
#[tokio::test]
async fn with_the_node_set_each_event_and_each_exception_is_one_line_and_no_record() {
    let (lines, receiver) = run(Some(own_address()), &[]).await;
    assert_eq!(arrived(&lines, &receiver), expected((1, 0), (1, 0)));

    // The rest of the telemetry does arrive, and the lines have its ids.
    let spans: BTreeMap<_, _> =
        receiver.spans().into_iter().map(|(_, span)| (span.name.clone(), span)).collect();
    assert_eq!(spans.keys().collect::<Vec<_>>(), ["GET", "GET /", "GET /panics", "inner"]);
    let panic = json!({"exception.type": "panic", "exception.message": "out of tea"});
    let error = json!({"exception.type": "hyper_util::client::legacy::client::Error"});
    for (name, severity, span, fields) in [
        ("http.server.request.exception", "ERROR", "GET /panics", panic),
        ("http.client.request.exception", "WARN", "GET", error),
    ] {
        let mut line = lines.iter().find(|line| message(line) == name).unwrap().clone();
        assert!(line["timestamp"].take().is_string());
        let span = &spans[span];
        let expected = json!({
            "timestamp": null, "severity": severity, "trace_id": hex(&span.trace_id), "span_id": hex(&span.span_id),
            "trace_flags": "01", "target": "throughline", "message": name, "fields": fields,
        });
        assert_eq!(line, expected);
        assert_eq!(span.status.as_ref().unwrap().code, 2);
    }
}

#[tokio::test]
async fn without_a_node_each_event_is_a_line_and_a_record_and_each_exception_a_record() {
    let (lines, receiver) = run(None, &[]).await;
    assert_eq!(arrived(&lines, &receiver), expected((1, 1), (0, 1)));
}

#[tokio::test]
async fn where_no_records_leave_a_filter_of_the_lines_holds_for_exceptions_too() {
    let (lines, receiver) =
        run(None, &[("OTEL_LOGS_EXPORTER", "none"), ("RUST_LOG", "warn,throughline=error")]).await;
    let messages: Vec<_> = lines.iter().map(message).collect();
    assert_eq!(messages, ["by the log crate", "in a span", "http.server.request.exception"]);
    assert_eq!(receiver.logs().len(), 0);
}
