//! A request that is too large for the other side, in halves.
//!
//! Nothing is decoded: the bytes are divided where one message of the list ends, at the highest level that has more
//! than one. Resource and scope are repeated in both halves.

use crate::{Request, Signal, wire};
use bytes::{BufMut, Bytes, BytesMut};
use prost::encoding::encode_varint;

/// The fields that lead from a request to its items: resources, scopes, then spans, metrics or log records.
const LEVELS: [u32; 3] = [1, 2, 2];
/// `data_points` of a metric's `gauge`, `sum`, `histogram`, `exponential_histogram` and `summary`.
const POINTS: u32 = 1;
const KINDS_OF_METRICS: [u32; 5] = [5, 7, 9, 10, 11];

/// Both halves of a request; `None` if it holds one span, log record or metric, or is no request.
pub(crate) fn halves(signal: Signal, request: &Request) -> Option<[Request; 2]> {
    let [first, second] = divide(&request.body, &LEVELS)?;
    // What was counted stays what it was, whoever counted it.
    let items = count(signal, &first, &LEVELS)?.min(request.items);
    Some([Request { items, body: first }, Request { items: request.items - items, body: second }])
}

fn divide(message: &Bytes, levels: &[u32]) -> Option<[Bytes; 2]> {
    let (level, deeper) = levels.split_first()?;
    let fields = fields(message)?;
    let children = Vec::from_iter(fields.iter().filter(|field| field.number == *level));
    let (before, after) = match children[..] {
        [] => return None,
        [only] => {
            let [before, after] = divide(&only.content, deeper)?;
            (nested(*level, &before), nested(*level, &after))
        }
        ref many => {
            let (before, after) = many.split_at(many.len() / 2);
            (joined(before), joined(after))
        }
    };
    let rest = joined(&Vec::from_iter(fields.iter().filter(|field| field.number != *level)));
    Some([before, after].map(|half| [rest.clone(), half].concat().into()))
}

fn count(signal: Signal, message: &Bytes, levels: &[u32]) -> Option<u64> {
    let fields = fields(message)?;
    match levels.split_first() {
        Some((level, deeper)) => {
            let children = fields.iter().filter(|field| field.number == *level);
            children.map(|child| count(signal, &child.content, deeper)).sum()
        }
        None if signal == Signal::Metrics => {
            let kinds = fields.iter().filter(|field| KINDS_OF_METRICS.contains(&field.number));
            kinds.map(|kind| count(Signal::Traces, &kind.content, &[POINTS])).sum()
        }
        None => Some(1),
    }
}

struct Field {
    number: u32,
    /// With tag and length.
    whole: Bytes,
    /// Of a message in the message; empty for what is none.
    content: Bytes,
}

/// The fields of a protobuf message; `None` if it is none.
fn fields(message: &Bytes) -> Option<Vec<Field>> {
    let (mut walk, mut fields, mut start) = (wire::Fields::of(message), Vec::new(), 0);
    while let Some(field) = walk.next() {
        let wire::Field { number, value } = field.ok()?;
        let content = match value {
            wire::Value::Slice(slice) => message.slice(slice.start..slice.end),
            _ => Bytes::new(),
        };
        let end = walk.offset();
        fields.push(Field { number, whole: message.slice(start..end), content });
        start = end;
    }
    Some(fields)
}

fn joined(fields: &[&Field]) -> Bytes {
    fields.iter().flat_map(|field| &field.whole[..]).copied().collect()
}

fn nested(number: u32, content: &[u8]) -> Bytes {
    let mut field = BytesMut::with_capacity(content.len() + 12);
    encode_varint(u64::from(number << 3 | 2), &mut field);
    encode_varint(content.len() as u64, &mut field);
    field.put_slice(content);
    field.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::{
        collector::{logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        metrics::v1::{
            ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
            Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint,
            metric::Data,
        },
    };
    use prost::Message;

    fn metric(data: Data) -> Metric {
        Metric { name: "m".into(), data: Some(data), ..Metric::default() }
    }

    #[test]
    fn data_points_of_every_kind_are_counted_and_go_with_their_metric() {
        let number = || NumberDataPoint { time_unix_nano: 5, ..NumberDataPoint::default() };
        let metrics = vec![
            metric(Data::Gauge(Gauge { data_points: vec![number(); 2] })),
            metric(Data::Sum(Sum { data_points: vec![number(); 3], ..Sum::default() })),
            metric(Data::Histogram(Histogram {
                data_points: vec![HistogramDataPoint::default(); 4],
                ..Histogram::default()
            })),
            metric(Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![ExponentialHistogramDataPoint::default(); 5],
                ..ExponentialHistogram::default()
            })),
            metric(Data::Summary(Summary { data_points: vec![SummaryDataPoint::default(); 6] })),
        ];
        let scope = |metrics| ScopeMetrics { metrics, schema_url: "s".into(), ..ScopeMetrics::default() };
        let whole = |metrics| ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                scope_metrics: vec![scope(metrics)],
                schema_url: "r".into(),
                ..ResourceMetrics::default()
            }],
        };
        let body = whole(metrics.clone()).encode_to_vec().into();
        let [first, second] = halves(Signal::Metrics, &Request { items: 20, body }).unwrap();
        assert_eq!((first.items, second.items), (5, 15));
        let decode = |half: &Request| ExportMetricsServiceRequest::decode(half.body.clone()).unwrap();
        assert_eq!(decode(&first), whole(metrics[..2].to_vec()));
        assert_eq!(decode(&second), whole(metrics[2..].to_vec()));

        let body = whole(metrics[..1].to_vec()).encode_to_vec().into();
        assert!(halves(Signal::Metrics, &Request { items: 2, body }).is_none(), "one metric stays whole");
    }

    #[test]
    fn a_request_is_divided_at_its_highest_level_that_has_several() {
        let logs = |records: u32| ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord { flags: 7, ..LogRecord::default() }; records as usize],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        };
        let resource_logs = vec![logs(1), logs(5), logs(2)];
        let body = ExportLogsServiceRequest { resource_logs: resource_logs.clone() }.encode_to_vec().into();
        let halves = halves(Signal::Logs, &Request { items: 8, body }).unwrap();
        let of = |half: &Request| {
            (half.items, ExportLogsServiceRequest::decode(half.body.clone()).unwrap().resource_logs)
        };
        assert_eq!(of(&halves[0]), (1, resource_logs[..1].to_vec()));
        assert_eq!(of(&halves[1]), (7, resource_logs[1..].to_vec()));
    }

    #[test]
    fn what_is_no_request_is_not_divided() {
        let lengths_that_lie =
            [&b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], b"\x0a\x05\x12", b"\x0b", b"\xff"];
        for body in lengths_that_lie.into_iter().chain([&b""[..], b"text", b"\x0a\x00", b"\x0a\x02\x12\x00"])
        {
            let request = Request { items: 2, body: Bytes::from_static(body) };
            assert!(halves(Signal::Traces, &request).is_none(), "{body:?}");
        }
    }
}
