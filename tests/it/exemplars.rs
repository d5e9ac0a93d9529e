//! A point on a chart leads to the trace of a request that is in it.

use crate::support::{
    PATIENCE, client,
    receiver::{Decoded, Receiver, attributes, hex},
    request, serve,
};
use axum::{Router, body::Body, routing};
use bytes::Bytes;
use http_body_util::BodyExt;
use opentelemetry::{KeyValue, metrics::MeterProvider};
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, metric::Data};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use throughline::{Config, Telemetry, sender::Signal};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

const SAMPLED: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
const UNSAMPLED: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");

fn telemetry(receiver: &Receiver, more: &[(&str, &str)]) -> Telemetry {
    let endpoint = receiver.http_endpoint();
    let vars = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("THROUGHLINE_LOG_OUTPUT", "none")];
    Telemetry::build(Config::from_vars(vars.into_iter().chain(more.iter().copied()))).unwrap()
}

/// The exemplars of all points of a metric, in all that was taken.
fn exemplars(receiver: &Receiver, name: &str) -> Vec<Exemplar> {
    let metrics = receiver.metrics().into_iter().map(|(_, metric)| metric);
    let data = metrics.filter(|metric| metric.name == name).filter_map(|metric| metric.data);
    let exemplars = data.flat_map(|data| -> Vec<Exemplar> {
        match data {
            Data::Sum(of) => of.data_points.into_iter().flat_map(|point| point.exemplars).collect(),
            Data::Histogram(of) => of.data_points.into_iter().flat_map(|point| point.exemplars).collect(),
            Data::ExponentialHistogram(of) => {
                of.data_points.into_iter().flat_map(|point| point.exemplars).collect()
            }
            _ => panic!("{name} is something else"),
        }
    });
    exemplars.collect()
}

/// The ids of the one span with this name.
fn ids(receiver: &Receiver, name: &str) -> (String, String) {
    let spans = receiver.spans();
    let named: Vec<_> = spans.iter().filter(|(_, span)| span.name == name).collect();
    assert_eq!(named.len(), 1, "{name}");
    (hex(&named[0].1.trace_id), hex(&named[0].1.span_id))
}

fn ids_of(exemplar: &Exemplar) -> (String, String) {
    (hex(&exemplar.trace_id), hex(&exemplar.span_id))
}

/// A body of as many parts as are sent.
fn streamed() -> (mpsc::Sender<&'static str>, Body) {
    let (parts, body) = mpsc::channel(1);
    let body = ReceiverStream::new(body).map(|part: &str| Ok::<_, Infallible>(Bytes::from(part.to_owned())));
    (parts, Body::from_stream(body))
}

// O-042, O-100, H-080
#[tokio::test]
async fn a_streaming_bodys_exemplar_has_the_ids_of_the_servers_span() {
    let receiver = Receiver::start();
    let telemetry = telemetry(&receiver, &[]);
    let (requests, mut arrived) = mpsc::channel(1);
    let stream = routing::get(move || async move {
        let (parts, body) = streamed();
        requests.send(parts).await.unwrap();
        body
    });
    let address = serve(Router::new().route("/stream", stream).layer(telemetry.server_layer())).await;
    for is_read_to_its_end in [true, false] {
        let response =
            client().request(request("GET", format!("http://{address}/stream"), &[SAMPLED])).await.unwrap();
        let parts = arrived.recv().await.unwrap();
        let mut body = response.into_body();
        parts.send("one").await.unwrap();
        body.frame().await.unwrap().unwrap();
        telemetry.handle().flush(PATIENCE).await.unwrap();
        let names = |receiver: &Receiver| receiver.spans().len();
        let before = names(&receiver);
        if is_read_to_its_end {
            // From here on nothing of the request's own code runs any more.
            drop(parts);
            assert!(body.frame().await.is_none());
        } else {
            drop(body);
            // Until the server has noticed.
            parts.closed().await;
        }
        telemetry.handle().flush(PATIENCE).await.unwrap();
        assert!(receiver.until(|receiver| names(receiver) == before + 1).await);
    }
    let spans = receiver.spans();
    let spans: Vec<_> = spans.iter().map(|(_, span)| (hex(&span.trace_id), hex(&span.span_id))).collect();
    let mut told: Vec<_> = exemplars(&receiver, "http.server.request.duration").iter().map(ids_of).collect();
    told.dedup();
    assert_eq!(spans.len(), 2);
    assert_ne!(spans[0], spans[1]);
    assert!(spans.iter().all(|span| span.0 == "4bf92f3577b34da6a3ce929d0e0e4736"));
    // The first, again beside the second, which is another series: it has an error.
    assert!(
        spans.iter().all(|span| told.contains(span)) && told.iter().all(|ids| spans.contains(ids)),
        "{told:?}"
    );
}

