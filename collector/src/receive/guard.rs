//! Who may send (O-071): asked before the body is read, and nobody is let in by a fault.

use crate::{Error, intake::Refusal, voice};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use std::{
    hint::black_box,
    sync::{Mutex, MutexGuard, PoisonError},
};
use throughline_sender::{Authorization, Credentials};

/// What clients that may send have to show; nothing, if there is nothing here.
pub(crate) struct Guard {
    known: Vec<Mutex<Known>>,
    /// What a client is asked for (RFC 9110, 11.6.1).
    challenges: Vec<HeaderValue>,
}

struct Known {
    authorization: Authorization,
    /// Whether the file of the secret could be read the last time.
    is_open: bool,
}

impl Guard {
    pub(crate) fn new(credentials: &[Credentials]) -> Result<Self, Error> {
        let known = credentials.iter().map(|credentials| {
            let authorization = Authorization::new(credentials).map_err(|fault| {
                Error::receive(format!("the credentials of clients cannot be used: {fault}"))
            })?;
            Ok(Mutex::new(Known { authorization, is_open: true }))
        });
        let mut challenges: Vec<HeaderValue> = credentials.iter().map(challenge).collect();
        challenges.sort();
        challenges.dedup();
        Ok(Guard { known: known.collect::<Result<_, Error>>()?, challenges })
    }

    /// Whether everybody may send.
    pub(crate) fn is_absent(&self) -> bool {
        self.known.is_empty()
    }

    pub(crate) fn challenges(&self) -> &[HeaderValue] {
        &self.challenges
    }

    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        let shown = shown.next().filter(|_| shown.next().is_none()).map(HeaderValue::as_bytes);
        // All of them are looked at, so that the time does not tell which one it nearly was.
        let matching = self.known.iter().filter(|known| lock(known).is_shown(shown.unwrap_or_default()));
        match self.is_absent() || matching.count() > 0 {
            true => Ok(()),
            false => Err(Refusal::Unknown("the credentials are missing or wrong".to_owned())),
        }
    }
}

impl Known {
    fn is_shown(&mut self, shown: &[u8]) -> bool {
        if self.authorization.has_changed() {
            let renewed = self.authorization.renew();
            self.is_open = renewed.is_ok();
            if let Err(fault) = renewed {
                voice::warn(format!(
                    "the credentials of clients cannot be read: {fault}; they let nobody in until they can"
                ));
            }
        }
        let is_same = is_same(self.authorization.value().as_bytes(), shown);
        self.is_open && is_same
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The scheme may be written in any case, the rest not. How long it takes depends on the lengths alone.
fn is_same(wanted: &[u8], shown: &[u8]) -> bool {
    let ends = |header: &[u8]| header.iter().position(|byte| *byte == b' ').unwrap_or(header.len());
    let (scheme, secret) = wanted.split_at(ends(wanted));
    let (shown_scheme, shown_secret) = shown.split_at(ends(shown));
    let differences =
        secret.iter().zip(shown_secret.trim_ascii_end()).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    scheme.eq_ignore_ascii_case(shown_scheme)
        && secret.len() == shown_secret.trim_ascii_end().len()
        && differences == 0
}

fn challenge(credentials: &Credentials) -> HeaderValue {
    HeaderValue::from_static(match credentials {
        Credentials::Basic { .. } => "Basic realm=\"throughline\", charset=\"UTF-8\"",
        Credentials::Bearer(_) => "Bearer realm=\"throughline\"",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use throughline_sender::Secret;

    fn admits(guard: &Guard, shown: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in shown {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        guard.admit(&headers).is_ok()
    }

    #[test]
    fn only_what_is_known_is_let_in_and_any_of_it() {
        let basic = Credentials::Basic { user: "user".into(), password: Secret::value("pass") };
        let guard = Guard::new(&[basic, Credentials::Bearer(Secret::value("token"))]).unwrap();
        for shown in ["Basic dXNlcjpwYXNz", "basic dXNlcjpwYXNz", "BEARER token"] {
            assert!(admits(&guard, &[shown]), "{shown}");
        }
        for shown in [
            "",
            "Basic",
            "Basic ",
            "Basic dXNlcjpwYXNZ",
            "Basic dxnlcjpwYXNz",
            "Basic dXNlcjpwYXN",
            "Basic dXNlcjpwYXNzz",
            "Bearer dXNlcjpwYXNz",
            "Bearer  token",
            "Bearer token token",
            "Bearer Token",
            "token",
            "Bearertoken",
        ] {
            assert!(!admits(&guard, &[shown]), "{shown}");
        }
        assert!(!admits(&guard, &[]));
        assert!(!admits(&guard, &["Bearer token", "Bearer token"]));
        assert_eq!(guard.challenges().len(), 2);
    }

    #[test]
    fn without_credentials_everybody_is_let_in() {
        let guard = Guard::new(&[]).unwrap();
        assert!(guard.is_absent() && admits(&guard, &[]) && admits(&guard, &["Basic x"]));
    }

    #[test]
    fn a_secret_that_is_not_there_fails_the_start() {
        let missing = Credentials::Bearer(Secret::file("/no/such/token"));
        let error = Guard::new(&[missing]).err().unwrap().to_string();
        assert!(error.starts_with("the credentials of clients cannot be used: /no/such/token: "), "{error}");
    }
}
