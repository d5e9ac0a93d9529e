//! Each pipeline of a collector takes what comes from its sources, changes what is its own, and brings it where it leads.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use crate::support::until;
use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value as Content},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use std::{net::SocketAddr, time::Duration};
use throughline::{
    collector::{
        Action, Collector, Config, Destinations, Error, Exit, Overflow, Pipeline, Port, Processor, Value, Way,
    },
    sender::{Answer, Destination, Protocol, Remote, Signal},
    testing::{Fault, Receiver},
};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A way to a receiver, for spans.
fn exit(name: &str, receiver: &Receiver) -> Exit {
    let url = format!("{}/v1/traces", receiver.http_endpoint());
    let remote = Remote::new(Protocol::HttpProtobuf, url.parse().unwrap());
    let mut destinations = Destinations::default();
    destinations.add(Signal::Traces, Destination::Remote(remote));
    Exit::new(name, Way::Network(destinations))
}

/// A pipeline of spans that says in an attribute of the resource which one it is.
fn pipeline(mark: &str, sources: &[&str], exits: &[&str]) -> Pipeline {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let action = Action::Upsert("pipeline".into(), Value::Text(mark.into()));
    Pipeline {
        sources: names(sources),
        processors: vec![Processor::resource([action])],
        exits: names(exits),
        ..Pipeline::of(Signal::Traces)
    }
}

fn config(exits: Vec<Exit>, pipelines: Vec<Pipeline>) -> Config {
    let mut config = Config::default();
    (config.grpc, config.http, config.view, config.max_bytes) = (None, Some(ANY), None, 0);
    config.batch.delay = Duration::from_millis(5);
    (config.exits, config.pipelines) = (exits, pipelines);
    config
}

/// A request with one span of this number.
fn request(number: u64) -> Bytes {
    let (trace_id, span_id) = (vec![7; 16], number.to_be_bytes().to_vec());
    let spans = vec![Span { trace_id, span_id, name: "work".into(), ..Span::default() }];
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource = Some(Resource::default());
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

/// Of all spans that arrived: the mark of the pipeline, and the number; sorted.
fn taken(receiver: &Receiver) -> Vec<(String, u64)> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref() {
        Some(AnyValue { value: Some(Content::StringValue(text)) }) => text.clone(),
        other => panic!("{other:?}"),
    };
    let mut taken = Vec::new();
    for body in receiver.bodies(Signal::Traces) {
        for of in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
            let marks: Vec<String> = of.resource.unwrap().attributes.iter().map(text).collect();
            for span in of.scope_spans.into_iter().flat_map(|of| of.spans) {
                taken.push((marks.join("+"), u64::from_be_bytes(span.span_id.try_into().unwrap())));
            }
        }
    }
    taken.sort();
    taken
}

fn marked(marks: &[(&str, u64)]) -> Vec<(String, u64)> {
    marks.iter().map(|(mark, number)| ((*mark).to_owned(), *number)).collect()
}

async fn post(address: SocketAddr, signal: Signal, body: Bytes) -> (u16, String) {
    use http_body_util::{BodyExt, Full};
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = hyper::Request::post(format!("http://{address}/{}", signal.http_path()))
        .header("content-type", "application/x-protobuf")
        .body(Full::new(body))
        .unwrap();
    let response = client.request(request).await.unwrap();
    let status = response.status().as_u16();
    let answer = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&answer).into_owned())
}

/// accepted, delivered, rejected, dropped, queued of each destination, after checking that they add up.
fn counts(collector: &Collector) -> Vec<[u64; 5]> {
    let of = |forwarded: throughline::collector::Forwarded| {
        let counts = [
            forwarded.accepted,
            forwarded.delivered,
            forwarded.rejected,
            forwarded.dropped,
            forwarded.queued,
        ];
        assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "{forwarded:?}");
        counts
    };
    collector.forwarded().into_iter().map(of).collect()
}