// O-100
#[tokio::test]
async fn a_request_that_is_not_sampled_is_measured_without_an_exemplar_unless_all_are_wanted() {
    for (filter, expected) in [("Trace_Based", 0), ("always_on", 1), ("ALWAYS_OFF", 0), ("often", 0)] {
        let receiver = Receiver::start();
        let telemetry = telemetry(&receiver, &[("OTEL_METRICS_EXEMPLAR_FILTER", filter)]);
        let faults: Vec<String> = telemetry.config().faults().iter().map(ToString::to_string).collect();
        let told =
            "OTEL_METRICS_EXEMPLAR_FILTER: \"often\" is unknown; use trace_based, always_on, always_off";
        assert_eq!(faults, if filter == "often" { vec![told] } else { vec![] });
        let app = Router::new().route("/", routing::get(|| async {})).layer(telemetry.server_layer());
        let address = serve(app).await;
        let send = async |headers| {
            client().request(request("GET", format!("http://{address}/"), headers)).await.unwrap()
        };
        send(&[UNSAMPLED]).await.into_body().collect().await.unwrap();
        telemetry.handle().flush(PATIENCE).await.unwrap();
        assert_eq!(receiver.items(Signal::Metrics), 1);
        assert_eq!(exemplars(&receiver, "http.server.request.duration").len(), expected, "{filter}");
    }
}

// O-100, E-12
#[tokio::test]
async fn instruments_of_the_program_tell_the_span_that_was_active() {
    let receiver = Receiver::start();
    let delta = ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta");
    let exponential =
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram");
    let telemetry = telemetry(&receiver, &[delta, exponential]);
    let meter = telemetry.meter_provider().meter("shop");
    let (orders, prices) = (meter.u64_counter("orders").build(), meter.f64_histogram("prices").build());
    let bound = prices.bind(&[KeyValue::new("currency", "EUR")]);
    let order = routing::get(move || async move {
        orders.add(2, &[KeyValue::new("kind", "book")]);
        tokio::task::yield_now().await;
        bound.record(12.5);
    });
    let address = serve(Router::new().route("/order", order).layer(telemetry.server_layer())).await;
    let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let sent = request("GET", format!("http://{address}/order"), &[SAMPLED]);
    client().request(sent).await.unwrap().into_body().collect().await.unwrap();
    telemetry.handle().flush(PATIENCE).await.unwrap();
    // Nothing new, nothing told again.
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let span = ids(&receiver, "GET /order");
    let times = began..=SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let values = ["orders", "prices", "http.server.request.duration"].map(|name| {
        let exemplars = exemplars(&receiver, name);
        assert_eq!((exemplars.len(), ids_of(&exemplars[0])), (1, span.clone()), "{name}");
        assert!(times.contains(&Duration::from_nanos(exemplars[0].time_unix_nano)));
        assert_eq!(attributes(&exemplars[0].filtered_attributes), BTreeMap::new());
        exemplars[0].value.unwrap()
    });
    use opentelemetry_proto::tonic::metrics::v1::exemplar::Value::{AsDouble, AsInt};
    assert_eq!(values[..2], [AsInt(2), AsDouble(12.5)]);
}

// H-089, O-100
#[tokio::test]
async fn a_call_is_told_with_the_ids_of_the_clients_span() {
    use tower::{ServiceBuilder, ServiceExt};
    let receiver = Receiver::start();
    let telemetry = telemetry(&receiver, &[]);
    let address = serve(Router::new().route("/", routing::get(|| async {}))).await;
    let calls = ServiceBuilder::new().layer(telemetry.client_layer()).service(client());
    let sent = request("GET", format!("http://{address}/"), &[]);
    calls.oneshot(sent).await.unwrap().into_body().collect().await.unwrap();
    telemetry.handle().flush(PATIENCE).await.unwrap();
    let told: Vec<_> = exemplars(&receiver, "http.client.request.duration").iter().map(ids_of).collect();
    assert_eq!(told, [ids(&receiver, "GET")]);
}
