//! https: only to whom the roots vouch for, as whom the files say, over both protocols.

mod identity; // who we are
mod trust; // whom we trust
mod files; // what is wrong with a file, and what happens when it changes

use crate::support::{
    child::Process,
    gateway::{Authority, Directory, GRPC, Gateway, HTTP},
    receiver::{Decoded, Receiver},
};
use std::path::Path;

async fn run_job(gateway: &Gateway, protocol: &str, authority: Option<&Path>) -> (bool, String) {
    let endpoint = format!("https://localhost:{}", gateway.address.port());
    let authority = authority.map(|path| path.display().to_string());
    let mut variables = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("THROUGHLINE_OTLP_TOKEN", "hush"),
    ];
    if let Some(authority) = &authority {
        variables.push(("SSL_CERT_FILE", authority));
    }
    let mut job = Process::example("job", &[], &variables);
    let ended = job.ended().await;
    (ended.success(), job.lines().join("\n"))
}

#[tokio::test]
async fn both_protocols_reach_a_server_that_the_systems_roots_vouch_for() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    let roots = directory.write("roots.pem", authority.pem());
    for (protocol, to, alpn) in
        [("http/protobuf", receiver.http_address(), HTTP), ("grpc", receiver.grpc_address(), GRPC)]
    {
        let gateway = Gateway::start(to, alpn, &authority.identity("localhost"), None).await;
        let (success, text) = run_job(&gateway, protocol, Some(&roots)).await;
        assert!(success, "{protocol}: {text}");
        assert!(!text.contains("hush"), "{text}");
    }
    assert_eq!(receiver.spans().len(), 2);
    assert!(receiver.requests().iter().all(|arrival| arrival.headers["authorization"] == "Bearer hush"));
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_nothing_and_is_named() {
    let (receiver, authority) = (Receiver::start(), Authority::new());
    let gateway = Gateway::start(receiver.http_address(), HTTP, &authority.identity("localhost"), None).await;
    let (success, text) = run_job(&gateway, "http/protobuf", None).await;
    assert!(!success);
    let fault = format!(
        "cannot reach https://localhost:{}/v1/traces: the certificate of localhost is signed by nobody whom we \
         trust",
        gateway.address.port()
    );
    assert!(text.contains(&fault), "{text}");
    assert!(!text.contains("hush"), "{text}");
    assert_eq!(receiver.requests().len(), 0);
}
