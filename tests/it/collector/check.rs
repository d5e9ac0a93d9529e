//! What the collector accepts is what the official types decode, and nothing it is sent harms it.

use super::*;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Sum, Summary, SummaryDataPoint,
    exponential_histogram_data_point::Buckets, summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use prost::Message;
use throughline_sender::{Answer, Signal};

/// A small generator of numbers: the same ones in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn rich_traces() -> Vec<u8> {
    let mut span = failed(span(1, 2, "näme"), "wörds");
    let list = Value::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue {
        values: vec![text("", "x").value.unwrap(), AnyValue { value: Some(Value::DoubleValue(0.5)) }],
    });
    span.attributes = vec![
        text("k", "v"),
        KeyValue { key: "l".into(), value: Some(AnyValue { value: Some(list) }), ..Default::default() },
    ];
    span.events = vec![Event {
        time_unix_nano: 3,
        name: "e".into(),
        attributes: vec![text("a", "b")],
        ..Default::default()
    }];
    span.links = vec![Link { trace_id: vec![1; 16], span_id: vec![2; 8], flags: 257, ..Default::default() }];
    span.trace_state = "a=b".into();
    span.flags = 257;
    traces("service", vec![span.clone(), span]).encode_to_vec()
}

fn rich_metrics() -> Vec<u8> {
    let mut request = metrics("service");
    let exemplar = Exemplar {
        span_id: vec![1; 8],
        trace_id: vec![2; 16],
        filtered_attributes: vec![text("a", "b")],
        ..Default::default()
    };
    let buckets = Some(Buckets { offset: -3, bucket_counts: vec![1, 300, 2] });
    let point = ExponentialHistogramDataPoint {
        attributes: vec![text("a", "b")],
        positive: buckets.clone(),
        negative: buckets,
        exemplars: vec![exemplar.clone()],
        scale: -2,
        ..Default::default()
    };
    let exponential = ExponentialHistogram { data_points: vec![point], aggregation_temporality: 1 };
    let quantile_values = vec![ValueAtQuantile { quantile: 0.5, value: 1.0 }];
    let point = SummaryDataPoint {
        attributes: vec![text("a", "b")],
        quantile_values,
        count: 1,
        ..Default::default()
    };
    let number = NumberDataPoint { exemplars: vec![exemplar], flags: 1, ..Default::default() };
    let sum = Sum { data_points: vec![number], aggregation_temporality: 2, is_monotonic: true };
    for data in [
        metric::Data::ExponentialHistogram(exponential),
        metric::Data::Summary(Summary { data_points: vec![point] }),
        metric::Data::Sum(sum),
    ] {
        let metric = Metric { name: "n".into(), unit: "s".into(), data: Some(data), ..Default::default() };
        request.resource_metrics[0].scope_metrics[0].metrics.push(metric);
    }
    request.encode_to_vec()
}

fn decodes(signal: Signal, body: &[u8]) -> bool {
    match signal {
        Signal::Traces => ExportTraceServiceRequest::decode(body).is_ok(),
        Signal::Metrics => ExportMetricsServiceRequest::decode(body).is_ok(),
        Signal::Logs => ExportLogsServiceRequest::decode(body).is_ok(),
    }
}

// O-064; nothing that was accepted is found broken later.
#[test]
fn a_damaged_request_is_taken_exactly_when_the_official_types_decode_it() {
    let collector = start(|config| config.max_bytes = 200_000);
    let inlet = collector.inlet();
    let logs = logs("service", vec![log(1, "first"), log(0, "second")]).encode_to_vec();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut taken, mut refused) = (0, 0);
    for (signal, valid) in
        [(Signal::Traces, rich_traces()), (Signal::Metrics, rich_metrics()), (Signal::Logs, logs)]
    {
        assert_eq!(inlet.accept(signal, valid.clone().into()), Answer::TAKEN);
        for _ in 0..6000 {
            let mut body = valid.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(body.len());
                match random.below(4) {
                    0 => body[at] = random.below(256) as u8,
                    1 => body[at] ^= 1 << random.below(8),
                    2 => body.truncate(at.max(1)),
                    _ => body.insert(at, random.below(256) as u8),
                }
            }
            let answer = inlet.accept(signal, body.clone().into());
            let is_taken = matches!(answer, Answer::Taken { .. });
            assert_eq!(is_taken, decodes(signal, &body), "{signal:?} {answer:?} {body:02x?}");
            *(if is_taken { &mut taken } else { &mut refused }) += 1;
        }
    }
    assert!(taken > 1000 && refused > 1000, "{taken} taken, {refused} refused");
    for summary in collector.traces(1000) {
        let trace = collector.trace(&summary.trace_id).unwrap();
        assert_eq!((trace.spans.len(), trace.errors()), (summary.spans, summary.errors));
        assert!(!trace.to_string().chars().any(|c| c.is_control() && c != '\n'));
    }
}
