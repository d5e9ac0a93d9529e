//! Where a host is: as the system says, or as was said before.

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};
use tower_service::Service;

/// Answers with one address, or asks the system.
#[derive(Clone)]
pub(crate) enum Resolver {
    Known(IpAddr),
    System(GaiResolver),
}

impl Resolver {
    pub(crate) fn new(address: Option<IpAddr>) -> Self {
        address.map_or_else(|| Resolver::System(GaiResolver::new()), Resolver::Known)
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Resolver::Known(_) => Poll::Ready(Ok(())),
            Resolver::System(resolver) => resolver.poll_ready(context),
        }
    }

    fn call(&mut self, name: Name) -> Self::Future {
        match self {
            // The port is that of the URL.
            Resolver::Known(address) => {
                let found = vec![SocketAddr::new(*address, 0)].into_iter();
                Box::pin(async { Ok(found) })
            }
            Resolver::System(resolver) => {
                let resolving = resolver.call(name);
                Box::pin(async { Ok(resolving.await?.collect::<Vec<_>>().into_iter()) })
            }
        }
    }
}
