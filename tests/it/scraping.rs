//! Prometheus fetches what was measured: from a port of its own, or from a route of the program.

mod ports; // the small server
mod judged; // pages, read by others
mod live; // what happens now
mod prometheus; // a real one

use crate::support::{PATIENCE, get, request};
use axum::body::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use opentelemetry::{KeyValue, metrics::MeterProvider};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::Poll,
};
use throughline::{Config, Telemetry, config::Scrape, scrape::ScrapeService, sender::Signal};
use tower::Service;

const OPEN: (&str, &str) = ("accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1");

/// Telemetry with nothing but a page, without scope labels, and no resource attributes but these.
pub(crate) fn telemetry(scrape: Scrape, vars: &[(&str, &str)]) -> Telemetry {
    let quiet = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_SERVICE_NAME", "cart"),
    ];
    let mut config = Config::from_vars(quiet.into_iter().chain(vars.iter().copied()));
    config.scrape = Some(scrape);
    config.check().unwrap();
    Telemetry::build(config).unwrap()
}

/// The lines of a page but for its `target_info`.
fn lines(page: &str) -> Vec<&str> {
    page.lines().filter(|line| !line.contains("target")).collect()
}

/// Asks a mounted page; status, content type and body.
async fn ask(mut service: ScrapeService, headers: &[(&str, &str)]) -> (u16, String, String) {
    let request = request("GET", "/metrics".into(), headers);
    let response = service.call(request).await.unwrap();
    let status = response.status().as_u16();
    let media = response.headers()["content-type"].to_str().unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, media, String::from_utf8_lossy(&body).into_owned())
}

