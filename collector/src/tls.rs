//! The server's side of TLS.

#[cfg(feature = "tls")]
mod secure; // with it
#[cfg(not(feature = "tls"))]
mod plain; // without it

#[cfg(not(feature = "tls"))]
pub(crate) use plain::Security;
#[cfg(feature = "tls")]
pub(crate) use secure::Security;
