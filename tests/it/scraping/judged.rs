//! Pages, read by others: the parsers of Python's client, and promtool.

use super::*;
use crate::support::{arbitrary::Dice, child::Process, peer};
use prost::Message;
use serde_json::{Value, json};
use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};
use throughline::sender::exposition::{Format, Options, page};

/// What the judge says of these pages, each with its name; `None`: there is no judge here.
async fn judged(test: &str, pages: impl IntoIterator<Item = (String, Vec<u8>)>) -> Option<Vec<Value>> {
    let python = peer(test, "THROUGHLINE_TEST_PYTHON", "a Python with prometheus-client")?;
    let directory = Directory::new(test);
    for (name, page) in pages {
        std::fs::write(directory.0.join(name), page).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/scraping/judge.py");
    let judge = Process::start(&python, &["-u", script, &directory.0.display().to_string()], &[]);
    crate::support::until("the end of the judge", || async { judge.closed().then_some(()) }).await;
    let lines = judge.lines();
    if lines == ["no prometheus_client"] {
        let _ = writeln!(
            std::io::stderr().lock(),
            "DID NOT RUN: {test}: the Python of THROUGHLINE_TEST_PYTHON has no prometheus-client"
        );
        return None;
    }
    Some(lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect())
}

/// Goes with what is in it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("throughline-{}-{}", std::process::id(), name.replace(' ', "-"));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A program with one of each instrument, hostile labels among them.
fn busy() -> Telemetry {
    let telemetry = telemetry(Scrape::mounted(), &[("OTEL_RESOURCE_ATTRIBUTES", "service.version=1")]);
    let meter = telemetry.meter_provider().meter("shop");
    let text = |key: &'static str, value: &'static str| KeyValue::new(key, value);
    let orders = meter.u64_counter("orders").with_description("Orders, \"all\"\\\nof them.").build();
    orders.add(3, &[text("city", "Zürich \"\\\n\u{1b}[31m }{=,#"), KeyValue::new("express", true)]);
    meter.i64_up_down_counter("queue.length").with_description("What waits.").build().add(-2, &[]);
    meter.f64_gauge("load").with_description("Load.").with_unit("1").build().record(0.25, &[]);
    let took = meter.f64_histogram("took").with_unit("s").with_description("Time.").build();
    (1..=5).for_each(|number| took.record(f64::from(number), &[text("http.route", "/{id}")]));
    telemetry
}

// B-021
#[tokio::test]
async fn both_formats_say_the_same_to_pythons_client() {
    let telemetry = busy();
    let (_, _, text) = ask(telemetry.scrape_service(), &[]).await;
    let (_, _, open) = ask(telemetry.scrape_service(), &[OPEN]).await;
    let pages = [("a.openmetrics".to_owned(), open.into()), ("b.text".to_owned(), text.into())];
    let Some(said) = judged("pythons client agrees", pages).await else { return };
    let [open, text] = &said[..] else { panic!("{said:#?}") };
    assert_eq!(
        open["types"],
        json!({
            "load_ratio": ["gauge", ""],
            "orders": ["counter", ""],
            "queue_length": ["gauge", ""],
            "target": ["info", ""],
            "took_seconds": ["histogram", "seconds"],
        })
    );
    assert_eq!(open["samples"], text["samples"]);
    let samples = open["samples"].as_array().unwrap();
    let orders = samples.iter().find(|sample| sample["name"] == "orders_total").unwrap();
    let labels = json!({
        "city": "Zürich \"\\\n\u{1b}[31m }{=,#", "express": "true", "otel_scope_name": "shop",
    });
    assert_eq!((&orders["labels"], &orders["value"]), (&labels, &json!(3.0)));
}

#[tokio::test]
async fn pythons_client_reads_the_pages_of_whatever_arrives() {
    let mut dice = Dice::new(true);
    let pages = (0..300).flat_map(|number| {
        let request = dice.metrics().encode_to_vec();
        [(Format::OpenMetrics, "openmetrics"), (Format::Text, "text")].map(|(format, suffix)| {
            let page = page(&request, Options::new(format)).unwrap();
            (format!("{number:03}.{suffix}"), page.text)
        })
    });
    let Some(said) = judged("pythons client reads anything", pages.collect::<Vec<_>>()).await else { return };
    assert_eq!(said.len(), 600);
    let faults: Vec<&Value> = said.iter().filter(|page| page.get("fault").is_some()).collect();
    assert!(faults.is_empty(), "{} of 600: {:#}", faults.len(), faults[0]["fault"].as_str().unwrap());
    let samples: usize = said.iter().map(|page| page["samples"].as_array().map_or(0, Vec::len)).sum();
    assert!(samples > 600, "{samples}");
}

/// What promtool says of a page; `None`: there is none here.
fn promtool(test: &str, page: &str) -> Option<String> {
    let remedy = "promtool, of Debian's package prometheus";
    let promtool = peer(test, "THROUGHLINE_TEST_PROMTOOL", remedy)?;
    let check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut check = check.unwrap();
    check.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    Some(said)
}

#[tokio::test]
async fn promtool_has_no_objection() {
    let telemetry = busy();
    let (_, _, page) = ask(telemetry.scrape_service(), &[]).await;
    let Some(said) = promtool("promtool has no objection", &page) else { return };
    assert_eq!(said, "");
}

/// A collector tells of itself where it tells whether it is well, and of everything what became of it.
#[tokio::test]
async fn promtool_has_no_objection_to_what_a_collector_tells_of_itself() {
    use throughline_collector::{Collector, Config};
    use throughline_sender::{Answer, Destination, Protocol, Signal};
    let receiver = throughline::testing::Receiver::start();
    let any = Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = Config::default();
    (config.grpc, config.http, config.view, config.health) = (any, any, None, any);
    let remote =
        crate::support::sending::remote(Protocol::HttpProtobuf, "http://127.0.0.1", receiver.http_address());
    config.destinations.add(Signal::Traces, Destination::Remote(remote));
    let collector = Collector::start(config).unwrap();
    let request = crate::support::sending::span("work");
    assert!(matches!(collector.inlet().accept(Signal::Traces, request.body), Answer::Taken { .. }));
    let health = format!("http://{}/metrics", collector.health_address().unwrap());
    let page = crate::support::until("a delivered span", || async {
        let (_, page) = get(&health, &[]).await.unwrap();
        page.contains("delivered_items_total{signal=\"traces\",destination=\"").then_some(page).filter(
            |page| page.lines().any(|line| line.contains("delivered_items_total{") && line.ends_with(" 1")),
        )
    })
    .await;
    let value = |name: &str| -> u64 {
        let line = page.lines().find(|line| line.starts_with(&format!("throughline_collector_{name}")));
        line.unwrap_or_else(|| panic!("{name}: {page}")).rsplit(' ').next().unwrap().parse().unwrap()
    };
    let parts = [
        "delivered_items_total",
        "rejected_by_destination_items_total",
        "dropped_items_total",
        "queued_items",
    ];
    assert_eq!(
        (value("spans_total"), value("accepted_items_total")),
        (1, parts.iter().map(|part| value(part)).sum())
    );
    let Some(said) = promtool("promtool and a collector", &page) else { return };
    assert_eq!(said, "");
}

// H-120, H-121: two names of the conventions end like a series of a histogram (`process.thread.count`).
#[tokio::test]
async fn promtool_has_no_objection_to_what_a_service_tells_by_itself() {
    let telemetry = telemetry(Scrape::mounted(), &[("THROUGHLINE_RUNTIME_METRICS", "true")]);
    let app = axum::Router::new().route("/", axum::routing::get(|| async {}));
    let address = crate::support::serve(app.layer(telemetry.server_layer())).await;
    get(&format!("http://{address}/"), &[]).await.unwrap();
    let page = crate::support::until("the request", || async {
        let (_, _, page) = ask(telemetry.scrape_service(), &[]).await;
        page.contains("http_server_request_duration_seconds_count").then_some(page)
    })
    .await;
    if cfg!(target_os = "linux") {
        assert!(page.contains("\n# TYPE process_thread_count untyped\nprocess_thread_count"), "{page}");
    }
    let Some(said) = promtool("promtool and the runtime", &page) else { return };
    assert_eq!(said, "");
}
