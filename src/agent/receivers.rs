//! What takes telemetry: receivers → ports.

use super::{components::Component, extensions::Extensions};
use crate::{
    collector::{Cors, Port, Receive, Tls},
    config::file::document::{Flaw, Node, shown},
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

const MIB: usize = 1 << 20;

/// A port, with the protocol that it is there for.
pub(super) struct Opened {
    pub(super) protocol: &'static str,
    pub(super) port: Port,
}

/// The ports of a receiver.
pub(super) fn ports(
    receiver: &Component<'_>,
    extensions: &Extensions<'_>,
    flaws: &mut Vec<Flaw>,
) -> Vec<Opened> {
    let protocols = receiver.node.get("protocols");
    let mut ports = Vec::new();
    for (key, protocol, default) in
        [("grpc", "OTLP/gRPC", "localhost:4317"), ("http", "OTLP/HTTP", "localhost:4318")]
    {
        let entries = protocols.map(Node::entries).unwrap_or_default();
        let Some(entry) = entries.iter().find(|entry| entry.key == key) else { continue };
        let path = receiver.path(&format!("protocols.{key}"));
        let receive = receive(&entry.node, &path, extensions, flaws);
        let endpoint = entry.node.get("endpoint");
        let Some(address) = address(endpoint, default, &format!("{path}.endpoint"), flaws) else { continue };
        let mut port = Port::new(receiver.name, address);
        port.receive = receive;
        ports.push(Opened { protocol, port });
    }
    if protocols.is_some_and(|node| node.entries().is_empty()) {
        let fault = format!("{} has none; write grpc, http or both", receiver.path("protocols"));
        flaws.push(Flaw::new(receiver.line, fault));
    }
    ports
}

fn receive(node: &Node, path: &str, extensions: &Extensions<'_>, flaws: &mut Vec<Flaw>) -> Receive {
    let mut receive = Receive::default();
    receive.tls = node.get("tls").and_then(|tls| {
        let file = |key| tls.get(key).and_then(Node::text).map(PathBuf::from);
        let client_authority = file("client_ca_file");
        Some(Tls { certificate: file("cert_file")?, key: file("key_file")?, client_authority })
    });
    receive.credentials = extensions.clients(node.get("auth"), &format!("{path}.auth"), flaws);
    receive.cors = node.get("cors").and_then(cors);
    let mebibytes =
        node.get("max_recv_msg_size_mib").and_then(Node::count).map(|count| count.saturating_mul(MIB));
    receive.max_request_bytes = node.get("max_request_body_size").and_then(Node::count).or(mebibytes);
    receive
}

fn cors(node: &Node) -> Option<Cors> {
    let texts = |key| -> Option<Vec<String>> {
        let members = node.get(key)?.members();
        Some(members.iter().filter_map(Node::text).map(str::to_owned).collect())
    };
    let default = Cors::default();
    let seconds = node.get("max_age").and_then(Node::count);
    Some(Cors {
        origins: texts("allowed_origins")?,
        headers: texts("allowed_headers").unwrap_or(default.headers),
        max_age: seconds.map_or(default.max_age, |seconds| Duration::from_secs(seconds as u64)),
    })
}

/// Where a server listens: names are not looked up.
pub(super) fn address(
    node: Option<&Node>,
    default: &str,
    path: &str,
    flaws: &mut Vec<Flaw>,
) -> Option<SocketAddr> {
    let address = parsed(node.and_then(Node::text).unwrap_or(default).trim());
    if let (None, Some(node)) = (address, node) {
        let text = node.text().unwrap_or_default();
        let fault = format!(
            "{path} is {}; write address:port, localhost:port, or :port for all addresses",
            shown(text)
        );
        flaws.push(Flaw::new(node.line, fault));
    }
    address
}

fn parsed(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':')?;
    let ip = match host {
        "" => Ipv4Addr::UNSPECIFIED.into(),
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        // The address of a pod comes without brackets.
        _ => host.trim_matches(['[', ']']).parse::<IpAddr>().ok()?,
    };
    Some(SocketAddr::new(ip, port.parse().ok()?))
}
