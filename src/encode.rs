//! Recorded data → OTLP bytes, one request at a time.
//!
//! The conversion is that of opentelemetry-proto, which opentelemetry-otlp uses too. Its exporters are not
//! used: they read the environment once more, and a compression feature turned on anywhere in a program
//! would change what they hand on.

use crate::sender::Request;
use bytes::Bytes;
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::{
    tonic::{
        collector::{
            logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
            trace::v1::ExportTraceServiceRequest,
        },
        metrics::v1::metric::Data,
    },
    transform::{
        common::tonic::ResourceAttributesWithSchema, logs::tonic::group_logs_by_resource_and_scope,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    logs::{LogBatch, SdkLogRecord},
    metrics::data::ResourceMetrics,
    trace::SpanData,
};
use prost::Message;

pub(crate) fn spans(spans: Vec<SpanData>, resource: &ResourceAttributesWithSchema) -> Request {
    let items = spans.len() as u64;
    let message =
        ExportTraceServiceRequest { resource_spans: group_spans_by_resource_and_scope(spans, resource) };
    request(items, &message)
}

pub(crate) fn logs(
    records: &[(SdkLogRecord, InstrumentationScope)],
    resource: &ResourceAttributesWithSchema,
) -> Request {
    let borrowed: Vec<_> = records.iter().map(|(record, scope)| (record, scope)).collect();
    let resource_logs = group_logs_by_resource_and_scope(&LogBatch::new(&borrowed), resource);
    request(records.len() as u64, &ExportLogsServiceRequest { resource_logs })
}

pub(crate) fn metrics(metrics: &ResourceMetrics) -> Request {
    let message = ExportMetricsServiceRequest::from(metrics);
    let metrics = message.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let points = metrics.flat_map(|scope| &scope.metrics).map(|metric| match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    });
    request(points.sum::<usize>() as u64, &message)
}

fn request(items: u64, message: &impl Message) -> Request {
    Request { items, body: Bytes::from(message.encode_to_vec()) }
}
