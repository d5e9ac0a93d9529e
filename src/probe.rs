//! Whether a configuration would work, found out before anything is recorded.
//!
//! ```
//! use throughline::{Config, probe::probe};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let vars = [
//!     ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), // nothing listens there
//!     ("OTEL_METRICS_EXPORTER", "none"),
//!     ("OTEL_LOGS_EXPORTER", "none"),
//! ];
//! let findings = probe(&Config::from_vars(vars)).await;
//!
//! assert_eq!(findings.len(), 1);
//! assert!(findings[0].fault.as_deref().is_some_and(|fault| fault.starts_with("cannot reach http://127.0.0.1:9/")));
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//! Each destination is sent one request without content, in its own protocol, with its own headers, and
//! compressed as it would be. OTLP asks every receiver to take such a request (O-052). Where that fails, a few more tries
//! on the same host find out what would work, and [`Finding::advice`] says what to set: the other protocol,
//! `https` for `http`, the path that is right, no compression, the port next door. Headers and credentials go nowhere
//! but to the host and port that the configuration names, and never in plain text where it asks for TLS.
//!
//! `throughline check` (feature `cli`) prints all this, with every variable, for the terminal of whoever operates the service.
//!
//! # Limits
//! Destinations are asked at the same time; an attempt takes at most the destination's own timeout and at most 10 s, each
//! further try at most 2 s. Clocks are compared to the second, by the `Date` of the answer: more than 30 s is told.

mod reach; // whether anybody is there
mod advice; // how to write what would work
mod start; // what fails before anything could be sent

use self::{
    advice::Hand,
    reach::{Unreached, reach},
};
use crate::{
    config::Config,
    sender::{self, Answer, Compression, Destination, Heard, Protocol, Remote, Signal},
};
use http::{Uri, uri::PathAndQuery};
use std::{
    fmt,
    time::{Duration, SystemTime},
};
use tokio::task::JoinSet;

/// The longest wait for a destination's answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest wait for the answer to one further try.
const FURTHER_PATIENCE: Duration = Duration::from_secs(2);
/// Clocks that differ by less are not worth a word: a `Date` has whole seconds and was under way.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);
/// Where Prometheus takes measurements (B-001).
const PROMETHEUS: &str = "api/v1/otlp/v1/metrics";

/// A port where OTLP is usually taken.
struct Door {
    port: u16,
    protocol: Protocol,
    path: fn(Signal) -> Option<&'static str>,
}

const DOORS: [Door; 3] = [
    Door { port: 4318, protocol: Protocol::HttpProtobuf, path: |signal| Some(signal.http_path()) },
    Door { port: 4317, protocol: Protocol::Grpc, path: |_| Some("") },
    Door {
        port: 9090,
        protocol: Protocol::HttpProtobuf,
        path: |signal| (signal == Signal::Metrics).then_some(PROMETHEUS),
    },
];

/// What was found out about one signal on its way to one destination. `Display` is one line, and one more for each advice
/// and warning.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// Which signal.
    pub signal: Signal,
    /// Where to, without secrets.
    pub destination: String,
    /// What decided it: the name of a variable, `default`, or `set in code`. `None`: it is in this program.
    pub decided_by: Option<String>,
    /// Why it would not get there; `None` if it would.
    pub fault: Option<String>,
    /// What to set so that it would, where that was found out.
    pub advice: Option<String>,
    /// What works but should not stay so: clocks that differ, words of the other side.
    pub warnings: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.signal.name(), self.destination)?;
        self.decided_by.iter().try_for_each(|decider| write!(f, " ({decider})"))?;
        f.write_str(": ")?;
        f.write_str(self.fault.as_deref().unwrap_or("works"))?;
        let more = self.advice.iter().chain(&self.warnings);
        more.into_iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// Asks every destination of a configuration. Must be called in a Tokio runtime with time and IO; nothing is recorded, and
/// nothing goes out but requests without content.
///
/// What would fail the start is the fault of each signal that it takes away: a configuration file that cannot be used, an
/// endpoint that cannot be understood, a [directory](crate::config::Queue::directory) that cannot be written, a port of
/// the view that another program has. The view is opened for as long as this takes.
pub async fn probe(config: &Config) -> Vec<Finding> {
    let start = match start::attempt(config).await {
        Ok(start) => start,
        Err(findings) => return findings,
    };
    let mut findings = ask(&start.config).await;
    for finding in &mut findings {
        let faults = finding.fault.take().into_iter().chain(start.faults.iter().cloned());
        finding.fault = faults.reduce(|faults, fault| format!("{faults}; {fault}"));
    }
    start.close().await;
    findings
}

