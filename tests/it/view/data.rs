//! The pages beside the traces in a browser, with the telemetry of a small shop.

use super::{
    browser::visit,
    pages::start,
    sample::{ORDER, log, sample},
};
use throughline::sender::{Destination, Protocol, Remote, Signal};
use throughline_collector::{Collector, Config};

/// A collector with the sample in its store, and its view without a slash.
fn shop(change: impl FnOnce(&mut Config)) -> (Collector, String) {
    let collector = start(change);
    assert_eq!(collector.import(sample().as_bytes()).refused, 0);
    let url = collector.view_url().unwrap().trim_end_matches('/').to_owned();
    (collector, url)
}

#[tokio::test]
async fn log_records_are_filtered_and_come_live_and_lead_to_their_traces() {
    let (collector, view) = shop(|_| ());
    let otlp = format!("http://{}", collector.http_address().unwrap());
    let record = log("front", None, (9, "INFO"), "to come").to_string();
    visit("logs", &view, &[("OTLP", &otlp), ("RECORD", &record), ("TRACE", ORDER)]).await;
}

#[tokio::test]
async fn charts_have_quantiles_by_attribute_and_their_points_lead_to_traces() {
    let (_collector, view) = shop(|_| ());
    visit("metrics", &view, &[]).await;
}

#[tokio::test]
async fn an_edge_of_the_map_leads_to_the_traces_behind_it() {
    let (_collector, view) = shop(|_| ());
    visit("map", &view, &[("TRACE", ORDER)]).await;
}

#[tokio::test]
async fn the_pipeline_says_what_goes_wrong_and_a_trace_goes_as_a_file_into_another_view() {
    let (collector, view) = shop(|config| {
        let url = "http://127.0.0.1:9/v1/logs".parse().unwrap();
        config.destinations.add(Signal::Logs, Destination::Remote(Remote::new(Protocol::HttpProtobuf, url)));
    });
    let record = log("front", None, (9, "INFO"), "to send").to_string();
    let url = format!("http://{}/v1/logs", collector.http_address().unwrap());
    let request = http::Request::post(url).header("content-type", "application/json");
    let sent = crate::support::ask(request.body(http_body_util::Full::from(record)).unwrap()).await.unwrap();
    assert_eq!(sent.status(), 200);
    let other = start(|_| ());
    let there = other.view_url().unwrap();
    visit("share", &view, &[("OTHER", there.trim_end_matches('/')), ("TRACE", ORDER)]).await;
}
