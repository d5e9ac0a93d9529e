//! Connectors made of what the files of a destination hold now.

use super::{
    fault,
    witness::{Seen, Witness},
};
use crate::{
    Remote, Tls,
    pem::{Authorities, Identity},
    resolve::Resolver,
};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::sync::Arc;

pub(crate) type Connector = Witness<HttpsConnector<HttpConnector<Resolver>>>;

/// Makes connectors for one destination.
pub(crate) struct Connectors {
    secure: bool,
    grpc: bool,
    authorities: Option<Authorities>,
    identity: Option<Identity>,
    resolver: Resolver,
    seen: Seen,
}

impl Connectors {
    pub(crate) fn new(remote: &Remote) -> Result<Self, String> {
        let secure = remote.url.scheme_str() == Some("https");
        let grpc = remote.protocol == crate::Protocol::Grpc;
        let Tls { certificate, client_certificate, client_key } =
            if secure { remote.tls.clone() } else { Tls::default() };
        let identity = match (client_certificate, client_key) {
            (Some(certificate), Some(key)) => Some(Identity::new(&certificate, &key)),
            (None, None) => None,
            (Some(path), None) => {
                return Err(format!(
                    "the client certificate {} has no key; name its file too",
                    path.display()
                ));
            }
            (None, Some(path)) => {
                return Err(format!(
                    "the client key {} has no certificate; name its file too",
                    path.display()
                ));
            }
        };
        let authorities = certificate.map(|path| Authorities::new(&path));
        let resolver = Resolver::new(remote.address);
        Ok(Connectors { secure, grpc, authorities, identity, resolver, seen: Seen::default() })
    }

    /// Whether a connector made now would differ from the last one.
    pub(crate) fn have_changed(&self) -> bool {
        self.authorities.as_ref().is_some_and(Authorities::have_changed)
            || self.identity.as_ref().is_some_and(Identity::has_changed)
    }

    /// What ended a connection since this was last asked, if it was TLS, in words.
    pub(crate) fn fault(&self, remote: &Remote) -> Option<String> {
        fault::words(&self.seen.take()?, remote)
    }

    /// Reads the files. A fault names the file.
    pub(crate) fn connector(&mut self) -> Result<Connector, String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("no TLS protocol version can be used: {error}"))?;
        // Each file is read, also behind a faulty one: what was read has not changed, and a fault is said once.
        let authorities = self.authorities.as_mut().map(Authorities::read);
        let identity = self.identity.as_mut().map(Identity::read);
        let builder = match authorities {
            Some(authorities) => builder.with_root_certificates(authorities?),
            None if self.secure => builder.with_native_roots().map_err(|error| {
                format!("the system's root certificates cannot be read: {error}; install ca-certificates")
            })?,
            None => builder.with_root_certificates(RootCertStore::empty()),
        };
        let config = match (&self.identity, identity) {
            (Some(identity), Some(read)) => {
                let (chain, key) = read?;
                builder.with_client_auth_cert(chain, key).map_err(|error| identity.unfit(&error))?
            }
            _ => builder.with_no_client_auth(),
        };
        let mut http = HttpConnector::new_with_resolver(self.resolver.clone());
        http.enforce_http(false);
        http.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        let connector = match self.grpc {
            #[cfg(feature = "grpc")]
            true => builder.enable_http2().wrap_connector(http),
            _ => builder.enable_http1().wrap_connector(http),
        };
        Ok(Witness { connector, seen: self.seen.clone() })
    }
}
