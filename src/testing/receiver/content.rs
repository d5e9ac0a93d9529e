//! What a request holds, decoded with the official messages.

use crate::sender::Signal;
use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    metrics::v1::{Metric, metric::Data},
};
use prost::Message;
use std::io::Read;

/// Bodies are read up to here, before and after they are decompressed (O-065).
pub(super) const MOST_BYTES: usize = 64 << 20;

#[derive(Clone, Debug)]
pub(in crate::testing) enum Content {
    Traces(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
    Logs(ExportLogsServiceRequest),
}

impl Content {
    pub(in crate::testing) fn of_protobuf(signal: Signal, body: &[u8]) -> Result<Self, String> {
        let content = match signal {
            Signal::Traces => Message::decode(body).map(Content::Traces),
            Signal::Metrics => Message::decode(body).map(Content::Metrics),
            Signal::Logs => Message::decode(body).map(Content::Logs),
        };
        content.map_err(|error| format!("the body is no protobuf of {}: {error}", signal.name()))
    }

    pub(super) fn of_json(signal: Signal, body: &[u8]) -> Result<Self, String> {
        let content = match signal {
            Signal::Traces => serde_json::from_slice(body).map(Content::Traces),
            Signal::Metrics => serde_json::from_slice(body).map(Content::Metrics),
            Signal::Logs => serde_json::from_slice(body).map(Content::Logs),
        };
        content.map_err(|error| format!("the body is no JSON of {}: {error}", signal.name()))
    }

    pub(super) fn signal(&self) -> Signal {
        match self {
            Content::Traces(_) => Signal::Traces,
            Content::Metrics(_) => Signal::Metrics,
            Content::Logs(_) => Signal::Logs,
        }
    }

    pub(super) fn to_protobuf(&self) -> Bytes {
        match self {
            Content::Traces(request) => request.encode_to_vec(),
            Content::Metrics(request) => request.encode_to_vec(),
            Content::Logs(request) => request.encode_to_vec(),
        }
        .into()
    }

    /// Spans, data points or log records.
    pub(super) fn items(&self) -> u64 {
        let mut kept = 0;
        self.clone().keep(|| {
            kept += 1;
            true
        });
        kept
    }

    /// Trace id and span id of each span.
    pub(super) fn span_ids(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Content::Traces(request) = self else { return Vec::new() };
        let scopes = request.resource_spans.iter().flat_map(|of_resource| &of_resource.scope_spans);
        let spans = scopes.flat_map(|of_scope| &of_scope.spans);
        spans.map(|span| (span.trace_id.clone(), span.span_id.clone())).collect()
    }

    /// Without the first `count` items.
    pub(super) fn without(mut self, mut count: u64) -> Self {
        self.keep(|| {
            let skipped = count > 0;
            count = count.saturating_sub(1);
            !skipped
        });
        self
    }

    /// Asks for each item whether it stays.
    fn keep(&mut self, mut keep: impl FnMut() -> bool) {
        match self {
            Content::Traces(request) => {
                let scopes = request.resource_spans.iter_mut().flat_map(|of| &mut of.scope_spans);
                scopes.for_each(|scope| scope.spans.retain(|_| keep()));
            }
            Content::Logs(request) => {
                let scopes = request.resource_logs.iter_mut().flat_map(|of| &mut of.scope_logs);
                scopes.for_each(|scope| scope.log_records.retain(|_| keep()));
            }
            Content::Metrics(request) => {
                let scopes = request.resource_metrics.iter_mut().flat_map(|of| &mut of.scope_metrics);
                scopes.flat_map(|scope| &mut scope.metrics).for_each(|metric| keep_points(metric, &mut keep));
            }
        }
    }
}

fn keep_points(metric: &mut Metric, keep: &mut impl FnMut() -> bool) {
    match &mut metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.retain(|_| keep()),
        Some(Data::Sum(sum)) => sum.data_points.retain(|_| keep()),
        Some(Data::Histogram(histogram)) => histogram.data_points.retain(|_| keep()),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.retain(|_| keep()),
        Some(Data::Summary(summary)) => summary.data_points.retain(|_| keep()),
        None => {}
    }
}

/// The body behind its compression; the encoding is the name that the request gives.
pub(super) fn decompress(encoding: Option<&str>, body: Bytes) -> Result<Bytes, String> {
    let decoder: Box<dyn Read> = match encoding {
        None | Some("identity") => return Ok(body),
        Some("gzip") => Box::new(flate2::read::MultiGzDecoder::new(&body[..])),
        Some(other) => return Err(format!("the compression {other:?} is not known here")),
    };
    let mut plain = Vec::new();
    let read = decoder.take(MOST_BYTES as u64 + 1).read_to_end(&mut plain);
    match read {
        Err(error) => Err(format!("the body is not what its compression says: {error}")),
        Ok(length) if length > MOST_BYTES => Err(format!("the body has more than {MOST_BYTES} bytes")),
        Ok(_) => Ok(plain.into()),
    }
}

/// The message of the only frame of a unary gRPC call, behind its compression.
pub(super) fn unframe(encoding: Option<&str>, body: Bytes) -> Result<(bool, Bytes), String> {
    const PREFIX: usize = 5;
    let Some((&[flag, a, b, c, d], message)) = body.split_first_chunk::<PREFIX>() else {
        return Err("the frame of the message is incomplete".into());
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if message.len() != length {
        return Err(format!("the frame says {length} bytes and has {}", message.len()));
    }
    let message = body.slice(PREFIX..);
    match (flag, encoding) {
        (0, _) => Ok((false, message)),
        (1, None | Some("identity")) => Err("a compressed message without its grpc-encoding".into()),
        (1, _) => decompress(encoding, message).map(|message| (true, message)),
        _ => Err(format!("a frame begins with {flag}, which is neither 0 nor 1")),
    }
}
