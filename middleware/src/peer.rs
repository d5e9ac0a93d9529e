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
/// it puts it there: a server on a unix socket, a client that says where it connected to. hyper-util's client
/// does, inside the client layer:
///
/// ```
/// use http::Response;
/// use hyper_util::client::legacy::connect::HttpInfo;
/// use throughline_middleware::Peer;
///
/// fn with_peer<B>(mut response: Response<B>) -> Response<B> {
///     if let Some(info) = response.extensions().get::<HttpInfo>() {
///         let peer = Peer::Socket(info.remote_addr());
///         response.extensions_mut().insert(peer);
///     }
///     response
/// }
/// # let layer = tower::util::MapResponseLayer::new(with_peer::<String>);
/// # let _ = tower::ServiceBuilder::new().layer(layer);
/// ```
///
/// And tonic's own server, outside of the server layer:
///
/// ```
/// use http::Request;
/// use throughline_middleware::{Peer, ServerLayer};
/// use tonic::{body::Body, transport::{Server, server::TcpConnectInfo}};
/// use tower::util::MapRequestLayer;
///
/// fn with_peer(mut request: Request<Body>) -> Request<Body> {
///     let info = request.extensions().get::<TcpConnectInfo>();
///     if let Some(address) = info.and_then(TcpConnectInfo::remote_addr) {
///         request.extensions_mut().insert(Peer::Socket(address));
///     }
///     request
/// }
/// let server = Server::builder().layer(MapRequestLayer::new(with_peer)).layer(ServerLayer::default());
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
    pub(crate) fn tell(&self, address: StringValue, told: &mut Vec<KeyValue>) {
        told.push(KeyValue::new(attributes::NETWORK_PEER_ADDRESS, address));
        if let Self::Socket(socket) = self {
            told.push(KeyValue::new(attributes::NETWORK_PEER_PORT, i64::from(socket.port())));
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
