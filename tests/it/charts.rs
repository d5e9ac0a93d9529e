//! From a call to a point on the latency chart of a real Prometheus, and from that point back to the trace.

use crate::support::{
    child::Process,
    free_port,
    gateway::Directory,
    get, peer,
    prometheus::{Labels, Prometheus},
    until,
};
use std::collections::BTreeSet;

/// What a dashboard asks: the latency that 95 of 100 calls keep, by route.
const CHART: &str = "histogram_quantile(0.95, sum by (le, http_route) (rate(http_server_request_duration_seconds_bucket[1m])))";

const PAGE: &str = include_str!("../../docs/metrics.md");

/// Calls a service until the condition holds.
async fn call_until<T, F>(what: &str, url: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    until(what, || {
        let condition = condition();
        async {
            assert_eq!(get(url, &[]).await.unwrap().0, 200);
            condition.await
        }
    })
    .await
}

/// The chain, with its metrics on the way to an endpoint each second and its traces in the embedded store.
fn chain(endpoint: &str, more: &[(&str, &str)]) -> Process {
    let mut variables = vec![
        ("THROUGHLINE_COLLECTOR_GRPC", "127.0.0.1:0"),
        ("THROUGHLINE_COLLECTOR_HTTP", "127.0.0.1:0"),
        ("THROUGHLINE_COLLECTOR_VIEW", "127.0.0.1:0"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", endpoint),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
    ];
    variables.extend(more);
    Process::example("chain", &["127.0.0.1:0"], &variables)
}

// B-001, B-002, B-008, B-010, B-014, H-080, O-100
#[tokio::test]
async fn the_latency_chart_has_each_route_and_its_points_lead_to_traces_in_the_store() {
    let Some(prometheus) = Prometheus::start("a latency chart", "global: {}\n").await else { return };
    let chain = chain(&prometheus.endpoint(), &[]);
    let line = chain.line(&["GET http://", "answered 200"]).await;
    let url = line.split(' ').nth(1).unwrap();
    let routes = ["/greeting/{name}", "/hello/{name}"].map(str::to_owned);

    let chart = call_until("a point for each route", url, || async {
        let points = prometheus.query(CHART).await;
        (points.len() == 2 && points.iter().all(|(_, seconds)| seconds.is_finite())).then_some(points)
    })
    .await;
    let of = |(labels, _): &(Labels, f64)| labels["http_route"].clone();
    assert_eq!(chart.iter().map(of).collect::<BTreeSet<_>>(), BTreeSet::from(routes.clone()));
    assert!(chart.iter().all(|(_, seconds)| (0.0..10.0).contains(seconds)), "{chart:?}");

    // Newer ones take the places of older ones, as the store does: the last is in both.
    let exemplars = until("an exemplar of each route", || async {
        let found = prometheus.exemplars("http_server_request_duration_seconds_bucket").await;
        let of: BTreeSet<_> = found.iter().map(|(series, _)| series["http_route"].clone()).collect();
        (of.len() == 2).then_some(found)
    })
    .await;
    let view = chain.line(&["see it at"]).await.split_whitespace().last().unwrap().to_owned();
    let view = view.split_once("/trace/").unwrap().0.to_owned();
    for (series, exemplar) in exemplars {
        let keys: Vec<_> = exemplar.keys().map(String::as_str).collect();
        assert_eq!(keys, ["span_id", "trace_id"], "{series:?}");
        // A measurement may be out before the batch with its span.
        let span = until(&format!("{exemplar:?} in the store"), || async {
            let url = format!("{view}/api/traces/{}", exemplar["trace_id"]);
            let (_, trace) = get(&url, &[]).await.unwrap();
            let trace: serde_json::Value = serde_json::from_str(&trace).ok()?;
            let mut spans = trace["spans"].as_array()?.iter();
            spans.find(|span| span["span_id"] == exemplar["span_id"].as_str()).cloned()
        })
        .await;
        assert_eq!(span["name"], format!("GET {}", series["http_route"]));
    }
}

// B-008
#[tokio::test]
async fn two_replicas_have_series_of_their_own() {
    let Some(prometheus) = Prometheus::start("two replicas", "global: {}\n").await else { return };
    let chains = [chain(&prometheus.endpoint(), &[]), chain(&prometheus.endpoint(), &[])];
    let query = "http_server_request_duration_seconds_count{http_route=\"/hello/{name}\"}";
    let series = until("both", || async {
        let series = prometheus.query(query).await;
        (series.len() == 2).then_some(series)
    })
    .await;
    let instances: BTreeSet<_> = series.iter().map(|(labels, _)| labels["instance"].clone()).collect();
    assert_eq!((instances.len(), series.iter().map(|(_, calls)| *calls).sum::<f64>()), (2, 2.0));
    drop(chains);
}

/// A real OpenTelemetry Collector in front of Prometheus, with the configuration that the page has for it. Stopped when
/// dropped.
pub(crate) struct Collector {
    _process: Process,
    _directory: Directory,
    /// Where it takes measurements.
    pub(crate) endpoint: String,
}

impl Collector {
    /// `None` if there is none to start, which is then said for this test.
    pub(crate) async fn start(test: &str, prometheus: &Prometheus) -> Option<Self> {
        let remedy = "an OpenTelemetry Collector with otlp receiver and otlp_http exporter";
        let otelcol = peer(test, "THROUGHLINE_TEST_OTELCOL", remedy)?;
        let (directory, port) = (Directory::new(), free_port());
        let (_, config) = PAGE.split_once("\n## OTLP to a collector\n").unwrap();
        let (_, config) = config.split_once("```yaml\n").unwrap();
        let (config, _) = config.split_once("```").unwrap();
        let (here, there) = (format!("127.0.0.1:{port}"), prometheus.endpoint());
        let config = config
            .replace("0.0.0.0:4318", &here)
            .replace("http://prometheus:9090/api/v1/otlp/v1/metrics", &there);
        assert!(config.contains(&here) && config.contains(&there), "{config}");
        let config = directory.write("config.yaml", &config).display().to_string();
        let quiet = "--set=service.telemetry.metrics.level=none";
        let process = Process::start(&otelcol, &["--config", &config, quiet], &[]);
        process.line(&["Everything is ready"]).await;
        let endpoint = format!("http://{here}/v1/metrics");
        Some(Collector { _process: process, _directory: directory, endpoint })
    }
}

// The way over a collector changes nothing, with the configuration that the page has for it (B-008, B-010, B-014).
#[tokio::test]
async fn through_a_real_collector_the_series_are_the_same() {
    let Some(prometheus) = Prometheus::start("the same series", "global: {}\n").await else { return };
    let Some(collector) = Collector::start("the same series", &prometheus).await else { return };

    let mut ways = Vec::new();
    for (instance, endpoint) in [("straight", prometheus.endpoint()), ("over", collector.endpoint.clone())] {
        let named = format!("service.instance.id={instance}");
        let chain = chain(&endpoint, &[("OTEL_RESOURCE_ATTRIBUTES", &named)]);
        let series = until("the series of both services", || async {
            let found = prometheus.query(&format!("{{__name__=~\"http_.*\",instance=\"{instance}\"}}")).await;
            let jobs: BTreeSet<_> = found.iter().map(|(labels, _)| labels["job"].clone()).collect();
            (jobs.len() == 2).then_some(found)
        })
        .await;
        let names = series.into_iter().map(|(mut labels, _)| {
            labels.remove("instance");
            labels.remove("server_port"); // each chain has its own
            labels
        });
        ways.push(names.collect::<BTreeSet<_>>());
        let of_this = format!("http_server_request_duration_seconds_bucket{{instance=\"{instance}\"}}");
        let exemplars = until("exemplars", || async {
            Some(prometheus.exemplars(&of_this).await).filter(|exemplars| !exemplars.is_empty())
        })
        .await;
        let keys = |(_, exemplar): &(Labels, Labels)| exemplar.keys().cloned().collect::<Vec<_>>();
        assert!(exemplars.iter().all(|one| keys(one) == ["span_id", "trace_id"]), "{exemplars:?}");
        drop(chain);
    }
    assert!(ways[0].len() > 30 && ways[0] == ways[1], "{ways:#?}");
}
