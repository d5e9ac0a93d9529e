//! The environment: one table of variables, read in one place.
//!
//! The parser takes names only from [`VARIABLES`]; the table below is made from it, and so are the names in
//! the start-up line. An empty variable is an unset one (O-090). A list has at most 256 members. `[SIGNAL_]`
//! stands for nothing (all signals) or for `TRACES_`, `METRICS_`, `LOGS_`, which wins for that signal; `{SIGNAL}`
//! for one of the three.
//!
#![doc = include_str!("variables.md")]

use super::{Fault, Origin};
use crate::{middleware::propagation::Format, sender::Signal};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// One row of the table.
#[derive(Debug)]
#[non_exhaustive]
pub struct Variable {
    /// Its name, with `[SIGNAL_]` or `{SIGNAL}` where it has forms for the signals.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What holds when it is unset, in words.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
}

/// What a variable may hold.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// A URL, or `host:port`; printed without user, password and query.
    Url,
    /// A value that is never printed.
    Secret,
    /// `true`, in any case; all else is false, unless the meaning says otherwise.
    Boolean,
    /// A whole number of milliseconds.
    Milliseconds,
    /// A whole number above zero.
    Count,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// Some of these words with commas between them, in any case.
    Choices(&'static [&'static str]),
    /// `key=value` with commas between them, keys and values percent-encoded.
    Pairs,
    /// `key=value` pairs whose values are never printed.
    SecretPairs,
    /// `address:port`, or `off`.
    Address,
    /// Some texts with commas between them.
    List,
    /// Of the standard, and not supported yet: said at start when set. What holds stands in the meaning.
    Unsupported,
    /// Of the standard, and without effect: what it would ask for holds anyway.
    Unneeded,
}

/// Variables of the project's own tests.
const TESTS: &str = "THROUGHLINE_TEST_";

macro_rules! variables {
    ($($constant:ident $name:literal, $kind:expr, $default:literal, $meaning:literal;)*) => {
        $(pub(crate) const $constant: Variable =
            Variable { name: $name, kind: $kind, default: $default, meaning: $meaning };)*
        /// All variables that are read, in the order of the documentation.
        pub const VARIABLES: &[Variable] = &[$($constant),*];
    };
}

