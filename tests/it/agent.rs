//! A file of the OpenTelemetry Collector starts, and does what it says.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod examples; // those of the documentation
mod deployed; // those of the manifests
mod refusing; // what does not start
mod killed; // … in the middle of it
mod reference; // the one that a team runs

use crate::support::{child::Process, until};
use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value::Value as Content},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};
use throughline::{sender::Signal, testing::Receiver};

/// A directory of one test, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("throughline-agent-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program, with a file and these variables.
fn collect(file: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Process {
    let arguments = [&["collect", "--config", file], arguments].concat();
    Process::start(env!("CARGO_BIN_EXE_throughline"), &arguments, variables)
}

/// Of this machine, but nobody else's: ports of a file can be taken as they are.
fn address_of_pod() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    format!("127.{}.{}.{}", 64 + process / 250 % 100, process % 250, 1 + number % 250)
}

/// A request with spans of these numbers.
fn spans(numbers: impl IntoIterator<Item = u64>) -> Bytes {
    let span = |number: u64| Span {
        trace_id: vec![7; 16],
        span_id: number.to_be_bytes().to_vec(),
        name: format!("work {number}"),
        ..Span::default()
    };
    let scope_spans =
        vec![ScopeSpans { spans: numbers.into_iter().map(span).collect(), ..ScopeSpans::default() }];
    let text = Content::StringValue("cart".into());
    let value = Some(AnyValue { value: Some(text) });
    let attributes = vec![KeyValue { key: "service.name".into(), value, ..KeyValue::default() }];
    let resource = Some(Resource { attributes, ..Resource::default() });
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

/// Sends over HTTP; the status, as soon as somebody listens.
async fn post(address: &str, signal: Signal, body: Bytes) -> u16 {
    use http_body_util::{BodyExt, Full};
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = || {
        hyper::Request::post(format!("http://{address}/{}", signal.http_path()))
            .header("content-type", "application/x-protobuf")
            .body(Full::new(body.clone()))
            .unwrap()
    };
    let response = until("somebody who listens", || async { client.request(request()).await.ok() }).await;
    let status = response.status().as_u16();
    response.into_body().collect().await.unwrap();
    status
}

/// The spans that a receiver has, as service and name, sorted.
fn taken(receiver: &Receiver) -> Vec<(String, String)> {
    let mut taken = Vec::new();
    for body in receiver.bodies(Signal::Traces) {
        for of in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
            let service = pairs(&of.resource.unwrap().attributes);
            for span in of.scope_spans.into_iter().flat_map(|of| of.spans) {
                taken.push((service.clone(), span.name));
            }
        }
    }
    taken.sort();
    taken
}

/// Attributes in a line, sorted.
fn pairs(attributes: &[KeyValue]) -> String {
    let pair = |pair: &KeyValue| match &pair.value {
        Some(AnyValue { value: Some(Content::StringValue(text)) }) => format!("{}={text}", pair.key),
        other => format!("{}={other:?}", pair.key),
    };
    let mut pairs: Vec<String> = attributes.iter().map(pair).collect();
    pairs.sort();
    pairs.join(" ")
}

/// The log records that a receiver has: resource, attributes, body, trace and span; sorted.
fn records(receiver: &Receiver) -> Vec<[String; 4]> {
    let mut records = Vec::new();
    for body in receiver.bodies(Signal::Logs) {
        for of in ExportLogsServiceRequest::decode(body).unwrap().resource_logs {
            let resource = pairs(&of.resource.unwrap_or_default().attributes);
            for record in of.scope_logs.into_iter().flat_map(|of| of.log_records) {
                let body = match record.body.and_then(|body| body.value) {
                    Some(Content::StringValue(text)) => text,
                    other => format!("{other:?}"),
                };
                let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                let ids = format!("{} {}", hex(&record.trace_id), hex(&record.span_id));
                records.push([resource.clone(), pairs(&record.attributes), body, ids]);
            }
        }
    }
    records.sort();
    records
}

/// The directory of a container's log, as the kubelet names it.
fn log_of(directory: &Path, pod: &str, container: &str) -> PathBuf {
    let uid = "0a1b2c3d-0000-4000-8000-0123456789ab";
    let path = directory.join(format!("shop_{pod}_{uid}")).join(container);
    fs::create_dir_all(&path).unwrap();
    path.join("0.log")
}

/// Where a program said that it listens, by these words.
async fn place(process: &Process, words: &[&str]) -> SocketAddr {
    let line = process.line(words).await;
    line.split_whitespace().next_back().unwrap().parse().unwrap()
}
