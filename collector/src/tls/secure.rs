//! Connections by what the PEM files hold now.

use crate::{Error, config::Tls, serve::Stream, voice};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};
use throughline_sender::pem::{Authorities, Identity};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        server::WebPkiClientVerifier,
        version::{TLS12, TLS13},
    },
};

/// TLS, if there are files for it.
pub(crate) struct Security {
    files: Option<Mutex<Files>>,
    knows_clients: bool,
}

struct Files {
    identity: Identity,
    authorities: Option<Authorities>,
    acceptor: TlsAcceptor,
}

impl Security {
    pub(crate) fn new(tls: Option<&Tls>) -> Result<Self, Error> {
        let Some(tls) = tls else { return Ok(Security { files: None, knows_clients: false }) };
        let mut identity = Identity::new(&tls.certificate, &tls.key);
        let mut authorities = tls.client_authority.as_deref().map(Authorities::new);
        let acceptor = acceptor(&mut identity, authorities.as_mut())
            .map_err(|fault| Error::receive(format!("the collector cannot speak TLS: {fault}")))?;
        let files = Some(Mutex::new(Files { identity, authorities, acceptor }));
        Ok(Security { files, knows_clients: tls.client_authority.is_some() })
    }

    /// Whether nobody connects without a certificate.
    pub(crate) fn knows_clients(&self) -> bool {
        self.knows_clients
    }

    /// Shakes hands.
    pub(crate) async fn shake(&self, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        match self.acceptor() {
            None => Ok(Box::new(stream)),
            Some(acceptor) => Ok(Box::new(acceptor.accept(stream).await?)),
        }
    }

    /// By what the files hold now, or held when they could be used.
    fn acceptor(&self) -> Option<TlsAcceptor> {
        let mut files = self.files.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let Files { identity, authorities, acceptor: current } = &mut *files;
        if identity.has_changed() || authorities.as_ref().is_some_and(Authorities::have_changed) {
            match acceptor(identity, authorities.as_mut()) {
                Ok(renewed) => *current = renewed,
                Err(fault) => {
                    voice::warn(format!("the collector's TLS: {fault}; what was read before stays in use"));
                }
            }
        }
        Some(current.clone())
    }
}

fn acceptor(identity: &mut Identity, authorities: Option<&mut Authorities>) -> Result<TlsAcceptor, String> {
    // Each file is read, also behind a faulty one: what was read has not changed, and a fault is said once.
    let (read, roots) = (identity.read(), authorities.map(Authorities::read).transpose());
    let ((chain, key), roots) = (read?, roots?);
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| format!("no TLS protocol version can be used: {error}"))?;
    let builder = match roots {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let unfit = |error| format!("the authorities of clients cannot be used: {error}");
            builder.with_client_cert_verifier(verifier.map_err(unfit)?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| identity.unfit(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
