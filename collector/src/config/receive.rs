//! Who may send to a collector, and how it is kept from others on the way.

use std::{path::PathBuf, time::Duration};
use throughline_sender::Credentials;

/// How telemetry is received: plain data. The default is for loopback: no encryption, no authentication, no pages of
/// other sites.
///
/// ```
/// use throughline_collector::{Config, Tls};
/// use throughline_sender::{Credentials, Secret};
///
/// let mut config = Config::default();
/// config.http = Some(([0, 0, 0, 0], 4318).into());
/// config.receive.tls = Some(Tls {
///     certificate: "/var/run/secrets/otlp/tls.crt".into(),
///     key: "/var/run/secrets/otlp/tls.key".into(),
///     client_authority: None,
/// });
/// config.receive.credentials = vec![Credentials::Bearer(Secret::file("/var/run/secrets/otlp/token"))];
/// ```
///
/// # Semantics
/// All of it holds for both ports of OTLP, not for the view. A file that cannot be used fails the start. Files are read
/// again when they change, which holds for the next connection or request. A certificate that can no longer be read
/// leaves the one before in use; a secret that can no longer be read lets nobody in with it. Either is said once.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Receive {
    /// Encryption. Default: none.
    pub tls: Option<Tls>,
    /// Who may send: whoever shows one of these, so that one can be replaced by another without a gap. Compared in
    /// constant time, before the body is read; others get 401 or `UNAUTHENTICATED`. Default: everybody.
    pub credentials: Vec<Credentials>,
    /// Which pages of other sites may send (O-069). Default: none.
    pub cors: Option<Cors>,
    /// The largest request here, before and after decompression, if that is less than
    /// [`Config::max_request_bytes`](crate::Config::max_request_bytes). Default: `None`, that holds.
    pub max_request_bytes: Option<usize>,
    /// How many requests may be under way at a time, over all connections; more are told to come again before they are
    /// read (O-055, O-066). Default: 1,024.
    pub max_requests: usize,
}

impl Default for Receive {
    fn default() -> Self {
        Receive {
            tls: None,
            credentials: Vec::new(),
            cors: None,
            max_request_bytes: None,
            max_requests: 1024,
        }
    }
}

/// The PEM files of a server. TLS 1.2 and 1.3 are spoken, HTTP/1.1 and HTTP/2 are offered (ALPN). Needs the feature `tls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The collector's certificate, with those between it and its root behind it.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PathBuf,
    /// The authorities that vouch for clients: without a certificate of theirs nobody connects (mTLS). Default: clients
    /// need none.
    pub client_authority: Option<PathBuf>,
}

/// Which pages of other sites may send telemetry over HTTP, told to their browsers by CORS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// The origins, such as `https://shop.example`; `*` stands for any number of characters. Default: none.
    pub origins: Vec<String>,
    /// The headers that their requests may have besides those that browsers always allow; `*` alone: any.
    /// Default: `content-type`.
    pub headers: Vec<String>,
    /// How long a browser remembers the answer; in whole seconds. Default: two hours.
    pub max_age: Duration,
}

impl Default for Cors {
    fn default() -> Self {
        Cors {
            origins: Vec::new(),
            headers: vec!["content-type".to_owned()],
            max_age: Duration::from_secs(7200),
        }
    }
}
