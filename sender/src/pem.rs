//! Certificates and keys in PEM files that are read again when they change: for those who connect, and for servers.
//!
//! A file is read up to 1 MiB. Faults name the file and never quote it.

use crate::file::Watched;
use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use std::path::Path;

/// Room for every authority in the world, which take a quarter of it.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Who somebody is: a certificate, with those between it and its root behind it, and its key.
#[derive(Debug)]
pub struct Identity {
    certificate: Watched,
    key: Watched,
}

/// Who may vouch for others.
#[derive(Debug)]
pub struct Authorities(Watched);

impl Identity {
    /// In these files, which are not read yet.
    pub fn new(certificate: &Path, key: &Path) -> Self {
        let watched = |path| Watched::new(path, MAX_FILE_BYTES);
        Identity { certificate: watched(certificate), key: watched(key) }
    }

    /// Whether one of the files has changed since it was last read, be it only that it can no longer be found.
    pub fn has_changed(&self) -> bool {
        self.certificate.has_changed() || self.key.has_changed()
    }

    /// What the files hold.
    ///
    /// # Errors
    /// If one cannot be read, or holds no such thing.
    pub fn read(&mut self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
        let (chain, text) = (certificates(&mut self.certificate), self.key.read());
        let (chain, text) = (chain?, text?);
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

    /// Why certificate and key, read, cannot be used.
    pub fn unfit(&self, error: &rustls::Error) -> String {
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

impl Authorities {
    /// In this file, which is not read yet.
    pub fn new(path: &Path) -> Self {
        Authorities(Watched::new(path, MAX_FILE_BYTES))
    }

    /// Whether the file has changed since it was last read, be it only that it can no longer be found.
    pub fn have_changed(&self) -> bool {
        self.0.has_changed()
    }

    /// Those that can be used: files with all the authorities of the world have some that nobody can.
    ///
    /// # Errors
    /// If the file cannot be read, or there is none.
    pub fn read(&mut self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        match roots.add_parsable_certificates(certificates(&mut self.0)?) {
            (0, _) => Err(format!("no certificate in {} can be read", self.0.path().display())),
            _ => Ok(roots),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::tests::Place;
    use proptest::{prelude::*, sample::select};
    use std::fs;

    const SECRET: &str = "c4n4ry";

    /// What stands in such files, in any order, whole or torn.
    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            select(vec![
                "CERTIFICATE",
                "PRIVATE KEY",
                "RSA PRIVATE KEY",
                "EC PRIVATE KEY",
                "ENCRYPTED PRIVATE KEY",
                SECRET
            ])
            .prop_flat_map(|label| select(vec![
                format!("-----BEGIN {label}-----"),
                format!("-----END {label}-----")
            ])),
            select(vec!["MIIB", "AAAA", "Y2FuYXJ5", SECRET, "=", "-----", "Proc-Type: 4,ENCRYPTED", ""])
                .prop_map(String::from),
            any::<String>(),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_file_can_make_it_panic_or_tell_what_stands_there(parts in prop::collection::vec(part(), 0..12)) {
            let place = Place::new();
            fs::create_dir_all(&place.0)?;
            let path = place.0.join("file.pem");
            fs::write(&path, parts.join("\n"))?;
            let identity = Identity::new(&path, &path).read().err();
            for fault in identity.into_iter().chain(Authorities::new(&path).read().err()) {
                prop_assert!(fault.contains("file.pem") && !fault.contains(SECRET), "{fault}");
                prop_assert!(!fault.chars().any(char::is_control) && fault.len() < 300, "{fault:?}");
            }
        }
    }
}
