//! What the layers go by, decided from the variables.
//!
//! A member of a list that cannot be used is left out and told. Where it decides whom to believe or whom to tell,
//! the whole list is: then nobody is believed, and nobody told.

use super::{env, env::Environment, env::Found, env::Variable};
use crate::middleware::{
    ClientOptions, ServerOptions,
    options::{CapturedHeaders, Hosts, ProxyHeaders, Scheme, TrustedProxies},
};
use http::Method;

/// More would cost every request: the lists are searched from their beginning.
pub(super) const MOST_MEMBERS: usize = 256;

pub(super) fn server(environment: &mut Environment) -> ServerOptions {
    let mut options = ServerOptions::default();
    options.trusted_proxies = trusted_proxies(environment);
    if environment.choice(&env::SERVER_SCHEME, None).is_some_and(|found| found.value == "https") {
        options.scheme = Scheme::Https;
    }
    options.known_methods = known_methods(environment).unwrap_or(options.known_methods);
    options.request_headers = headers(environment, &env::SERVER_REQUEST_HEADERS);
    options.response_headers = headers(environment, &env::SERVER_RESPONSE_HEADERS);
    options.sensitive_query_keys =
        list(environment, &env::SENSITIVE_QUERY_KEYS, any).unwrap_or(options.sensitive_query_keys);
    options.omitted = list(environment, &env::OMITTED_ATTRIBUTES, any).unwrap_or_default();
    options.excluded_paths = list(environment, &env::EXCLUDED_PATHS, path).unwrap_or_default();
    options.public_endpoint = environment.boolean_or(&env::PUBLIC_ENDPOINT, None, true).unwrap_or(false);
    options.server_timing = environment.boolean(&env::SERVER_TIMING, None).unwrap_or(false);
    options.request_span = environment.boolean(&env::REQUEST_SPAN, None).unwrap_or(false);
    options.active_requests = environment.boolean(&env::ACTIVE_REQUESTS, None).unwrap_or(false);
    options.body_sizes = environment.boolean(&env::BODY_SIZES, None).unwrap_or(false);
    options.exception_messages = environment.boolean(&env::EXCEPTION_MESSAGES, None).unwrap_or(true);
    options
}

/// What both sides have is taken from the server's.
pub(super) fn client(environment: &mut Environment, server: &ServerOptions) -> ClientOptions {
    let mut options = ClientOptions::default();
    options.injected_hosts = injected_hosts(environment);
    options.request_headers = headers(environment, &env::CLIENT_REQUEST_HEADERS);
    options.response_headers = headers(environment, &env::CLIENT_RESPONSE_HEADERS);
    options.known_methods.clone_from(&server.known_methods);
    options.sensitive_query_keys.clone_from(&server.sensitive_query_keys);
    options.omitted.clone_from(&server.omitted);
    options.active_requests = server.active_requests;
    options.body_sizes = server.body_sizes;
    options.exception_messages = server.exception_messages;
    options
}

/// Nobody, unless everything about them is right.
fn trusted_proxies(environment: &mut Environment) -> TrustedProxies {
    let headers = proxy_headers(environment);
    let Some(found) = members(environment, &env::TRUSTED_PROXIES) else {
        if let Some(found) = environment.text(&env::PROXY_HEADERS, None) {
            environment.fault(&found.name, "means nothing without THROUGHLINE_TRUSTED_PROXIES");
        }
        return TrustedProxies::default();
    };
    let proxies = usable(&found.value).and_then(|members| match members {
        [all] if all == "*" => Ok(TrustedProxies::everybody()),
        networks => TrustedProxies::networks(networks).map_err(|invalid| invalid.to_string()),
    });
    match (proxies, headers) {
        (Ok(proxies), Some(headers)) => proxies.with_headers(headers),
        (Ok(_), None) => TrustedProxies::default(),
        (Err(fault), _) => {
            environment.fault(&found.name, &format!("{fault}; nobody is trusted"));
            TrustedProxies::default()
        }
    }
}

