//! What log lines and log records look like, decided from the variables.

use super::{AttributeLimits, env, env::Environment};
use crate::log::Keys;
use std::fmt;

/// What becomes of the events of `tracing` and of the `log` crate: lines, and records over OTLP.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Log {
    /// The form of a line. Default: [`LogFormat::Text`].
    pub format: LogFormat,
    /// Where lines go. Default: [`LogOutput::Stdout`].
    pub output: LogOutput,
    /// Which events become lines and log records, in the syntax of `RUST_LOG`. Default:
    /// `info,opentelemetry=warn`.
    pub filter: String,
    /// How much throughline says about itself, unless the filter names it. Default: [`Level::Info`].
    pub own_level: Level,
    /// JSON with the fields beside the members of ours, instead of in objects of their own. Default: false.
    pub flat: bool,
    /// Lines name their span and have the fields of all spans around them. Default: true.
    pub span_fields: bool,
    /// Lines have the file and the line of the source. Default: false.
    pub source: bool,
    /// Lines have the name of the service. Default: false.
    pub service_name: bool,
    /// What else every line has; one that has the name of a member of ours is left out. Default: nothing.
    pub attributes: Vec<(String, String)>,
    /// The names of the members that are ours.
    pub keys: Keys,
    /// Colours in text; `None`: on a terminal. Default: `None`, and `Some(false)` with `NO_COLOR`.
    pub colors: Option<bool>,
    /// At which moments of a span's life it writes a line. Default: none.
    pub spans: SpanMoments,
    /// Lines are written by a thread of its own, and at most so many bytes may wait for it; what finds no room
    /// is dropped and counted in [`stats`](crate::Handle::stats). `None`: whoever logs writes, and waits for a
    /// slow reader. Default: `None`.
    pub buffer: Option<usize>,
    /// [`Telemetry::init`](crate::Telemetry::init) makes panics lines too. Default: false.
    pub panics: bool,
    /// Records over OTLP have the fields of the spans around them. Default: false, since the trace has them.
    pub record_span_fields: bool,
    /// What a record over OTLP may hold (E-16).
    pub limits: AttributeLimits,
}

/// The form of a log line. See [`crate::log`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people, and for a Loki that looks for `trace_id=`.
    Text,
    /// One JSON object a line.
    Json,
    /// `key=value` from the first word to the last.
    Logfmt,
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogOutput {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
    /// Nowhere: there are records over OTLP only.
    None,
}

impl fmt::Display for LogOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogOutput::Stdout => "stdout",
            LogOutput::Stderr => "stderr",
            LogOutput::None => "nowhere",
        })
    }
}

/// How much throughline says about itself (E-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Nothing.
    None,
    /// What keeps it from working.
    Error,
    /// What is lost, and what is wrong in the variables.
    Warn,
    /// Where each signal goes, said at start.
    Info,
    /// More.
    Debug,
    /// All.
    Trace,
}

impl Level {
    fn read(environment: &mut Environment) -> Self {
        match environment.choice(&env::LOG_LEVEL, None).map(|found| found.value) {
            Some("none") => Level::None,
            Some("error") => Level::Error,
            Some("warn") => Level::Warn,
            Some("debug") => Level::Debug,
            Some("trace" | "verbose" | "all") => Level::Trace,
            _ => Level::Info,
        }
    }
}

/// The word of a filter.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::None => "off",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        })
    }
}

/// Moments in the life of a `tracing` span at which it writes a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanMoments {
    /// When it is made. That starts it: a parent can no longer be set with `set_parent`.
    pub new: bool,
    /// Each time it is entered, which in `async` code is each poll.
    pub enter: bool,
    /// Each time it is left.
    pub exit: bool,
    /// When it is over, with the time it was entered and the time it was not.
    pub close: bool,
}

impl SpanMoments {
    pub(crate) fn any(self) -> bool {
        self != SpanMoments::default()
    }
}

impl Default for Log {
    /// What holds without any variable.
    fn default() -> Self {
        Log::read(&mut Environment::default())
    }
}

impl Log {
    /// The default, in this form.
    pub fn new(format: LogFormat) -> Self {
        Log { format, ..Log::default() }
    }

    pub(super) fn read(environment: &mut Environment) -> Self {
        let own_level = Level::read(environment);
        let mut word = |variable| environment.choice(variable, None).map(|found| found.value);
        let format = match word(&env::LOG_FORMAT) {
            Some("json") => LogFormat::Json,
            Some("logfmt") => LogFormat::Logfmt,
            _ => LogFormat::Text,
        };
        let output = match word(&env::LOG_OUTPUT) {
            Some("stderr") => LogOutput::Stderr,
            Some("none") => LogOutput::None,
            _ => LogOutput::Stdout,
        };
        let flat = word(&env::LOG_FIELDS) == Some("flat");
        let span_fields = environment.choices(&env::LOG_SPAN_FIELDS);
        let span_fields = span_fields.filter(|words| !words.is_empty()).unwrap_or_else(|| vec!["lines"]);
        let moments = environment.choices(&env::LOG_SPANS).unwrap_or_default();
        let mut truth = |variable| environment.boolean(variable, None).unwrap_or(false);
        Log {
            format,
            output,
            own_level,
            flat,
            span_fields: span_fields.contains(&"lines"),
            record_span_fields: span_fields.contains(&"records"),
            source: truth(&env::LOG_SOURCE),
            service_name: truth(&env::LOG_SERVICE_NAME),
            panics: truth(&env::LOG_PANICS),
            attributes: Vec::new(),
            keys: Keys::default(),
            colors: environment.text(&env::NO_COLOR, None).map(|_| false),
            spans: SpanMoments {
                new: moments.contains(&"new"),
                enter: moments.contains(&"enter"),
                exit: moments.contains(&"exit"),
                close: moments.contains(&"close"),
            },
            buffer: environment.count(&env::LOG_BUFFER),
            filter: super::filter(environment, &env::RUST_LOG),
            limits: AttributeLimits::read(
                environment,
                [&env::RECORD_ATTRIBUTE_COUNT, &env::RECORD_ATTRIBUTE_LENGTH],
            ),
        }
    }
}
