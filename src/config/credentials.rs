//! Who sends, decided from the variables (O-011, O-012, B-031).

use super::{env, env::Environment, env::Found, env::Variable};
use crate::sender::{Credentials, Remote, Secret, Signal};
use http::{
    HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use percent_encoding::percent_decode_str;

const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

/// Gives a destination its headers and its credentials.
pub(super) fn read(environment: &mut Environment, signal: Signal, remote: &mut Remote) {
    let mut add = |name: HeaderName, mut value: HeaderValue| {
        value.set_sensitive(true);
        remote.headers.insert(name, value);
    };
    let headers = headers(environment, signal);
    let has = |name: &HeaderName| headers.iter().any(|(known, _)| known == name);
    let (tenant, authorization) = (!has(&TENANT), !has(&AUTHORIZATION));
    headers.into_iter().for_each(|(name, value)| add(name, value));
    if tenant && let Some(value) = header(environment, environment.text(&env::TENANT, Some(signal))) {
        add(TENANT, value);
    }
    if authorization {
        match choose(environment, signal) {
            Some(Chosen::Header(value)) => add(AUTHORIZATION, value),
            Some(Chosen::Credentials(credentials)) => remote.credentials = Some(credentials),
            None => {}
        }
    }
}

enum Chosen {
    /// As it is.
    Header(HeaderValue),
    Credentials(Credentials),
}

/// The signal's own secret before the general ones; a user belongs to whichever secret is found.
fn choose(environment: &mut Environment, signal: Signal) -> Option<Chosen> {
    let user = environment.text(&env::USERNAME, Some(signal));
    let own = Some(signal);
    let places: [(&Variable, Option<Signal>); 9] = [
        (&env::PASSWORD, own),
        (&env::PASSWORD_FILE, own),
        (&env::TOKEN, own),
        (&env::TOKEN_FILE, own),
        (&env::AUTHORIZATION, None),
        (&env::PASSWORD, None),
        (&env::PASSWORD_FILE, None),
        (&env::TOKEN, None),
        (&env::TOKEN_FILE, None),
    ];
    let secrets =
        places.map(|(variable, signal)| Some((variable.name, environment.exactly(variable, signal)?)));
    let is_password = |name: &str| [env::PASSWORD.name, env::PASSWORD_FILE.name].contains(&name);
    let usable = |(name, _): &&(&str, Found)| user.is_some() || !is_password(name);
    let Some((variable, secret)) = secrets.iter().flatten().find(usable) else {
        if let Some((_, password)) = secrets.iter().flatten().next() {
            environment.fault(&password.name, "has no user; set THROUGHLINE_OTLP_USERNAME");
        } else if let Some(user) = user {
            let fault = "has no password; set THROUGHLINE_OTLP_PASSWORD or THROUGHLINE_OTLP_TOKEN";
            environment.fault(&user.name, fault);
        }
        return None;
    };
    if *variable == env::AUTHORIZATION.name {
        return header(environment, Some(secret.clone())).map(Chosen::Header);
    }
    let is_file = [env::PASSWORD_FILE.name, env::TOKEN_FILE.name].contains(variable);
    let password = if is_file { Secret::file(&secret.value) } else { Secret::value(&secret.value) };
    let fault = match &user {
        Some(user) if user.value.contains(':') => Some((&user.name, "has a colon, which ends a user")),
        None if !is_file && HeaderValue::try_from(&secret.value).is_err() => Some((&secret.name, UNFIT)),
        _ => None,
    };
    if let Some((name, fault)) = fault {
        environment.fault(name, &format!("{fault}; it is ignored"));
        return None;
    }
    Some(Chosen::Credentials(match user {
        Some(user) => Credentials::Basic { user: user.value, password },
        None => Credentials::Bearer(password),
    }))
}

const UNFIT: &str = "has characters that a header cannot hold";

/// A header's value as it is. Not echoed: it may be a secret.
fn header(environment: &mut Environment, found: Option<Found>) -> Option<HeaderValue> {
    let found = found?;
    let value = HeaderValue::try_from(&found.value).ok();
    if value.is_none() {
        environment.fault(&found.name, &format!("{UNFIT}; it is ignored"));
    }
    value
}

/// O-011: W3C-baggage-like pairs, percent-encoded; a literal space is taken too.
fn headers(environment: &mut Environment, signal: Signal) -> Vec<(HeaderName, HeaderValue)> {
    let Some(found) = environment.text(&env::HEADERS, Some(signal)) else { return vec![] };
    let (headers, faults): (Vec<_>, Vec<_>) = pairs(&found.value).partition(Result::is_ok);
    for fault in faults.into_iter().filter_map(Result::err) {
        environment.fault(&found.name, &format!("{fault}; it is left out"));
    }
    headers.into_iter().filter_map(Result::ok).collect()
}

/// The headers of a list, and what is wrong with its other members. They are not echoed: they may be secrets.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = Result<(HeaderName, HeaderValue), String>> {
    text.split(',').filter(|member| !member.trim().is_empty()).map(|member| {
        // Without a value it is rather a token in base64 than the name of a header.
        let named = member.split_once('=').filter(|(_, value)| !value.trim().trim_matches('=').is_empty());
        let decoded = named.and_then(|(name, value)| Some((decode(name)?, decode(value)?)));
        let (name, value) = decoded.ok_or(NO_PAIR)?;
        pair(&name, &value)
    })
}

const NO_PAIR: &str = "has a member that is not a name=value header";

/// A header that may be sent.
pub(crate) fn pair(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name = HeaderName::try_from(name.to_ascii_lowercase()).map_err(|_| NO_PAIR)?;
    // They describe the body that we make.
    if [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING, TRANSFER_ENCODING].contains(&name) {
        return Err(format!("must not set {name}"));
    }
    Ok((name, HeaderValue::try_from(value).map_err(|_| NO_PAIR)?))
}

/// Trims and percent-decodes; `None` if what comes out is not UTF-8 or a `%` is not followed by two digits.
pub(super) fn decode(text: &str) -> Option<String> {
    let text = text.trim();
    let torn = text.split('%').skip(1).any(|rest| {
        let digits = rest.as_bytes().get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if torn {
        return None;
    }
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}
