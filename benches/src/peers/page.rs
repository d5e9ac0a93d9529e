//! A page for Prometheus, from the collection to the text.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use ::throughline::{Config, Telemetry, config::Scrape};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::{
    KeyValue,
    metrics::{Meter, MeterProvider},
};
use opentelemetry_sdk::metrics::{SdkMeterProvider, data::ResourceMetrics, reader::MetricReader};
use prometheus::{Encoder, Registry, TextEncoder};
use tower::Service;

use super::{Peer, Side, Signals, Stage};
use crate::{
    load,
    providers::{Recorded, Recording, current},
    run::BATCH,
};

/// Five counters and five histograms with so many series each, of five attributes.
const SERIES: usize = 1_000;
/// A counter is a line, a histogram its 16 buckets, its sum and its count.
const LINES: usize = 5 * SERIES * (1 + 16 + 2);

pub const NONE: Peer = Peer {
    name: "no-page",
    title: "nobody asks",
    side: Side::Page,
    signals: Signals::None,
    over: None,
    stage: || Stage::new(Box::new(|_, _| {}), Pages::default()),
};

/// What the others have in common.
pub const COLLECTION: Peer = page("collection", "the SDK's collection alone", || {
    let tally = current::Tally::default();
    let reader = tally.reader();
    let provider = SdkMeterProvider::builder().with_reader(tally.reader()).build();
    fill(&provider.meter("cost"));
    stage(move |_| {
        let _alive = &provider;
        let mut metrics = ResourceMetrics::default();
        reader.collect(&mut metrics).expect("the provider is there");
        metrics.scope_metrics().map(|scope| scope.metrics().count()).sum::<usize>() * LINES / 10
    })
});

pub const THROUGHLINE: Peer = page("throughline-page", "**throughline**", || ours("text/plain"));

pub const THROUGHLINE_OPEN: Peer = page("throughline-open-page", "**throughline**, OpenMetrics", || {
    ours("application/openmetrics-text;version=1.0.0")
});

pub const OPENTELEMETRY_PROMETHEUS: Peer =
    page("opentelemetry-prometheus", "opentelemetry-prometheus 0.33", || {
        let registry = Registry::new();
        let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build();
        let provider = SdkMeterProvider::builder().with_reader(reader.expect("the registry is new")).build();
        fill(&provider.meter("cost"));
        stage(move |look| {
            let _alive = &provider;
            let mut page = Vec::new();
            TextEncoder::new().encode(&registry.gather(), &mut page).expect("memory takes everything");
            look(&page)
        })
    });

const fn page(name: &'static str, title: &'static str, stage: fn() -> Stage) -> Peer {
    Peer { name, title, side: Side::Page, signals: Signals::Pages, over: Some(NONE.name), stage }
}

/// Through the service that a program mounts, with its export thread.
fn ours(accept: &'static str) -> Stage {
    let mut config = Config::from_vars([
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
    ]);
    config.scrape = Some(Scrape::mounted());
    let telemetry = Telemetry::build(config).expect("nothing is sent anywhere");
    fill(&telemetry.meter_provider().meter("cost"));
    let (runtime, mut service) = (load::runtime(), telemetry.scrape_service());
    stage(move |look| {
        let _alive = &telemetry;
        runtime.block_on(async {
            let request = Request::get("/metrics").header("accept", accept).body(()).expect("a request");
            let response = service.call(request).await.unwrap_or_else(|never| match never {});
            assert!(response.status().is_success(), "no page within its limit: the machine is too busy");
            look(&response.into_body().collect().await.unwrap_or_else(|never| match never {}).to_bytes())
        })
    })
}

/// So many requests are as many series as there are on a page, for each [`BATCH`] of them one.
fn stage(mut page: impl FnMut(fn(&[u8]) -> usize) -> usize + 'static) -> Stage {
    let pages = Pages::default();
    let counted = pages.clone();
    let mut is_seen = false;
    let load = move |_, requests: usize| {
        for _ in 0..requests.div_ceil(BATCH) {
            // Once: to look at a page costs as much as to make it.
            let look = if is_seen { |page: &[u8]| if page.is_empty() { 0 } else { LINES } } else { lines };
            assert_eq!(page(look), LINES, "another page than that of the other peers");
            is_seen = true;
        }
        counted.0.fetch_add(requests, Relaxed);
    };
    Stage::new(Box::new(load), pages)
}

/// The lines of the metrics, without what is about them and about the resource.
fn lines(page: &[u8]) -> usize {
    let lines = page.split(|byte| *byte == b'\n');
    lines.filter(|line| line.starts_with(b"requests") || line.starts_with(b"took")).count()
}

fn fill(meter: &Meter) {
    for number in 0..5 {
        let requests = meter.u64_counter(format!("requests.{number}")).with_unit("{request}").build();
        let took = meter.f64_histogram(format!("took.{number}")).with_unit("s").build();
        for series in 0..SERIES {
            let attributes = [
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new("http.response.status_code", 200 + (series % 5) as i64),
                KeyValue::new("http.route", format!("/users/{{id}}/orders/{series}")),
                KeyValue::new("network.protocol.version", "1.1"),
                KeyValue::new("url.scheme", "https"),
            ];
            requests.add(series as u64, &attributes);
            took.record(series as f64 / 7.0, &attributes);
        }
    }
}

/// Counts what stands for the pages.
#[derive(Clone, Default)]
struct Pages(Arc<AtomicUsize>);

impl Recording for Pages {
    fn flush(&self) -> Result<(), Box<dyn Error>> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Recorded, Box<dyn Error>> {
        Ok(Recorded { lines: self.0.load(Relaxed), ..Recorded::default() })
    }
}
