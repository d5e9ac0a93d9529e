//! Where each signal goes, decided from the variables (O-001…O-014).

use super::{Decided, Export, env, env::Environment, env::Found};
use crate::sender::{self, Compression, DEFAULT_TIMEOUT, Destination, Protocol, Remote, Signal};
use http::{
    HeaderName, HeaderValue, Uri,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use percent_encoding::percent_decode_str;
use std::{net::IpAddr, time::Duration};

const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;

/// Said when nothing listens at the default endpoint.
const ADVICE: &str = "set OTEL_EXPORTER_OTLP_ENDPOINT to a collector, or THROUGHLINE_VIEW=1 for a view in this \
                      process (feature `collector`)";

pub(super) fn export(environment: &mut Environment, signal: Signal) -> Export {
    let (delay, queue, batch) = match signal {
        Signal::Traces => (&env::BSP_DELAY, Some(&env::BSP_QUEUE), Some(&env::BSP_BATCH)),
        Signal::Logs => (&env::BLRP_DELAY, Some(&env::BLRP_QUEUE), Some(&env::BLRP_BATCH)),
        Signal::Metrics => (&env::METRIC_INTERVAL, None, None),
    };
    let exporter = environment.choice(&env::EXPORTER, Some(signal));
    let node = node(environment);
    // Read also when it is not used: all faults are told at once.
    let (remote, decided) = remote(environment, signal, node.as_ref());
    let mut export = match exporter {
        Some(Found { value: "none", name }) => Export::new(None, Decided::Variable(name)),
        None if signal == Signal::Logs && node.is_some() => Export::new(None, Decided::Agent),
        _ => Export::new(Some(Destination::Remote(remote)), decided),
    };
    export.schedule_delay = environment.delay(delay);
    let mut count = |variable: Option<&_>| variable.and_then(|variable| environment.count(variable));
    export.max_queue = count(queue).unwrap_or(export.max_queue);
    export.max_batch = count(batch).unwrap_or(export.max_batch).min(export.max_queue);
    export
}

/// The host of `NODE_IP`, as it stands in a URL.
fn node(environment: &mut Environment) -> Option<Found> {
    let found = environment.text(&env::NODE_IP, None)?;
    let is_name = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let host = match found.value.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) if is_name(&found.value) => found.value.clone(),
        Err(_) => {
            environment.fault(&found.name, &format!("{:?} is not an address; it is ignored", found.value));
            return None;
        }
    };
    Some(Found { value: host, name: found.name })
}

fn remote(environment: &mut Environment, signal: Signal, node: Option<&Found>) -> (Remote, Decided) {
    let protocol = match environment.choice(&env::PROTOCOL, Some(signal)) {
        Some(found) if found.value == "grpc" => Protocol::Grpc,
        _ => Protocol::HttpProtobuf,
    };
    let (url, decided) = url(environment, signal, protocol, node);
    let mut remote = Remote::new(protocol, url);
    if decided == Decided::Default {
        remote.advice = ADVICE.into();
    }
    for (name, value) in headers(environment, signal) {
        remote = remote.header(name, value);
    }
    if !remote.headers.contains_key(AUTHORIZATION)
        && let Some(value) = authorization(environment, signal)
    {
        remote = remote.header(AUTHORIZATION, value);
    }
    if environment.choice(&env::COMPRESSION, Some(signal)).is_some_and(|found| found.value == "gzip") {
        remote.compression = Compression::Gzip;
    }
    remote.timeout = timeout(environment, signal);
    (remote, decided)
}

/// The shorter one of two: what the exporter may take for an attempt and, where that is set, what a batch may (E-09,
/// E-10, E-11). Zero is no limit in both.
fn timeout(environment: &mut Environment, signal: Signal) -> Duration {
    let of_batch = match signal {
        Signal::Traces => &env::BSP_TIMEOUT,
        Signal::Logs => &env::BLRP_TIMEOUT,
        Signal::Metrics => &env::METRIC_TIMEOUT,
    };
    let of_exporter = environment.milliseconds(&env::TIMEOUT, Some(signal)).unwrap_or(DEFAULT_TIMEOUT);
    let of_batch = environment.milliseconds(of_batch, None).unwrap_or_default();
    let limits = [of_exporter, of_batch].into_iter().filter(|limit| !limit.is_zero());
    limits.min().unwrap_or_default()
}

