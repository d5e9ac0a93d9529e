//! Where each signal goes, decided from the variables (O-001…O-014).

use super::{Decided, Export, env, env::Environment, env::Found};
use crate::sender::{self, Compression, DEFAULT_TIMEOUT, Destination, Protocol, Remote, Signal};
use http::{HeaderName, HeaderValue, Uri, header::AUTHORIZATION};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;

const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;

pub(super) fn export(environment: &mut Environment, signal: Signal) -> Export {
    let (delay, queue, batch) = match signal {
        Signal::Traces => (&env::BSP_DELAY, Some(&env::BSP_QUEUE), Some(&env::BSP_BATCH)),
        Signal::Logs => (&env::BLRP_DELAY, Some(&env::BLRP_QUEUE), Some(&env::BLRP_BATCH)),
        Signal::Metrics => (&env::METRIC_INTERVAL, None, None),
    };
    let exporter = environment.choice(&env::EXPORTER, Some(signal));
    let agent = signal == Signal::Logs && environment.text(&env::NODE_IP, None).is_some();
    let (destinations, decided) = match exporter {
        Some(Found { value: "none", name }) => (vec![], Decided::Variable(name)),
        None if agent => (vec![], Decided::Agent),
        _ => {
            let (remote, decided) = remote(environment, signal);
            (vec![Destination::Remote(remote)], decided)
        }
    };
    let delay = environment.delay(delay);
    let mut count =
        |variable: Option<&_>, default| variable.and_then(|v| environment.count(v)).unwrap_or(default);
    let max_queue = count(queue, 2048);
    let max_batch = count(batch, 512).min(max_queue);
    Export { destinations, schedule_delay: delay, max_queue, max_batch, decided }
}

fn remote(environment: &mut Environment, signal: Signal) -> (Remote, Decided) {
    let protocol = match environment.choice(&env::PROTOCOL, Some(signal)) {
        Some(found) if found.value == "grpc" => Protocol::Grpc,
        _ => Protocol::HttpProtobuf,
    };
    let (url, decided) = url(environment, signal, protocol);
    let mut remote = Remote::new(protocol, url);
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
    remote.timeout = environment.milliseconds(&env::TIMEOUT, Some(signal)).unwrap_or(DEFAULT_TIMEOUT);
    (remote, decided)
}

fn url(environment: &mut Environment, signal: Signal, protocol: Protocol) -> (Uri, Decided) {
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
            Some(url) => return (url, Decided::Variable(found.name)),
            // Not echoed: a URL may carry a password.
            None => environment.fault(
                &found.name,
                "is not a URL; write http://host:port or https://host/path. The default holds",
            ),
        }
    }
    let port = if protocol == Protocol::Grpc { GRPC_PORT } else { HTTP_PORT };
    let path = |base: String| if protocol == Protocol::Grpc { base } else { below(&base, signal) };
    if let Some(found) = environment.text(&env::NODE_IP, None) {
        let host = match found.value.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => found.value.clone(),
        };
        match complete(&path(format!("http://{host}:{port}"))) {
            Some(url) => return (url, Decided::Variable(found.name)),
            None => environment
                .fault(&found.name, &format!("{:?} is not an address; the default holds", found.value)),
        }
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

fn complete(text: &str) -> Option<Uri> {
    let url: Uri = text.parse().ok()?;
    let known = matches!(url.scheme_str(), Some("http" | "https"));
    (known && url.host().is_some_and(|host| !host.is_empty())).then_some(url)
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
        match pair {
            Some(pair) => headers.push(pair),
            // Not echoed: it may be a secret.
            None => {
                environment.fault(&found.name, "has a member that is not a name=value header; it is left out")
            }
        }
    }
    headers
}

fn authorization(environment: &mut Environment, signal: Signal) -> Option<HeaderValue> {
    if let Some(found) = environment.text(&env::AUTHORIZATION, None) {
        let value = HeaderValue::try_from(found.value).ok();
        if value.is_none() {
            environment.fault(&found.name, "has characters that a header cannot hold; it is ignored");
        }
        return value;
    }
    let user = environment.text(&env::USERNAME, Some(signal));
    let password = environment.text(&env::PASSWORD, Some(signal));
    let token = environment.text(&env::TOKEN, Some(signal));
    match (user, password.or(token)) {
        (Some(user), Some(password)) => Some(sender::basic(&user.value, &password.value)),
        (Some(user), None) => {
            environment.fault(
                &user.name,
                "has no password; set THROUGHLINE_OTLP_PASSWORD or THROUGHLINE_OTLP_TOKEN",
            );
            None
        }
        (None, Some(secret)) if secret.name.ends_with("TOKEN") => {
            let value = sender::bearer(&secret.value);
            if value.is_none() {
                environment.fault(&secret.name, "has characters that a header cannot hold; it is ignored");
            }
            value
        }
        (None, Some(secret)) => {
            environment.fault(&secret.name, "has no user; set THROUGHLINE_OTLP_USERNAME");
            None
        }
        (None, None) => None,
    }
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
