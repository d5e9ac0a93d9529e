//! What a collector listens on and how much it keeps.

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where OTLP/gRPC is taken; `None`: nowhere; port 0: any free port. Default: 127.0.0.1:4317 (O-050, O-070).
    pub grpc: Option<SocketAddr>,
    /// Where OTLP/HTTP is taken; `None`: nowhere; port 0: any free port. Default: 127.0.0.1:4318 (O-060, O-070).
    pub http: Option<SocketAddr>,
    /// Where the view is; `None`: nowhere; port 0: any free port. Only a loopback address is allowed, since
    /// the view has no authentication yet. Default: 127.0.0.1:4319.
    pub view: Option<SocketAddr>,
    /// How many bytes are kept, request bodies and index together; the oldest requests leave first.
    /// Default: 64 MiB.
    pub max_bytes: usize,
    /// How many traces are kept; the oldest leave first. Those known from log records only count as well.
    /// Default: 10,000.
    pub max_traces: usize,
    /// The largest request, before and after decompression (O-054, O-065). Default: 64 MiB.
    pub max_request_bytes: usize,
    /// How long a client may take to send the headers of a request, and again to send its body (O-072).
    /// Default: 30 s.
    pub request_timeout: Duration,
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
        }
    }
}
