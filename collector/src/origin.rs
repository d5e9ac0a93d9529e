//! Whom a request is addressed to and which page sent it: other sites must neither read nor write here.
//!
//! A site can let its own name point to this machine, and then its pages may ask for anything there; the name gives
//! them away. They may also send simple requests to any address; `Origin` gives those away.

use http::{
    HeaderMap, Request,
    header::{HOST, ORIGIN},
    uri::{Authority, Uri},
};
use std::net::IpAddr;

/// Whether the request has a name, and every name is one of this machine: `localhost` or a loopback address.
pub(crate) fn is_for_loopback<B>(request: &Request<B>) -> bool {
    let mut names = names(request).peekable();
    names.peek().is_some() && names.all(|name| name.is_some_and(|name| is_loopback(name.host())))
}

/// Whether no name is one that somebody else could have chosen: there is none, or `localhost`, or an address.
pub(crate) fn is_for_address<B>(request: &Request<B>) -> bool {
    let is_fine = |name: &str| name.eq_ignore_ascii_case("localhost") || address(name).is_some();
    names(request).all(|name| name.is_some_and(|name| is_fine(name.host())))
}

/// Whether a page of another site sent it.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let local = |origin: &[u8]| {
        let origin = Uri::try_from(origin).ok()?;
        origin.host().filter(|host| is_loopback(host)).map(|_| ())
    };
    headers.get_all(ORIGIN).iter().any(|origin| local(origin.as_bytes()).is_none())
}

/// HTTP/1.1 has the name in `Host`, HTTP/2 in the URI; where several are, all must be fine.
fn names<B>(request: &Request<B>) -> impl Iterator<Item = Option<Authority>> {
    let hosts = request.headers().get_all(HOST).iter().map(|host| Authority::try_from(host.as_bytes()).ok());
    hosts.chain(request.uri().authority().cloned().map(Some)).map(|name| name.filter(is_plain))
}

/// Whether it is a host, perhaps with a number behind it, and nothing that others could read as another host.
fn is_plain(name: &Authority) -> bool {
    let is_port =
        |rest: &str| rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|it| it.is_ascii_digit()));
    name.as_str().strip_prefix(name.host()).is_some_and(|rest| rest.is_empty() || is_port(rest))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|address| address.is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(host: &str) -> Request<()> {
        Request::builder().header(HOST, host).body(()).unwrap()
    }

    #[test]
    fn names_of_others_are_told_from_addresses_and_from_loopback() {
        for host in ["localhost:4318", "LOCALHOST", "127.0.0.1", "127.8.8.8:1", "[::1]:4318"] {
            assert!(is_for_loopback(&to(host)) && is_for_address(&to(host)), "{host}");
        }
        for host in ["192.0.2.7:4318", "[2001:db8::1]"] {
            assert!(!is_for_loopback(&to(host)) && is_for_address(&to(host)), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1:4318.evil.example",
            "evil.example@127.0.0.1",
            "localhost@evil.example",
            "::1",
            "",
        ] {
            assert!(!is_for_loopback(&to(host)) && !is_for_address(&to(host)), "{host}");
        }
        let nameless = Request::builder().uri("/").body(()).unwrap();
        assert!(!is_for_loopback(&nameless) && is_for_address(&nameless));
        let mut both = to("localhost");
        *both.uri_mut() = "http://evil.example/".parse().unwrap();
        assert!(!is_for_loopback(&both) && !is_for_address(&both));
        let mut twice = to("localhost");
        twice.headers_mut().append(HOST, "evil.example".parse().unwrap());
        assert!(!is_for_loopback(&twice) && !is_for_address(&twice));
    }

    #[test]
    fn pages_of_this_machine_are_told_from_others() {
        for (origin, elsewhere) in [
            ("http://localhost:3000", false),
            ("http://127.0.0.1:4319", false),
            ("http://evil.example", true),
            ("https://localhost.evil.example", true),
            ("null", true),
            ("", true),
        ] {
            let headers = HeaderMap::from_iter([(ORIGIN, origin.parse().unwrap())]);
            assert_eq!(is_from_elsewhere(&headers), elsewhere, "{origin}");
        }
        assert!(!is_from_elsewhere(&HeaderMap::new()));
    }
}
