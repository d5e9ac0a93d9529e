//! What programs read of measurements: instruments, series, and the way from an exemplar to its trace.

use super::*;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Sum, Summary, SummaryDataPoint,
    exemplar::Value as Measurement, exponential_histogram_data_point::Buckets,
    number_data_point::Value as Amount, summary_data_point::ValueAtQuantile,
};
use prost::Message;
use serde_json::{Value as Json, json};
use throughline_collector::metric::Query;

async fn get(collector: &Collector, path: &str) -> Reply {
    send(collector.view_address().unwrap(), "GET", path, &[], b"").await
}

async fn read(collector: &Collector, path: &str) -> Json {
    let reply = get(collector, path).await;
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, Some("application/json")));
    serde_json::from_slice(&reply.body).unwrap()
}

async fn add(collector: &Collector, name: &str, metric: &str, unit: &str, data: metric::Data) {
    let metric = Metric {
        name: metric.to_owned(),
        unit: unit.to_owned(),
        description: "what it is".to_owned(),
        data: Some(data),
        ..Default::default()
    };
    let scope =
        Some(InstrumentationScope { name: "lib".to_owned(), version: "2".to_owned(), ..Default::default() });
    let scope_metrics = vec![ScopeMetrics { scope, metrics: vec![metric], ..Default::default() }];
    let resource = service(name);
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..Default::default() }],
    };
    assert_eq!(post(collector, "/v1/metrics", &request.encode_to_vec()).await.body.len(), 0);
}

/// A sum that was reset, as its program sent it.
async fn requests(collector: &Collector) {
    for (time, start, value) in [(10, 1, 5), (20, 1, 7), (30, 25, 2)] {
        let exemplar = |trace: u8| Exemplar {
            time_unix_nano: time,
            trace_id: vec![trace; 16],
            span_id: vec![1; 8],
            value: Some(Measurement::AsInt(1)),
            filtered_attributes: vec![text("user", "ada")],
        };
        let point = NumberDataPoint {
            attributes: vec![text("http.route", "/pay")],
            time_unix_nano: time,
            start_time_unix_nano: start,
            value: Some(Amount::AsInt(value)),
            exemplars: if time == 30 { vec![exemplar(0x5b), exemplar(0x5c)] } else { Vec::new() },
            ..Default::default()
        };
        let other = NumberDataPoint { attributes: vec![text("http.route", "/")], ..point.clone() };
        let data_points = vec![point, other];
        let sum = Sum { data_points, aggregation_temporality: 2, is_monotonic: true };
        add(collector, "shop", "requests", "{request}", metric::Data::Sum(sum)).await;
    }
}

