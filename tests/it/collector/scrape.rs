//! The page for Prometheus: what came last of all services.

use super::*;
use crate::support::{prometheus::Prometheus, until};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, Sum, exemplar::Value as Measurement, number_data_point::Value as Amount,
};
use prost::Message;
use std::time::{SystemTime, UNIX_EPOCH};

const OPEN: (&str, &str) = ("accept", "application/openmetrics-text;version=1.0.0");

/// So many seconds ago, in nanoseconds.
fn ago(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now - Duration::from_secs(seconds)).as_nanos() as u64
}

async fn send_metric(collector: &Collector, of: &str, name: &str, data: metric::Data) {
    let metric = Metric { name: name.to_owned(), data: Some(data), ..Default::default() };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..Default::default() }];
    let resource_metrics =
        vec![ResourceMetrics { resource: service(of), scope_metrics, ..Default::default() }];
    let body = ExportMetricsServiceRequest { resource_metrics }.encode_to_vec();
    assert_eq!(post(collector, "/v1/metrics", &body).await.status, StatusCode::OK);
}

fn orders(time: u64, city: &str, value: i64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: vec![text("city", city)],
        time_unix_nano: time,
        value: Some(Amount::AsInt(value)),
        ..Default::default()
    }
}

async fn send_orders(collector: &Collector, of: &str, data_points: Vec<NumberDataPoint>) {
    let sum = Sum { data_points, aggregation_temporality: 2, is_monotonic: true };
    send_metric(collector, of, "orders", metric::Data::Sum(sum)).await;
}

async fn page(collector: &Collector, headers: &[(&str, &str)]) -> Reply {
    send(collector.prometheus_address().unwrap(), "GET", "/metrics", headers, b"").await
}

fn scraped(config: &mut Config) {
    config.prometheus = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
}

// B-071, B-008, B-021
#[tokio::test]
async fn the_newest_points_of_two_services_are_on_one_page_and_exemplars_only_in_openmetrics() {
    let collector = start(scraped);
    send_orders(&collector, "shop", vec![orders(ago(60), "Bern", 3), orders(ago(60), "Basel", 1)]).await;
    send_orders(&collector, "back", vec![orders(ago(50), "Bern", 7)]).await;
    send_orders(&collector, "shop", vec![orders(ago(10), "Bern", 5), orders(ago(301), "Chur", 9)]).await;
    let exemplar = Exemplar {
        time_unix_nano: 1_500_000_000,
        trace_id: vec![0x5b; 16],
        span_id: vec![0xee; 8],
        value: Some(Measurement::AsDouble(0.25)),
        ..Default::default()
    };
    let took = HistogramDataPoint {
        time_unix_nano: ago(10),
        count: 1,
        sum: Some(0.25),
        bucket_counts: vec![1, 0],
        explicit_bounds: vec![0.5],
        exemplars: vec![exemplar],
        ..Default::default()
    };
    let took = Histogram { data_points: vec![took], aggregation_temporality: 2 };
    send_metric(&collector, "shop", "took", metric::Data::Histogram(took)).await;

    let text = page(&collector, &[]).await;
    let kind = text.header("content-type").map(str::to_owned);
    assert_eq!(
        (text.status, kind.as_deref()),
        (StatusCode::OK, Some("text/plain; version=0.0.4; charset=utf-8"))
    );
    let lines: Vec<&str> = text.text().lines().collect();
    let expected = [
        "# TYPE orders_total counter",
        r#"orders_total{city="Bern",job="shop"} 5"#,
        r#"orders_total{city="Bern",job="back"} 7"#,
        r#"orders_total{city="Basel",job="shop"} 1"#,
        "# TYPE took histogram",
        r#"took_bucket{job="shop",le="0.5"} 1"#,
        r#"took_bucket{job="shop",le="+Inf"} 1"#,
        r#"took_sum{job="shop"} 0.25"#,
        r#"took_count{job="shop"} 1"#,
    ];
    assert_eq!(lines, expected);

    let open = page(&collector, &[OPEN]).await;
    let bucket = r#"took_bucket{job="shop",le="0.5"} 1 # {span_id="eeeeeeeeeeeeeeee",trace_id="5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b"} 0.25 1.500"#;
    let mut expected = expected.to_vec();
    (expected[0], expected[5]) = ("# TYPE orders counter", bucket);
    expected.push("# EOF");
    assert_eq!(open.text().lines().collect::<Vec<_>>(), expected);
}