/// `None`: not to be understood. To guess would be to believe headers that the proxy passes on unseen.
fn proxy_headers(environment: &mut Environment) -> Option<ProxyHeaders> {
    let Some(found) = environment.text(&env::PROXY_HEADERS, None) else {
        return Some(ProxyHeaders::default());
    };
    match found.value.to_ascii_lowercase().as_str() {
        "x-forwarded" => Some(ProxyHeaders::XForwarded),
        "forwarded" => Some(ProxyHeaders::Forwarded),
        _ => {
            let fault =
                format!("{:?} is unknown; use x-forwarded, forwarded; nobody is trusted", found.value);
            environment.fault(&found.name, &fault);
            None
        }
    }
}

/// All, unless hosts are named; none, if one of them is not right.
fn injected_hosts(environment: &mut Environment) -> Hosts {
    let Some(found) = members(environment, &env::INJECTED_HOSTS) else { return Hosts::default() };
    let hosts = usable(&found.value).and_then(|members| {
        let excepted: Option<Vec<&str>> = members.iter().map(|member| member.strip_prefix('!')).collect();
        let hosts = excepted.map_or_else(|| Hosts::only(members), Hosts::except);
        hosts.map_err(|invalid| invalid.to_string())
    });
    let none = |fault| {
        environment.fault(&found.name, &format!("{fault}; no host is sent ids"));
        Hosts::only::<&str>([])
    };
    hosts.or_else(none).unwrap_or_default()
}

// H-022
fn known_methods(environment: &mut Environment) -> Option<Vec<String>> {
    list(environment, &env::KNOWN_METHODS, no_method)
}

/// Why a text is not the name of a method.
pub(super) fn no_method(text: &str) -> Option<String> {
    Method::from_bytes(text.as_bytes()).is_err().then(|| format!("{text:?} is not the name of a method"))
}

// H-070
fn headers(environment: &mut Environment, variable: &Variable) -> CapturedHeaders {
    let names = list(environment, variable, no_header);
    CapturedHeaders::new(names.unwrap_or_default()).unwrap_or_default()
}

/// Why a text is not the name of a header.
pub(super) fn no_header(text: &str) -> Option<String> {
    match text {
        "*" => Some("\"*\" does not mean all; name each header".into()),
        _ => CapturedHeaders::new([text]).err().map(|invalid| invalid.to_string()),
    }
}

fn path(member: &str) -> Option<String> {
    let exact = member.strip_suffix('*').unwrap_or(member);
    let is_path = exact.starts_with('/') && !exact.contains('*');
    (!is_path).then(|| {
        format!("{member:?} is not a path; begin it with /, end it with * to mean all that begin so")
    })
}

fn any(_: &str) -> Option<String> {
    None
}

/// The members of a list that are not refused. `None`, which is to say the default, if that leaves none.
fn list(
    environment: &mut Environment,
    variable: &Variable,
    refused: impl Fn(&str) -> Option<String>,
) -> Option<Vec<String>> {
    let Found { value: mut members, name } = members(environment, variable)?;
    if let Err(fault) = usable(&members) {
        let rest = if members.is_empty() { "the default holds" } else { "the rest is left out" };
        environment.fault(&name, &format!("{fault}; {rest}"));
        members.truncate(MOST_MEMBERS);
    }
    members.retain(|member| {
        let fault = refused(member);
        if let Some(fault) = &fault {
            environment.fault(&name, &format!("{fault}; it is left out"));
        }
        fault.is_none()
    });
    (!members.is_empty()).then_some(members)
}

/// The members of a list, those not counted that are empty.
fn members(environment: &Environment, variable: &Variable) -> Option<Found<Vec<String>>> {
    let found = environment.text(variable, None)?;
    let members = found.value.split(',').map(str::trim).filter(|member| !member.is_empty());
    Some(Found { value: members.map(String::from).collect(), name: found.name })
}

fn usable(members: &[String]) -> Result<&[String], String> {
    match members.len() {
        0 => Err("names nothing".into()),
        1..=MOST_MEMBERS => Ok(members),
        _ => Err(format!("has more than {MOST_MEMBERS} members")),
    }
}

#[cfg(test)]
mod tests;
