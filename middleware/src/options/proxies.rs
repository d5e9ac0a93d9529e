use std::net::IpAddr;

use ipnet::IpNet;

use super::Invalid;

/// Whose forwarding headers are believed: by default nobody's, since anybody can send them.
///
/// A request that comes straight from a trusted proxy is told with what the proxy says of the original one:
/// `client.address`, `url.scheme`, `server.address` and `server.port`. The socket's peer stays the
/// `network.peer.address`.
///
/// Of a chain of proxies the client is the last address, read from the right, that is not itself trusted: what
/// a caller wrote to the left of it is not believed. Where everybody is trusted it is the left-most. A proxy that
/// does not tell (`unknown`, `_hidden`), or that tells no address, leaves the peer's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    trust: Trust,
    headers: ProxyHeaders,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Trust {
    #[default]
    Nobody,
    Networks(Vec<IpNet>),
    Everybody,
}

/// Which headers the proxies write. Only these are read: a proxy that writes one family passes the other on as
/// its caller sent it. One that writes only some of a family must remove the rest, which else counts as its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`. One that the proxy neither writes nor removes
    /// is its caller's word.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl TrustedProxies {
    /// Trusts proxies in these networks, or at these addresses: `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`.
    ///
    /// ```
    /// # use throughline_middleware::options::{ProxyHeaders, TrustedProxies};
    /// let proxies = TrustedProxies::networks(["10.0.0.0/8", "::1"])?.with_headers(ProxyHeaders::Forwarded);
    /// # Ok::<_, throughline_middleware::options::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// If one is neither a network nor an address.
    pub fn networks<N: AsRef<str>>(networks: impl IntoIterator<Item = N>) -> Result<Self, Invalid> {
        let parse = |network: N| {
            let network = network.as_ref().trim();
            let address = || network.parse::<IpAddr>().map(IpNet::from);
            network.parse::<IpNet>().or_else(|_| address()).map_err(|_| {
                Invalid::new(
                    network,
                    "is not a network; use an address, or an address and a length as in 10.0.0.0/8",
                )
            })
        };
        let networks = networks.into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { trust: Trust::Networks(networks), headers: ProxyHeaders::default() })
    }

    /// Trusts whoever reaches the service, also through a unix socket: only where nobody but proxies can, and the
    /// outermost of them replaces the headers that its callers send.
    #[must_use]
    pub fn everybody() -> Self {
        Self { trust: Trust::Everybody, headers: ProxyHeaders::default() }
    }

    /// Says which headers the proxies write. Default: `X-Forwarded-*`.
    #[must_use]
    pub fn with_headers(mut self, headers: ProxyHeaders) -> Self {
        self.headers = headers;
        self
    }

    pub(crate) fn headers(&self) -> ProxyHeaders {
        self.headers
    }

    /// Tells whether nobody is trusted, which is to say that no header has to be looked at.
    pub(crate) fn are_none(&self) -> bool {
        self.trust == Trust::Nobody
    }

    /// Tells whether what a peer says is believed; one without an address is a unix socket or unknown.
    pub(crate) fn believe(&self, peer: Option<IpAddr>) -> bool {
        match &self.trust {
            Trust::Nobody => false,
            Trust::Networks(networks) => {
                let peer = peer.map(|peer| peer.to_canonical());
                peer.is_some_and(|peer| networks.iter().any(|network| network.contains(&peer)))
            }
            Trust::Everybody => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn only_peers_in_the_networks_are_believed() {
        // H-065
        let proxies = TrustedProxies::networks(["10.0.0.0/8", " 192.0.2.7 ", "fd00::/8"]).unwrap();
        for (peer, is_believed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("11.1.2.3", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd12::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(proxies.believe(address(peer)), is_believed, "{peer}");
            assert!(!TrustedProxies::default().believe(address(peer)));
            assert!(TrustedProxies::everybody().believe(address(peer)));
        }
        assert!(!proxies.believe(None));
        assert!(TrustedProxies::everybody().believe(None));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for network in ["", "10.0.0.0/33", "10.0.0", "localhost", "*"] {
            let refused = TrustedProxies::networks([network]).unwrap_err();
            assert!(refused.to_string().starts_with(&format!("{network:?} is not a network")), "{refused}");
        }
    }
}
