//! Programs that call with hyper, reqwest and tonic, as the examples have them.

use crate::support::{
    child::Process,
    receiver::{Decoded, Receiver, attributes, hex},
};
use axum::{Router, http::HeaderMap, routing::get};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

/// A service that greets and keeps the `traceparent` of each request.
async fn greeter() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let greet = async move |headers: HeaderMap| {
        keep.lock().unwrap().push(headers["traceparent"].to_str().unwrap().to_owned());
        "hello, ada\n"
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/hello/{name}", get(greet));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, seen)
}

/// Runs an example to its end and returns what it wrote.
async fn run(example: &str, arguments: &[&str], receiver: &Receiver) -> Vec<String> {
    let endpoint = receiver.http_endpoint();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("THROUGHLINE_RUNTIME_METRICS", "false")];
    let mut process = Process::example(example, arguments, &variables);
    assert!(process.ended().await.success(), "{:#?}", process.lines());
    process.lines()
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn measured(receiver: &Receiver) -> BTreeSet<String> {
    receiver.metrics().into_iter().map(|(_, metric)| metric.name).collect()
}

// H-066, H-067, H-081, P-030
#[tokio::test]
async fn hypers_client_and_reqwest_are_told_alike() {
    for (example, name, template) in [
        ("call_with_hyper", "GET", None),
        ("call_with_reqwest", "GET /hello/{name}", Some(("url.template", "\"/hello/{name}\""))),
    ] {
        let (receiver, (address, seen)) = (Receiver::start(), greeter().await);
        let url = format!("http://{address}/hello/ada");
        let lines = run(example, &[&url], &receiver).await;
        assert!(lines.iter().any(|line| line == "hello, ada"), "{lines:#?}");

        let [(_, span)] = &receiver.spans()[..] else { panic!("one span") };
        let (url, port) = (format!("{url:?}"), address.port().to_string());
        let mut told = expected(&[
            ("http.request.method", "\"GET\""),
            ("http.response.status_code", "200"),
            ("network.peer.address", "\"127.0.0.1\""),
            ("network.peer.port", &port),
            ("network.protocol.version", "\"1.1\""),
            ("server.address", "\"127.0.0.1\""),
            ("server.port", &port),
            ("url.full", &url),
        ]);
        told.extend(template.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!((span.name.as_str(), span.kind, attributes(&span.attributes)), (name, 3, told));
        let sent = format!("00-{}-{}-03", hex(&span.trace_id), hex(&span.span_id));
        assert_eq!(*seen.lock().unwrap(), [sent]);
        assert_eq!(measured(&receiver), ["http.client.request.duration".to_owned()].into());
    }
}

// H-100, H-101, H-103, H-105
#[tokio::test]
async fn tonics_client_and_a_service_of_both_kinds_tell_one_call() {
    let receiver = Receiver::start();
    let lines = run("call_with_tonic", &[], &receiver).await;
    let line = lines.iter().find(|line| line.ends_with(" is SERVING")).unwrap();
    let port = line.split([':', ' ']).nth(1).unwrap();

    let spans: BTreeMap<_, _> = receiver.spans().into_iter().map(|(_, span)| (span.kind, span)).collect();
    let (server, client) = (&spans[&2], &spans[&3]);
    assert_eq!((receiver.spans().len(), &server.parent_span_id), (2, &client.span_id));
    let told = expected(&[
        ("rpc.system.name", "\"grpc\""),
        ("rpc.method", "\"grpc.health.v1.Health/Check\""),
        ("rpc.response.status_code", "\"OK\""),
        ("server.address", "\"127.0.0.1\""),
        ("server.port", port),
    ]);
    assert_eq!(attributes(&client.attributes), told);
    let mut served = attributes(&server.attributes);
    assert_eq!(served.remove("network.peer.address").as_deref(), Some("\"127.0.0.1\""));
    assert!(served.remove("network.peer.port").is_some_and(|port| port.parse::<u16>().is_ok()));
    assert_eq!(served, told);
    for span in [server, client] {
        assert_eq!(span.name, "grpc.health.v1.Health/Check");
    }
    let durations = ["rpc.client.call.duration", "rpc.server.call.duration"].map(String::from);
    assert_eq!(measured(&receiver), durations.into());
}
