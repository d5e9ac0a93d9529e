//! Asks whether a collector already runs at an address.

use serde::Deserialize;
use std::{
    io::{Read, Write},
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
    let answer = ask(view)?;
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
fn ask(view: SocketAddr) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&view, LIMIT).ok()?;
    let deadline = Instant::now() + LIMIT;
    stream.set_write_timeout(Some(LIMIT)).ok()?;
    let request = format!("GET /api/status HTTP/1.1\r\nhost: {view}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut piece = [0; 2048];
    loop {
        // A read timeout of zero is not allowed, and a drop at a time must not add up.
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        stream.set_read_timeout(Some(left)).ok()?;
        match stream.read(&mut piece).ok()? {
            0 => return Some(answer),
            count if answer.len() + count > MAX_ANSWER => return None,
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
}
