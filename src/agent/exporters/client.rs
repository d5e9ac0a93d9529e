//! A destination over the network: where to, as whom, and how.

use crate::{
    agent::{components::Component, extensions::Extensions},
    config::{
        credentials, endpoint,
        endpoint::{GRPC_PORT, HTTP_PORT},
        file::{
            amount,
            document::{Flaw, Node},
        },
    },
    sender::{Compression, Protocol, Remote, Signal, Tls},
};
use http::Uri;
use std::{path::PathBuf, time::Duration};

/// How Go writes that a name is to be looked up, or not.
const RESOLVERS: [&str; 2] = ["dns:///", "passthrough:///"];

/// In the place of servers that are named elsewhere.
const ANYBODY: &str = "balanced:4317";

/// Where an exporter sends a signal.
pub(super) fn remote(
    component: &Component<'_>,
    signal: Signal,
    extensions: &Extensions<'_>,
    flaws: &mut Vec<Flaw>,
) -> Option<Remote> {
    let is_balanced = component.kind.name == "loadbalancing";
    let node = match is_balanced {
        true => component.node.path(&["protocol", "otlp"]).unwrap_or(component.node),
        false => component.node,
    };
    let is_grpc = is_balanced || component.kind.name == "otlp_grpc";
    let protocol = match node.get("encoding").and_then(Node::text) {
        _ if is_grpc => Protocol::Grpc,
        Some("json") => Protocol::HttpJson,
        _ => Protocol::HttpProtobuf,
    };
    let url = match component.kind.name {
        "loadbalancing" => endpoint::complete(&format!("{}://{ANYBODY}", scheme(node))),
        "otlp_grpc" => grpc_url(component, flaws),
        "loki" => {
            let endpoint = component.node.get("endpoint")?;
            url(endpoint, endpoint.text()?, endpoint.text()?, &component.path("endpoint"), flaws)
        }
        _ => http_url(component, signal, flaws),
    }?;
    let mut remote = Remote::new(protocol, url);
    remote.compression = match node.get("compression").and_then(Node::text) {
        Some("none") => Compression::None,
        Some("zstd") => Compression::Zstd,
        _ => Compression::Gzip,
    };
    let default = Duration::from_secs(if is_grpc { 5 } else { 30 });
    remote.timeout = node.get("timeout").and_then(amount::duration).unwrap_or(default);
    remote.credentials = extensions.sender(node.get("auth"), &component.path("auth"), flaws);
    remote.tls = tls(component, node, &remote, flaws);
    remote.advice = match (protocol, remote.url.port_u16()) {
        (Protocol::Grpc, Some(HTTP_PORT)) => {
            "4318 is the usual port of OTLP over HTTP; use otlp_http, or port 4317"
        }
        (Protocol::HttpProtobuf | Protocol::HttpJson, Some(GRPC_PORT)) => {
            "4317 is the usual port of gRPC; use otlp_grpc, or port 4318"
        }
        _ => "",
    }
    .to_owned();
    for entry in node.get("headers").map(Node::entries).unwrap_or_default() {
        let Some(value) = entry.node.text() else { continue };
        match credentials::pair(&entry.key, value) {
            Ok((name, value)) => remote = remote.header(name, value),
            Err(fault) => flaws.push(Flaw::new(entry.line, format!("{} {fault}", component.path("headers")))),
        }
    }
    Some(remote)
}

fn grpc_url(component: &Component<'_>, flaws: &mut Vec<Flaw>) -> Option<Uri> {
    let endpoint = component.node.get("endpoint")?;
    let text = endpoint.text()?.trim();
    let text = RESOLVERS.iter().find_map(|resolver| text.strip_prefix(resolver)).unwrap_or(text);
    let whole = match text.contains("://") {
        true => text.to_owned(),
        false => format!("{}://{text}", scheme(component.node)),
    };
    url(endpoint, text, &whole, &component.path("endpoint"), flaws)
}

/// Of an endpoint that names none.
fn scheme(node: &Node) -> &'static str {
    let is_plain = node.path(&["tls", "insecure"]).and_then(Node::boolean).unwrap_or(false);
    if is_plain { "http" } else { "https" }
}

fn http_url(component: &Component<'_>, signal: Signal, flaws: &mut Vec<Flaw>) -> Option<Uri> {
    let own = format!("{}_endpoint", signal.name());
    if let Some(node) = component.node.get(&own) {
        let text = node.text()?.trim();
        return url(node, text, text, &component.path(&own), flaws);
    }
    let Some(node) = component.node.get("endpoint") else {
        let fault = format!("{} is not there; write it, or {own}", component.path("endpoint"));
        flaws.push(Flaw::new(component.line, fault));
        return None;
    };
    let text = node.text()?.trim();
    url(node, text, &endpoint::below(text, signal), &component.path("endpoint"), flaws)
}

/// The whole text as a URL; the text that was written is what messages are about.
fn url(node: &Node, text: &str, whole: &str, path: &str, flaws: &mut Vec<Flaw>) -> Option<Uri> {
    let authority = whole.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
    let fault = match endpoint::complete(whole) {
        _ if authority.is_some_and(|authority| authority.contains('@')) => {
            "has a user and password; name an extension basicauth in auth".to_owned()
        }
        Some(url) => return Some(url),
        None if whole == text => endpoint::no_url(text),
        None => "is not host:port, nor a URL".to_owned(),
    };
    flaws.push(Flaw::new(node.line, format!("{path} {fault}")));
    None
}

fn tls(component: &Component<'_>, node: &Node, remote: &Remote, flaws: &mut Vec<Flaw>) -> Tls {
    let is_plain = remote.url.scheme_str() == Some("http");
    let mut file = |key: &str| {
        let node = node.path(&["tls", key])?;
        if is_plain {
            let path = component.path(&format!("tls.{key}"));
            let fault = format!("{path} is not used for {remote}, which is not https");
            flaws.push(Flaw { harmless: true, ..Flaw::new(node.line, fault) });
        }
        node.text().map(PathBuf::from)
    };
    Tls { certificate: file("ca_file"), client_certificate: file("cert_file"), client_key: file("key_file") }
}
