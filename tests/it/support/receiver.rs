//! What a receiver took, as the official messages.

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::LogRecord,
    metrics::v1::Metric,
    resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message;
use std::collections::BTreeMap;
use throughline::sender::Signal;

pub(crate) use throughline::testing::Receiver;

/// Everything that was taken, each with its resource.
pub(crate) trait Decoded {
    fn spans(&self) -> Vec<(Resource, Span)>;
    fn logs(&self) -> Vec<(Resource, LogRecord)>;
    fn metrics(&self) -> Vec<(Resource, Metric)>;
    /// Of each signal in turn, with the URLs of their schemas.
    fn resources(&self) -> Vec<(Signal, String, Resource)>;
}

impl Decoded for Receiver {
    fn spans(&self) -> Vec<(Resource, Span)> {
        let requests = decode::<ExportTraceServiceRequest>(self, Signal::Traces);
        let resources = requests.flat_map(|request| request.resource_spans);
        let with_resource = resources.flat_map(|of| {
            let resource = of.resource.unwrap_or_default();
            let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.map(move |span| (resource.clone(), span))
        });
        with_resource.collect()
    }

    fn logs(&self) -> Vec<(Resource, LogRecord)> {
        let requests = decode::<ExportLogsServiceRequest>(self, Signal::Logs);
        let resources = requests.flat_map(|request| request.resource_logs);
        let with_resource = resources.flat_map(|of| {
            let resource = of.resource.unwrap_or_default();
            let records = of.scope_logs.into_iter().flat_map(|scope| scope.log_records);
            records.map(move |record| (resource.clone(), record))
        });
        with_resource.collect()
    }

    fn metrics(&self) -> Vec<(Resource, Metric)> {
        let requests = decode::<ExportMetricsServiceRequest>(self, Signal::Metrics);
        let resources = requests.flat_map(|request| request.resource_metrics);
        let with_resource = resources.flat_map(|of| {
            let resource = of.resource.unwrap_or_default();
            let metrics = of.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
            metrics.map(move |metric| (resource.clone(), metric))
        });
        with_resource.collect()
    }

    fn resources(&self) -> Vec<(Signal, String, Resource)> {
        let traces = decode::<ExportTraceServiceRequest>(self, Signal::Traces)
            .flat_map(|request| request.resource_spans)
            .map(|of| (Signal::Traces, of.schema_url, of.resource));
        let metrics = decode::<ExportMetricsServiceRequest>(self, Signal::Metrics)
            .flat_map(|request| request.resource_metrics)
            .map(|of| (Signal::Metrics, of.schema_url, of.resource));
        let logs = decode::<ExportLogsServiceRequest>(self, Signal::Logs)
            .flat_map(|request| request.resource_logs)
            .map(|of| (Signal::Logs, of.schema_url, of.resource));
        let all = traces.chain(metrics).chain(logs);
        all.map(|(signal, schema, resource)| (signal, schema, resource.unwrap_or_default())).collect()
    }
}

fn decode<T: Message + Default>(receiver: &Receiver, signal: Signal) -> impl Iterator<Item = T> {
    receiver.bodies(signal).into_iter().map(|body| T::decode(body).unwrap())
}

/// The whole attribute set, comparable: `200` is an integer, `"200"` a string.
pub(crate) fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|pair| (pair.key.clone(), value(pair.value.as_ref()))).collect()
}

/// One value, comparable.
pub(crate) fn value(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("{text:?}"),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => format!("{number:?}"),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn service(resource: &Resource) -> String {
    attributes(&resource.attributes).get("service.name").cloned().unwrap_or_default().trim_matches('"').into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
