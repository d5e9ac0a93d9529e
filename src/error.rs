//! The one error.

use crate::{config::Fault, sender};
use std::fmt;

/// Why a set-up, a flush or a shutdown did not do what was asked.
///
/// Opaque; the predicates tell the kinds apart, `Display` names the thing, the fault and the way out, and
/// never a secret.
///
/// ```
/// use throughline::{Config, Telemetry};
///
/// let config = Config::from_vars([("OTEL_TRACES_SAMPLER", "sometimes")]);
/// let error = config.check().unwrap_err();
/// assert!(error.is_configuration());
/// assert!(error.to_string().starts_with(r#"OTEL_TRACES_SAMPLER: "sometimes" is unknown; use always_on"#));
/// ```
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, PartialEq)]
enum ErrorKind {
    Configuration,
    AlreadySet,
    AddressInUse,
    Undelivered,
    System,
}

impl Error {
    /// A variable, a destination or a filter is wrong.
    pub fn is_configuration(&self) -> bool {
        self.kind == ErrorKind::Configuration
    }

    /// Something global was set before: by an earlier `init`, or by a subscriber of your own.
    pub fn is_already_set(&self) -> bool {
        self.kind == ErrorKind::AlreadySet
    }

    /// A port that the embedded collector, or the page for Prometheus, needs is taken.
    pub fn is_address_in_use(&self) -> bool {
        self.kind == ErrorKind::AddressInUse
    }

    /// A flush or a shutdown ended with something not delivered.
    pub fn is_undelivered(&self) -> bool {
        self.kind == ErrorKind::Undelivered
    }

    pub(crate) fn configuration<'a>(faults: impl IntoIterator<Item = &'a Fault>) -> Self {
        let lines: Vec<String> = faults.into_iter().map(Fault::to_string).collect();
        Error { kind: ErrorKind::Configuration, message: lines.join("\n"), source: None }
    }

    pub(crate) fn destination(variable: &str, source: sender::Error) -> Self {
        let message = format!("{variable}: {source}");
        Error { kind: ErrorKind::Configuration, message, source: Some(source.into()) }
    }

    pub(crate) fn filter(text: &str, source: tracing_subscriber::filter::ParseError) -> Self {
        let message = format!("{text:?} is not a filter ({source}); the one before holds");
        Error { kind: ErrorKind::Configuration, message, source: Some(source.into()) }
    }

    pub(crate) fn already_set(what: &str) -> Self {
        let message = format!(
            "{what}; use Telemetry::build, which sets nothing global, and add telemetry.layers() to your own subscriber"
        );
        Error { kind: ErrorKind::AlreadySet, message, source: None }
    }

    #[cfg(feature = "collector")]
    pub(crate) fn collector(source: throughline_collector::Error) -> Self {
        let kind = if source.is_address_in_use() { ErrorKind::AddressInUse } else { ErrorKind::System };
        Error { kind, message: source.to_string(), source: Some(source.into()) }
    }

    #[cfg(feature = "prometheus")]
    pub(crate) fn listening(what: &str, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::AddrInUse => ErrorKind::AddressInUse,
            _ => ErrorKind::System,
        };
        Error { kind, message: what.into(), source: Some(source.into()) }
    }

    pub(crate) fn undelivered(failures: Vec<String>) -> Self {
        Error { kind: ErrorKind::Undelivered, message: failures.join("\n"), source: None }
    }

    pub(crate) fn system(what: &str, source: std::io::Error) -> Self {
        let message = format!("{what}: {source}");
        Error { kind: ErrorKind::System, message, source: Some(source.into()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The message: it is what a `main` that returns the error prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
