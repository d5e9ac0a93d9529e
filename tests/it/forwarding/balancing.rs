use super::*;
use opentelemetry_proto::tonic::{common::v1::KeyValue, resource::v1::Resource};
use std::collections::BTreeMap;
use throughline::sender::Balance;

mod changes; // members come and go
mod killed; // the process ends without a word
mod peers; // real collectors, TLS
mod refused; // what is not taken

/// How many spans each trace has.
const SPANS: u64 = 4;

/// Servers that are away after a moment.
fn between(receivers: &[&Receiver], protocol: Protocol) -> Balance {
    let remotes = receivers.iter().map(|receiver| match to(receiver, protocol) {
        Destination::Remote(remote) => remote,
        other => panic!("{other}"),
    });
    Balance::between(remotes)
}

/// A span whose number says which one of which trace it is. As `taken` reads it.
fn span(number: u64) -> Span {
    let trace = number / SPANS + 1;
    Span {
        trace_id: [trace.to_be_bytes(), (trace * 7).to_be_bytes()].concat(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: "work".into(),
        ..Span::default()
    }
}

/// A request with these spans, in two resources and several scopes.
fn traces(numbers: impl IntoIterator<Item = u64>) -> Bytes {
    let mut resource_spans = vec![ResourceSpans::default(); 2];
    for (place, of_resource) in resource_spans.iter_mut().enumerate() {
        let attributes = vec![KeyValue { key: format!("resource {place}"), ..KeyValue::default() }];
        of_resource.resource = Some(Resource { attributes, ..Resource::default() });
        of_resource.scope_spans = vec![ScopeSpans::default(); 2];
    }
    for number in numbers {
        let place = number as usize;
        resource_spans[place / 2 % 2].scope_spans[place % 2].spans.push(span(number));
    }
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

/// The traces at each receiver, each with the numbers of its spans that are there.
fn traces_at(receivers: &[&Receiver]) -> Vec<BTreeMap<u64, BTreeSet<u64>>> {
    let at = |receiver: &&Receiver| {
        let mut traces = BTreeMap::<u64, BTreeSet<u64>>::new();
        for number in taken(receiver) {
            traces.entry(number / SPANS).or_default().insert(number);
        }
        traces
    };
    receivers.iter().map(at).collect()
}

/// The counts of all members together, after checking that those of each add up to them.
fn total(collector: &Collector) -> [u64; 5] {
    let forwarded = collector.forwarded().remove(0);
    let mut sum = [0; 5];
    for member in &forwarded.members {
        (0..5).for_each(|place| sum[place] += counts(member)[place]);
    }
    let total = counts(&forwarded);
    // Those that are gone count in the total only. The members are looked at first: what is queued then, the last of the
    // five, may be delivered in between.
    assert!((0..4).all(|place| sum[place] <= total[place]), "{forwarded:?}");
    total
}

async fn delivered(collector: &Collector, items: u64) {
    let what = format!("{items} spans delivered");
    until(&what, || async { (total(collector)[..2] == [items, items]).then_some(()) }).await;
}

#[tokio::test]
async fn a_trace_is_at_one_of_three_servers_however_its_spans_come_and_the_shares_are_even() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let receivers = [Receiver::start(), Receiver::start(), Receiver::start()];
        let members = receivers.each_ref();
        let collector = start(vec![Destination::Balanced(between(&members, protocol))], |_| {});
        let address = collector.http_address().unwrap();
        // Of 3,000 traces, the first spans of a hundred in each request, then the second ones, and so on.
        for first in (0..12_000).step_by(400) {
            for place in 0..SPANS {
                let numbers = (first..first + 400).skip(place as usize).step_by(SPANS as usize);
                assert_eq!(post(address, traces(numbers)).await.0, 200);
            }
        }
        delivered(&collector, 12_000).await;
        let at = traces_at(&members);
        let all: Vec<u64> = at.iter().flat_map(|traces| traces.keys().copied()).collect();
        assert_eq!((all.len(), set(all)), (3000, set(0..3000)));
        assert!(at.iter().flat_map(BTreeMap::values).all(|spans| spans.len() == SPANS as usize));
        assert!(
            at.iter().all(|traces| (850..1150).contains(&traces.len())),
            "{:?}",
            at.iter().map(BTreeMap::len)
        );
        assert_eq!(total(&collector), [12_000, 12_000, 0, 0, 0]);
        assert!(receivers.iter().all(|receiver| receiver.complaints().is_empty()));
    }
}

