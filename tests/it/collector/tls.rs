//! TLS on the ports of OTLP: by files that may change, for whom the authority vouches.

use super::*;
use crate::support::{
    PATIENCE,
    gateway::{Authority, Directory, Identity},
    sending::{remote, sender, span},
};
use std::sync::Arc;
use throughline::sender::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
        crypto::ring,
        pki_types::{CertificateDer, pem::PemObject},
        version::{TLS12, TLS13},
    },
};

/// The files of a server, and of one client after the other.
struct Files {
    directory: Directory,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Files { directory: Directory::new(), authority: Authority::new() };
        files.directory.write("ca.pem", files.authority.pem());
        files.show(&files.authority.identity("localhost"));
        files
    }

    fn show(&self, identity: &Identity) {
        self.directory.write("tls.crt", &identity.certificate);
        self.directory.write("tls.key", &identity.key);
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn collector(&self, with_clients: bool) -> Collector {
        let tls = throughline_collector::Tls {
            certificate: self.path("tls.crt"),
            key: self.path("tls.key"),
            client_authority: with_clients.then(|| self.path("ca.pem")),
        };
        start(|config| config.receive.tls = Some(tls))
    }

    /// Whether one of our own senders gets a span through, as nobody or as somebody.
    async fn sends(&self, collector: &Collector, protocol: Protocol, identity: Option<&Identity>) -> bool {
        let address =
            if protocol == Protocol::Grpc { collector.grpc_address() } else { collector.http_address() };
        let mut remote = remote(protocol, "https://localhost", address.unwrap());
        remote.tls.certificate = Some(self.path("ca.pem"));
        if let Some(identity) = identity {
            remote.tls.client_certificate = Some(self.directory.write("client.crt", &identity.certificate));
            remote.tls.client_key = Some(self.directory.write("client.key", &identity.key));
        }
        let sender = sender(remote);
        sender.send(span("work"));
        sender.flush(Duration::from_secs(if identity.is_some() { 60 } else { 2 })).await.is_ok()
    }

    /// A connection of a client that speaks these versions and protocols.
    async fn connect(
        &self,
        collector: &Collector,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let mut config = builder
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(collector.http_address().unwrap()).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await
    }

    /// The certificate that is shown to somebody who connects now.
    async fn shown(&self, collector: &Collector) -> CertificateDer<'static> {
        let stream = self.connect(collector, &[&TLS13], &[]).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }
}

#[tokio::test]
async fn each_protocol_is_taken_over_tls_and_nothing_without_it() {
    let files = Files::new();
    let collector = files.collector(false);
    let known = files.authority.identity("client");
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson] {
        assert!(files.sends(&collector, protocol, Some(&known)).await, "{protocol:?}");
    }
    assert_eq!(collector.counters().spans, 3);
    let mut plain = TcpStream::connect(collector.http_address().unwrap()).await.unwrap();
    plain
        .write_all(b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP"));
    assert!(files.sends(&collector, Protocol::HttpProtobuf, Some(&known)).await);
}

#[tokio::test]
async fn versions_and_protocols_are_agreed_on() {
    let files = Files::new();
    let collector = files.collector(false);
    for (versions, version) in [
        (&[&TLS12][..], ProtocolVersion::TLSv1_2),
        (&[&TLS13], ProtocolVersion::TLSv1_3),
        (&[&TLS12, &TLS13], ProtocolVersion::TLSv1_3),
    ] {
        for (offered, agreed) in [
            (&[&b"h2"[..]][..], Some(&b"h2"[..])),
            (&[b"http/1.1"], Some(b"http/1.1")),
            (&[b"http/1.1", b"h2"], Some(b"h2")),
            (&[], None),
        ] {
            let stream = files.connect(&collector, versions, offered).await.unwrap();
            let state = stream.get_ref().1;
            assert_eq!((state.protocol_version(), state.alpn_protocol()), (Some(version), agreed));
        }
        assert!(files.connect(&collector, versions, &[b"spdy/3"]).await.is_err());
    }
}