#[tokio::test]
async fn instruments_are_listed_by_service_and_the_points_of_their_series_in_the_order_of_time() {
    let collector = start(|_| ());
    requests(&collector).await;
    let spans = traces("shop", vec![span(1, 0, "GET /pay")]).encode_to_vec();
    assert_eq!(post(&collector, "/v1/traces", &spans).await.status, StatusCode::OK);
    let gauge =
        NumberDataPoint { time_unix_nano: 7, value: Some(Amount::AsDouble(0.5)), ..Default::default() };
    add(&collector, "back", "load", "1", metric::Data::Gauge(Gauge { data_points: vec![gauge] })).await;

    let load = json!({
        "service": "back", "scope": "lib 2", "name": "load", "description": "what it is", "unit": "1",
        "kind": "gauge", "temporality": "unspecified", "monotonic": false, "series": 1, "points": 1, "latest": 7
    });
    let counted = json!({
        "service": "shop", "scope": "lib 2", "name": "requests", "description": "what it is", "unit": "{request}",
        "kind": "sum", "temporality": "cumulative", "monotonic": true, "series": 2, "points": 6, "latest": 30
    });
    assert_eq!(read(&collector, "/api/metrics").await, json!([load, counted]));
    assert_eq!(read(&collector, "/api/metrics?service=shop").await, json!([counted]));
    assert_eq!(read(&collector, "/api/metrics?service=nobody").await, json!([]));

    let exemplar = |trace: &str, stored| {
        json!({
            "time": 30, "value": 1, "trace_id": trace.repeat(16), "span_id": "0101010101010101",
            "attributes": { "user": "ada" }, "stored": stored
        })
    };
    let series = json!([{
        "service": "shop", "scope": "lib 2", "name": "requests", "unit": "{request}",
        "kind": "sum", "temporality": "cumulative", "monotonic": true,
        "resource": { "service.name": "shop" }, "attributes": { "http.route": "/pay" },
        "points": [
            { "time": 20, "start": 1, "reset": false, "value": 7 },
            {
                "time": 30, "start": 25, "reset": true, "value": 2,
                "exemplars": [exemplar("5b", true), exemplar("5c", false)]
            }
        ],
        "older": 1
    }]);
    let path = "/api/metrics/requests?service=shop&attribute=http.route%3D%2Fpay&points=2";
    assert_eq!(read(&collector, path).await, series);
    let times = |series: &Json| -> Vec<u64> {
        let points = series[0]["points"].as_array().unwrap();
        points.iter().map(|point| point["time"].as_u64().unwrap()).collect()
    };
    let path = "/api/metrics/requests?from=15&to=25&series=1";
    assert_eq!(times(&read(&collector, path).await), [20]);
    for path in ["/api/metrics/absent", "/api/metrics/", "/api/metrics/requests?service=back"] {
        assert_eq!(get(&collector, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn every_kind_of_point_is_kept_whole() {
    let collector = start(|_| ());
    let histogram = HistogramDataPoint {
        time_unix_nano: 9,
        count: 6,
        sum: Some(1.5),
        min: Some(0.001),
        max: Some(1.0),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![0.005, 10.0],
        ..Default::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        time_unix_nano: 9,
        count: 6,
        scale: 3,
        zero_count: 1,
        positive: Some(Buckets { offset: -2, bucket_counts: vec![300, 2] }),
        ..Default::default()
    };
    let quantile_values = vec![ValueAtQuantile { quantile: 0.5, value: 1.0 }];
    let summary =
        SummaryDataPoint { time_unix_nano: 9, count: 2, sum: 3.0, quantile_values, ..Default::default() };
    let (delta, cumulative) = (1, 2);
    for (name, data) in [
        (
            "histogram",
            metric::Data::Histogram(Histogram {
                data_points: vec![histogram],
                aggregation_temporality: delta,
            }),
        ),
        (
            "exponential",
            metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![exponential],
                aggregation_temporality: cumulative,
            }),
        ),
        ("summary", metric::Data::Summary(Summary { data_points: vec![summary] })),
    ] {
        add(&collector, "shop", name, "s", data).await;
    }
    let expected = [
        json!({
            "time": 9, "start": 0, "reset": false, "count": 6, "sum": 1.5, "min": 0.001, "max": 1.0,
            "bounds": [0.005, 10.0], "counts": [1, 2, 3]
        }),
        json!({
            "time": 9, "start": 0, "reset": false, "count": 6, "sum": null, "min": null, "max": null, "scale": 3,
            "zero_count": 1, "zero_threshold": 0.0, "positive": { "offset": -2, "counts": [300, 2] },
            "negative": { "offset": 0, "counts": [] }
        }),
        json!({ "time": 9, "start": 0, "reset": false, "count": 2, "sum": 3.0, "quantiles": [[0.5, 1.0]] }),
    ];
    for (name, expected) in ["histogram", "exponential", "summary"].into_iter().zip(expected) {
        let series = collector.series(&Query::of(name));
        assert_eq!(series.len(), 1, "{name}");
        assert_eq!(serde_json::to_value(&series[0].points).unwrap(), json!([expected]), "{name}");
    }
    let kinds: Vec<Json> = collector
        .instruments(10)
        .iter()
        .map(|instrument| serde_json::to_value(instrument.form).unwrap())
        .collect();
    let form = |kind, temporality| json!({ "kind": kind, "temporality": temporality, "monotonic": false });
    let expected = [
        form("exponential_histogram", "cumulative"),
        form("histogram", "delta"),
        form("summary", "unspecified"),
    ];
    assert_eq!(kinds, expected);
}
