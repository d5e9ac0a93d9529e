//! Several collectors in the place of one, in the words of a variable or an option.

use crate::sender::{Balance, Discovery, Protocol, Remote};
use http::Uri;
use std::{fmt, str::FromStr};

/// Servers among which what is sent is divided: `host:port` of each, with commas between them, or `dns:host:port` for all
/// addresses of a name. The scheme is that of the destination in whose place they stand unless it is before the host; the
/// port is 4317 or 4318 unless it is behind it.
///
/// ```
/// use throughline::{config::Between, sender::{Protocol, Remote}};
///
/// let between: Between = "collector-0,collector-1:4319,https://collector-2:443".parse()?;
/// let remote = Remote::new(Protocol::HttpProtobuf, "http://localhost:4318/v1/traces".parse()?);
/// assert_eq!(
///     between.in_place_of(&remote).to_string(),
///     "one of http://collector-0:4318/v1/traces, http://collector-1:4319/v1/traces, https://collector-2:443/v1/traces",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Between {
    places: Vec<Place>,
    is_name: bool,
}

#[derive(Clone, PartialEq, Eq)]
struct Place {
    scheme: Option<String>,
    /// With brackets around an address of IPv6.
    host: String,
    port: Option<u16>,
}

impl Between {
    /// These servers, which are all else as that one is: protocol, path, headers, TLS, compression.
    pub fn in_place_of(&self, remote: &Remote) -> Balance {
        let members: Vec<Remote> = self.places.iter().filter_map(|place| place.in_place_of(remote)).collect();
        match (self.is_name, &members[..]) {
            (true, [member]) => Balance::found(Discovery::dns(member.clone())),
            _ => Balance::between(members),
        }
    }
}

impl Place {
    fn in_place_of(&self, remote: &Remote) -> Option<Remote> {
        let scheme = self.scheme.as_deref().or(remote.url.scheme_str()).unwrap_or("http");
        let port = self.port.unwrap_or(if remote.protocol == Protocol::Grpc { 4317 } else { 4318 });
        let path = remote.url.path_and_query().map_or("/", |path| path.as_str());
        let url =
            Uri::builder().scheme(scheme).authority(format!("{}:{port}", self.host)).path_and_query(path);
        // It was parsed before. What is advised to whoever names no destination is no advice here.
        Some(Remote { url: url.build().ok()?, advice: String::new(), ..remote.clone() })
    }
}

impl FromStr for Between {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let (words, is_name) = match words.trim().strip_prefix("dns:") {
            Some(name) => (name, true),
            None => (words.trim(), false),
        };
        let places: Vec<Place> = words.split(',').map(str::trim).map(place).collect::<Result<_, _>>()?;
        if is_name && places.len() > 1 {
            return Err(format!("{words:?} is more than one name; write dns:host:port"));
        }
        Ok(Between { places, is_name })
    }
}

fn place(word: &str) -> Result<Place, String> {
    // A user or a path might hold a secret: nothing of it is repeated.
    let fault = || {
        "has a member that is no server; write host:port or https://host:port, with commas between them, \
         or dns:host:port"
            .to_owned()
    };
    let (scheme, rest) = match word.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (Some(scheme.to_owned()), rest),
        Some(_) => return Err(fault()),
        None => (None, word),
    };
    let url: Uri = format!("http://{}/", rest.trim_end_matches('/')).parse().map_err(|_| fault())?;
    let authority = url.authority().ok_or_else(fault)?;
    let is_plain = url.path() == "/" && url.query().is_none() && !authority.as_str().contains('@');
    let has_port = authority.as_str().len() > authority.host().len();
    match (authority.host(), authority.port_u16()) {
        ("", _) => Err(fault()),
        (_, port) if !is_plain || has_port != port.is_some() || port == Some(0) => Err(fault()),
        (host, port) => Ok(Place { scheme, host: host.to_owned(), port }),
    }
}

/// As it is written.
impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.places.iter().map(|Place { scheme, host, port }| {
            let scheme = scheme.as_ref().map(|scheme| format!("{scheme}://")).unwrap_or_default();
            format!("{scheme}{host}{}", port.map(|port| format!(":{port}")).unwrap_or_default())
        });
        let prefix = if self.is_name { "dns:" } else { "" };
        write!(f, "{prefix}{}", places.collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_written_as_hosts_with_what_differs() {
        for (words, grpc) in [
            ("a", "one of http://a:4317 (grpc)"),
            ("b:1, https://a:2", "one of http://b:1 (grpc), https://a:2 (grpc)"),
            ("[::1]:7,10.0.0.1/", "one of http://10.0.0.1:4317 (grpc), http://[::1]:7 (grpc)"),
            ("dns:collectors.example", "one of those behind http://collectors.example:4317 (grpc)"),
            ("dns:https://collectors.example:1", "one of those behind https://collectors.example:1 (grpc)"),
        ] {
            let between: Between = words.parse().unwrap();
            let remote = Remote::new(Protocol::Grpc, "http://localhost:4317".parse().unwrap());
            assert_eq!(between.in_place_of(&remote).to_string(), grpc);
            assert_eq!(between.to_string().parse::<Between>().unwrap(), between);
        }
    }

    #[test]
    fn what_is_no_server_is_a_fault_that_repeats_no_secret() {
        for words in [
            "",
            "a,",
            "a:b",
            "a:",
            "a:0",
            "a:99999",
            "ftp://a",
            "http://me:hush@a:1",
            "a/hush",
            "a?hush",
            "dns:",
            "a b",
        ] {
            let fault = words.parse::<Between>().unwrap_err();
            assert!(fault.contains("write host:port") && !fault.contains("hush"), "{words}: {fault}");
        }
        assert!("dns:a,b".parse::<Between>().unwrap_err().ends_with("write dns:host:port"));
    }
}