#[tokio::test]
async fn only_clients_that_the_authority_vouches_for_get_in() {
    let files = Files::new();
    let collector = files.collector(true);
    let (known, stranger) =
        (files.authority.identity("client"), Authority::named("other").identity("client"));
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        assert!(files.sends(&collector, protocol, Some(&known)).await, "{protocol:?}");
        assert!(!files.sends(&collector, protocol, None).await, "{protocol:?}");
    }
    assert_eq!(collector.counters().spans, 2);
    // What was said to a client whose certificate is not good is no answer either.
    let mut remote = remote(Protocol::HttpProtobuf, "https://localhost", collector.http_address().unwrap());
    remote.tls = throughline::sender::Tls {
        certificate: Some(files.path("ca.pem")),
        client_certificate: Some(files.directory.write("other.crt", &stranger.certificate)),
        client_key: Some(files.directory.write("other.key", &stranger.key)),
    };
    let sender = sender(remote);
    sender.send(span("work"));
    assert!(sender.flush(Duration::from_secs(2)).await.is_err());
    assert_eq!(collector.counters().spans, 2);
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_the_next_client_and_a_broken_one_to_nobody() {
    let files = Files::new();
    let (first, second, third) = (
        files.authority.identity("localhost"),
        files.authority.identity("localhost"),
        files.authority.identity("localhost"),
    );
    files.show(&first);
    let collector = files.collector(false);
    assert_eq!(files.shown(&collector).await, first.der);
    files.show(&second);
    assert_eq!(files.shown(&collector).await, second.der);
    // Between the two writes the key is not that of the certificate.
    files.directory.write("tls.crt", &third.certificate);
    assert_eq!(files.shown(&collector).await, second.der);
    files.directory.write("tls.key", &third.key);
    assert_eq!(files.shown(&collector).await, third.der);
    for broken in ["", "not PEM", "-----BEGIN CERTIFICATE-----\nMIIB"] {
        files.directory.write("tls.crt", broken);
        assert_eq!(files.shown(&collector).await, third.der, "{broken:?}");
    }
    std::fs::remove_file(files.path("tls.key")).unwrap();
    assert_eq!(files.shown(&collector).await, third.der);
    files.show(&first);
    assert_eq!(files.shown(&collector).await, first.der);
}

#[tokio::test]
async fn another_authority_of_clients_holds_from_the_next_connection_on() {
    let files = Files::new();
    let collector = files.collector(true);
    let known = files.authority.identity("client");
    assert!(files.sends(&collector, Protocol::HttpProtobuf, Some(&known)).await);
    let other = Authority::named("other");
    // Our own sender goes by the same file, and must still trust the server.
    files.directory.write("ca.pem", other.pem() + &files.authority.pem());
    let of_other = other.identity("client");
    assert!(files.sends(&collector, Protocol::HttpProtobuf, Some(&of_other)).await);
    assert_eq!(collector.counters().spans, 2);
}

// O-072
#[tokio::test]
async fn who_does_not_shake_hands_is_cut_off() {
    let files = Files::new();
    let tls = throughline_collector::Tls {
        certificate: files.path("tls.crt"),
        key: files.path("tls.key"),
        client_authority: None,
    };
    let collector = start(|config| {
        config.receive.tls = Some(tls);
        config.request_timeout = Duration::from_millis(300);
    });
    let mut silent = TcpStream::connect(collector.http_address().unwrap()).await.unwrap();
    silent.write_all(b"\x16\x03\x01").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.is_empty(), "{answer:02x?}");
}

#[test]
fn files_that_cannot_be_used_fail_the_start_and_are_named() {
    let files = Files::new();
    let own = files.authority.identity("localhost");
    files.directory.write("other.key", &own.key);
    files.directory.write("empty.pem", "");
    let cases = [
        ("missing.crt", "tls.key", None, "missing.crt"),
        ("tls.crt", "missing.key", None, "missing.key"),
        ("tls.crt", "other.key", None, "is not the key of"),
        ("empty.pem", "tls.key", None, "holds no certificate in PEM"),
        ("tls.crt", "tls.crt", None, "holds no private key in PEM"),
        ("tls.crt", "tls.key", Some("empty.pem"), "holds no certificate in PEM"),
    ];
    for (certificate, key, authority, words) in cases {
        let mut config = Config::default();
        (config.grpc, config.http, config.view) = (None, None, None);
        config.receive.tls = Some(throughline_collector::Tls {
            certificate: files.path(certificate),
            key: files.path(key),
            client_authority: authority.map(|name| files.path(name)),
        });
        let error = Collector::start(config).unwrap_err().to_string();
        assert!(error.starts_with("the collector cannot speak TLS: ") && error.contains(words), "{error}");
    }
}