// B-021, B-022
#[tokio::test]
async fn a_route_of_the_program_has_what_was_recorded_in_the_form_that_is_asked_for() {
    let telemetry = telemetry(Scrape::mounted(), &[]);
    let meter = telemetry.meter_provider().meter("shop");
    meter.u64_counter("orders").with_description("Orders.").build().add(3, &[KeyValue::new("city", "Bern")]);
    let took = meter.f64_histogram("took").with_unit("s").with_boundaries(vec![0.5, 1.0]).build();
    took.record(0.75, &[]);
    let labels = r#"city="Bern",otel_scope_name="shop""#;
    let orders = format!("orders_total{{{labels}}} 3");
    let bucket =
        |le: &str, count| format!("took_seconds_bucket{{otel_scope_name=\"shop\",le=\"{le}\"}} {count}");
    let sum = r#"took_seconds_sum{otel_scope_name="shop"} 0.75"#;
    let count = r#"took_seconds_count{otel_scope_name="shop"} 1"#;

    let (status, media, page) = ask(telemetry.scrape_service(), &[]).await;
    assert_eq!((status, &*media), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let text = [
        "# HELP orders_total Orders.",
        "# TYPE orders_total counter",
        &orders,
        "# TYPE took_seconds histogram",
        &bucket("0.5", 0),
        &bucket("1", 1),
        &bucket("+Inf", 1),
        sum,
        count,
    ];
    assert_eq!(lines(&page), text);

    let (status, media, page) = ask(telemetry.scrape_service(), &[OPEN]).await;
    let expected = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores";
    assert_eq!((status, &*media), (200, expected));
    let open = [
        "# HELP orders Orders.",
        "# TYPE orders counter",
        &orders,
        "# TYPE took_seconds histogram",
        "# UNIT took_seconds seconds",
        &bucket("0.5", 0),
        &bucket("1.0", 1),
        &bucket("+Inf", 1),
        sum,
        count,
        "# EOF",
    ];
    assert_eq!(lines(&page), open);
}

#[tokio::test]
async fn a_page_that_nobody_asked_for_or_that_has_ended_says_so() {
    let vars = [("OTEL_METRICS_EXPORTER", "none")];
    let telemetry = Telemetry::build(Config::from_vars(vars)).unwrap();
    let (status, _, words) = ask(telemetry.scrape_service(), &[]).await;
    let expected = "there is no page; set OTEL_METRICS_EXPORTER=prometheus, or Config::scrape\n";
    assert_eq!((status, &*words), (503, expected));

    let telemetry = self::telemetry(Scrape::mounted(), &[]);
    let service = telemetry.scrape_service();
    assert_eq!(ask(service.clone(), &[]).await.0, 200);
    telemetry.shutdown(PATIENCE).await.unwrap();
    let (status, _, words) = ask(service, &[]).await;
    assert_eq!((status, &*words), (503, "telemetry is shut down\n"));
}

// B-022: cumulative, whatever is sent.
#[tokio::test]
async fn the_page_is_cumulative_beside_deltas_that_are_sent() {
    let receiver = crate::support::receiver::Receiver::start();
    let endpoint = receiver.http_endpoint();
    let telemetry = telemetry(
        Scrape::mounted(),
        &[
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ],
    );
    let orders = telemetry.meter_provider().meter("shop").u64_counter("orders").build();
    for total in 1..=3 {
        orders.add(1, &[]);
        telemetry.handle().flush(PATIENCE).await.unwrap();
        let (_, _, page) = ask(telemetry.scrape_service(), &[]).await;
        let orders = format!("orders_total{{otel_scope_name=\"shop\"}} {total}");
        assert_eq!(lines(&page), ["# TYPE orders_total counter", &orders]);
    }
    telemetry.shutdown(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn who_comes_during_a_collection_shares_the_next_one() {
    let telemetry = telemetry(Scrape::mounted(), &[]);
    let (entered, is_entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (calls, released) = (Arc::new(AtomicUsize::new(0)), std::sync::Mutex::new(released));
    let counted = calls.clone();
    let meter = telemetry.meter_provider().meter("shop");
    let callback = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
        observer.observe(counted.fetch_add(1, Ordering::SeqCst) as u64, &[]);
        let _ = entered.send(());
        let _ = released.lock().unwrap().recv();
    };
    let _gauge = meter.u64_observable_gauge("level").with_callback(callback).build();
    let first = tokio::spawn(ask(telemetry.scrape_service(), &[]));
    tokio::task::spawn_blocking(move || is_entered.recv_timeout(PATIENCE).unwrap()).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..20 {
        let mut other = Box::pin(ask(telemetry.scrape_service(), &[]));
        let waits = std::future::poll_fn(|context| Poll::Ready(other.as_mut().poll(context).is_pending()));
        assert!(waits.await);
        others.push(other);
    }
    drop(release);
    assert_eq!(first.await.unwrap().0, 200);
    for other in others {
        assert_eq!(other.await.0, 200);
    }
    assert!(calls.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_callback_that_hangs_is_left_out_and_is_there_again_when_it_ends() {
    let telemetry = telemetry(Scrape::mounted(), &[]);
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let meter = telemetry.meter_provider().meter("shop");
    let callback = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
        let _ = released.lock().unwrap().recv();
        observer.observe(1, &[]);
    };
    let _level = meter.u64_observable_gauge("level").with_callback(callback).build();
    meter.u64_counter("orders").build().add(1, &[]);
    let (status, _, page) = ask(telemetry.scrape_service(), &[]).await;
    let orders = ["# TYPE orders_total counter", "orders_total{otel_scope_name=\"shop\"} 1"];
    assert_eq!((status, lines(&page)), (200, orders.to_vec()));
    let stats = telemetry.handle().stats();
    assert!(stats[0].last_failure.as_deref().is_some_and(|words| words.contains("level")), "{stats:?}");
    drop(release);
    crate::support::until("the level", || async {
        ask(telemetry.scrape_service(), &[]).await.2.contains("level{").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_on_the_page_is_counted() {
    let telemetry = telemetry(Scrape::mounted(), &[]);
    let meter = telemetry.meter_provider().meter("shop");
    let orders = meter.u64_counter("orders").build();
    orders.add(1, &[KeyValue::new("a.b", "x")]);
    orders.add(1, &[KeyValue::new("a_b", "x")]);
    for _ in 0..2 {
        ask(telemetry.scrape_service(), &[]).await;
    }
    let stats = telemetry.handle().stats();
    let [stats] = &stats[..] else { panic!("{stats:?}") };
    assert_eq!((stats.signal, &*stats.destination), (Signal::Metrics, "the page for Prometheus"));
    assert_eq!((stats.recorded, stats.delivered, stats.dropped), (4, 2, 2));
    assert_eq!(
        stats.last_failure.as_deref(),
        Some(
            "\"orders\" is not on the page for Prometheus: its attributes become the labels of another series; rename or \
             change one"
        )
    );
}

/// A request to a mounted page, of any method.
fn bare(method: &str) -> Request<Full<Bytes>> {
    request(method, "/".into(), &[])
}