const EXPORTERS: &[&str] = &["otlp", "none"];
const PROTOCOLS: &[&str] = &["http/protobuf", "grpc"];
const COMPRESSIONS: &[&str] = &["none", "gzip"];
const PROPAGATORS: &[&str] = &Format::NAMES;
const LOG_FORMATS: &[&str] = &["text", "json", "logfmt"];
const LOG_OUTPUTS: &[&str] = &["stdout", "stderr", "none"];
const FIELD_PLACES: &[&str] = &["nested", "flat"];
const SPAN_FIELDS: &[&str] = &["lines", "records", "none"];
const MOMENTS: &[&str] = &["new", "enter", "exit", "close", "none"];
const PROXY_HEADER_FAMILIES: &[&str] = &["x-forwarded", "forwarded"];
const SCHEMES: &[&str] = &["http", "https"];
const SAMPLERS: &[&str] = &[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

variables! {
    SDK_DISABLED "OTEL_SDK_DISABLED", Kind::Boolean, "false", "Nothing is recorded; incoming context still passes through.";
    SERVICE_NAME "OTEL_SERVICE_NAME", Kind::Text, "`service.name` of the attributes, else `unknown_service:<program>`", "The name of the service.";
    RESOURCE_ATTRIBUTES "OTEL_RESOURCE_ATTRIBUTES", Kind::Pairs, "none", "Attributes of the resource; one malformed pair discards all.";
    PROPAGATORS_ "OTEL_PROPAGATORS", Kind::Choices(PROPAGATORS), "tracecontext,baggage", "Headers in which context is read and sent on.";
    BAGGAGE_KEYS "THROUGHLINE_BAGGAGE_KEYS", Kind::Text, "none", "Members of the baggage, with commas between them, that become attributes of spans and log records.";
    SAMPLER "OTEL_TRACES_SAMPLER", Kind::Choice(SAMPLERS), "parentbased_always_on", "Which traces are recorded.";
    SAMPLER_ARG "OTEL_TRACES_SAMPLER_ARG", Kind::Text, "1.0", "The ratio, from 0 to 1, for the samplers that take one.";
    EXPORTER "OTEL_{SIGNAL}_EXPORTER", Kind::Choice(EXPORTERS), "otlp; for logs none when `NODE_IP` is set", "Whether the signal leaves the process.";
    ENDPOINT "OTEL_EXPORTER_OTLP_[SIGNAL_]ENDPOINT", Kind::Url, "http://localhost:4318 (grpc: 4317)", "Where to. General: a base, `/v1/<signal>` is added over HTTP. Of a signal: the URL as it is.";
    PROTOCOL "OTEL_EXPORTER_OTLP_[SIGNAL_]PROTOCOL", Kind::Choice(PROTOCOLS), "http/protobuf", "Encoding and transport.";
    INSECURE "OTEL_EXPORTER_OTLP_[SIGNAL_]INSECURE", Kind::Boolean, "false", "Plain text for a gRPC endpoint that is written without a scheme.";
    HEADERS "OTEL_EXPORTER_OTLP_[SIGNAL_]HEADERS", Kind::SecretPairs, "none", "Headers of each request; those of a signal replace the general ones.";
    AUTHORIZATION "OTEL_EXPORTER_OTLP_HEADERS_AUTHORIZATION", Kind::Secret, "none", "The `Authorization` header as it is, unless the headers have one.";
    USERNAME "THROUGHLINE_OTLP_[SIGNAL_]USERNAME", Kind::Text, "none", "User of basic authentication (Grafana Cloud: the OTLP instance id).";
    PASSWORD "THROUGHLINE_OTLP_[SIGNAL_]PASSWORD", Kind::Secret, "none", "Password of basic authentication.";
    TOKEN "THROUGHLINE_OTLP_[SIGNAL_]TOKEN", Kind::Secret, "none", "With a user its password (Grafana Cloud: the access policy token), alone a bearer token.";
    COMPRESSION "OTEL_EXPORTER_OTLP_[SIGNAL_]COMPRESSION", Kind::Choice(COMPRESSIONS), "none", "How requests are compressed.";
    TIMEOUT "OTEL_EXPORTER_OTLP_[SIGNAL_]TIMEOUT", Kind::Milliseconds, "10000", "The longest time for one attempt to deliver; 0: no limit.";
    NODE_IP "NODE_IP", Kind::Text, "none", "Address of the node: signals without an endpoint go to its collector on port 4318 (grpc: 4317).";
    BSP_DELAY "OTEL_BSP_SCHEDULE_DELAY", Kind::Milliseconds, "5000; 200 into a local collector", "The longest wait of a span for its batch.";
    BSP_QUEUE "OTEL_BSP_MAX_QUEUE_SIZE", Kind::Count, "2048", "Spans that may wait; more are dropped and counted.";
    BSP_BATCH "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Kind::Count, "512", "Spans of one request.";
    BSP_TIMEOUT "OTEL_BSP_EXPORT_TIMEOUT", Kind::Milliseconds, "the timeout of the exporter", "The longest time for one attempt to deliver spans, where it is the shorter of the two; 0: no limit of its own.";
    BLRP_DELAY "OTEL_BLRP_SCHEDULE_DELAY", Kind::Milliseconds, "1000; 200 into a local collector", "The longest wait of a log record for its batch.";
    BLRP_QUEUE "OTEL_BLRP_MAX_QUEUE_SIZE", Kind::Count, "2048", "Log records that may wait; more are dropped and counted.";
    BLRP_BATCH "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", Kind::Count, "512", "Log records of one request.";
    BLRP_TIMEOUT "OTEL_BLRP_EXPORT_TIMEOUT", Kind::Milliseconds, "the timeout of the exporter", "The same for log records.";
    ATTRIBUTE_COUNT "OTEL_ATTRIBUTE_COUNT_LIMIT", Kind::Count, "128", "Attributes of a span or of a log record; more are dropped and counted in it.";
    ATTRIBUTE_LENGTH "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", Kind::Count, "none", "Characters of a text in an attribute of a span or of a log record; longer ones are cut.";
    SPAN_ATTRIBUTE_COUNT "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", Kind::Count, "the general limit", "Attributes of a span.";
    SPAN_ATTRIBUTE_LENGTH "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", Kind::Count, "the general limit", "Characters of a text in an attribute of a span.";
    RECORD_ATTRIBUTE_COUNT "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", Kind::Count, "the general limit", "Attributes of a log record.";
    RECORD_ATTRIBUTE_LENGTH "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", Kind::Count, "the general limit", "Characters of a text in an attribute of a log record.";
    METRIC_INTERVAL "OTEL_METRIC_EXPORT_INTERVAL", Kind::Milliseconds, "60000; 5000 into a local collector", "The time between two collections of the metrics.";
    METRIC_TIMEOUT "OTEL_METRIC_EXPORT_TIMEOUT", Kind::Milliseconds, "the timeout of the exporter", "The same for measurements.";
    RUST_LOG "RUST_LOG", Kind::Text, "info,opentelemetry=warn", "Which events become log lines and log records; spans are not touched. `off` or a word on `throughline` also silences throughline itself.";
    LOG_FORMAT "THROUGHLINE_LOG_FORMAT", Kind::Choice(LOG_FORMATS), "text", "The form of the log lines.";
    LOG_OUTPUT "THROUGHLINE_LOG_OUTPUT", Kind::Choice(LOG_OUTPUTS), "stdout", "Where the log lines go.";
    LOG_FIELDS "THROUGHLINE_LOG_FIELDS", Kind::Choice(FIELD_PLACES), "nested", "JSON: the fields of an event in an object of their own, or beside the other members.";
    LOG_SPAN_FIELDS "THROUGHLINE_LOG_SPAN_FIELDS", Kind::Choices(SPAN_FIELDS), "lines", "What has the fields of the `tracing` spans around it.";
    LOG_SPANS "THROUGHLINE_LOG_SPANS", Kind::Choices(MOMENTS), "none", "Moments of a `tracing` span that write a line.";
    LOG_SOURCE "THROUGHLINE_LOG_SOURCE", Kind::Boolean, "false", "Log lines have the file and the line of the source.";
    LOG_SERVICE_NAME "THROUGHLINE_LOG_SERVICE_NAME", Kind::Boolean, "false", "Log lines have the name of the service.";
    LOG_PANICS "THROUGHLINE_LOG_PANICS", Kind::Boolean, "false", "A panic is a log line too.";
    LOG_BUFFER "THROUGHLINE_LOG_BUFFER", Kind::Count, "none", "Bytes of log lines that may wait for a thread that writes them; more are dropped and counted. Unset: whoever logs writes.";
    NO_COLOR "NO_COLOR", Kind::Text, "none", "Any value: no colours, also on a terminal.";
    SPAN_FILTER "THROUGHLINE_SPAN_FILTER", Kind::Text, "info", "Which `tracing` spans are recorded, in the syntax of `RUST_LOG`.";
    KNOWN_METHODS "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", Kind::List, "those of RFC 9110, PATCH, QUERY", "Methods that keep their name, written exactly so; all others are `_OTHER`. Replaces the whole list.";
    SERVER_REQUEST_HEADERS "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", Kind::List, "none", "Headers of requests that arrive which become attributes; of `cookie` and other secrets only the presence.";
    SERVER_RESPONSE_HEADERS "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS", Kind::List, "none", "The same of their responses.";
    CLIENT_REQUEST_HEADERS "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS", Kind::List, "none", "The same of requests that leave.";
    CLIENT_RESPONSE_HEADERS "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS", Kind::List, "none", "The same of their responses.";
    TRUSTED_PROXIES "THROUGHLINE_TRUSTED_PROXIES", Kind::List, "nobody", "Networks and addresses of the proxies whose forwarding headers are believed; `*` alone: everybody's. One bad member: nobody's.";
    PROXY_HEADERS "THROUGHLINE_PROXY_HEADERS", Kind::Choice(PROXY_HEADER_FAMILIES), "x-forwarded", "The headers that those proxies write, and replace if a caller sends them. A bad value: nobody's are believed.";
    SERVER_SCHEME "THROUGHLINE_SERVER_SCHEME", Kind::Choice(SCHEMES), "http", "`url.scheme` of requests that do not tell: https behind a TLS listener of your own.";
    EXCLUDED_PATHS "THROUGHLINE_EXCLUDED_PATHS", Kind::List, "none", "Paths that are served without span and measurement; `*` at the end: all that begin so.";
    PUBLIC_ENDPOINT "THROUGHLINE_PUBLIC_ENDPOINT", Kind::Boolean, "false", "The callers are strangers: each request starts a trace of its own, linked to the caller's. A bad value: they are.";
    SERVER_TIMING "THROUGHLINE_SERVER_TIMING", Kind::Boolean, "false", "Responses tell the ids of their span in `server-timing`.";
    OMITTED_ATTRIBUTES "THROUGHLINE_OMITTED_ATTRIBUTES", Kind::List, "none", "Attributes that the spans of the layers do not get, by key.";
    SENSITIVE_QUERY_KEYS "THROUGHLINE_SENSITIVE_QUERY_KEYS", Kind::List, "the seven of the conventions", "Keys, written exactly so, whose values in a URL become `REDACTED`. Replaces the whole list.";
    ACTIVE_REQUESTS "THROUGHLINE_ACTIVE_REQUESTS", Kind::Boolean, "false", "`http.server.active_requests` and `http.client.active_requests` are recorded.";
    BODY_SIZES "THROUGHLINE_BODY_SIZES", Kind::Boolean, "false", "The sizes of the bodies are recorded, as measurements and on spans.";
    EXCEPTION_MESSAGES "THROUGHLINE_EXCEPTION_MESSAGES", Kind::Boolean, "true", "The log records of panics and errors have their message. A bad value: they have not.";
    INJECTED_HOSTS "THROUGHLINE_INJECTED_HOSTS", Kind::List, "all", "Hosts that are sent ids and baggage: names, `*.` and a name; with `!` before each all but these. One bad member: none.";
    REQUEST_SPAN "THROUGHLINE_REQUEST_SPAN", Kind::Boolean, "false", "A `tracing` span `request` inside the server's, for code that relies on `Span::current()`.";
    VIEW "THROUGHLINE_VIEW", Kind::Boolean, "false", "`1` or `true`: starts a collector with its view in this process (feature `collector`).";
    COLLECTOR_GRPC "THROUGHLINE_COLLECTOR_GRPC", Kind::Address, "127.0.0.1:4317", "Where that collector takes OTLP/gRPC.";
    COLLECTOR_HTTP "THROUGHLINE_COLLECTOR_HTTP", Kind::Address, "127.0.0.1:4318", "Where that collector takes OTLP/HTTP.";
    COLLECTOR_VIEW "THROUGHLINE_COLLECTOR_VIEW", Kind::Address, "127.0.0.1:4319", "Where its view is.";
    STABILITY "OTEL_SEMCONV_STABILITY_OPT_IN", Kind::Unneeded, "", "Only the current conventions are told.";
    EXCEPTION_SIGNAL "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", Kind::Unneeded, "", "Exceptions are log records only.";
    CONFIG_FILE "OTEL_CONFIG_FILE", Kind::Unsupported, "", "A configuration file instead of variables.";
    CERTIFICATE "OTEL_EXPORTER_OTLP_[SIGNAL_]CERTIFICATE", Kind::Unsupported, "", "A certificate authority of one's own.";
    CLIENT_KEY "OTEL_EXPORTER_OTLP_[SIGNAL_]CLIENT_KEY", Kind::Unsupported, "", "The key of a client certificate.";
    CLIENT_CERTIFICATE "OTEL_EXPORTER_OTLP_[SIGNAL_]CLIENT_CERTIFICATE", Kind::Unsupported, "", "A client certificate.";
    TEMPORALITY "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", Kind::Unsupported, "", "Measurements are cumulative.";
    AGGREGATION "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", Kind::Unsupported, "", "Histograms have explicit buckets.";
    EXEMPLARS "OTEL_METRICS_EXEMPLAR_FILTER", Kind::Unsupported, "", "There are no exemplars.";
    SPAN_EVENTS "OTEL_SPAN_EVENT_COUNT_LIMIT", Kind::Unsupported, "", "Spans keep 128 events.";
    SPAN_LINKS "OTEL_SPAN_LINK_COUNT_LIMIT", Kind::Unsupported, "", "Spans keep 128 links.";
}

impl Variable {
    /// The name of the variable, or of its form for a signal.
    pub fn name_for(&self, signal: Option<Signal>) -> String {
        let word = signal.map_or(String::new(), |signal| signal.name().to_uppercase());
        let optional = if word.is_empty() { String::new() } else { format!("{word}_") };
        self.name.replace("[SIGNAL_]", &optional).replace("{SIGNAL}", &word)
    }
}

/// The variables of a process, or of a test, with what was wrong in them.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    values: BTreeMap<String, String>,
    /// Of a file: asked when the values have none of the forms of a variable.
    overlay: BTreeMap<String, String>,
    pub(crate) faults: Vec<Fault>,
}

