//! The small server.

use super::*;
use crate::support::ask;
use flate2::read::GzDecoder;
use std::{io::Read, net::TcpListener};
use throughline::probe::probe;

/// A page at a port that is free.
fn served() -> (Telemetry, String) {
    let telemetry = telemetry(Scrape::at("localhost:0"), &[]);
    let address = telemetry.scrape_address().unwrap();
    (telemetry, format!("http://{address}"))
}

// B-020, B-021
#[tokio::test]
async fn the_port_serves_the_page_to_who_reads_it_and_words_to_others() {
    let (telemetry, base) = served();
    assert!(base.starts_with("http://127.0.0.1:"), "{base}");
    telemetry.meter_provider().meter("shop").u64_counter("orders").build().add(1, &[]);
    let page = format!("{base}/metrics");
    let (status, text) = get(&page, &[]).await.unwrap();
    assert_eq!(status, 200);
    assert_eq!(lines(&text), ["# TYPE orders_total counter", "orders_total{otel_scope_name=\"shop\"} 1"]);

    let small = ask(request("GET", page.clone(), &[("accept-encoding", "gzip")])).await.unwrap();
    assert_eq!(small.headers()["content-encoding"], "gzip");
    let bytes = small.into_body().collect().await.unwrap().to_bytes();
    let mut unpacked = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, text);

    let head = ask(request("HEAD", page.clone(), &[])).await.unwrap();
    assert_eq!(
        (head.status().as_u16(), head.headers()["content-length"].as_bytes()),
        (200, text.len().to_string().as_bytes())
    );
    assert_eq!(head.into_body().collect().await.unwrap().to_bytes().len(), 0);

    let post = ask(request("POST", page, &[])).await.unwrap();
    assert_eq!((post.status().as_u16(), post.headers()["allow"].as_bytes()), (405, &b"GET, HEAD"[..]));
    let elsewhere = get(&base, &[]).await.unwrap();
    assert_eq!(elsewhere, (404, "there is one page here: /metrics\n".into()));
}

/// A configuration by a file that says no more than where the page is.
fn by_file(port: &str) -> Config {
    let page = format!("prometheus/development: {{port: {port}, scope_info_enabled: false}}");
    let text = format!(
        "file_format: '1.1'\npropagator: {{}}\nmeter_provider: {{readers: [{{pull: {{exporter: {{{page}}}}}}}]}}"
    );
    Config::from_yaml(&text, [("", ""); 0])
}

// B-022, B-090
#[tokio::test]
async fn the_page_of_a_configuration_file_is_served() {
    let telemetry = Telemetry::build(by_file("0")).unwrap();
    telemetry.meter_provider().meter("shop").u64_counter("orders").build().add(1, &[]);
    let page = format!("http://{}/metrics", telemetry.scrape_address().unwrap());
    let (status, text) = get(&page, &[]).await.unwrap();
    assert_eq!((status, lines(&text)), (200, vec!["# TYPE orders_total counter", "orders_total 1"]));
}

#[tokio::test]
async fn the_port_is_closed_when_telemetry_is_shut_down() {
    let (telemetry, base) = served();
    telemetry.shutdown(PATIENCE).await.unwrap();
    crate::support::until("a closed port", || async { get(&base, &[]).await.is_err().then_some(()) }).await;
}

#[tokio::test]
async fn more_connections_than_it_serves_wait_and_are_served() {
    let (_telemetry, base) = served();
    let idle: Vec<std::net::TcpStream> = (0..31)
        .map(|_| std::net::TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap())
        .collect();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let page = format!("{base}/metrics");
        all.spawn(async move { get(&page, &[]).await.unwrap().0 });
    }
    assert_eq!(all.join_all().await, [200; 50]);
    drop(idle);
}

#[tokio::test]
async fn a_method_that_reads_nothing_is_refused_on_a_route_too() {
    let telemetry = telemetry(Scrape::mounted(), &[]);
    let response = telemetry.scrape_service().call(bare("PUT")).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["allow"].as_bytes()),
        (405, &b"GET, HEAD"[..])
    );
}

// B-020, E-23
#[tokio::test]
async fn a_port_that_is_taken_fails_the_start_with_its_variable_and_check_says_so_before() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let config = || {
        let mut config = Config::from_vars([
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", &port),
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ]);
        config.log.format = throughline::config::LogFormat::Text;
        config
    };
    let fault = format!(
        "OTEL_EXPORTER_PROMETHEUS_PORT: localhost:{port} is in use by another program; use another port, or leave \
         prometheus out of OTEL_METRICS_EXPORTER"
    );
    let words = format!("a page at http://localhost:{port}/metrics");
    let error = Telemetry::build(config()).unwrap_err();
    assert!(error.is_address_in_use());
    assert_eq!(error.to_string(), fault);
    assert_eq!(
        Telemetry::build(by_file(&port)).unwrap_err().to_string(),
        format!(
            "OTEL_CONFIG_FILE: localhost:{port} is in use by another program; use another port, or leave the reader pull \
             out"
        )
    );
    let found = async || {
        let findings = probe(&config()).await;
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        assert_eq!(finding.decided_by.as_deref(), Some("OTEL_METRICS_EXPORTER"));
        (finding.destination.clone(), finding.fault.clone())
    };
    assert_eq!(found().await, (words.clone(), Some(fault)));
    drop(other);
    assert_eq!(found().await, (words, None));
    let telemetry = Telemetry::build(config()).unwrap();
    let place = format!("metrics to a page at http://127.0.0.1:{port}/metrics (OTEL_METRICS_EXPORTER)");
    assert!(telemetry.summary().contains(&place), "{}", telemetry.summary());
}

// B-020, E-23
#[test]
fn the_variables_of_the_page_decide_where_it_is() {
    let read = |vars: &[(&str, &str)]| {
        let config = Config::from_vars(vars.iter().copied());
        let faults: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
        (config.scrape.and_then(|scrape| scrape.address), config.metrics.destinations.len(), faults)
    };
    let at = |address: &str| Some(address.to_owned());
    let (exporter, host, port) =
        ("OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT");
    assert_eq!(read(&[]), (None, 1, vec![]));
    assert_eq!(read(&[(port, "1")]), (None, 1, vec![]));
    assert_eq!(read(&[(exporter, "prometheus")]), (at("localhost:9464"), 0, vec![]));
    assert_eq!(read(&[(exporter, "otlp, Prometheus,console")]), (at("localhost:9464"), 2, vec![]));
    assert_eq!(
        read(&[(exporter, "prometheus"), (host, "0.0.0.0"), (port, "0")]),
        (at("0.0.0.0:0"), 0, vec![])
    );
    assert_eq!(read(&[(exporter, "prometheus"), (host, "::1")]), (at("[::1]:9464"), 0, vec![]));
    assert_eq!(
        read(&[(exporter, "prometheus"), (port, "70000")]),
        (
            at("localhost:9464"),
            0,
            vec!["OTEL_EXPORTER_PROMETHEUS_PORT: \"70000\" is not a port; 9464 holds".to_owned()]
        )
    );
    assert_eq!(
        read(&[("OTEL_TRACES_EXPORTER", "prometheus")]).2,
        ["OTEL_TRACES_EXPORTER: \"prometheus\" is for metrics alone; it is left out"]
    );
}