#[tokio::test]
async fn each_pipeline_takes_from_its_sources_and_changes_what_is_its_own() {
    let [one, other] = [Receiver::start(), Receiver::start()];
    let exits = vec![exit("one", &one), exit("other", &other)];
    let pipelines = vec![
        pipeline("a", &["otlp"], &["one"]),
        pipeline("b", &["otlp", "otlp/2"], &["other"]),
        pipeline("c", &["otlp/2"], &["other", "one"]),
    ];
    let mut config = config(exits, pipelines);
    config.ports = vec![Port::new("otlp/2", ANY)];
    config.max_bytes = 1 << 20;
    let collector = Collector::start(config).unwrap();
    let [(source, second)] = collector.ports() else { panic!("{:?}", collector.ports()) };
    assert_eq!(source, "otlp/2");

    assert_eq!(post(collector.http_address().unwrap(), Signal::Traces, request(1)).await.0, 200);
    assert_eq!(post(*second, Signal::Traces, request(2)).await.0, 200);
    until("all of it", || async { (counts(&collector) == [[2, 2, 0, 0, 0], [3, 3, 0, 0, 0]]).then_some(()) })
        .await;
    assert_eq!(taken(&one), marked(&[("a", 1), ("c", 2)]));
    assert_eq!(taken(&other), marked(&[("b", 1), ("b", 2), ("c", 2)]));
    // Once each, as the first of its pipelines made it.
    assert_eq!(collector.counters().spans, 2);
    assert_eq!(collector.trace(&"07".repeat(16)).unwrap().spans.len(), 2);
    collector.stop(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn what_no_pipeline_takes_is_refused_and_counted() {
    let receiver = Receiver::start();
    let mut config = config(vec![exit("out", &receiver)], vec![pipeline("a", &["otlp/2"], &["out"])]);
    config.ports = vec![Port::new("otlp/2", ANY)];
    let collector = Collector::start(config).unwrap();
    let second = collector.ports()[0].1;
    for (address, signal) in [(collector.http_address().unwrap(), Signal::Traces), (second, Signal::Logs)] {
        let (status, answer) = post(address, signal, request(1)).await;
        assert_eq!(status, 404);
        assert!(answer.contains(&format!("no pipeline takes {}", signal.name())), "{answer}");
    }
    let refused = collector.inlet().accept(Signal::Traces, request(1));
    assert!(matches!(&refused, Answer::Refused { cause } if cause.contains("no pipeline")), "{refused:?}");
    assert_eq!(post(second, Signal::Traces, request(2)).await.0, 200);
    assert_eq!((collector.counters().refused_requests, collector.counters().requests), (3, 1));
    collector.stop(Duration::from_secs(5)).await.unwrap();
    assert_eq!(taken(&receiver), marked(&[("a", 2)]));
}

#[tokio::test]
async fn a_full_queue_of_one_pipeline_refuses_for_all_unless_it_is_told_to_drop() {
    for (overflow, status, counted, arrived) in [
        (Overflow::Refuse, 503, [[2, 2, 0, 0, 0], [2, 0, 0, 0, 2]], vec![("a", 1), ("a", 2)]),
        (Overflow::Drop, 200, [[3, 3, 0, 0, 0], [3, 0, 0, 1, 2]], vec![("a", 1), ("a", 2), ("a", 3)]),
    ] {
        let [there, away] = [Receiver::start(), Receiver::start()];
        away.then_always(Fault::Status(503));
        let mut narrow = exit("away", &away);
        narrow.queue_bytes = Some(150);
        let pipelines = vec![pipeline("a", &["otlp"], &["there"]), pipeline("b", &["otlp"], &["away"])];
        let mut config = config(vec![exit("there", &there), narrow], pipelines);
        config.overflow = overflow;
        let collector = Collector::start(config).unwrap();
        let mut answers = Vec::new();
        for number in 1..=3 {
            answers.push(post(collector.http_address().unwrap(), Signal::Traces, request(number)).await.0);
        }
        assert_eq!(answers, [200, 200, status]);
        until("what can arrive", || async { (counts(&collector) == counted).then_some(()) }).await;
        assert_eq!(taken(&there), marked(&arrived));
        drop(collector);
    }
}

#[tokio::test]
async fn ways_that_lead_to_one_address_are_told_apart_in_the_counts_and_on_their_page() {
    let receiver = Receiver::start();
    let Way::Network(mut both) = exit("", &receiver).way else { unreachable!() };
    let [Destination::Remote(remote)] = &both.traces[..] else { unreachable!() };
    let tenant = remote.clone().header("x-scope-orgid".parse().unwrap(), "two".parse().unwrap());
    both.add(Signal::Traces, Destination::Remote(tenant));
    let exits = vec![exit("one", &receiver), Exit::new("two", Way::Network(both))];
    let mut config = config(exits, vec![pipeline("a", &["otlp"], &["one", "two"])]);
    config.health = Some(ANY);
    let collector = Collector::start(config).unwrap();
    assert_eq!(post(collector.http_address().unwrap(), Signal::Traces, request(1)).await.0, 200);
    until("all three", || async { (counts(&collector) == [[1, 1, 0, 0, 0]; 3]).then_some(()) }).await;
    let url = format!("{}/v1/traces", receiver.http_endpoint());
    let named: Vec<_> = collector.forwarded().into_iter().map(|one| (one.exit, one.destination)).collect();
    let second = format!("{url} (2)");
    assert_eq!(
        named,
        [("one", &url), ("two", &url), ("two", &second)].map(|(a, b)| (a.to_owned(), b.clone()))
    );

    let page = format!("http://{}/metrics", collector.health_address().unwrap());
    let page = crate::support::get(&page, &[]).await.unwrap().1;
    let of = "throughline_collector_delivered_items_total{signal=\"traces\",";
    let told: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(of)).collect();
    let expected = named.iter().map(|(exit, to)| format!("destination=\"{to}\",exit=\"{exit}\"}} 1"));
    assert_eq!(told, expected.collect::<Vec<_>>());
}

#[test]
fn what_a_pipeline_names_has_to_be_there_and_names_are_given_once() {
    let fault = |exits: &[&str], pipeline: Pipeline| {
        let exits =
            exits.iter().map(|name| Exit::new(*name, Way::Network(Destinations::default()))).collect();
        let error: Error = Collector::start(config(exits, vec![pipeline])).unwrap_err();
        error.to_string()
    };
    let of = |sources: &[&str], exits: &[&str]| pipeline("a", sources, exits);
    assert_eq!(
        fault(&["out"], of(&["otlp/3"], &["out"])),
        r#"a pipeline of traces names the source "otlp/3", which is not there"#
    );
    assert_eq!(
        fault(&["out"], of(&["otlp"], &["in"])),
        r#"a pipeline of traces names the exit "in", which is not there"#
    );
    assert_eq!(fault(&["out", "out"], of(&["otlp"], &["out"])), r#"two exits have the name "out""#);
}
