//! https: only to whom the system's roots vouch for, over both protocols.

use crate::support::{
    child::Process,
    receiver::{Decoded, Receiver},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// A TLS gateway before a plain server, with a certificate for `localhost` and the authority that signed it.
struct Gateway {
    address: SocketAddr,
    authority: PathBuf,
}

impl Gateway {
    async fn start(to: SocketAddr, protocol: &'static [u8]) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us ends here.
                    let Ok(mut inside) = acceptor.accept(stream).await else { return };
                    let mut outside = TcpStream::connect(to).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
                });
            }
        });
        let path =
            std::env::temp_dir().join(format!("throughline-{}-{}.pem", std::process::id(), address.port()));
        std::fs::write(&path, authority.pem()).unwrap();
        Gateway { address, authority: path }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        std::fs::remove_file(&self.authority).unwrap();
    }
}

async fn run_job(gateway: &Gateway, protocol: &str, trusted: bool) -> (bool, String) {
    let endpoint = format!("https://localhost:{}", gateway.address.port());
    let authority = gateway.authority.display().to_string();
    let mut variables = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("THROUGHLINE_OTLP_TOKEN", "hush"),
    ];
    if trusted {
        variables.push(("SSL_CERT_FILE", &authority));
    }
    let mut job = Process::example("job", &[], &variables);
    let ended = job.ended().await;
    (ended.success(), job.lines().join("\n"))
}

#[tokio::test]
async fn both_protocols_reach_a_server_that_the_roots_vouch_for() {
    let receiver = Receiver::start();
    for (protocol, to, alpn) in [
        ("http/protobuf", receiver.http_address(), &b"http/1.1"[..]),
        ("grpc", receiver.grpc_address(), &b"h2"[..]),
    ] {
        let gateway = Gateway::start(to, alpn).await;
        let (success, text) = run_job(&gateway, protocol, true).await;
        assert!(success, "{protocol}: {text}");
        assert!(!text.contains("hush"), "{text}");
    }
    assert_eq!(receiver.spans().len(), 2);
    assert!(receiver.requests().iter().all(|arrival| arrival.headers["authorization"] == "Bearer hush"));
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_nothing_and_is_named() {
    let receiver = Receiver::start();
    let gateway = Gateway::start(receiver.http_address(), b"http/1.1").await;
    let (success, text) = run_job(&gateway, "http/protobuf", false).await;
    assert!(!success);
    assert!(text.contains(&format!("cannot reach https://localhost:{}", gateway.address.port())), "{text}");
    assert!(text.contains("invalid peer certificate"), "{text}");
    assert!(!text.contains("hush"), "{text}");
    assert_eq!(receiver.requests().len(), 0);
}
