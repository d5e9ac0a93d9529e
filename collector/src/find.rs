//! Asks at an address whether a collector already runs there, and what it keeps of a trace.

use crate::{Token, time::printable};
use serde::Deserialize;
use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// What the status of every throughline collector calls itself.
pub(crate) const NAME: &str = "throughline";

/// The longest time for connecting, and again for the whole answer. A collector on the same machine needs a
/// thousandth of it, unless the machine is very busy.
const LIMIT: Duration = Duration::from_secs(2);

/// A status is a few hundred bytes, and as many for each destination.
const MAX_ANSWER: usize = 64 * 1024;

/// A trace is asked for by people, who wait longer; an export has at most 64 MiB.
const PATIENCE: Duration = Duration::from_secs(30);
const MAX_EXPORT: usize = 65 * 1024 * 1024;

/// A collector that runs already, in this program or another one.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Where it takes OTLP/HTTP on loopback; `None` when it does not.
    pub otlp_http: Option<SocketAddr>,
    /// Where it takes OTLP/gRPC on loopback; `None` when it does not.
    pub otlp_grpc: Option<SocketAddr>,
    /// The address of its view.
    pub view: SocketAddr,
    /// Its version.
    pub version: String,
}

#[derive(Deserialize)]
struct Status {
    collector: String,
    version: String,
    otlp_http: Option<SocketAddr>,
    otlp_grpc: Option<SocketAddr>,
}

/// Asks at the address of a view which collector runs there; `None`: none, or something else.
///
/// Blocks for 4 s at most, and no longer than the answer takes. A program that could not bind the ports of its own
/// collector sends to the one that it finds here; whatever answers can name loopback addresses only, so that nobody
/// can lead telemetry off the machine.
pub fn find(view: SocketAddr) -> Option<Running> {
    let answer = ask(view, "/api/status", None, LIMIT, MAX_ANSWER).ok()?;
    let text = str::from_utf8(&answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return None;
    }
    let status: Status = serde_json::from_str(body).ok()?;
    if status.collector != NAME {
        return None;
    }
    let (otlp_http, otlp_grpc) = (status.otlp_http.and_then(local), status.otlp_grpc.and_then(local));
    Some(Running { otlp_http, otlp_grpc, view, version: status.version })
}

/// What the collector whose view is at an address keeps of a trace, as [`Collector::export`](crate::Collector::export)
/// writes it; `None`: nothing. The token is that of the view, if it has one. Blocks for a minute at most.
///
/// # Errors
/// Nobody answers there, or something else than a collector does.
pub fn fetch(view: SocketAddr, token: Option<&Token>, trace_id: &str) -> io::Result<Option<Vec<u8>>> {
    let told = |error: io::Error| io::Error::new(error.kind(), format!("no view answers at {view}: {error}"));
    let id: String = trace_id.chars().filter(char::is_ascii_hexdigit).collect();
    let answer = ask(view, &format!("/api/export?trace={id}"), token, PATIENCE, MAX_EXPORT).map_err(told)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
    match answer.get(..13) {
        Some(b"HTTP/1.1 200 ") => Ok(Some(answer.get(end + 4..).unwrap_or_default().to_vec())),
        Some(b"HTTP/1.1 404 ") => Ok(None),
        _ => {
            let line: String = answer
                .iter()
                .take_while(|byte| **byte != b'\r')
                .take(80)
                .map(|byte| char::from(*byte))
                .collect();
            Err(told(io::Error::other(format!("it says {}", printable(&line)))))
        }
    }
}

/// Who listens everywhere listens on loopback too.
fn local(address: SocketAddr) -> Option<SocketAddr> {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    ip.is_loopback().then(|| SocketAddr::new(ip, address.port()))
}

/// The whole answer to one request, until the other side closes.
fn ask(
    view: SocketAddr,
    path: &str,
    token: Option<&Token>,
    limit: Duration,
    most: usize,
) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&view, limit)?;
    let deadline = Instant::now() + limit;
    stream.set_write_timeout(Some(limit))?;
    let shown = token.map(|token| format!("authorization: Bearer {}\r\n", token.as_str()));
    let shown = shown.unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {view}\r\n{shown}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        // A read timeout of zero is not allowed, and a drop at a time must not add up.
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        stream.set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
        match stream.read(&mut piece)? {
            0 => return Ok(answer),
            count if answer.len() + count > most => return Err(io::ErrorKind::FileTooLarge.into()),
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
}
