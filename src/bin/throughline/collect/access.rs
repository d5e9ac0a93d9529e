//! Who may send to `throughline collect`, and how it is kept from others on the way.

use clap::Args;
use std::{path::PathBuf, str::FromStr, time::Duration};
use throughline::{
    collector::{Cors, Receive, Tls},
    sender::{Credentials, Secret},
};

/// All of it is for the ports of OTLP. Secrets are given as files, since all users of a machine see arguments.
#[derive(Args)]
pub(super) struct Access {
    /// The collector's certificate in PEM, with those between it and its root behind it: OTLP is taken over TLS only.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The private key of the certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// The authorities in PEM that vouch for clients: without a certificate of theirs nobody connects.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_client_authority: Option<PathBuf>,
    /// A file with a token; who shows it may send, others may not. May be given several times.
    #[arg(long, value_name = "FILE")]
    token: Vec<PathBuf>,
    /// A user and the file with the password, as for a token. May be given several times.
    #[arg(long, value_name = "USER:FILE")]
    user: Vec<User>,
    /// The pages of an origin such as https://shop.example may send; * stands for any characters. May be given several
    /// times.
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<String>,
    /// A header that requests of such pages may have, or * for any. May be given several times [default: content-type].
    #[arg(long, value_name = "NAME", requires = "cors_origin")]
    cors_header: Vec<String>,
    /// How long browsers remember that, in seconds [default: 7200].
    #[arg(long, value_name = "SECONDS", requires = "cors_origin")]
    cors_max_age: Option<u64>,
    /// How many requests are taken at a time, over all connections; more are told to come again [default: 1024].
    #[arg(long, value_name = "COUNT")]
    max_requests: Option<usize>,
}

/// A user and where the password is.
#[derive(Clone)]
struct User(String, PathBuf);

impl FromStr for User {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        match words.split_once(':') {
            Some((user, file)) if !file.is_empty() => Ok(User(user.to_owned(), file.into())),
            _ => Err("write user:file, with the password in the file".to_owned()),
        }
    }
}

impl Access {
    /// The same for the collector.
    pub(super) fn receive(&self) -> Receive {
        let mut receive = Receive::default();
        if let (Some(certificate), Some(key)) = (&self.tls_certificate, &self.tls_key) {
            let (certificate, key) = (certificate.clone(), key.clone());
            let client_authority = self.tls_client_authority.clone();
            receive.tls = Some(Tls { certificate, key, client_authority });
        }
        let tokens = self.token.iter().map(|file| Credentials::Bearer(Secret::file(file)));
        let users = self.user.iter().map(|User(user, file)| {
            let password = Secret::file(file);
            Credentials::Basic { user: user.clone(), password }
        });
        receive.credentials = tokens.chain(users).collect();
        if !self.cors_origin.is_empty() {
            let mut cors = Cors { origins: self.cors_origin.clone(), ..Cors::default() };
            if !self.cors_header.is_empty() {
                cors.headers.clone_from(&self.cors_header);
            }
            cors.max_age = self.cors_max_age.map_or(cors.max_age, Duration::from_secs);
            receive.cors = Some(cors);
        }
        receive.max_requests = self.max_requests.unwrap_or(receive.max_requests);
        receive
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        access: Access,
    }

    fn read(arguments: &str) -> Result<String, String> {
        let words = ["collect"].into_iter().chain(arguments.split_whitespace());
        let read = Arguments::try_parse_from(words).map_err(|fault| fault.to_string())?;
        Ok(format!("{:?}", read.access.receive()))
    }

    // O-069, O-071
    #[test]
    fn every_option_has_its_place_in_what_is_received_and_none_changes_another() {
        assert_eq!(read(""), Ok(format!("{:?}", Receive::default())));
        let all = "--tls-certificate c --tls-key k --tls-client-authority a --token t --token u --user me:p \
                   --cors-origin https://a.example --cors-header x-a --cors-max-age 7 --max-requests 3";
        let mut expected = Receive::default();
        expected.tls =
            Some(Tls { certificate: "c".into(), key: "k".into(), client_authority: Some("a".into()) });
        let user = Credentials::Basic { user: "me".into(), password: Secret::file("p") };
        expected.credentials =
            vec![Credentials::Bearer(Secret::file("t")), Credentials::Bearer(Secret::file("u")), user];
        expected.cors = Some(Cors {
            origins: vec!["https://a.example".into()],
            headers: vec!["x-a".into()],
            max_age: Duration::from_secs(7),
        });
        expected.max_requests = 3;
        assert_eq!(read(all), Ok(format!("{expected:?}")));
    }

    #[test]
    fn what_would_be_half_of_it_is_refused() {
        let halves = ["--tls-certificate c", "--tls-key k", "--tls-client-authority a", "--cors-header x-a"];
        for half in halves.into_iter().chain(["--cors-max-age 7", "--user me", "--user me:"]) {
            assert!(read(half).is_err(), "{half}");
        }
    }
}
