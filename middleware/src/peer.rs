//! Who is at the other end of the socket.

use std::{net::SocketAddr, sync::Arc};

#[cfg(feature = "axum")]
use axum::extract::ConnectInfo;
use http::Extensions;
use opentelemetry::{KeyValue, StringValue};

use crate::attributes;

/// The other end of the connection, put into the extensions of a request (server) or of a response (client).
///
/// With the feature `axum` the server layer takes it from axum's `ConnectInfo<SocketAddr>`. Whatever else knows
/// it puts it there: a server on a unix socket, a connector that says where it connected to.
///
/// ```
/// use std::net::SocketAddr;
/// use http::{Request, Response};
/// use throughline_middleware::Peer;
/// use tower::{ServiceBuilder, util::{MapRequestLayer, MapResponseLayer}};
///
/// # fn remote(_response: &Response<String>) -> Option<SocketAddr> { None }
/// // Inside the client layer: with hyper-util's client, `remote` reads the extension `HttpInfo`.
/// let layer = MapResponseLayer::new(|mut response: Response<String>| {
///     if let Some(address) = remote(&response) {
///         response.extensions_mut().insert(Peer::Socket(address));
///     }
///     response
/// });
/// # let _ = ServiceBuilder::new().layer(layer);
///
/// // Outside the server layer, on a unix socket:
/// let layer = MapRequestLayer::new(|mut request: Request<String>| {
///     request.extensions_mut().insert(Peer::Unix("/run/shop.socket".into()));
///     request
/// });
/// # let _ = ServiceBuilder::new().layer(layer);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// An address and a port.
    Socket(SocketAddr),
    /// A unix socket, by its path.
    Unix(Arc<str>),
}

impl Peer {
    /// Finds the peer of a request that arrived.
    pub(crate) fn of_request(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned().or_else(|| connected(extensions))
    }

    /// Finds the peer of a response that arrived.
    pub(crate) fn of_response(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Self>()
    }

    /// Returns the address as it is told: a listener for both families shows IPv4 peers as mapped IPv6 ones.
    pub(crate) fn address(&self) -> StringValue {
        match self {
            Self::Socket(socket) => attributes::address(socket.ip()),
            Self::Unix(path) => Arc::clone(path).into(),
        }
    }

    /// Tells a span address and port.
    pub(crate) fn tell(&self, address: StringValue, set: &mut dyn FnMut(KeyValue)) {
        set(KeyValue::new(attributes::NETWORK_PEER_ADDRESS, address));
        if let Self::Socket(socket) = self {
            set(KeyValue::new(attributes::NETWORK_PEER_PORT, i64::from(socket.port())));
        }
    }
}

#[cfg(feature = "axum")]
fn connected(extensions: &Extensions) -> Option<Peer> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| Peer::Socket(info.0))
}

#[cfg(not(feature = "axum"))]
fn connected(_extensions: &Extensions) -> Option<Peer> {
    None
}
