//! What a collector listens on and how much it keeps.

mod receive; // from whom, and how

pub use receive::{Cors, Receive, Tls};

use crate::Error;
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// One mebibyte, in bytes.
const MIB: usize = 1024 * 1024;

/// What a collector listens on and how much it keeps: plain data.
///
/// ```
/// let mut config = throughline_collector::Config::default();
/// config.grpc = None; // no gRPC port
/// config.max_bytes = 16 * 1024 * 1024;
/// assert_eq!(config.view.unwrap().port(), 4319);
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Config {
    /// Where OTLP/gRPC is taken; `None`: nowhere; port 0: any free port. Default: 127.0.0.1:4317 (O-050, O-070).
    pub grpc: Option<SocketAddr>,
    /// Where OTLP/HTTP is taken; `None`: nowhere; port 0: any free port. Default: 127.0.0.1:4318 (O-060, O-070).
    pub http: Option<SocketAddr>,
    /// Where the view is; `None`: nowhere; port 0: any free port. Only a loopback address is allowed, since
    /// the view has no authentication yet. Default: 127.0.0.1:4319.
    pub view: Option<SocketAddr>,
    /// How many bytes are kept, request bodies and index together; the oldest requests leave first, of the signal
    /// that is furthest over its share: half for spans, a quarter for measurements and log records. Default: 64 MiB.
    pub max_bytes: usize,
    /// How many traces are kept; those leave first of which nothing came for the longest time. Those known from log
    /// records only count as well. Default: 10,000.
    pub max_traces: usize,
    /// The largest request, before and after decompression (O-054, O-065). Default: 64 MiB.
    pub max_request_bytes: usize,
    /// How long a client may take to send the headers of a request, again to send its body, and again to read the
    /// answer; and how long a connection may be without a request (O-072). Default: 30 s.
    pub request_timeout: Duration,
    /// Who may send, and how it is kept from others on the way.
    pub receive: Receive,
}

impl Default for Config {
    fn default() -> Self {
        let loopback = |port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        Config {
            grpc: loopback(4317),
            http: loopback(4318),
            view: loopback(4319),
            max_bytes: 64 * MIB,
            max_traces: 10_000,
            max_request_bytes: 64 * MIB,
            request_timeout: Duration::from_secs(30),
            receive: Receive::default(),
        }
    }
}

impl Config {
    /// Nothing could be taken within a bound of zero.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let bounds = [
            ("max_bytes", self.max_bytes == 0),
            ("max_traces", self.max_traces == 0),
            ("max_request_bytes", self.max_request_bytes == 0),
            ("request_timeout", self.request_timeout.is_zero()),
            ("max_requests", self.receive.max_requests == 0),
        ];
        match bounds.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(Error::zero(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // O-050, O-060, O-070
    #[test]
    fn the_ports_are_those_of_otlp_and_of_this_machine_only() {
        let Config { grpc, http, view, receive, .. } = Config::default();
        let addresses = [grpc, http, view].map(|address| address.unwrap().to_string());
        assert_eq!(addresses, ["127.0.0.1:4317", "127.0.0.1:4318", "127.0.0.1:4319"]);
        assert!(receive.tls.is_none() && receive.credentials.is_empty() && receive.cors.is_none());
    }
}
