use super::Invalid;

/// Hosts by name, or by the end of their name.
///
/// `example.com` is that host, `*.example.com` every host below it. Ports do not matter, letters' case neither.
/// The default is all hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    names: Vec<String>,
    listed: Listed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Listed {
    #[default]
    Out,
    In,
}

impl Hosts {
    /// These hosts and no others.
    ///
    /// ```
    /// # use throughline_middleware::options::Hosts;
    /// let hosts = Hosts::only(["prices.internal", "*.svc.cluster.local"])?;
    /// assert!(hosts.contain("orders.shop.svc.cluster.local") && !hosts.contain("api.example.com"));
    /// # Ok::<_, throughline_middleware::options::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// If one is empty, holds a port, a path or a scheme, or a `*` elsewhere than in `*.` at its beginning.
    pub fn only<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self, Invalid> {
        Ok(Self { names: parse(names)?, listed: Listed::In })
    }

    /// All hosts but these.
    ///
    /// # Errors
    /// As [`only`](Self::only).
    pub fn except<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self, Invalid> {
        Ok(Self { names: parse(names)?, listed: Listed::Out })
    }

    /// Tells whether no host is left out.
    pub(crate) fn are_all(&self) -> bool {
        self.listed == Listed::Out && self.names.is_empty()
    }

    /// Tells whether a host is one of them.
    pub fn contain(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let is_named = self.names.iter().any(|name| match name.strip_prefix('*') {
            Some(end) => host.len() > end.len() && ends_alike(host, end),
            None => host.eq_ignore_ascii_case(name),
        });
        is_named == (self.listed == Listed::In)
    }
}

fn ends_alike(host: &str, end: &str) -> bool {
    let host = host.as_bytes();
    host[host.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

fn parse<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Vec<String>, Invalid> {
    let parse = |name: N| {
        let name = name.as_ref().trim();
        let bare = name.strip_prefix("*.").unwrap_or(name);
        let is_ipv6 = bare.parse::<std::net::Ipv6Addr>().is_ok();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        match is_ipv6 || (!bare.is_empty() && bare.bytes().all(is_name)) {
            true => Ok(name.to_owned()),
            false => Err(Invalid::new(name, "is not a host; use a name, an address or `*.` and a name")),
        }
    };
    names.into_iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_matched_by_name_and_by_ending() {
        // P-035
        let only = Hosts::only(["prices", "*.example.com", "2001:db8::1"]).unwrap();
        let except = Hosts::except(["prices", "*.example.com", "2001:db8::1"]).unwrap();
        for (host, is_named) in [
            ("prices", true),
            ("PRICES", true),
            ("prices.", true),
            ("xprices", false),
            ("a.example.com", true),
            ("a.b.EXAMPLE.com", true),
            ("example.com", false),
            (".example.com", false),
            ("badexample.com", false),
            ("2001:db8::1", true),
            ("", false),
        ] {
            assert_eq!((only.contain(host), except.contain(host)), (is_named, !is_named), "{host}");
            assert!(Hosts::default().contain(host));
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for name in ["", "*", "*.", "a:80", "http://a", "a/b", "a.*.b", "a b"] {
            let refused = Hosts::only([name]).unwrap_err();
            assert!(refused.to_string().starts_with(&format!("{name:?} is not a host")), "{refused}");
        }
    }
}
