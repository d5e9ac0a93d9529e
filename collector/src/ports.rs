//! What a collector listens on.

use crate::{Config, Error, Port, Token};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// Where a collector listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) grpc: Option<SocketAddr>,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) view: Option<SocketAddr>,
    pub(crate) health: Option<SocketAddr>,
    pub(crate) prometheus: Option<SocketAddr>,
}

impl Addresses {
    /// The address of a page of the view, with the token in it, if there is one.
    pub(crate) fn view_url(&self, token: Option<&Token>, path: &str) -> Option<String> {
        let mut address = self.view?;
        // Who listens everywhere listens on this machine, too.
        match address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let token = token.map(|token| format!("?token={}", token.as_str()));
        Some(format!("http://{address}/{path}{}", token.unwrap_or_default()))
    }
}

/// What listens.
pub(crate) struct Ports {
    pub(crate) grpc: Option<TcpListener>,
    pub(crate) http: Option<TcpListener>,
    pub(crate) view: Option<TcpListener>,
    pub(crate) health: Option<TcpListener>,
    pub(crate) prometheus: Option<TcpListener>,
    /// Those of the configuration, in its order.
    pub(crate) others: Vec<TcpListener>,
}

impl Ports {
    pub(crate) fn bind(config: &Config) -> Result<Self, Error> {
        let view = "THROUGHLINE_COLLECTOR_VIEW";
        if let Some(address) =
            config.view.filter(|address| !address.ip().is_loopback() && config.view_token.is_none())
        {
            return Err(Error::not_loopback(address, view));
        }
        let other = |port: &Port| {
            let part = format!("the OTLP address of {}", port.source);
            bind(&part, Some(port.address), "its endpoint").transpose()
        };
        Ok(Ports {
            others: config.ports.iter().filter_map(other).collect::<Result<_, _>>()?,
            grpc: bind("the OTLP/gRPC address", config.grpc, "THROUGHLINE_COLLECTOR_GRPC")?,
            http: bind("the OTLP/HTTP address", config.http, "THROUGHLINE_COLLECTOR_HTTP")?,
            view: bind("the view's address", config.view, view)?,
            health: bind("the address for health", config.health, "health")?,
            prometheus: bind("the address for Prometheus", config.prometheus, "prometheus")?,
        })
    }

    pub(crate) fn addresses(&self) -> Addresses {
        let address = |listener: &Option<TcpListener>| listener.as_ref().and_then(|l| l.local_addr().ok());
        Addresses {
            grpc: address(&self.grpc),
            http: address(&self.http),
            view: address(&self.view),
            health: address(&self.health),
            prometheus: address(&self.prometheus),
        }
    }
}

fn bind(part: &str, address: Option<SocketAddr>, variable: &str) -> Result<Option<TcpListener>, Error> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map(Some).map_err(|fault| Error::bind(part, address, variable, fault))
}
