//! How severe it is.

use crate::filelog::entry::Field;

/// What means how severe something is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Severity {
    /// Where it is.
    pub parse_from: Field,
    /// The words that are known without being named. Default: [`Preset::Default`].
    pub preset: Preset,
    /// More of them: numbers of OpenTelemetry, 0 to 24, and what means them.
    pub mapping: Vec<(u8, Meaning)>,
    /// Whether the severity's text becomes the short name of its number: `ERROR`.
    pub overwrite_text: bool,
}

impl Severity {
    /// The usual words.
    pub fn new(parse_from: Field) -> Self {
        Severity { parse_from, preset: Preset::Default, mapping: Vec::new(), overwrite_text: false }
    }
}

/// Words of severity that need not be named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// None.
    None,
    /// The names of OpenTelemetry, `trace` to `fatal4`, and their numbers.
    Otel,
    /// These, and `warning` and `err`.
    #[default]
    Default,
}

/// What means a severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A word, in whatever case, or a number as text; `2xx` to `5xx` are the statuses of HTTP.
    Word(String),
    /// A number from the first to the second.
    Range(i64, i64),
}