async fn ask(config: &Config) -> Vec<Finding> {
    let mut asked = JoinSet::new();
    for signal in Signal::ALL.into_iter().filter(|_| !config.disabled) {
        let export = config.export(signal);
        if let Some(finding) = start::unusable(config, signal) {
            let place = asked.len();
            asked.spawn(async move { (place, finding) });
        }
        for destination in &export.destinations {
            let (place, decided_by) = (asked.len(), export.decider(destination));
            let hand = Hand::of(config, signal, decided_by.as_deref());
            let destination = destination.clone();
            asked.spawn(async move { (place, examine(signal, destination, decided_by, hand).await) });
        }
    }
    #[cfg(feature = "prometheus")]
    if let Some(scrape) = config.scrape.clone().filter(|_| !config.disabled) {
        let place = asked.len();
        asked.spawn(async move { (place, start::page(scrape).await) });
    }
    let mut findings = asked.join_all().await;
    findings.sort_by_key(|(place, _)| *place);
    findings.into_iter().map(|(_, finding)| finding).collect()
}

async fn examine(
    signal: Signal,
    destination: Destination,
    decided_by: Option<String>,
    hand: Hand,
) -> Finding {
    let words = destination.to_string();
    let mut finding =
        Finding { signal, destination: words, decided_by, fault: None, advice: None, warnings: vec![] };
    let Destination::Remote(mut remote) = destination else { return finding };
    if remote.timeout.is_zero() || remote.timeout > PATIENCE {
        remote.timeout = PATIENCE;
    }
    let probed = match sender::probe(signal, &remote).await {
        Ok(probed) => probed,
        Err(error) => {
            finding.fault = Some(error.to_string());
            return finding;
        }
    };
    finding.warnings.extend(probed.date.and_then(|date| clocks(date, SystemTime::now())));
    match probed.answer {
        Answer::Taken { message, .. } => {
            finding.warnings.extend(Some(message).filter(|message| !message.is_empty()));
        }
        Answer::Refused { cause }
        | Answer::Malformed { cause }
        | Answer::TooLarge { cause }
        | Answer::Busy { cause, .. }
        | Answer::Unanswered { cause, .. } => {
            finding.fault = Some(cause);
            // Somebody who knows OTLP and does not know us: another way in would be refused too.
            if probed.heard != Heard::Unauthorized {
                finding.advice = diagnose(signal, remote, hand, finding.decided_by.as_deref()).await;
            }
        }
    }
    finding
}

/// Half a sentence about clocks that are too far apart.
fn clocks(theirs: SystemTime, ours: SystemTime) -> Option<String> {
    let (apart, word) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let apart = Duration::from_secs(apart.as_secs());
    (apart > CLOCK_TOLERANCE).then(|| {
        let apart = humantime::format_duration(apart);
        format!("the clock of this machine is {apart} {word} theirs; what carries the wrong time is misplaced or refused")
    })
}

/// What to set so that it works.
async fn diagnose(signal: Signal, mut remote: Remote, hand: Hand, decider: Option<&str>) -> Option<String> {
    remote.timeout = remote.timeout.min(FURTHER_PATIENCE);
    let (host, port) = place(&remote.url)?;
    if let Err(unreached) = reach(&host, port).await {
        let known = !matches!(unreached, Unreached::Unknown { .. });
        let door = if known { next_door(signal, &remote, port, &DOORS, hand).await } else { None };
        // What the fault says itself is not said again.
        let said = remote.advice.is_empty().then(|| advice::reach(hand, signal, decider, &unreached));
        return door.or(said);
    }
    for (variant, advice) in variants(signal, &remote, hand) {
        if works(signal, &variant).await {
            return Some(advice);
        }
    }
    None
}

/// Nothing listens where it should: other ports of the same host, without headers and credentials.
async fn next_door(signal: Signal, remote: &Remote, port: u16, doors: &[Door], hand: Hand) -> Option<String> {
    let (host, _) = place(&remote.url)?;
    for Door { port: door, protocol, path } in doors.iter().filter(|door| door.port != port) {
        let Some(path) = path(signal) else { continue };
        let Ok(url) = format!("http://{host}:{door}/{path}").parse() else { continue };
        if works(signal, &Remote { timeout: FURTHER_PATIENCE, ..Remote::new(*protocol, url) }).await {
            let (write, url) = (hand.write(), format!("http://{host}:{door}/{path}"));
            return Some(format!(
                "nothing listens on port {port}, but {protocol} is taken on port {door}: {write} {}",
                hand.door(signal, *protocol, &url),
            ));
        }
    }
    None
}

