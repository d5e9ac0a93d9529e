//! The URL of one signal, decided from the variables (O-001…O-008).
//!
//! What cannot be understood is never guessed: telemetry and its credentials must not go to a host that nobody named.

use super::{Decided, env, env::Environment, env::Found};
use crate::sender::{Protocol, Remote, Signal};
use http::Uri;
use std::net::IpAddr;

pub(crate) const GRPC_PORT: u16 = 4317;
pub(crate) const HTTP_PORT: u16 = 4318;

/// Said when nothing listens at the default endpoint.
const ADVICE: &str = "set OTEL_EXPORTER_OTLP_ENDPOINT to a collector, or THROUGHLINE_VIEW=1 for a view in this \
                      process (feature `collector`)";

/// The host of `NODE_IP`, as it stands in a URL; `Err`: the variable, which is no host.
pub(super) fn node(environment: &mut Environment) -> Option<Result<Found, String>> {
    let found = environment.text(&env::NODE_IP, None)?;
    let is_name = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let host = match found.value.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) if is_name(&found.value) => found.value.clone(),
        Err(_) => {
            environment.fault(&found.name, &format!("{:?} is not an address. {NOWHERE}", found.value));
            return Some(Err(found.name));
        }
    };
    Some(Ok(Found { value: host, name: found.name }))
}

const NOWHERE: &str = "No other destination takes its place";

/// The URL and what decided it; `Err`: the variable that should have, but cannot be understood.
pub(super) fn url(
    environment: &mut Environment,
    signal: Signal,
    protocol: Protocol,
) -> Result<(Uri, Decided), String> {
    if let Some(found) = environment.text(&env::ENDPOINT, Some(signal)) {
        return named(environment, signal, protocol, found);
    }
    let grpc = protocol == Protocol::Grpc;
    let port = if grpc { GRPC_PORT } else { HTTP_PORT };
    let (host, decided) = match node(environment).transpose()? {
        Some(node) => (node.value, Decided::Variable(node.name)),
        None => ("localhost".into(), Decided::Default),
    };
    let base = format!("http://{host}:{port}");
    match complete(&if grpc { base } else { below(&base, signal) }) {
        Some(url) => Ok((url, decided)),
        None => {
            environment.fault(env::NODE_IP.name, &format!("is not an address. {NOWHERE}"));
            Err(env::NODE_IP.name.into())
        }
    }
}

/// What an endpoint says.
fn named(
    environment: &mut Environment,
    signal: Signal,
    protocol: Protocol,
    Found { value, name }: Found,
) -> Result<(Uri, Decided), String> {
    let own = name == env::ENDPOINT.name_for(Some(signal));
    let text = match protocol {
        Protocol::Grpc if !value.contains("://") => {
            let plain = environment.boolean(&env::INSECURE, Some(signal)).unwrap_or(false);
            format!("{}://{value}", if plain { "http" } else { "https" }) // O-005
        }
        Protocol::Grpc => value.clone(),
        _ if own => value.clone(),  // O-003
        _ => below(&value, signal), // O-002
    };
    let Some(url) = complete(&text) else {
        let fault = no_url(&value);
        let end = if fault.ends_with('?') { "" } else { "." };
        environment.fault(&name, &format!("{fault}{end} {NOWHERE}"));
        return Err(name);
    };
    let authority = text.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
    if authority.is_some_and(|authority| authority.contains('@')) {
        let fault = "has a user and password, which are ignored; set THROUGHLINE_OTLP_USERNAME and \
                     THROUGHLINE_OTLP_PASSWORD";
        environment.fault(&name, fault);
    }
    // O-007: guides tell this form, as if a path were added.
    if own && protocol != Protocol::Grpc && url.path().trim_end_matches('/').ends_with("/otlp") {
        let meant = below(url.path(), signal);
        let fault = format!("ends in /otlp, and of a signal it is taken as it is; did you mean {meant}?");
        environment.fault(&name, &fault);
    }
    Ok((url, Decided::Variable(name)))
}

/// What to try if the server cannot be reached (O-008).
pub(super) fn advice(remote: &Remote, decided: &Decided) -> String {
    match (remote.protocol, remote.url.port_u16()) {
        _ if *decided == Decided::Default => ADVICE.into(),
        (Protocol::Grpc, Some(HTTP_PORT)) => {
            "4318 is the usual port of OTLP over HTTP; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or port 4317".into()
        }
        (Protocol::HttpProtobuf | Protocol::HttpJson, Some(GRPC_PORT)) => {
            "4317 is the usual port of gRPC; set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or port 4318".into()
        }
        _ => String::new(),
    }
}

/// Why a text is no URL. Echoed only if it is host:port: a word alone may be a token.
pub(crate) fn no_url(text: &str) -> String {
    if text.starts_with(['"', '\'']) {
        return "is not a URL: the quotation marks are a part of it; leave them out".into();
    }
    let is_place = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    let meant = complete(&format!("http://{text}")).filter(|url| url.port().is_some());
    match meant.is_some() && text.chars().all(is_place) {
        true => format!("is not a URL; did you mean http://{text}?"),
        false => "is not a URL; write http://host:port or https://host/path".into(),
    }
}

/// The signal's path below a base URL; the base's query, if it has one, stays at the end.
pub(crate) fn below(base: &str, signal: Signal) -> String {
    let (base, query) = base.split_once('?').map_or((base, None), |(base, query)| (base, Some(query)));
    let url = format!("{}/{}", base.trim_end_matches('/'), signal.http_path());
    query.map_or(url.clone(), |query| format!("{url}?{query}"))
}

/// A URL with a host and, if it has one, a true port; without user and password. A password with a slash in it
/// ends the authority early: what then looks like a port is none.
pub(crate) fn complete(text: &str) -> Option<Uri> {
    let mut parts = text.parse::<Uri>().ok().filter(|_| !text.contains('#'))?.into_parts();
    let authority = parts.authority.take()?;
    let place = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, place)| place);
    let port = place.strip_prefix(authority.host())?;
    let true_port = port.is_empty() || port.strip_prefix(':')?.parse::<u16>().is_ok_and(|port| port > 0);
    let known = matches!(parts.scheme.as_ref()?.as_str(), "http" | "https");
    if !known || !true_port || authority.host().is_empty() {
        return None;
    }
    parts.authority = Some(place.parse().ok()?);
    Uri::from_parts(parts).ok()
}
