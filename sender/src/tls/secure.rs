//! Connectors made of what the files of a destination hold now.

use crate::{Remote, Tls, file::Watched};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use std::sync::Arc;

/// Room for every authority in the world, which take a quarter of it.
const MAX_FILE_BYTES: u64 = 1 << 20;

pub(crate) type Connector = HttpsConnector<HttpConnector>;

/// Makes connectors for one destination.
pub(crate) struct Connectors {
    secure: bool,
    grpc: bool,
    authorities: Option<Watched>,
    identity: Option<Identity>,
}

/// Who we are.
struct Identity {
    certificate: Watched,
    key: Watched,
}

impl Connectors {
    pub(crate) fn new(remote: &Remote) -> Result<Self, String> {
        let secure = remote.url.scheme_str() == Some("https");
        let grpc = remote.protocol == crate::Protocol::Grpc;
        let Tls { certificate, client_certificate, client_key } =
            if secure { remote.tls.clone() } else { Tls::default() };
        let watched = |path: std::path::PathBuf| Watched::new(&path, MAX_FILE_BYTES);
        let identity = match (client_certificate, client_key) {
            (Some(certificate), Some(key)) => {
                Some(Identity { certificate: watched(certificate), key: watched(key) })
            }
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
        Ok(Connectors { secure, grpc, authorities: certificate.map(watched), identity })
    }

    /// Whether a connector made now would differ from the last one.
    pub(crate) fn have_changed(&self) -> bool {
        let identity = self.identity.iter().flat_map(|identity| [&identity.certificate, &identity.key]);
        self.authorities.iter().chain(identity).any(Watched::has_changed)
    }

    /// Reads the files. A fault names the file.
    pub(crate) fn connector(&mut self) -> Result<Connector, String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("no TLS protocol version can be used: {error}"))?;
        let builder = match &mut self.authorities {
            Some(file) => builder.with_root_certificates(authorities(file)?),
            None if self.secure => builder.with_native_roots().map_err(|error| {
                format!("the system's root certificates cannot be read: {error}; install ca-certificates")
            })?,
            None => builder.with_root_certificates(RootCertStore::empty()),
        };
        let config = match &mut self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = identity.read()?;
                builder.with_client_auth_cert(chain, key).map_err(|error| identity.unfit(&error))?
            }
        };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        Ok(match self.grpc {
            #[cfg(feature = "grpc")]
            true => builder.enable_http2().wrap_connector(http),
            _ => builder.enable_http1().wrap_connector(http),
        })
    }
}

impl Identity {
    fn read(&mut self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
        let chain = certificates(&mut self.certificate)?;
        let text = self.key.read()?;
        let path = self.key.path().display();
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
            pem::Error::NoItemsFound if is_encrypted(&text) => {
                format!("the private key in {path} is encrypted; decrypt it with `openssl pkey`")
            }
            pem::Error::NoItemsFound => format!("{path} holds no private key in PEM"),
            error => format!("{path} {}", torn(&error)),
        })?;
        Ok((chain, key))
    }

    fn unfit(&self, error: &rustls::Error) -> String {
        let (certificate, key) = (self.certificate.path().display(), self.key.path().display());
        match error {
            rustls::Error::InconsistentKeys(_) => format!("{key} is not the key of {certificate}"),
            rustls::Error::InvalidCertificate(_) => {
                format!("the certificate in {certificate} cannot be read")
            }
            error => format!("the key {key} cannot be used: {error}"),
        }
    }
}

/// Those that can be used: files with all the authorities of the world have some that nobody can.
fn authorities(file: &mut Watched) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(certificates(file)?) {
        (0, _) => Err(format!("no certificate in {} can be read", file.path().display())),
        _ => Ok(roots),
    }
}

fn certificates(file: &mut Watched) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = file.read()?;
    let path = file.path().display();
    let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    match certificates {
        Err(error) => Err(format!("{path} {}", torn(&error))),
        Ok(none) if none.is_empty() => Err(format!("{path} holds no certificate in PEM")),
        Ok(certificates) => Ok(certificates),
    }
}

/// The library's own words would quote the file.
fn torn(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "ends in the middle of a section",
        pem::Error::Base64Decode(_) => "has a section that is not base64",
        _ => "is not PEM",
    }
}

fn is_encrypted(text: &[u8]) -> bool {
    let marks = [&b"BEGIN ENCRYPTED PRIVATE KEY"[..], b"4,ENCRYPTED"];
    marks.iter().any(|mark| text.windows(mark.len()).any(|part| part == *mark))
}
