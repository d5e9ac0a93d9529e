//! Who the members are, asked again and again.

use super::{Group, desk::Desk};
use crate::Remote;
use http::Uri;
use std::{
    collections::BTreeMap,
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// Members that are looked for.
///
/// What is found replaces what was found before. Where nothing is found, or the search fails, everything stays as it is.
#[derive(Clone)]
#[non_exhaustive]
pub struct Discovery {
    /// What all members have in common. The host of the URL is the name in requests and for TLS, whichever address they go
    /// to.
    pub remote: Remote,
    /// How often they are looked for. Default: 5 s; at least 100 ms.
    pub interval: Duration,
    /// How long that may take until it is told as a fault. Default: 1 s; at least 100 ms.
    pub timeout: Duration,
    find: Arc<dyn Find>,
}

impl Discovery {
    /// All addresses that the host of the URL has in DNS, at the port of the URL.
    pub fn dns(remote: Remote) -> Self {
        let (url, is_secure) = (&remote.url, remote.url.scheme_str() == Some("https"));
        let port = url.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Discovery::new(remote, Dns { host, port })
    }

    /// Those that something else finds: a list of endpoints in Kubernetes or Consul, say.
    pub fn new(remote: Remote, find: impl Find) -> Self {
        let (interval, timeout) = (Duration::from_secs(5), Duration::from_secs(1));
        Discovery { remote, interval, timeout, find: Arc::new(find) }
    }

    /// The members at these addresses.
    fn members(&self, addresses: Vec<SocketAddr>) -> Result<Vec<Remote>, String> {
        if addresses.is_empty() {
            return Err("nobody is there".to_owned());
        }
        let members = addresses.into_iter().map(|address| (address.to_string(), address));
        // Some name servers say the same address twice.
        BTreeMap::from_iter(members).into_values().map(|address| self.member(address)).collect()
    }

    fn member(&self, address: SocketAddr) -> Result<Remote, String> {
        let mut parts = self.remote.url.clone().into_parts();
        let authority = match self.remote.url.host().unwrap_or_default() {
            // An address is where one goes, whatever else is said.
            host if is_address(host) => address.to_string(),
            host => format!("{host}:{}", address.port()),
        };
        let authority = authority.parse();
        parts.authority = Some(authority.map_err(|fault: http::uri::InvalidUri| fault.to_string())?);
        let url = Uri::from_parts(parts).map_err(|fault| fault.to_string())?;
        Ok(Remote { url, address: Some(address.ip()), ..self.remote.clone() })
    }

    /// Looks for members for as long as the group lives.
    pub(super) async fn watch(self, group: Weak<Group>) {
        const LEAST: Duration = Duration::from_millis(100);
        let mut finding = self.find.find();
        loop {
            let limit = self.timeout.max(LEAST);
            let found = timeout(limit, &mut finding).await;
            let Some(group) = group.upgrade() else { return };
            let is_answered = found.is_ok();
            let updated = match found {
                Ok(found) => found.map_err(|error| error.to_string()).and_then(|addresses| {
                    Desk::update(&group, self.members(addresses)?).map_err(|fault| fault.to_string())
                }),
                Err(_) => Err(format!("no answer within {limit:?}")),
            };
            if let Err(fault) = updated {
                group.complain(format!("members of {} cannot be found: {fault}", self.remote));
            }
            group.part_with_those_that_left().await;
            drop(group);
            // A search that takes longer goes on: one that hangs must not become many.
            if is_answered {
                sleep(self.interval.max(LEAST)).await;
                finding = self.find.find();
            }
        }
    }
}

fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Discovery { remote, interval, timeout, .. } = self;
        let mut shown = f.debug_struct("Discovery");
        shown
            .field("remote", remote)
            .field("interval", interval)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

/// Finds the members of a [`Balance`](super::Balance).
pub trait Find: Send + Sync + 'static {
    /// The addresses at which they are now, in any order.
    ///
    /// # Errors
    /// If that cannot be known now: then the members stay those that were found before.
    fn find(&self) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>>;
}

/// By the resolver of the system.
struct Dns {
    host: String,
    port: u16,
}

impl Find for Dns {
    fn find(&self) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>> {
        Box::pin(async { Ok(tokio::net::lookup_host((&*self.host, self.port)).await?.collect()) })
    }
}
