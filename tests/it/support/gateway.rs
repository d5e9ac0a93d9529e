//! A TLS gateway before a plain server, and the authorities that vouch for it and for its clients.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
        server::WebPkiClientVerifier,
    },
};

/// What ALPN says for HTTP/1.1 and for gRPC.
pub(crate) const HTTP: &[u8] = b"http/1.1";
pub(crate) const GRPC: &[u8] = b"h2";

/// A directory of a test's own, gone when the test is over.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("throughline-{}-pem-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, in one step as whoever renews certificates should.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let (path, draft) = (self.0.join(name), self.0.join(format!("{name}.new")));
        fs::write(&draft, content).unwrap();
        fs::rename(&draft, &path).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whoever signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Authority::named("authority")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Signs a certificate for a host.
    pub(crate) fn identity(&self, host: &str) -> Identity {
        self.identity_with(host, |_| {})
    }

    /// Signs a certificate that is otherwise than usual.
    pub(crate) fn identity_with(
        &self,
        host: &str,
        otherwise: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        otherwise(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
            key_der: key.serialize_der(),
        }
    }
}

/// The running gateway; it stops with the runtime of the test.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    alpn: &'static [u8],
    config: Arc<Mutex<Arc<ServerConfig>>>,
    clients: Arc<Mutex<Vec<Option<CertificateDer<'static>>>>>,
}

impl Gateway {
    /// Shows this identity, and demands a certificate if an authority of clients is named.
    pub(crate) async fn start(
        to: SocketAddr,
        alpn: &'static [u8],
        identity: &Identity,
        of_clients: Option<&Authority>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = Gateway {
            address: listener.local_addr().unwrap(),
            alpn,
            config: Arc::new(Mutex::new(config(alpn, identity, of_clients))),
            clients: Arc::default(),
        };
        let (config, clients) = (gateway.config.clone(), gateway.clients.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = TlsAcceptor::from(config.lock().unwrap().clone());
                let clients = clients.clone();
                tokio::spawn(async move {
                    // A client that does not trust us, or whom we do not trust, ends here.
                    let Ok(mut inside) = acceptor.accept(stream).await else { return };
                    let shown = inside.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                    clients.lock().unwrap().push(shown.map(|first| first.clone().into_owned()));
                    let mut outside = TcpStream::connect(to).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
                });
            }
        });
        gateway
    }

    /// Shows another identity to those who come from now on.
    pub(crate) fn renew(&self, identity: &Identity) {
        *self.config.lock().unwrap() = config(self.alpn, identity, None);
    }

    /// What the clients showed, connection by connection.
    pub(crate) fn clients(&self) -> Vec<Option<CertificateDer<'static>>> {
        self.clients.lock().unwrap().clone()
    }
}

fn config(alpn: &[u8], identity: &Identity, of_clients: Option<&Authority>) -> Arc<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match of_clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(identity.key_der.clone()).unwrap();
    let mut config = builder.with_single_cert(vec![identity.der.clone()], key).unwrap();
    config.alpn_protocols = vec![alpn.to_vec()];
    Arc::new(config)
}
