//! Whom to trust, and who we are, on connections to an `https` URL.

#[cfg(feature = "tls")]
mod secure; // connectors that know TLS
#[cfg(feature = "tls")]
mod fault; // what may go wrong, in words
#[cfg(not(feature = "tls"))]
mod plain; // connectors that do not

#[cfg(feature = "tls")]
pub(crate) use fault::words;
#[cfg(not(feature = "tls"))]
pub(crate) use plain::{Connector, Connectors, words};
#[cfg(feature = "tls")]
pub(crate) use secure::{Connector, Connectors};

use std::path::PathBuf;

/// The PEM files of a destination, as the variables of OTLP name them (O-015). The default is the system's roots and no
/// certificate of our own.
///
/// ```
/// use throughline_sender::{Destination, Limits, Protocol, Remote, Sender, Signal, Tls};
///
/// let mut remote = Remote::new(Protocol::HttpProtobuf, "https://collector.example/v1/traces".parse()?);
/// remote.tls = Tls { certificate: Some("/no/such/authority.pem".into()), ..Tls::default() };
///
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// let _inside = runtime.enter();
/// let error = Sender::start(Signal::Traces, Destination::Remote(remote), Limits::default()).unwrap_err();
/// assert!(error.to_string().contains("/no/such/authority.pem"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Semantics
/// The files are read when the sender starts; one that cannot be read or used is an error that names it. When one of
/// them changes later, also by the swap of a link as Kubernetes does it, the next request makes a new connection with
/// what they hold now. If that cannot be used, it is said once, and what was read before stays in use. With an `http`
/// URL they are not read.
///
/// # Limits
/// A file is read up to 1 MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The certificates of the authorities that may vouch for the server, instead of the system's roots. Default: the
    /// system's roots, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    pub certificate: Option<PathBuf>,
    /// Our own certificate, with those between it and its root behind it. Default: none; needs the key.
    pub client_certificate: Option<PathBuf>,
    /// The private key of our certificate: PKCS #8, PKCS #1 or SEC 1, not encrypted. Default: none; needs the certificate.
    pub client_key: Option<PathBuf>,
}