/// What people mean when they write what does not work, each with the words that mend it.
fn variants(signal: Signal, remote: &Remote, hand: Hand) -> Vec<(Remote, String)> {
    let (mut variants, write) = (Vec::new(), hand.write());
    if remote.compression != Compression::None {
        let advice = format!("it takes what is not compressed: {write} {}", hand.uncompressed(signal));
        variants.push((Remote { compression: Compression::None, ..remote.clone() }, advice));
    }
    let (protocol, path) = match remote.protocol {
        Protocol::Grpc => (Protocol::HttpProtobuf, signal.http_path()),
        _ => (Protocol::Grpc, ""),
    };
    if let Some(url) = with_path(&remote.url, path) {
        let advice =
            format!("it speaks {protocol}: {write} {}", hand.protocol(signal, protocol, &shown(&url)));
        variants.push((Remote { protocol, url, ..remote.clone() }, advice));
    }
    if remote.url.scheme_str() == Some("http")
        && let Some(url) = with_scheme(&remote.url, "https")
    {
        let advice = format!("it speaks TLS: write https:// in {}", hand.place(signal));
        variants.push((Remote { url, ..remote.clone() }, advice));
    } else if let Some(url) = with_scheme(&remote.url, "http") {
        // Without headers and credentials: they are not for everybody on the way.
        let advice = format!("it speaks plain text: write http:// in {}", hand.place(signal));
        variants.push((Remote { timeout: remote.timeout, ..Remote::new(remote.protocol, url) }, advice));
    }
    if remote.protocol != Protocol::Grpc {
        let own = remote.url.path().trim_end_matches('/');
        let below = format!("{}/{}", own.trim_start_matches('/'), signal.http_path());
        let gateway = format!("otlp/{}", signal.http_path());
        let mut known = vec![below.trim_start_matches('/'), signal.http_path(), &gateway];
        known.extend((signal == Signal::Metrics).then_some(PROMETHEUS));
        for path in known {
            let Some(url) = with_path(&remote.url, path) else { continue };
            let advice = format!("the path that is right: {write} {}", hand.endpoint(signal, &shown(&url)));
            variants.push((Remote { url, ..remote.clone() }, advice));
        }
    }
    variants
}

/// Whether somebody answers there who knows OTLP, if not us.
async fn works(signal: Signal, remote: &Remote) -> bool {
    let probed = sender::probe(signal, remote).await;
    probed.is_ok_and(|probed| matches!(probed.heard, Heard::Welcome | Heard::Unauthorized))
}

fn place(url: &Uri) -> Option<(String, u16)> {
    let default = if url.scheme_str() == Some("https") { 443 } else { 80 };
    Some((url.host()?.to_owned(), url.port_u16().unwrap_or(default)))
}

fn with_path(url: &Uri, path: &str) -> Option<Uri> {
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("/{path}")).ok()?);
    Uri::from_parts(parts).ok()
}

fn with_scheme(url: &Uri, scheme: &str) -> Option<Uri> {
    let mut parts = url.clone().into_parts();
    parts.scheme = Some(scheme.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Without user, password and query.
fn shown(url: &Uri) -> String {
    Remote::new(Protocol::HttpProtobuf, url.clone()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::AUTHORIZATION;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    // B-031: credentials are for the port that was named.
    #[tokio::test]
    async fn the_port_next_door_is_named_and_is_told_no_secret() {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = door.local_addr().unwrap().port();
        let heard = tokio::spawn(async move {
            let (mut caller, _) = door.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = caller.read(&mut request).await.unwrap();
            caller.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let remote = Remote::new(Protocol::Grpc, "http://127.0.0.1:9".parse().unwrap())
            .header(AUTHORIZATION, sender::basic("me", "hush"));
        let doors =
            [Door { port, protocol: Protocol::HttpProtobuf, path: |signal| Some(signal.http_path()) }];
        let advice = next_door(Signal::Logs, &remote, 9, &doors, Hand::Variables).await.unwrap();
        assert_eq!(
            advice,
            format!(
                "nothing listens on port 9, but http/protobuf is taken on port {port}: set \
                 OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/protobuf and \
                 OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://127.0.0.1:{port}/v1/logs"
            )
        );
        let request = heard.await.unwrap().to_ascii_lowercase();
        assert!(
            request.starts_with("post /v1/logs http/1.1\r\n") && !request.contains("authorization"),
            "{request}"
        );
        assert_eq!(
            next_door(Signal::Logs, &remote, port, &doors, Hand::Variables).await,
            None,
            "the same port is no other"
        );
    }

    // Nothing that is meant for TLS goes out in plain text.
    #[test]
    fn the_plain_text_variant_has_no_headers() {
        let remote = Remote::new(Protocol::HttpProtobuf, "https://localhost:4318/v1/logs".parse().unwrap())
            .header(AUTHORIZATION, sender::basic("me", "hush"));
        for (variant, advice) in variants(Signal::Logs, &remote, Hand::Variables) {
            let plain = variant.url.scheme_str() == Some("http");
            assert_eq!(plain, variant.headers.is_empty(), "{advice}");
        }
    }
}
