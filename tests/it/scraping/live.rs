//! What a program does is on the page that it serves, with the way back to the trace.

use super::*;
use crate::support::{
    ask as send, client,
    receiver::{Decoded, Receiver, hex},
    serve, until,
};
use axum::{Router, body::Body, routing::get as route};
use std::{
    collections::BTreeSet,
    convert::Infallible,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

/// The ids that a line of a page tells beside its value.
#[derive(Debug, PartialEq)]
struct Told {
    trace: String,
    span: String,
}

/// A program whose spans go to a receiver, and whose page has a port.
fn telemetry(receiver: &Receiver) -> (Telemetry, String) {
    let endpoint = receiver.http_endpoint();
    let vars = [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)];
    let telemetry = super::telemetry(Scrape::at("localhost:0"), &vars);
    let page = format!("http://{}/metrics", telemetry.scrape_address().unwrap());
    (telemetry, page)
}

/// The exemplars of the latency on a page in OpenMetrics, each in the bucket that its value belongs to and of now.
async fn exemplars(page: &str, since: f64) -> Vec<Told> {
    let (status, page) = get(page, &[OPEN]).await.unwrap();
    assert_eq!(status, 200);
    let mut below = f64::NEG_INFINITY;
    let mut told = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("http_server_request_duration_seconds_")) {
        let Some(at) = line.find(",le=\"") else {
            assert!(!line.contains(" # "), "{line}");
            below = f64::NEG_INFINITY;
            continue;
        };
        let (le, _) = line[at + 5..].split_once('"').unwrap();
        let upper: f64 = le.parse().unwrap();
        if let Some((_, exemplar)) = line.split_once(" # {span_id=\"") {
            let (span, rest) = exemplar.split_once("\",trace_id=\"").unwrap();
            let (trace, rest) = rest.split_once("\"} ").unwrap();
            let (value, time) = rest.split_once(' ').unwrap();
            let (value, time): (f64, f64) = (value.parse().unwrap(), time.parse().unwrap());
            assert!(below < value && value <= upper, "{line}");
            assert!((since..=now()).contains(&time), "{line}");
            told.push(Told { trace: trace.into(), span: span.into() });
        }
        below = upper;
    }
    told
}

/// Seconds since 1970 in whole milliseconds, as a page has them.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as f64 / 1_000.0
}

/// The ids of the spans that arrived, when there are so many.
async fn spans(telemetry: &Telemetry, receiver: &Receiver, number: usize) -> Vec<(String, String)> {
    telemetry.handle().flush(PATIENCE).await.unwrap();
    assert!(receiver.until(|receiver| receiver.spans().len() >= number).await);
    receiver.spans().iter().map(|(_, span)| (hex(&span.trace_id), hex(&span.span_id))).collect()
}

// B-021, O-100, H-080
#[tokio::test]
async fn a_request_is_on_the_page_with_the_ids_of_its_span() {
    let receiver = Receiver::start();
    let (telemetry, page) = telemetry(&receiver);
    let since = now();
    let app = Router::new().route("/items/{id}", route(|| async {})).layer(telemetry.server_layer());
    let address = serve(app).await;
    let url = format!("http://{address}/items/7");
    assert_eq!(get(&url, &[]).await.unwrap().0, 200);
    // Who does not sample has no trace to lead to.
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    assert_eq!(get(&url, &[("traceparent", trace)]).await.unwrap().0, 200);
    let count = async || {
        let (_, page) = get(&page, &[]).await.unwrap();
        assert!(!page.contains(" # {"), "{page}");
        let mut lines = page.lines();
        let count = lines.find(|line| line.starts_with("http_server_request_duration_seconds_count{"))?;
        count.ends_with(" 2").then_some(())
    };
    until("both on the page", count).await;
    let spans = spans(&telemetry, &receiver, 1).await;
    let [(trace, span)] = &spans[..] else { panic!("{spans:?}") };
    for _ in 0..2 {
        let told = exemplars(&page, since).await;
        let [told] = &told[..] else { panic!("{told:?}") };
        assert_eq!((&told.trace, &told.span), (trace, span));
    }
    telemetry.shutdown(PATIENCE).await.unwrap();
}