/// A value and the variable that held it.
#[derive(Debug, PartialEq)]
pub(crate) struct Found<T = String> {
    pub(crate) value: T,
    pub(crate) name: String,
}

impl Environment {
    pub(crate) fn from_process() -> Self {
        let mut environment = Environment::default();
        #[allow(clippy::disallowed_methods, reason = "the one place where the environment is read")]
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.values.insert(name, value)),
                Err(_) if is_ours(&name) => environment.fault(&name, "is not UTF-8; it is ignored"),
                Err(_) => {}
            }
        }
        environment
    }

    pub(crate) fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        Environment { values: vars.into_iter().collect(), ..Environment::default() }
    }

    /// Takes the variables of a file in `.env` form, for those that are not set in any form. No file is no fault.
    pub(crate) fn overlay(&mut self, path: &Path) {
        let lines = match dotenvy::from_path_iter(path) {
            Ok(lines) => lines,
            Err(error) if error.not_found() => return,
            Err(error) => {
                return self.fault(&path.display().to_string(), &format!("cannot be read: {error}"));
            }
        };
        for line in lines {
            match line {
                Ok((name, value)) => drop(self.overlay.insert(name, value)),
                // The line may hold a secret: only the file is named.
                Err(_) => {
                    return self.fault(
                        &path.display().to_string(),
                        "has a line that is not NAME=value; the rest is ignored",
                    );
                }
            }
        }
    }

    /// What is not supported, and what is misspelt, would else be ignored without a word.
    pub(crate) fn check_names(&mut self) {
        for variable in VARIABLES.iter().filter(|variable| variable.kind == Kind::Unsupported) {
            let forms = Signal::ALL.map(Some).into_iter().chain([None]);
            let set: Vec<Found> = forms.filter_map(|signal| self.exactly(variable, signal)).collect();
            // The preference that holds anyway is no fault.
            for found in set.into_iter().filter(|found| !found.value.eq_ignore_ascii_case("cumulative")) {
                self.fault(&found.name, "is not supported yet; it is ignored");
            }
        }
        let names = self.values.keys().chain(self.overlay.keys());
        let ours = names.filter(|name| name.starts_with("THROUGHLINE_") && !name.starts_with(TESTS));
        for name in ours.filter(|name| !is_ours(name) && !is_service_link(name)).cloned().collect::<Vec<_>>()
        {
            self.fault(&name, "is no variable of throughline; it is ignored");
        }
    }

    pub(crate) fn fault(&mut self, variable: &str, message: &str) {
        let fault = Fault { variable: variable.into(), message: message.into() };
        // A general variable is read once per signal, but said once.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The text of a variable: the signal's form, else the general one.
    pub(crate) fn text(&self, variable: &Variable, signal: Option<Signal>) -> Option<Found> {
        let read = |values: &BTreeMap<String, String>, signal| {
            let name = variable.name_for(signal);
            let value = values.get(&name)?.trim();
            (!value.is_empty()).then(|| Found { value: value.to_owned(), name })
        };
        let own = |values| signal.and_then(|signal| read(values, Some(signal)));
        let general = |values| if variable.name.contains("{SIGNAL}") { None } else { read(values, None) };
        [&self.values, &self.overlay].into_iter().find_map(|values| own(values).or_else(|| general(values)))
    }

    /// What stands under exactly this name, and where.
    pub(crate) fn written(&self, name: &str) -> Option<(&str, Origin)> {
        let places = [(&self.values, Origin::Environment), (&self.overlay, Origin::File)];
        let mut written = places.into_iter().filter_map(|(values, origin)| {
            let value = values.get(name)?.trim();
            (!value.is_empty()).then_some((value, origin))
        });
        written.next()
    }

    /// Exactly the signal's form, or exactly the general one.
    pub(crate) fn exactly(&self, variable: &Variable, signal: Option<Signal>) -> Option<Found> {
        self.text(variable, signal).filter(|found| found.name == variable.name_for(signal))
    }

    pub(crate) fn boolean(&mut self, variable: &Variable, signal: Option<Signal>) -> Option<bool> {
        self.boolean_or(variable, signal, false)
    }

    /// A truth value; `otherwise` where it is none.
    pub(crate) fn boolean_or(
        &mut self,
        variable: &Variable,
        signal: Option<Signal>,
        otherwise: bool,
    ) -> Option<bool> {
        let found = self.text(variable, signal)?;
        // "1" and "0" are for our own variables: the standard knows only the word.
        let ours = variable.name.starts_with("THROUGHLINE_");
        match found.value.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "1" if ours => Some(true),
            "0" if ours => Some(false),
            "false" => Some(false),
            _ => {
                self.fault(
                    &found.name,
                    &format!("{:?} is not a truth value, {otherwise} holds; use true or false", found.value),
                );
                Some(otherwise)
            }
        }
    }

    pub(crate) fn milliseconds(&mut self, variable: &Variable, signal: Option<Signal>) -> Option<Duration> {
        let found = self.text(variable, signal)?;
        let parsed = found.value.parse().ok().map(Duration::from_millis);
        if parsed.is_none() {
            self.fault(
                &found.name,
                &format!("{:?} is not a number of milliseconds; the default holds", found.value),
            );
        }
        parsed
    }

    /// A pause above zero; zero would mean to run all the time.
    pub(crate) fn delay(&mut self, variable: &Variable) -> Option<Duration> {
        let delay = self.milliseconds(variable, None)?;
        if delay.is_zero() {
            self.fault(variable.name, "0 would never rest; the default holds");
        }
        Some(delay).filter(|delay| !delay.is_zero())
    }

    /// A number above zero; zero would mean that everything is dropped.
    pub(crate) fn count(&mut self, variable: &Variable) -> Option<usize> {
        let found = self.text(variable, None)?;
        let parsed = found.value.parse().ok().filter(|count| *count > 0);
        if parsed.is_none() {
            self.fault(
                &found.name,
                &format!("{:?} is not a number above zero; the default holds", found.value),
            );
        }
        parsed
    }

    /// One of the words of the variable's kind.
    pub(crate) fn choice(
        &mut self,
        variable: &Variable,
        signal: Option<Signal>,
    ) -> Option<Found<&'static str>> {
        let Kind::Choice(words) = variable.kind else { return None };
        let found = self.text(variable, signal)?;
        match words.iter().find(|word| word.eq_ignore_ascii_case(&found.value)) {
            Some(word) => Some(Found { value: *word, name: found.name }),
            None => {
                self.fault(&found.name, &format!("{:?} is unknown; use {}", found.value, words.join(", ")));
                None
            }
        }
    }

    /// Some of the words of the variable's kind, without repetition; unknown ones are faults and left out.
    pub(crate) fn choices(&mut self, variable: &Variable) -> Option<Vec<&'static str>> {
        let Kind::Choices(words) = variable.kind else { return None };
        let found = self.text(variable, None)?;
        let mut chosen = Vec::new();
        for item in found.value.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match words.iter().find(|word| word.eq_ignore_ascii_case(item)) {
                Some(word) if !chosen.contains(word) => chosen.push(*word),
                Some(_) => {}
                None => self.fault(
                    &found.name,
                    &format!("{item:?} is unknown and left out; use {}", words.join(", ")),
                ),
            }
        }
        Some(chosen)
    }
}

/// Kubernetes sets such variables in every pod beside a Service that is called throughline.
fn is_service_link(name: &str) -> bool {
    ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"].iter().any(|mark| name.contains(mark))
}

fn is_ours(name: &str) -> bool {
    let signals = Signal::ALL.map(Some).into_iter().chain([None]);
    signals.into_iter().any(|signal| VARIABLES.iter().any(|variable| variable.name_for(signal) == name))
}

#[cfg(test)]
mod tests;
