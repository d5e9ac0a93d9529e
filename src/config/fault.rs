//! What is wrong in the configuration.

use std::fmt;

/// One thing wrong in one variable. `Display` says what, and the way out; never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The variable, or the file.
    pub variable: String,
    /// What is wrong, and what holds now.
    pub message: String,
    /// Whether telemetry does not start with it. Default: false.
    pub fatal: bool,
}

impl Fault {
    pub(crate) fn new(variable: &str, message: &str) -> Self {
        Fault { variable: variable.into(), message: message.into(), fatal: false }
    }

    pub(crate) fn fatal(variable: &str, message: &str) -> Self {
        Fault { fatal: true, ..Fault::new(variable, message) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.message)
    }
}