// O-042, O-100
#[tokio::test]
async fn a_body_that_streams_is_on_the_page_when_it_ends() {
    let receiver = Receiver::start();
    let (telemetry, page) = telemetry(&receiver);
    let (requests, mut arrived) = tokio::sync::mpsc::channel(1);
    let stream = route(move || async move {
        let (parts, body) = tokio::sync::mpsc::channel::<Bytes>(1);
        requests.send(parts).await.unwrap();
        Body::from_stream(ReceiverStream::new(body).map(Ok::<_, Infallible>))
    });
    let address = serve(Router::new().route("/stream", stream).layer(telemetry.server_layer())).await;
    let since = now();
    let sent = request("GET", format!("http://{address}/stream"), &[]);
    let mut body = client().request(sent).await.unwrap().into_body();
    let parts = arrived.recv().await.unwrap();
    parts.send(Bytes::from("one")).await.unwrap();
    body.frame().await.unwrap().unwrap();
    let (_, before) = get(&page, &[OPEN]).await.unwrap();
    assert!(!before.contains("http_server_request_duration_seconds_count"), "{before}");
    drop(parts);
    assert!(body.frame().await.is_none());
    let told = until("an exemplar", || async {
        Some(exemplars(&page, since).await).filter(|told| !told.is_empty())
    })
    .await;
    let spans = spans(&telemetry, &receiver, 1).await;
    let told: Vec<_> = told.into_iter().map(|told| (told.trace, told.span)).collect();
    assert_eq!(told, spans);
    telemetry.shutdown(PATIENCE).await.unwrap();
}

// B-021, O-100
#[tokio::test]
async fn a_page_of_ten_thousand_series_has_each_of_them_in_every_form() {
    const SERIES: i64 = 10_000;
    let limit = ("THROUGHLINE_CARDINALITY_LIMIT", "20000");
    let telemetry = super::telemetry(Scrape::at("localhost:0"), &[limit]);
    let page = format!("http://{}/metrics", telemetry.scrape_address().unwrap());
    let orders = telemetry.meter_provider().meter("shop").u64_counter("orders").build();
    for shop in 0..SERIES {
        orders.add(shop as u64 + 1, &[KeyValue::new("shop", shop)]);
    }
    let line = |shop| format!("orders_total{{otel_scope_name=\"shop\",shop=\"{shop}\"}} {}", shop + 1);
    let expected: BTreeSet<String> = (0..SERIES).map(line).collect();
    for headers in [vec![], vec![OPEN], vec![("accept-encoding", "gzip")]] {
        let response = send(request("GET", page.clone(), &headers)).await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let is_packed = response.headers().contains_key("content-encoding");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let mut text = String::new();
        match is_packed {
            true => std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text),
            false => std::io::Read::read_to_string(&mut &bytes[..], &mut text),
        }
        .unwrap();
        let orders: Vec<String> =
            text.lines().filter(|line| line.starts_with("orders_total{")).map(str::to_owned).collect();
        assert_eq!(orders.len(), expected.len(), "{headers:?}");
        assert!(BTreeSet::from_iter(orders) == expected, "{headers:?}");
    }
    telemetry.shutdown(PATIENCE).await.unwrap();
}

// Metrics SDK, "cardinality limits": what is beyond is one series, and nothing is lost.
#[tokio::test]
async fn series_beyond_the_limit_are_one_on_the_page_with_all_that_was_counted() {
    let telemetry = super::telemetry(Scrape::at("localhost:0"), &[]);
    let page = format!("http://{}/metrics", telemetry.scrape_address().unwrap());
    let orders = telemetry.meter_provider().meter("shop").u64_counter("orders").build();
    for shop in 0..10_000 {
        orders.add(1, &[KeyValue::new("shop", shop)]);
    }
    let (_, text) = get(&page, &[]).await.unwrap();
    let series: Vec<(&str, u64)> = text
        .lines()
        .filter(|line| line.starts_with("orders_total{"))
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series, value.parse().unwrap()))
        .collect();
    assert_eq!(series.iter().map(|(_, count)| count).sum::<u64>(), 10_000);
    let rest: Vec<_> = series.iter().filter(|(series, _)| series.contains("otel_metric_overflow")).collect();
    let own = series.len() as u64 - 1;
    let beyond = r#"orders_total{otel_metric_overflow="true",otel_scope_name="shop"}"#;
    assert_eq!(rest, [&(beyond, 10_000 - own)]);
    assert_eq!(own, 2_000);
    let stats = telemetry.handle().stats();
    let [row] = &stats[..] else { panic!("{stats:?}") };
    let told: Vec<_> = row.overflows.iter().map(|of| (&*of.meter, &*of.instrument, of.collections)).collect();
    assert_eq!(told, [("shop", "orders", 1)]);
    telemetry.shutdown(PATIENCE).await.unwrap();
}
