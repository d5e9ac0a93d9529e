//! What was set, and what holds where nothing was: each variable with its value, secrets masked.

use super::env::{COLLECT, Environment, Kind, VARIABLES, Variable};
use crate::sender::Signal;
use std::fmt;

/// Shown instead of a secret.
const MASKED: &str = "(secret)";

/// One variable, its value and where that comes from. `Display` is `name = value (origin)`.
///
/// ```
/// use throughline::{Config, config::Origin};
///
/// let config = Config::from_vars([("OTEL_SERVICE_NAME", "cart"), ("THROUGHLINE_OTLP_TOKEN", "hush")]);
/// let shown: Vec<String> =
///     config.settings().filter(|setting| setting.origin != Origin::Default).map(|setting| setting.to_string()).collect();
/// assert_eq!(shown, ["OTEL_SERVICE_NAME = cart (environment)", "THROUGHLINE_OTLP_TOKEN = (secret) (environment)"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The name: of the form that was set, or the general one with `[SIGNAL_]` or `{SIGNAL}` in it.
    pub variable: String,
    /// The value as it was written, without control characters; `(secret)` for a secret; the default in words.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A variable of the process.
    Environment,
    /// A line of the `.env` file.
    File,
    /// Nothing was set.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Environment => "environment",
            Origin::File => "file",
            Origin::Default => "default",
        })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.variable, self.value, self.origin)
    }
}

/// All variables in the order of the table: the forms that are set, or the default; those of the collector's program alone
/// where they are set.
pub(super) fn settings(environment: &Environment) -> Vec<Setting> {
    let of_collect = COLLECT.iter().flat_map(|variable| of(environment, variable));
    let of_collect = of_collect.filter(|setting| setting.origin != Origin::Default);
    VARIABLES.iter().flat_map(|variable| of(environment, variable)).chain(of_collect).collect()
}

pub(super) fn of(environment: &Environment, variable: &Variable) -> Vec<Setting> {
    let forms = [None].into_iter().chain(Signal::ALL.map(Some));
    let mut set: Vec<Setting> = Vec::new();
    for name in forms.map(|signal| variable.name_for(signal)) {
        let Some((value, origin)) = environment.written(&name) else { continue };
        if set.iter().all(|known| known.variable != name) {
            set.push(Setting { variable: name, value: shown(variable, value), origin });
        }
    }
    if set.is_empty() && !matches!(variable.kind, Kind::Unsupported | Kind::Unneeded) {
        let (variable, value) = (variable.name.to_owned(), variable.default.to_owned());
        set.push(Setting { variable, value, origin: Origin::Default });
    }
    set
}

fn shown(variable: &Variable, value: &str) -> String {
    match variable.kind {
        Kind::Secret | Kind::SecretPairs => MASKED.into(),
        Kind::Url => url(value).unwrap_or_else(|| "(not a URL)".into()),
        // What is no URL to us may be one, with a user and a password.
        _ if value.contains('@') && value.contains("://") => MASKED.into(),
        _ => value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
    }
}

/// A URL or a `host:port` without user, password and query; `None` for all else, which may be a secret.
fn url(value: &str) -> Option<String> {
    let (scheme, rest) =
        value.split_once("://").map_or(("", value), |(_, rest)| value.split_at(value.len() - rest.len()));
    let (place, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let is_place = place.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    // A password with a slash in it ends the place early; then it stands where a port should.
    let has_port =
        place.rsplit(':').next().is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_torn = rest.contains('@') || (place.contains(':') && !place.ends_with(']') && !has_port);
    // A word alone may be a token.
    let is_place = is_place && (!scheme.is_empty() || place.contains(':'));
    let is_clean = !place.is_empty() && !is_torn && !value.chars().any(char::is_control);
    let is_scheme = scheme.chars().all(|c| c.is_ascii_alphanumeric() || ":/".contains(c));
    (is_scheme && is_place && is_clean).then(|| format!("{scheme}{place}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // O-093
    #[test]
    fn an_endpoint_is_shown_without_what_may_be_secret() {
        for (value, shown) in [
            ("http://c:4318/otlp", Some("http://c:4318/otlp")),
            ("c:4317", Some("c:4317")),
            ("http://[::1]:4318", Some("http://[::1]:4318")),
            ("https://me:hush@c/otlp?key=hush", Some("https://c/otlp")),
            ("https://me:hu/sh@c/otlp", None),
            ("https://c/otlp#hush", Some("https://c/otlp")),
            ("https://me:hush?x@c/otlp", None),
            ("https://me:hush", None),
            ("hush", None),
            ("hush me://c", None),
            ("collector;hush", None),
            ("http://c/\u{1b}[31m", None),
        ] {
            assert_eq!(url(value).as_deref(), shown, "{value}");
        }
    }
}
