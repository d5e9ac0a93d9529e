//! A real Prometheus, by scrape and by push.

use super::*;
use crate::{
    charts::Collector,
    support::{prometheus::Prometheus, serve, until},
};
use axum::{Router, http::HeaderMap, response::IntoResponse, routing::get as route};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue as Attribute, any_value::Value as Any},
    metrics::v1::{
        Exemplar, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
        ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar, metric::Data, number_data_point,
        summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
};
use prost::Message;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};
use throughline::sender::exposition::{MediaType, Options, page};

fn attribute((key, text): (&str, &str)) -> Attribute {
    let value = Some(AnyValue { value: Some(Any::StringValue(text.into())) });
    Attribute { key: key.into(), value, ..Attribute::default() }
}

/// One metric of each kind, with names and labels that are translated, and an exemplar.
fn measured(now: u64, instance: &str) -> Vec<u8> {
    let attributes = |pairs: &[(&str, &str)]| pairs.iter().copied().map(attribute).collect::<Vec<_>>();
    let exemplar = |value| Exemplar {
        value: Some(exemplar::Value::AsDouble(value)),
        time_unix_nano: now,
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        filtered_attributes: attributes(&[("user", "ada")]),
    };
    let number = |value, pairs: &[(&str, &str)]| NumberDataPoint {
        attributes: attributes(pairs),
        start_time_unix_nano: now - 1_000_000_000,
        time_unix_nano: now,
        exemplars: vec![exemplar(1.0)],
        value: Some(value),
        ..NumberDataPoint::default()
    };
    let (whole, double) = (number_data_point::Value::AsInt, number_data_point::Value::AsDouble);
    let sum = |is_monotonic, point| {
        Data::Sum(Sum { data_points: vec![point], aggregation_temporality: 2, is_monotonic })
    };
    let histogram = HistogramDataPoint {
        attributes: attributes(&[("http.route", "/items/{id}"), ("http.response.status_code", "200")]),
        time_unix_nano: now,
        count: 6,
        sum: Some(8.25),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![0.005, 2.5],
        exemplars: vec![exemplar(0.001), exemplar(3.0)],
        ..HistogramDataPoint::default()
    };
    let summary = SummaryDataPoint {
        time_unix_nano: now,
        count: 2,
        sum: 3.0,
        quantile_values: vec![ValueAtQuantile { quantile: 0.5, value: 1.5 }],
        ..SummaryDataPoint::default()
    };
    let metric = |name: &str, unit: &str, data| Metric {
        name: name.into(),
        unit: unit.into(),
        data: Some(data),
        ..Metric::default()
    };
    let histograms = Histogram { data_points: vec![histogram], aggregation_temporality: 2 };
    let clash = [("b", "\"\\\nü"), ("a.b", "1"), ("a_b", "2"), ("x..y", "3"), ("9", "4")];
    let metrics = vec![
        metric("orders", "{order}", sum(true, number(whole(7), &clash))),
        metric("data.read.total", "By/s", sum(true, number(double(0.1), &[]))),
        metric("queue.length", "1", sum(false, number(whole(-3), &[]))),
        metric(
            "cpu.utilization",
            "1",
            Data::Gauge(Gauge { data_points: vec![number(double(0.5), &[("empty", "")])] }),
        ),
        metric("2xx--rate", "m/s^2", Data::Gauge(Gauge { data_points: vec![number(double(1e300), &[])] })),
        metric("http.server.request.duration", "s", Data::Histogram(histograms)),
        metric("old.times", "ms", Data::Summary(Summary { data_points: vec![summary] })),
    ];
    let identity =
        [("service.namespace", "shop"), ("service.name", "cart"), ("service.instance.id", instance)];
    let resource = attributes(&[&identity[..], &[("deployment.environment.name", "test")]].concat());
    let scope = InstrumentationScope { name: "shop".into(), ..InstrumentationScope::default() };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
    let resource = Some(Resource { attributes: resource, ..Resource::default() });
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

/// The series of an instance, with the values they have now, but without what Prometheus adds about a scrape, and without
/// what tells the two ways apart.
async fn series(prometheus: &Prometheus, instance: &str) -> BTreeMap<BTreeMap<String, String>, String> {
    let data = prometheus.ask("query", &[("query", &format!("{{instance=\"{instance}\"}}"))]).await;
    let all = data["result"].as_array().unwrap().iter().map(|series| {
        let labels: BTreeMap<String, String> = serde_json::from_value(series["metric"].clone()).unwrap();
        (labels, series["value"][1].as_str().unwrap().to_owned())
    });
    let about_scrape = |name: &str| name == "up" || name.starts_with("scrape_");
    let told = all.filter(|(labels, _)| !about_scrape(&labels["__name__"]));
    told.map(|(mut labels, value)| {
        assert_eq!(labels.remove("instance").as_deref(), Some(instance));
        // The standard has them in both places, Prometheus only in `job` and `instance`.
        labels.retain(|name, _| !name.starts_with("service_"));
        // Prometheus 3 writes whole bounds as 1.0 when it scrapes and as 1 when they are pushed.
        if let Some(le) = labels.get_mut("le") {
            *le = le.parse::<f64>().unwrap().to_string();
        }
        (labels, value)
    })
    .collect()
}

async fn push(endpoint: String, body: Vec<u8>) {
    let request = Request::post(endpoint).header("content-type", "application/x-protobuf");
    let answer = crate::support::ask(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

// B-008…B-011, B-014, H-089
#[tokio::test]
async fn a_series_is_the_same_straight_and_through_a_real_collector() {
    let Some(prometheus) = Prometheus::start("the same values", "global: {}\n").await else { return };
    let Some(collector) = Collector::start("the same values", &prometheus).await else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    push(prometheus.endpoint(), measured(now, "straight")).await;
    push(collector.endpoint.clone(), measured(now, "over")).await;
    let straight = series(&prometheus, "straight").await;
    assert_eq!(straight.len(), 5 + 3 + 2 + 3 + 1, "{straight:#?}");
    let over = until("the series that went over the collector", || async {
        Some(series(&prometheus, "over").await).filter(|series| !series.is_empty())
    })
    .await;
    assert_eq!(over, straight);
}

// B-008…B-011, B-014, B-022, B-024, H-089
#[tokio::test]
async fn a_series_is_the_same_by_scrape_and_by_push() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let request = measured(now, "pushed");
    let shown = request.clone();
    let app = Router::new().route(
        "/metrics",
        route(move |headers: HeaderMap| async move {
            let accept = headers["accept"].to_str().unwrap();
            let media = MediaType::negotiate(accept);
            assert_eq!(media, MediaType::OpenMetrics1_0_0, "{accept}");
            let mut options = Options::new(media.format());
            options.scope_labels = false;
            let page = page(&shown, options).unwrap();
            assert_eq!(page.left_out, []);
            ([("content-type", media.content_type())], page.text).into_response()
        }),
    );
    let target = serve(app).await;
    let config = format!(
        "scrape_configs:\n- job_name: shop/cart\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\n  static_configs:\n  - \
         targets: ['{target}']\n    labels: {{instance: scraped}}\n"
    );
    let Some(prometheus) = Prometheus::start("prometheus scrapes", &config).await else { return };
    push(prometheus.endpoint(), request).await;

    let scraped = until("scraped series", || async {
        Some(series(&prometheus, "scraped").await).filter(|series| !series.is_empty())
    })
    .await;
    let pushed = series(&prometheus, "pushed").await;
    assert_eq!(scraped, pushed);
    assert_eq!(scraped.len(), 5 + 3 + 2 + 3 + 1, "{scraped:#?}");

    // At a counter and two buckets, each once.
    let told = async |instance: &str| {
        let query = format!("{{instance=\"{instance}\"}}");
        let range = [("query", query.as_str()), ("start", "0"), ("end", "9999999999")];
        let data = prometheus.ask("query_exemplars", &range).await;
        let mut told: Vec<(String, Value)> = Vec::new();
        for series in data.as_array().unwrap() {
            let name = format!("{} {}", series["seriesLabels"]["__name__"], series["seriesLabels"]["le"]);
            told.extend(
                series["exemplars"].as_array().unwrap().iter().map(|one| (name.clone(), one.clone())),
            );
        }
        told.sort_by(|one, other| one.0.cmp(&other.0));
        told
    };
    let scraped =
        until("exemplars", || async { Some(told("scraped").await).filter(|exemplars| exemplars.len() >= 4) })
            .await;
    // Prometheus also stores those of a sum that may fall, which the standard wants dropped.
    let mut pushed = told("pushed").await;
    pushed.retain(|(name, _)| !name.contains("queue_length"));
    assert_eq!(scraped, pushed);
    assert_eq!(scraped[0].1["labels"]["trace_id"], "ab".repeat(16));
}

// B-020…B-022, H-089: two replicas, through their own ports.
#[tokio::test]
async fn two_replicas_are_scraped_and_do_not_collide() {
    let replicas = [1, 2].map(|orders| {
        let measured = [("THROUGHLINE_RUNTIME_METRICS", "true")];
        let telemetry = telemetry(Scrape::at("localhost:0"), &measured);
        let counter = telemetry.meter_provider().meter("shop").u64_counter("orders").build();
        counter.add(orders, &[KeyValue::new("city", "Bern")]);
        telemetry
    });
    let targets = replicas.each_ref().map(|replica| format!("'{}'", replica.scrape_address().unwrap()));
    let config = format!(
        "scrape_configs:\n- job_name: cart\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\n  static_configs:\n  - \
         targets: [{}]\n",
        targets.join(", ")
    );
    let Some(prometheus) = Prometheus::start("prometheus scrapes two", &config).await else { return };
    until("the orders of both", || async {
        let data = prometheus.ask("query", &[("query", "sum by (city)(orders_total)")]).await;
        (data["result"][0]["value"][1] == "3").then_some(())
    })
    .await;
    let data = prometheus.ask("query", &[("query", "orders_total")]).await;
    let labels = |series: &Value| {
        let labels: BTreeMap<String, String> = serde_json::from_value(series["metric"].clone()).unwrap();
        labels
    };
    let mut instances: Vec<String> = Vec::new();
    for series in data["result"].as_array().unwrap() {
        let mut labels = labels(series);
        instances.extend(labels.remove("instance"));
        let rest =
            [("__name__", "orders_total"), ("city", "Bern"), ("job", "cart"), ("otel_scope_name", "shop")];
        assert_eq!(labels, rest.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
    instances.sort();
    let mut expected = replicas.each_ref().map(|replica| replica.scrape_address().unwrap().to_string());
    expected.sort();
    assert_eq!(instances, expected);
    if cfg!(target_os = "linux") {
        // A name without a type, which a page may not have for a gauge (H-121).
        assert_eq!(prometheus.query("process_thread_count > 0").await.len(), 2);
    }
}

// H-089, B-024: the chart of docs/metrics.md.
#[tokio::test]
async fn the_latency_of_each_route_is_what_the_query_of_the_page_tells() {
    let telemetry = telemetry(Scrape::at("localhost:0"), &[]);
    let slow = async || tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    let app = Router::new().route("/fast", route(|| async {})).route("/slow/{id}", route(slow));
    let service = serve(app.layer(telemetry.server_layer())).await;
    let config = format!(
        "scrape_configs:\n- job_name: cart\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\n  static_configs:\n  - \
         targets: ['{}']\n",
        telemetry.scrape_address().unwrap()
    );
    let Some(prometheus) = Prometheus::start("prometheus draws", &config).await else { return };
    let page = include_str!("../../../docs/metrics.md");
    let query = page.lines().find(|line| line.starts_with("histogram_quantile(")).unwrap();
    let told = until("a latency of both routes", || async {
        for path in ["fast", "slow/1", "slow/2"] {
            get(&format!("http://{service}/{path}"), &[]).await.unwrap();
        }
        let data = prometheus.ask("query", &[("query", query)]).await;
        let told: BTreeMap<String, f64> = data["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|series| {
                let route = series["metric"]["http_route"].as_str().unwrap().to_owned();
                (route, series["value"][1].as_str().unwrap().parse().unwrap())
            })
            .collect();
        Some(told).filter(|told| told.len() == 2 && told.values().all(|seconds| seconds.is_finite()))
    })
    .await;
    assert_eq!(told.keys().collect::<Vec<_>>(), ["/fast", "/slow/{id}"]);
    assert!(told["/slow/{id}"] >= 0.025, "{told:?}");
    // And the way back: Prometheus has fetched the exemplars with the buckets.
    let exemplars = until("an exemplar of both routes", || async {
        let found = prometheus.exemplars("http_server_request_duration_seconds_bucket").await;
        let of: BTreeSet<_> = found.iter().map(|(series, _)| series["http_route"].clone()).collect();
        (of.len() == 2).then_some(found)
    })
    .await;
    for (series, exemplar) in exemplars {
        assert_eq!(exemplar.keys().collect::<Vec<_>>(), ["span_id", "trace_id"], "{series:?}");
        assert_eq!(exemplar["trace_id"].len(), 32);
    }
}
