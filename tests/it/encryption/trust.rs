//! Whom we trust, and what is said of whom we do not.

use crate::support::{
    PATIENCE,
    gateway::{Authority, Directory, GRPC, Gateway, HTTP},
    receiver::{Decoded, Receiver},
    sending::{failure, remote, sender, span},
};
use rcgen::{CertificateParams, IsCa, date_time_ymd};
use std::path::PathBuf;
use throughline::sender::{Protocol, Remote, Tls};
use tokio::net::TcpListener;

fn trusting(protocol: Protocol, gateway: &Gateway, authority: PathBuf) -> Remote {
    let mut remote = remote(protocol, "https://localhost", gateway.address);
    remote.tls = Tls { certificate: Some(authority), ..Tls::default() };
    remote
}

// O-015
#[tokio::test]
async fn both_protocols_reach_a_server_that_the_named_authority_vouches_for() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    // Others around it do no harm.
    let file = directory.write("authorities.pem", [Authority::new().pem(), authority.pem()].concat());
    for (protocol, to, alpn) in [
        (Protocol::HttpProtobuf, receiver.http_address(), HTTP),
        (Protocol::Grpc, receiver.grpc_address(), GRPC),
    ] {
        let gateway = Gateway::start(to, alpn, &authority.identity("localhost"), None).await;
        let sender = sender(trusting(protocol, &gateway, file.clone()));
        sender.send(span("secret"));
        sender.flush(PATIENCE).await.unwrap();
        assert_eq!(gateway.clients(), [None]);
    }
    assert_eq!(receiver.spans().len(), 2);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_servers_certificate_is_said_and_nothing_is_sent() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    let file = directory.write("authority.pem", authority.pem());
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2001, 2, 3);
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(2999, 2, 3);
    let ca = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    for (identity, fault) in [
        (authority.identity_with("localhost", expired), "is expired since Sat, 03 Feb 2001 00:00:00 GMT"),
        (
            authority.identity_with("localhost", early),
            "is not valid before Sun, 03 Feb 2999 00:00:00 GMT; is the clock right?",
        ),
        (authority.identity("elsewhere.example"), "is not for this name, but for elsewhere.example"),
        (authority.identity("127.0.0.1"), "is not for this name, but for 127.0.0.1"),
        (
            authority.identity_with("x", |params| params.subject_alt_names.clear()),
            "names no host; it must name localhost",
        ),
        (
            Authority::new().identity("localhost"),
            "is signed by nobody whom we trust; name the certificate of its authority",
        ),
        (
            Authority::named("other").identity("localhost"),
            "is signed by nobody whom we trust; name the certificate of its authority",
        ),
        (
            authority.identity_with("localhost", ca),
            "is that of an authority; the server needs one that it signed",
        ),
    ] {
        for (protocol, to, alpn) in [
            (Protocol::HttpProtobuf, receiver.http_address(), HTTP),
            (Protocol::Grpc, receiver.grpc_address(), GRPC),
        ] {
            let gateway = Gateway::start(to, alpn, &identity, None).await;
            let remote = trusting(protocol, &gateway, file.clone());
            let place = remote.to_string();
            let sender = sender(remote);
            sender.send(span("secret"));
            assert_eq!(
                failure(&sender).await,
                format!("cannot reach {place}: the certificate of localhost {fault}")
            );
            assert_eq!(sender.stats().queued, 1); // a certificate can be renewed
        }
    }
    assert_eq!(receiver.requests().len(), 0);
}

#[tokio::test]
async fn a_certificate_that_the_server_renews_ends_the_outage() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    let file = directory.write("authority.pem", authority.pem());
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2001, 2, 3);
    let gateway =
        Gateway::start(receiver.http_address(), HTTP, &authority.identity_with("localhost", expired), None)
            .await;
    let sender = sender(trusting(Protocol::HttpProtobuf, &gateway, file));
    sender.send(span("patient"));
    failure(&sender).await;
    gateway.renew(&authority.identity("localhost"));
    sender.flush(PATIENCE).await.unwrap();
    assert_eq!(receiver.spans().len(), 1);
}

// O-008
#[tokio::test]
async fn a_port_without_tls_and_one_with_it_are_told_apart() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    let file = directory.write("authority.pem", authority.pem());
    for (protocol, to) in
        [(Protocol::HttpProtobuf, receiver.http_address()), (Protocol::Grpc, receiver.grpc_address())]
    {
        let mut remote = remote(protocol, "https://127.0.0.1", to);
        remote.tls.certificate = Some(file.clone());
        let place = remote.to_string();
        let sender = sender(remote);
        sender.send(span("secret"));
        let fault = "127.0.0.1 does not speak TLS there; use http:// or another port";
        assert_eq!(failure(&sender).await, format!("cannot reach {place}: {fault}"));
    }
    let gateway = Gateway::start(receiver.http_address(), HTTP, &authority.identity("localhost"), None).await;
    let sender = sender(remote(Protocol::HttpProtobuf, "http://127.0.0.1", gateway.address));
    sender.send(span("secret"));
    let place = format!("127.0.0.1:{}", gateway.address.port());
    assert_eq!(
        failure(&sender).await,
        format!(
            "http://{place}/v1/traces did not answer: {place} does not speak HTTP/1.1; use https, grpc or another port"
        )
    );
}

#[tokio::test]
async fn a_server_that_never_finishes_the_handshake_costs_one_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut remote = remote(Protocol::HttpProtobuf, "https://localhost", listener.local_addr().unwrap());
    let (authority, directory) = (Authority::new(), Directory::new());
    remote.tls.certificate = Some(directory.write("authority.pem", authority.pem()));
    remote.timeout = std::time::Duration::from_millis(50);
    let place = remote.to_string();
    let sender = sender(remote);
    sender.send(span("patient"));
    assert_eq!(failure(&sender).await, format!("cannot reach {place}: no connection within 50ms"));
}
