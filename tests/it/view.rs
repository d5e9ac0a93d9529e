//! The view: beside a service by `THROUGHLINE_VIEW`, and in a real browser.

mod browser;
mod data;
mod hostile;
mod keeping;
mod pages;
mod sample;
mod shared;
mod shop;
mod terminal;

use crate::{
    lifecycle::record,
    support::{PATIENCE, free_port, get},
};
use axum::Router;
use std::{collections::BTreeSet, net::SocketAddr};
use throughline::{Config, Telemetry};
use tokio::net::TcpListener;

fn view(view: SocketAddr) -> Config {
    let address = view.to_string();
    Config::from_vars([
        ("THROUGHLINE_VIEW", "1"),
        ("THROUGHLINE_COLLECTOR_VIEW", address.as_str()),
        ("THROUGHLINE_COLLECTOR_GRPC", "off"),
        ("THROUGHLINE_COLLECTOR_HTTP", "127.0.0.1:0"),
        ("OTEL_SERVICE_NAME", "viewed"),
    ])
}

#[tokio::test]
async fn the_view_starts_with_the_service_and_a_second_service_finds_it() {
    let first = Telemetry::build(view("127.0.0.1:0".parse().unwrap())).unwrap();
    let url = first.summary().split("view at ").nth(1).unwrap().to_owned();
    let address: SocketAddr = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();

    let second = Telemetry::build(view(address)).unwrap();
    let found = "(THROUGHLINE_VIEW: the collector of another program)";
    assert!(
        second.summary().contains(found) && second.summary().ends_with(&format!("view at {url}")),
        "{second:?}"
    );
    for telemetry in [&first, &second] {
        record(telemetry);
        telemetry.handle().flush(PATIENCE).await.unwrap();
    }
    let destinations = |telemetry: &Telemetry| {
        let stats = telemetry.handle().stats().into_iter();
        stats.map(|stats| stats.destination).collect::<BTreeSet<_>>()
    };
    assert_eq!(destinations(&first), BTreeSet::from(["the collector in this program".to_owned()]));
    assert!(destinations(&second).iter().all(|destination| destination.starts_with("http://127.0.0.1:")));

    let (status, traces) = get(&format!("{url}api/traces"), &[]).await.unwrap();
    let traces: serde_json::Value = serde_json::from_str(&traces).unwrap();
    assert_eq!((status, traces.as_array().map(Vec::len)), (200, Some(2)));
}

#[tokio::test]
async fn an_endpoint_that_is_the_view_itself_gets_nothing_twice() {
    let port = free_port();
    let (http, endpoint) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let telemetry = Telemetry::build(Config::from_vars([
        ("THROUGHLINE_VIEW", "1"),
        ("THROUGHLINE_COLLECTOR_VIEW", "127.0.0.1:0"),
        ("THROUGHLINE_COLLECTOR_GRPC", "off"),
        ("THROUGHLINE_COLLECTOR_HTTP", http.as_str()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_METRICS_EXPORTER", "none"),
    ]))
    .unwrap();
    record(&telemetry);
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let destinations: Vec<_> =
        telemetry.handle().stats().into_iter().map(|stats| stats.destination).collect();
    assert_eq!(destinations, [format!("{endpoint}/v1/traces"), format!("{endpoint}/v1/logs")]);
}

#[tokio::test]
async fn a_port_that_another_program_has_is_an_error_that_names_it_and_the_remedy() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(other, Router::new()).await }); // answers, but is no collector
    let error = Telemetry::build(view(address)).unwrap_err();
    assert!(error.is_address_in_use());
    let text = error.to_string();
    assert!(text.contains(&address.to_string()) && text.contains("THROUGHLINE_COLLECTOR_VIEW"), "{text}");
}
