//! What was set, and what holds where nothing was: each variable with its value, secrets masked.

use super::env::{Environment, Kind, VARIABLES, Variable};
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

/// All variables in the order of the table: the forms that are set, or the default.
pub(super) fn settings(environment: &Environment) -> Vec<Setting> {
    VARIABLES.iter().flat_map(|variable| of(environment, variable)).collect()
}

fn of(environment: &Environment, variable: &Variable) -> Vec<Setting> {
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
        Kind::Url => url(value),
        // A URL may hold a user and a password, whatever it is set for.
        _ if value.contains('@') && value.contains("://") => MASKED.into(),
        _ => value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
    }
}

/// A URL without what may be a secret: all of it if there is a user or a character that no place has, else the query.
fn url(value: &str) -> String {
    let (place, query) = value.split_once('?').map_or((value, ""), |(place, _)| (place, "?(secret)"));
    let is_place = |byte: u8| byte.is_ascii_alphanumeric() || b".:/-_~%[]".contains(&byte);
    if value.contains('@') || !place.bytes().all(is_place) {
        MASKED.into()
    } else {
        format!("{place}{query}")
    }
}
