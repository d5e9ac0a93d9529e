//! A service on the one thread of a test's runtime, where its subscriber is the default one.

use super::{PATIENCE, get, receiver::*, serve};
use axum::Router;
use opentelemetry_proto::tonic::{logs::v1::LogRecord, trace::v1::Span};
use std::collections::BTreeMap;
use throughline::{Config, Telemetry};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::prelude::*;

/// Telemetry into a receiver, whose layers are those of this thread.
pub(crate) struct Here {
    pub(crate) receiver: Receiver,
    pub(crate) telemetry: Telemetry,
    subscriber: DefaultGuard,
}

impl Here {
    pub(crate) async fn start(vars: &[(&str, &str)]) -> Self {
        let receiver = Receiver::start();
        let endpoint = receiver.http_endpoint();
        let vars = vars.iter().copied();
        let config = Config::from_vars(
            vars.chain([("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_METRICS_EXPORTER", "none")]),
        );
        config.check().unwrap();
        let telemetry = Telemetry::build(config).unwrap();
        let subscriber =
            tracing::subscriber::set_default(tracing_subscriber::registry().with(telemetry.layers()));
        Here { receiver, telemetry, subscriber }
    }

    /// Asks a router behind the layer.
    pub(crate) async fn ask(&self, app: Router, path: &str, caller: (&str, &str)) -> (u16, String) {
        let address = serve(app.layer(self.telemetry.server_layer())).await;
        get(&format!("http://{address}{path}"), &[caller]).await.unwrap()
    }

    /// Delivers everything.
    pub(crate) async fn finish(self) -> Receiver {
        self.telemetry.shutdown(PATIENCE).await.unwrap();
        drop(self.subscriber);
        self.receiver
    }
}

/// The trace of every caller, and the id of its span.
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const CALLER: &str = "00f067aa0ba902b7";
pub(crate) const SAMPLED: (&str, &str) =
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
pub(crate) const UNSAMPLED: (&str, &str) =
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");

/// What a span tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) name: String,
    /// The name of the parent, or its id where it is not of ours.
    pub(crate) parent: String,
    pub(crate) status: i32,
    pub(crate) attributes: BTreeMap<String, String>,
}

pub(crate) fn span(name: &str, parent: &str, status: i32, attributes: &[(&str, &str)]) -> Told {
    Told { name: name.into(), parent: parent.into(), status, attributes: set(attributes) }
}

/// The spans of this kind, sorted by name, after checking that all are of the caller's trace and have no events.
pub(crate) fn spans(receiver: &Receiver, kind: i32) -> Vec<Told> {
    let spans = Vec::from_iter(receiver.spans().into_iter().map(|(_, span)| span));
    let mut told = Vec::from_iter(spans.iter().filter(|span| span.kind == kind).map(|span| {
        assert_eq!(hex(&span.trace_id), TRACE, "{span:?}");
        assert_eq!((span.events.len(), span.links.len()), (0, 0), "{span:?}");
        Told {
            name: span.name.clone(),
            parent: name(&spans, &span.parent_span_id),
            status: span.status.as_ref().map_or(0, |status| status.code),
            attributes: attributes(&span.attributes),
        }
    }));
    told.sort();
    told
}

pub(crate) const INTERNAL: i32 = 1;
pub(crate) const SERVER: i32 = 2;

/// The records in the order of their making: body, name of the span, attributes but for the place in the source; all
/// of the caller's trace.
pub(crate) fn records(receiver: &Receiver) -> Vec<(String, String, BTreeMap<String, String>)> {
    let spans = Vec::from_iter(receiver.spans().into_iter().map(|(_, span)| span));
    let mut records = Vec::from_iter(receiver.logs().into_iter().map(|(_, record)| record));
    records.sort_by_key(|record: &LogRecord| record.observed_time_unix_nano);
    let told = records.iter().map(|record| {
        assert_eq!(hex(&record.trace_id), TRACE, "{record:?}");
        let mut attributes = attributes(&record.attributes);
        attributes.retain(|key, _| !key.starts_with("code."));
        (value(record.body.as_ref()), name(&spans, &record.span_id), attributes)
    });
    told.collect()
}

pub(crate) fn record(
    body: &str,
    span: &str,
    attributes: &[(&str, &str)],
) -> (String, String, BTreeMap<String, String>) {
    (body.into(), span.into(), set(attributes))
}

fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn name(spans: &[Span], id: &[u8]) -> String {
    spans.iter().find(|span| span.span_id == id).map_or_else(|| hex(id), |span| span.name.clone())
}