// B-071
#[tokio::test]
async fn the_page_is_compressed_for_who_takes_it_and_there_is_nothing_else() {
    let collector = start(scraped);
    send_orders(&collector, "shop", vec![orders(ago(1), "Bern", 3)]).await;
    let reply = page(&collector, &[("accept-encoding", "gzip")]).await;
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&reply.body[..]), &mut text).unwrap();
    assert_eq!(text, page(&collector, &[]).await.text());

    let address = collector.prometheus_address().unwrap();
    for (method, path, status) in [
        ("POST", "/metrics", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/", StatusCode::NOT_FOUND),
        ("GET", "/api/status", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(send(address, method, path, &[], b"").await.status, status, "{method} {path}");
    }
}

#[test]
fn a_page_of_nothing_that_is_kept_is_no_start() {
    let mut config = Config::default();
    (config.grpc, config.http, config.view, config.max_bytes) = (None, None, None, 0);
    config.debug = Some(throughline_collector::debug::Options::default());
    scraped(&mut config);
    let words = Collector::start(config).unwrap_err().to_string();
    assert_eq!(
        words,
        "what Prometheus fetches and what is kept on disk is what is kept at all; set max_bytes to more than zero"
    );
}

// B-071, B-008, B-024: a real Prometheus fetches it.
#[tokio::test]
async fn prometheus_has_the_series_of_every_service_under_its_own_name_and_the_way_to_the_trace() {
    let collector = start(scraped);
    let exemplar = Exemplar {
        time_unix_nano: ago(1),
        trace_id: TRACE.to_vec(),
        span_id: vec![1; 8],
        value: Some(Measurement::AsDouble(1.0)),
        ..Default::default()
    };
    for (of, value) in [("shop", 5), ("back", 7)] {
        let point = NumberDataPoint { exemplars: vec![exemplar.clone()], ..orders(ago(1), "Bern", value) };
        send_orders(&collector, of, vec![point]).await;
    }
    let config = format!(
        "scrape_configs:\n- job_name: collector\n  honor_labels: true\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\n  \
         static_configs:\n  - targets: ['{}']\n",
        collector.prometheus_address().unwrap()
    );
    let Some(prometheus) = Prometheus::start("prometheus fetches from a collector", &config).await else {
        return;
    };
    let told = |series: Vec<(crate::support::prometheus::Labels, f64)>| {
        let mut told = Vec::from_iter(series.into_iter().map(|(labels, value)| {
            let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
            (label("job"), label("city"), label("__name__"), value)
        }));
        told.sort_by(|one, other| one.partial_cmp(other).unwrap());
        told
    };
    let of = |job: &str, value| (job.to_owned(), "Bern".to_owned(), "orders_total".to_owned(), value);
    let series = until("both services", || async {
        Some(told(prometheus.query("orders_total").await)).filter(|told| told.len() == 2)
    })
    .await;
    assert_eq!(series, [of("back", 7.0), of("shop", 5.0)]);
    let exemplars = until("their exemplars", || async {
        Some(prometheus.exemplars("orders_total").await).filter(|found| found.len() == 2)
    })
    .await;
    assert!(exemplars.iter().all(|(_, exemplar)| exemplar["trace_id"] == TRACE_TEXT), "{exemplars:?}");
    // What comes next is what it has next.
    send_orders(&collector, "shop", vec![orders(ago(0), "Bern", 9)]).await;
    let expected = [of("back", 7.0), of("shop", 9.0)];
    until("what came next", || async {
        (told(prometheus.query("orders_total").await) == expected).then_some(())
    })
    .await;
}
