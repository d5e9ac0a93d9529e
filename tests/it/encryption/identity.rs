//! Who we are: certificate and key of a client.

use crate::support::{
    PATIENCE,
    gateway::{Authority, Directory, GRPC, Gateway, HTTP, Identity},
    receiver::{Decoded, Receiver},
    sending::{failure, remote, sender, span},
};
use rcgen::{CertificateParams, date_time_ymd};
use throughline::sender::{Protocol, Remote, Tls};

fn showing(
    protocol: Protocol,
    gateway: &Gateway,
    directory: &Directory,
    identity: Option<&Identity>,
) -> Remote {
    let mut remote = remote(protocol, "https://localhost", gateway.address);
    remote.tls = Tls {
        certificate: Some(directory.path().join("authority.pem")),
        client_certificate: identity.map(|identity| directory.write("client.pem", &identity.certificate)),
        client_key: identity.map(|identity| directory.write("client.key", &identity.key)),
    };
    remote
}

// O-015
#[tokio::test]
async fn both_protocols_show_the_certificate_that_the_server_demands() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    directory.write("authority.pem", authority.pem());
    let (server, client) = (authority.identity("localhost"), authority.identity("cart.example"));
    for (protocol, to, alpn) in [
        (Protocol::HttpProtobuf, receiver.http_address(), HTTP),
        (Protocol::Grpc, receiver.grpc_address(), GRPC),
    ] {
        let gateway = Gateway::start(to, alpn, &server, Some(&authority)).await;
        let sender = sender(showing(protocol, &gateway, &directory, Some(&client)));
        sender.send(span("known"));
        sender.flush(PATIENCE).await.unwrap();
        assert_eq!(gateway.clients(), [Some(client.der.clone())]);
    }
    assert_eq!(receiver.spans().len(), 2);
}

#[tokio::test]
async fn a_server_that_does_not_know_us_says_why() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    directory.write("authority.pem", authority.pem());
    let server = authority.identity("localhost");
    let expired = authority.identity_with("cart.example", |params: &mut CertificateParams| {
        params.not_after = date_time_ymd(2001, 2, 3);
    });
    let foreign = Authority::named("other").identity("cart.example");
    for (client, reason) in [
        (None, "it demands a client certificate"),
        (Some(&expired), "our client certificate is expired"),
        (Some(&foreign), "it does not know the authority of our client certificate"),
    ] {
        for (protocol, to, alpn) in [
            (Protocol::HttpProtobuf, receiver.http_address(), HTTP),
            (Protocol::Grpc, receiver.grpc_address(), GRPC),
        ] {
            let gateway = Gateway::start(to, alpn, &server, Some(&authority)).await;
            let sender = sender(showing(protocol, &gateway, &directory, client));
            sender.send(span("unknown"));
            let fault = failure(&sender).await;
            assert!(
                fault.ends_with(&format!(": localhost refused the TLS connection: {reason}")),
                "{protocol:?}: {fault}"
            );
            assert_eq!(sender.stats().queued, 1);
        }
    }
    assert_eq!(receiver.requests().len(), 0);
}
