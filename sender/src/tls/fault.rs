//! What goes wrong between two sides that want to speak TLS, in the words of whoever must mend it.

use crate::{Remote, response::one_line};
use rustls::{AlertDescription, CertificateError, Error, pki_types::UnixTime};
use std::time::{Duration, SystemTime};

/// What the other side means by an alert (RFC 8446, section 6.2).
const ALERTS: [(AlertDescription, &str); 13] = [
    (AlertDescription::CertificateRequired, "it demands a client certificate"),
    (AlertDescription::CertificateExpired, "our client certificate is expired"),
    (AlertDescription::CertificateRevoked, "our client certificate is revoked"),
    (AlertDescription::UnknownCA, "it does not know the authority of our client certificate"),
    (AlertDescription::BadCertificate, NOT_ACCEPTED),
    (AlertDescription::UnsupportedCertificate, NOT_ACCEPTED),
    (AlertDescription::CertificateUnknown, NOT_ACCEPTED),
    (AlertDescription::DecryptError, NOT_ACCEPTED),
    (AlertDescription::AccessDenied, "it does not let us in"),
    (AlertDescription::UnrecognisedName, "it serves nobody of this name"),
    (AlertDescription::ProtocolVersion, "it has no version of TLS in common with us"),
    (AlertDescription::NoApplicationProtocol, "it speaks neither gRPC nor another HTTP/2; use http/protobuf"),
    // TLS 1.2 has no alert of its own for the second.
    (
        AlertDescription::HandshakeFailure,
        "it has no cipher in common with us, or demands a client certificate",
    ),
];
const NOT_ACCEPTED: &str = "it does not accept our client certificate";

/// The words for a fault of TLS; `None` if the error is not one.
pub(crate) fn words(error: &(dyn std::error::Error + 'static), remote: &Remote) -> Option<String> {
    let host = remote.url.host().unwrap_or_default();
    let refused = |reason: &str| format!("{host} refused the TLS connection: {reason}");
    let Some(error) = error.downcast_ref::<Error>() else {
        // HTTP/2 keeps only the text of what happened to its connection.
        let text = error.to_string();
        let means = |alert: &AlertDescription| text == Error::AlertReceived(*alert).to_string();
        return ALERTS.iter().find(|(alert, _)| means(alert)).map(|(_, reason)| refused(reason));
    };
    Some(match error {
        Error::InvalidCertificate(fault) => certificate(fault, host),
        Error::AlertReceived(received) => match ALERTS.iter().find(|(alert, _)| alert == received) {
            Some((_, reason)) => refused(reason),
            None => refused(&format!("alert {received:?}")),
        },
        Error::InvalidMessage(_) => format!("{host} does not speak TLS there; use http:// or another port"),
        Error::PeerIncompatible(fault) => {
            format!("{host} and we have no version or cipher of TLS in common ({fault:?})")
        }
        error => format!("TLS failed: {error}"),
    })
}

fn certificate(fault: &CertificateError, host: &str) -> String {
    let of = format!("the certificate of {host}");
    match fault {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("{of} is expired since {}", date(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("{of} is not valid before {}; is the clock right?", date(*not_before))
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            format!("{of} names no host; it must name {host}")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = Vec::from_iter(presented.iter().map(|name| bare(name)));
            format!("{of} is not for this name, but for {}", one_line(&names.join(", ")))
        }
        // The second: another authority of the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            format!("{of} is signed by nobody whom we trust; name the certificate of its authority")
        }
        CertificateError::Revoked => format!("{of} is revoked"),
        CertificateError::Other(error) if error.to_string().contains("CaUsedAsEndEntity") => {
            format!("{of} is that of an authority; the server needs one that it signed")
        }
        fault => format!("{of} cannot be trusted: {fault}"),
    }
}

/// `DnsName("example.com")` as `example.com`.
fn bare(name: &str) -> &str {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(name).trim_matches('"')
}

fn date(time: UnixTime) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}