#[tokio::test]
async fn who_has_the_same_list_in_another_order_sends_a_trace_to_the_same_server() {
    let receivers = [Receiver::start(), Receiver::start(), Receiver::start()];
    let [first, second, third] = receivers.each_ref();
    let orders = [[first, second, third], [third, first, second]];
    let collectors =
        orders.map(|order| start(vec![Destination::Balanced(between(&order, Protocol::Grpc))], |_| {}));
    for (place, collector) in collectors.iter().enumerate() {
        let numbers = (0..2000).filter(|number| number % 2 == place as u64);
        assert_eq!(post(collector.http_address().unwrap(), traces(numbers)).await.0, 200);
        delivered(collector, 1000).await;
    }
    let at = traces_at(&receivers.each_ref());
    assert_eq!(at.iter().map(BTreeMap::len).sum::<usize>(), 500);
    assert!(at.iter().flat_map(BTreeMap::values).all(|spans| spans.len() == SPANS as usize));
}

#[tokio::test]
async fn an_answer_that_waits_for_delivery_waits_for_every_part() {
    let receivers = [Receiver::start(), Receiver::start()];
    let members = receivers.each_ref();
    let collector = start(vec![Destination::Balanced(between(&members, Protocol::Grpc))], |config| {
        config.acknowledge = throughline::collector::Until::Delivered;
    });
    let address = collector.http_address().unwrap();
    assert_eq!(post(address, traces(0..400)).await, (200, None));
    assert_eq!(total(&collector), [400, 400, 0, 0, 0]);
    receivers[0].then_always(throughline::testing::Fault::Hang);
    let answer = tokio::spawn(post(address, traces(400..800)));
    let has_a_part = || async { (receivers[1].items(Signal::Traces) > 250).then_some(()) };
    until("the part of the other", has_a_part).await;
    assert!(!answer.is_finished());
    receivers[0].recover();
    assert_eq!(answer.await.unwrap(), (200, None));
    assert_eq!(total(&collector), [800, 800, 0, 0, 0]);
}

#[tokio::test]
async fn log_records_are_where_their_trace_is_and_measurements_where_their_service_is() {
    use opentelemetry_proto::tonic::{
        collector::{logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest},
        common::v1::{AnyValue, any_value::Value},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data},
    };
    use throughline::sender::{Limits, Request, Sender};
    let receivers = [Receiver::start(), Receiver::start(), Receiver::start()];
    let members = receivers.each_ref();
    let resource = |service: u64| {
        let name = AnyValue { value: Some(Value::StringValue(format!("service {service}"))) };
        let attribute = KeyValue { key: "service.name".into(), value: Some(name), ..KeyValue::default() };
        Some(Resource { attributes: vec![attribute], ..Resource::default() })
    };
    let record = |number: u64| LogRecord {
        trace_id: span(number * SPANS).trace_id,
        span_id: vec![1; 8],
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: (0..300).map(record).collect(), ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { resource: resource(0), scope_logs, ..ResourceLogs::default() }];
    let logs = ExportLogsServiceRequest { resource_logs }.encode_to_vec();
    let of_service = |number: u64| {
        let data = Some(Data::Gauge(Gauge { data_points: vec![NumberDataPoint::default()] }));
        let metrics = vec![Metric { name: "load".into(), data, ..Metric::default() }];
        let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
        ResourceMetrics { resource: resource(number % 50), scope_metrics, ..ResourceMetrics::default() }
    };
    let resource_metrics = (0..100).map(of_service).collect();
    let metrics = ExportMetricsServiceRequest { resource_metrics }.encode_to_vec();
    let spans = traces((0..300).map(|number| number * SPANS)).to_vec();
    for (signal, items, body) in
        [(Signal::Traces, 300, spans), (Signal::Logs, 300, logs), (Signal::Metrics, 100, metrics)]
    {
        let destination = Destination::Balanced(between(&members, Protocol::Grpc));
        let sender = Sender::start(signal, destination, Limits::default()).unwrap();
        sender.send(Request { items, body: body.into() });
        sender.flush(crate::support::PATIENCE).await.unwrap();
        assert_eq!((sender.stats().delivered, sender.members().len()), (items, 4));
    }
    use crate::support::receiver::Decoded;
    let mut services = Vec::new();
    for receiver in members {
        let traces = |ids: Vec<Vec<u8>>| ids.into_iter().collect::<BTreeSet<_>>();
        let spans = traces(receiver.spans().into_iter().map(|(_, span)| span.trace_id).collect());
        let records = traces(receiver.logs().into_iter().map(|(_, record)| record.trace_id).collect());
        assert!(spans == records && spans.len() > 50, "{}", spans.len());
        let mut points = BTreeMap::<String, u64>::new();
        for (resource, _) in receiver.metrics() {
            *points.entry(format!("{resource:?}")).or_default() += 1;
        }
        assert!(points.values().all(|points| *points == 2), "{points:?}");
        services.push(points.len());
    }
    assert!(
        services.iter().sum::<usize>() == 50 && services.iter().all(|services| *services > 5),
        "{services:?}"
    );
}
