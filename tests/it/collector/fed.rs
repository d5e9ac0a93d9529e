//! What the SDKs of other languages send arrives whole, whichever way they send it.

use super::*;
use crate::support::{
    child::Process,
    gateway::{Authority, Directory},
    peer,
};
use throughline_collector::trace::Status;
use throughline_sender::{Credentials, Secret};

/// A program that sends with an SDK.
struct Sdk {
    program: String,
    script: &'static str,
    variables: Vec<(&'static str, String)>,
}

impl Sdk {
    fn python() -> Option<Self> {
        let remedy = "a Python with opentelemetry-sdk and the exporters of OTLP";
        let program = peer("python sends", "THROUGHLINE_TEST_PYTHON", remedy)?;
        let exporters =
            "import opentelemetry.exporter.otlp.proto.grpc, opentelemetry.exporter.otlp.proto.http";
        let probe = std::process::Command::new(&program).args(["-c", exporters]).output().unwrap();
        if !probe.status.success() {
            use std::io::Write;
            let line = "DID NOT RUN: python sends: THROUGHLINE_TEST_PYTHON has no exporters of OTLP";
            let _ = writeln!(std::io::stderr().lock(), "{line}");
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/collector/fed/sdk.py");
        Some(Sdk { program, script, variables: Vec::new() })
    }

    fn node() -> Option<Self> {
        let remedy = "Node in a folder with OpenTelemetry in its node_modules";
        let program = peer("node sends", "THROUGHLINE_TEST_NODE", remedy)?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/collector/fed/sdk.mjs");
        let modules = std::path::Path::new(&program).parent().unwrap().display().to_string();
        Some(Sdk { program, script, variables: vec![("MODULES", modules)] })
    }

    /// Sends everything it has; the id of its trace.
    async fn sends(&self, protocol: &str, endpoint: String, more: &[(&str, &str)]) -> String {
        let mut variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables
            .extend([("OTEL_EXPORTER_OTLP_PROTOCOL", protocol), ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
        variables.extend(more);
        let mut sender = Process::start(&self.program, &[self.script], &variables);
        assert!(sender.ended().await.success(), "{:#?}", sender.lines());
        crate::support::until("all its lines", || async { sender.closed().then_some(()) }).await;
        // Else it complained of something.
        let lines = sender.lines();
        let [trace, done] = &lines[..] else { panic!("{lines:#?}") };
        assert_eq!(done, "done");
        trace.strip_prefix("trace ").unwrap().to_owned()
    }
}

fn endpoint(collector: &Collector, scheme: &str, protocol: &str) -> String {
    let address = if protocol == "grpc" { collector.grpc_address() } else { collector.http_address() };
    format!("{scheme}://localhost:{}", address.unwrap().port())
}

/// Nothing is missing, nothing was complained of.
fn is_whole(collector: &Collector, trace: &str) {
    let counters = collector.counters();
    assert_eq!((counters.spans, counters.log_records, counters.data_points), (2, 2, 3), "{counters:?}");
    let faults = (counters.refused_requests, counters.busy_requests, counters.rejected_items);
    assert_eq!((counters.requests, faults), (3, (0, 0, 0)), "{counters:?}");
    let trace = collector.trace(trace).unwrap();
    let [parent, child] = &trace.spans[..] else { panic!("{trace}") };
    let attributes: Vec<_> =
        parent.attributes.iter().map(|(name, value)| format!("{name} {value:?}")).collect();
    let expected = [
        r#"text Text("é")"#,
        "truth Bool(true)",
        "whole Int(-7)",
        "double Double(0.5)",
        r#"list Array([Text("a"), Text("b")])"#,
    ];
    assert_eq!(attributes, expected);
    assert_eq!(
        (&*parent.name, parent.kind.name(), &*parent.service, &*parent.scope),
        ("parent", "SERVER", "shop", "fed 1.0")
    );
    assert_eq!((&*child.name, child.parent_span_id.as_deref()), ("child", Some(&*parent.span_id)));
    assert_eq!((child.status, &*child.status_message), (Status::Error, "no luck"));
    let ([event], [link]) = (&child.events[..], &child.links[..]) else { panic!("{child:?}") };
    assert_eq!(
        (&*event.name, event.attributes.get("step").unwrap().to_string()),
        ("reached", "1".to_owned())
    );
    assert_eq!(
        (&link.span_id, link.attributes.get("why").unwrap().to_string()),
        (&parent.span_id, "test".to_owned())
    );
    let [record] = &trace.logs[..] else { panic!("{trace}") };
    assert_eq!(
        (record.body.to_string(), record.span_id.as_deref()),
        ("inside".to_owned(), Some(&*child.span_id))
    );
}

#[tokio::test]
async fn pythons_sdk_is_understood_over_every_protocol() {
    let Some(python) = Sdk::python() else { return };
    // `none` is not understood by its exporter of gRPC.
    for (protocol, compression) in [
        ("grpc", ""),
        ("grpc", "gzip"),
        ("http/protobuf", ""),
        ("http/protobuf", "gzip"),
        ("http/protobuf", "deflate"),
    ] {
        let collector = start(|_| ());
        let more = [("OTEL_EXPORTER_OTLP_COMPRESSION", compression), ("OTEL_EXPORTER_OTLP_INSECURE", "true")];
        let more = &more[usize::from(compression.is_empty())..];
        let trace = python.sends(protocol, endpoint(&collector, "http", protocol), more).await;
        is_whole(&collector, &trace);
    }
}

#[tokio::test]
async fn nodes_sdk_is_understood_over_every_protocol() {
    let Some(node) = Sdk::node() else { return };
    for protocol in ["grpc", "http/protobuf", "http/json"] {
        for compression in ["none", "gzip"] {
            let collector = start(|_| ());
            let more = [("OTEL_EXPORTER_OTLP_COMPRESSION", compression)];
            let trace = node.sends(protocol, endpoint(&collector, "http", protocol), &more).await;
            is_whole(&collector, &trace);
        }
    }
}

#[tokio::test]
async fn the_sdks_get_in_over_tls_with_a_certificate_and_a_password() {
    let (directory, authority) = (Directory::new(), Authority::new());
    let (server, client) = (authority.identity("localhost"), authority.identity("client"));
    let file = |name: &str, text: &str| directory.write(name, text);
    let tls = throughline_collector::Tls {
        certificate: file("tls.crt", &server.certificate),
        key: file("tls.key", &server.key),
        client_authority: Some(file("ca.pem", &authority.pem())),
    };
    let files = [file("client.crt", &client.certificate), file("client.key", &client.key)];
    let [certificate, key] = files.map(|path| path.display().to_string());
    let roots = directory.path().join("ca.pem").display().to_string();
    let more = [
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", roots.as_str()),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &certificate),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &key),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20dXNlcjpwYXNz"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ];
    let basic = Credentials::Basic { user: "user".into(), password: Secret::value("pass") };
    for sdk in [Sdk::python(), Sdk::node()].into_iter().flatten() {
        for protocol in ["grpc", "http/protobuf"] {
            let collector = start(|config| {
                config.receive.tls = Some(tls.clone());
                config.receive.credentials = vec![basic.clone()];
            });
            let trace = sdk.sends(protocol, endpoint(&collector, "https", protocol), &more).await;
            is_whole(&collector, &trace);
        }
    }
}
