//! Recorded data → OTLP bytes, one request at a time.
//!
//! The conversion is that of opentelemetry-proto, which opentelemetry-otlp uses too. Its exporters are not
//! used: they read the environment once more, and a compression feature turned on anywhere in a program
//! would change what they hand on.

use crate::{config::AttributeLimits, sender::Request};
use bytes::Bytes;
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::{
    tonic::{
        collector::{
            logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
            trace::v1::ExportTraceServiceRequest,
        },
        common::v1::{AnyValue, KeyValue, any_value::Value},
        logs::v1::{ResourceLogs, ScopeLogs},
        metrics::v1::metric::Data,
        trace::v1::{ResourceSpans, ScopeSpans},
    },
    transform::{
        common::tonic::ResourceAttributesWithSchema, logs::tonic::group_logs_by_resource_and_scope,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    logs::{LogBatch, SdkLogRecord},
    trace::SpanData,
};
use prost::Message;
use std::collections::HashSet;

/// Requests of more bytes are split: it is what gRPC servers take unless told otherwise.
const MAX_REQUEST_BYTES: usize = 4 << 20;
/// So many attributes are compared with one another faster than a set of them is made.
const FEW: usize = 32;

pub(crate) fn spans(
    spans: Vec<SpanData>,
    resource: &ResourceAttributesWithSchema,
    limits: AttributeLimits,
    mut send: impl FnMut(Request),
) {
    let items = spans.len() as u64;
    let mut resource_spans = group_spans_by_resource_and_scope(spans, resource);
    for span in resource_spans.iter_mut().flat_map(|of| &mut of.scope_spans).flat_map(|of| &mut of.spans) {
        span.dropped_attributes_count += limit(&mut span.attributes, limits);
        // How many attributes these have the SDK has seen to; how long they are, nobody.
        let inner = span.events.iter_mut().map(|event| &mut event.attributes);
        inner
            .chain(span.links.iter_mut().map(|link| &mut link.attributes))
            .for_each(|of| shorten(of, limits));
    }
    let message = ExportTraceServiceRequest { resource_spans };
    let whole = request(items, &message);
    if whole.body.len() <= MAX_REQUEST_BYTES {
        return send(whole);
    }
    for mut of_resource in message.resource_spans {
        for mut of_scope in std::mem::take(&mut of_resource.scope_spans) {
            for spans in pieces(std::mem::take(&mut of_scope.spans)) {
                let items = spans.len() as u64;
                let scope_spans = vec![ScopeSpans { spans, ..of_scope.clone() }];
                let resource_spans = vec![ResourceSpans { scope_spans, ..of_resource.clone() }];
                send(request(items, &ExportTraceServiceRequest { resource_spans }));
            }
        }
    }
}

pub(crate) fn logs(
    records: &[(SdkLogRecord, InstrumentationScope)],
    resource: &ResourceAttributesWithSchema,
    limits: AttributeLimits,
    mut send: impl FnMut(Request),
) {
    let borrowed: Vec<_> = records.iter().map(|(record, scope)| (record, scope)).collect();
    let mut resource_logs = group_logs_by_resource_and_scope(&LogBatch::new(&borrowed), resource);
    for record in
        resource_logs.iter_mut().flat_map(|of| &mut of.scope_logs).flat_map(|of| &mut of.log_records)
    {
        record.dropped_attributes_count += limit(&mut record.attributes, limits);
    }
    let message = ExportLogsServiceRequest { resource_logs };
    let whole = request(records.len() as u64, &message);
    if whole.body.len() <= MAX_REQUEST_BYTES {
        return send(whole);
    }
    for mut of_resource in message.resource_logs {
        for mut of_scope in std::mem::take(&mut of_resource.scope_logs) {
            for log_records in pieces(std::mem::take(&mut of_scope.log_records)) {
                let items = log_records.len() as u64;
                let scope_logs = vec![ScopeLogs { log_records, ..of_scope.clone() }];
                let resource_logs = vec![ResourceLogs { scope_logs, ..of_resource.clone() }];
                send(request(items, &ExportLogsServiceRequest { resource_logs }));
            }
        }
    }
}

/// Drops and cuts what is beyond the limits; how many were dropped (E-13, E-16). What was overwritten is not dropped.
fn limit(attributes: &mut Vec<KeyValue>, limits: AttributeLimits) -> u32 {
    overwrite(attributes);
    let dropped = attributes.len().saturating_sub(limits.count);
    attributes.truncate(limits.count);
    shorten(attributes, limits);
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

/// Of attributes with the same key the last one holds; the SDK keeps them all.
fn overwrite(attributes: &mut Vec<KeyValue>) {
    let is_repeated =
        |index: usize| attributes[..index].iter().any(|earlier| earlier.key == attributes[index].key);
    if attributes.len() <= FEW && !(1..attributes.len()).any(is_repeated) {
        return;
    }
    let mut seen = HashSet::with_capacity(attributes.len());
    let last: Vec<bool> = attributes.iter().rev().map(|attribute| seen.insert(&*attribute.key)).collect();
    if seen.len() < attributes.len() {
        let mut last = last.into_iter().rev();
        attributes.retain(|_| last.next().unwrap_or(true));
    }
}

fn shorten(attributes: &mut [KeyValue], limits: AttributeLimits) {
    if let Some(length) = limits.value_length {
        attributes.iter_mut().for_each(|attribute| cut(attribute.value.as_mut(), length));
    }
}

/// Cuts texts to so many characters and byte strings to so many bytes, also those inside of lists and maps.
fn cut(value: Option<&mut AnyValue>, length: usize) {
    match value.and_then(|value| value.value.as_mut()) {
        Some(Value::StringValue(text)) if text.len() > length => {
            if let Some((end, _)) = text.char_indices().nth(length) {
                text.truncate(end);
            }
        }
        Some(Value::BytesValue(bytes)) => bytes.truncate(length),
        Some(Value::ArrayValue(list)) => list.values.iter_mut().for_each(|value| cut(Some(value), length)),
        Some(Value::KvlistValue(map)) => {
            map.values.iter_mut().for_each(|member| cut(member.value.as_mut(), length));
        }
        _ => {}
    }
}

/// Splits items into runs that stay below the bound, with room for resource and scope. An item that is larger
/// alone makes a run of its own.
fn pieces<T: Message>(items: Vec<T>) -> Vec<Vec<T>> {
    let (mut pieces, mut bytes) = (vec![Vec::new()], 0);
    for item in items {
        let length = item.encoded_len();
        if bytes > 0 && bytes + length > MAX_REQUEST_BYTES / 2 {
            pieces.push(Vec::new());
            bytes = 0;
        }
        bytes += length;
        if let Some(piece) = pieces.last_mut() {
            piece.push(item);
        }
    }
    pieces
}

pub(crate) fn metrics(message: &ExportMetricsServiceRequest) -> Request {
    let metrics = message.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let points = metrics.flat_map(|scope| &scope.metrics).map(|metric| match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    });
    request(points.sum::<usize>() as u64, message)
}

fn request(items: u64, message: &impl Message) -> Request {
    Request { items, body: Bytes::from(message.encode_to_vec()) }
}