fn url(
    environment: &mut Environment,
    signal: Signal,
    protocol: Protocol,
    node: Option<&Found>,
) -> (Uri, Decided) {
    if let Some(found) = environment.text(&env::ENDPOINT, Some(signal)) {
        let own = found.name == env::ENDPOINT.name_for(Some(signal));
        let text = match protocol {
            Protocol::Grpc if !found.value.contains("://") => {
                let plain = environment.boolean(&env::INSECURE, Some(signal)).unwrap_or(false);
                format!("{}://{}", if plain { "http" } else { "https" }, found.value) // O-005
            }
            Protocol::HttpProtobuf if !own => below(&found.value, signal), // O-002
            _ => found.value.clone(),                                      // O-003
        };
        match complete(&text) {
            Some(url) => {
                let authority = text.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
                if authority.is_some_and(|authority| authority.contains('@')) {
                    let fault = "has a user and password, which are ignored; set THROUGHLINE_OTLP_USERNAME and \
                                 THROUGHLINE_OTLP_PASSWORD";
                    environment.fault(&found.name, fault);
                }
                return (url, Decided::Variable(found.name));
            }
            // Echoed only if it is host:port, which is no secret.
            None => {
                let is_place = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
                let hint = match found.value.chars().all(is_place)
                    && complete(&format!("http://{}", found.value)).is_some()
                {
                    true => format!("did you mean http://{}?", found.value),
                    false => "write http://host:port or https://host/path.".into(),
                };
                environment.fault(&found.name, &format!("is not a URL; {hint} The default holds"));
            }
        }
    }
    let port = if protocol == Protocol::Grpc { GRPC_PORT } else { HTTP_PORT };
    let path = |base: String| if protocol == Protocol::Grpc { base } else { below(&base, signal) };
    if let Some(node) = node
        && let Some(url) = complete(&path(format!("http://{}:{port}", node.value)))
    {
        return (url, Decided::Variable(node.name.clone()));
    }
    let url = Uri::try_from(path(format!("http://localhost:{port}"))).unwrap_or_default();
    (url, Decided::Default)
}

/// The signal's path below a base URL; the base's query, if it has one, stays at the end.
fn below(base: &str, signal: Signal) -> String {
    let (base, query) = base.split_once('?').map_or((base, None), |(base, query)| (base, Some(query)));
    let url = format!("{}/{}", base.trim_end_matches('/'), signal.http_path());
    query.map_or(url.clone(), |query| format!("{url}?{query}"))
}

/// A URL with a host and, if it has one, a true port; without user and password. A password with a slash in it
/// ends the authority early: what then looks like a port is none.
fn complete(text: &str) -> Option<Uri> {
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

/// O-011: W3C-baggage-like pairs, percent-encoded; a literal space is taken too.
fn headers(environment: &mut Environment, signal: Signal) -> Vec<(HeaderName, HeaderValue)> {
    let Some(found) = environment.text(&env::HEADERS, Some(signal)) else { return vec![] };
    let mut headers = Vec::new();
    for member in found.value.split(',').filter(|member| !member.trim().is_empty()) {
        let pair = member.split_once('=').and_then(|(name, value)| {
            let name = HeaderName::try_from(decode(name)?.to_ascii_lowercase()).ok()?;
            Some((name, HeaderValue::try_from(decode(value)?).ok()?))
        });
        // They describe the body that we make.
        let framing = |name: &HeaderName| {
            [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING, TRANSFER_ENCODING].contains(name)
        };
        match pair {
            Some((name, _)) if framing(&name) => {
                environment.fault(&found.name, &format!("must not set {name}; it is left out"));
            }
            Some(pair) => headers.push(pair),
            // Not echoed: it may be a secret.
            None => {
                environment.fault(&found.name, "has a member that is not a name=value header; it is left out")
            }
        }
    }
    headers
}

/// The signal's own secret before the general ones; a user belongs to whichever secret is found.
fn authorization(environment: &mut Environment, signal: Signal) -> Option<HeaderValue> {
    let user = environment.text(&env::USERNAME, Some(signal));
    let secrets = [
        environment.exactly(&env::PASSWORD, Some(signal)),
        environment.exactly(&env::TOKEN, Some(signal)),
        environment.exactly(&env::AUTHORIZATION, None),
        environment.exactly(&env::PASSWORD, None),
        environment.exactly(&env::TOKEN, None),
    ];
    let usable = |secret: &&Found| user.is_some() || !secret.name.ends_with("PASSWORD");
    let Some(secret) = secrets.iter().flatten().find(usable) else {
        if let Some(password) = secrets.iter().flatten().next() {
            environment.fault(&password.name, "has no user; set THROUGHLINE_OTLP_USERNAME");
        } else if let Some(user) = user {
            let fault = "has no password; set THROUGHLINE_OTLP_PASSWORD or THROUGHLINE_OTLP_TOKEN";
            environment.fault(&user.name, fault);
        }
        return None;
    };
    let value = match user {
        _ if secret.name == env::AUTHORIZATION.name => HeaderValue::try_from(&secret.value).ok(),
        Some(user) => Some(sender::basic(&user.value, &secret.value)),
        None => sender::bearer(&secret.value),
    };
    if value.is_none() {
        environment.fault(&secret.name, "has characters that a header cannot hold; it is ignored");
    }
    value
}

/// O-091: any fault discards the whole variable.
pub(super) fn resource_attributes(environment: &mut Environment) -> Vec<(String, String)> {
    let Some(found) = environment.text(&env::RESOURCE_ATTRIBUTES, None) else { return vec![] };
    let members = found.value.split(',').filter(|member| !member.trim().is_empty());
    let pairs: Option<Vec<_>> = members
        .map(|member| {
            let (key, value) = member.split_once('=')?;
            let key = decode(key)?;
            (!key.is_empty()).then_some((key, decode(value)?))
        })
        .collect();
    pairs.unwrap_or_else(|| {
        environment
            .fault(&found.name, "is not key=value,key=value with percent-encoding; all of it is ignored");
        vec![]
    })
}

/// Trims and percent-decodes; `None` if what comes out is not UTF-8 or a `%` is not followed by two digits.
fn decode(text: &str) -> Option<String> {
    let text = text.trim();
    let torn = text.split('%').skip(1).any(|rest| {
        let digits = rest.as_bytes().get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if torn {
        return None;
    }
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}
