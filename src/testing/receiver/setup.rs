//! What a receiver asks of those who send.

use super::Receiver;
#[cfg(feature = "tls")]
use super::tls;
use crate::{sender, testing::fail};
use std::net::IpAddr;

/// What a receiver asks of those who send; made by [`Receiver::setup`].
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where the standard ports are opened; `None`: free ports of the loopback.
    pub(super) node: Option<IpAddr>,
    pub(super) base_path: String,
    /// The values of `Authorization` that are let in; empty: everybody is.
    pub(super) credentials: Vec<String>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<tls::Tls>,
}

impl Setup {
    /// Listens on the ports of the standard, 4318 and 4317, of this address: what `NODE_IP` names. Linux has a
    /// loopback of 16 million addresses, of which a test can take one that nobody else has.
    pub fn node(mut self, address: IpAddr) -> Self {
        self.node = Some(address);
        self
    }

    /// Expects the paths of OTLP/HTTP below this one, such as `/api/v1/otlp`; any other is not found.
    pub fn base_path(mut self, path: &str) -> Self {
        self.base_path = path.trim_end_matches('/').into();
        self
    }

    /// Lets in who has this name and password, or another of the credentials named; all others get 401.
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        self.credentials.extend(sender::basic(user, password).to_str().map(str::to_owned));
        self
    }

    /// Lets in who has this token, or another of the credentials named; all others get 401.
    pub fn bearer(mut self, token: &str) -> Self {
        self.credentials.push(format!("Bearer {token}"));
        self
    }

    /// Speaks TLS with this certificate chain and key, in PEM. A test makes them with a crate such as rcgen.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, certificate: &str, key: &str) -> Self {
        let client_authority = self.tls.and_then(|tls| tls.client_authority);
        self.tls = Some(tls::Tls { certificate: certificate.into(), key: key.into(), client_authority });
        self
    }

    /// With TLS, lets in only clients with a certificate of this authority, in PEM. To be called after `tls`.
    #[cfg(feature = "tls")]
    pub fn client_authority(mut self, certificate: &str) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.client_authority = Some(certificate.into());
        }
        self
    }

    /// Starts the receiver.
    ///
    /// # Panics
    /// If the system gives no port or no thread, or the PEM texts are none: then the test cannot run.
    #[track_caller]
    pub fn start(self) -> Receiver {
        match Receiver::open(self) {
            Ok(receiver) => receiver,
            Err(words) => fail(&words),
        }
    }
}
