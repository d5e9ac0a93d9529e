//! What is wrong with TLS is said in words.

use super::{SECRET, fault, finding};
use crate::support::{
    gateway::{Authority, Directory, GRPC, Gateway, HTTP, Identity},
    receiver::Receiver,
};
use rcgen::{CertificateParams, date_time_ymd};

/// What the probe says of a gateway, over both protocols: `None` if it would work.
async fn probed(
    server: &Identity,
    clients: Option<&Authority>,
    vars: &[(&str, &str)],
) -> [Option<String>; 2] {
    let receiver = Receiver::start();
    let mut said = [None, None];
    for ((protocol, to, alpn), said) in
        [("http/protobuf", receiver.http_address(), HTTP), ("grpc", receiver.grpc_address(), GRPC)]
            .into_iter()
            .zip(&mut said)
    {
        let gateway = Gateway::start(to, alpn, server, clients).await;
        let endpoint = format!("https://localhost:{}", gateway.address.port());
        let own = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("THROUGHLINE_OTLP_TOKEN", SECRET),
        ];
        let finding = finding(&[&own, vars].concat()).await;
        assert!(!format!("{finding} {finding:?}").contains(SECRET), "{finding}");
        *said = finding.fault;
    }
    said
}

// O-015
#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_before_a_service_meets_it() {
    let (authority, directory) = (Authority::new(), Directory::new());
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2001, 2, 3);
    let known = directory.write("authority.pem", authority.pem());
    let foreign = directory.write("foreign.pem", Authority::named("other").pem());
    let client = authority.identity("cart.example");
    let (certificate, key) =
        (directory.write("client.pem", &client.certificate), directory.write("client.key", &client.key));
    let [known, foreign, certificate, key] =
        [&known, &foreign, &certificate, &key].map(|path| path.to_str().unwrap());
    let trusts = |path| ("OTEL_EXPORTER_OTLP_CERTIFICATE", path);
    let shows = [
        trusts(known),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificate),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", key),
    ];
    let good = authority.identity("localhost");
    for (server, clients, vars, fault) in [
        (&good, None, &[trusts(known)][..], None),
        (&good, Some(&authority), &shows, None),
        (
            &good,
            None,
            &[trusts(foreign)],
            Some("the certificate of localhost is signed by nobody whom we trust"),
        ),
        (&good, None, &[], Some("the certificate of localhost is signed by nobody whom we trust")),
        (
            &authority.identity_with("localhost", expired),
            None,
            &[trusts(known)],
            Some("the certificate of localhost is expired since Sat, 03 Feb 2001 00:00:00 GMT"),
        ),
        (
            &authority.identity("elsewhere.example"),
            None,
            &[trusts(known)],
            Some("the certificate of localhost is not for this name, but for elsewhere.example"),
        ),
        (&good, Some(&authority), &[trusts(known)], Some("it demands a client certificate")),
        (&good, None, &[trusts("/nowhere/ca.pem")], Some("/nowhere/ca.pem: No such file or directory")),
        (&good, Some(&authority), &shows[..2], Some("client.pem has no key; name its file too")),
    ] {
        for said in probed(server, clients, vars).await {
            let right = match (&said, fault) {
                (Some(said), Some(fault)) => said.contains(fault),
                (said, fault) => said.is_none() && fault.is_none(),
            };
            assert!(right, "{fault:?} is not {said:?}");
        }
    }
}

// O-008
#[tokio::test]
async fn tls_where_none_is_spoken_and_the_reverse_are_told_with_the_remedy() {
    let (receiver, authority, directory) = (Receiver::start(), Authority::new(), Directory::new());
    let known = directory.write("authority.pem", authority.pem());
    let trusts = ("OTEL_EXPORTER_OTLP_CERTIFICATE", known.to_str().unwrap());
    let plain = format!("https://{}", receiver.http_address());
    let finding_of_plain = finding(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &*plain), trusts]).await;
    assert!(fault(&finding_of_plain).contains("does not speak TLS there"), "{finding_of_plain}");
    assert_eq!(
        finding_of_plain.advice.as_deref(),
        Some("it speaks plain text: write http:// in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    );
    let gateway = Gateway::start(receiver.http_address(), HTTP, &authority.identity("localhost"), None).await;
    let secure = format!("http://localhost:{}", gateway.address.port());
    let finding_of_secure = finding(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &*secure), trusts]).await;
    assert_eq!(
        finding_of_secure.advice.as_deref(),
        Some("it speaks TLS: write https:// in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        "{finding_of_secure}"
    );
}
