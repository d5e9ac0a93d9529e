//! The configuration file: the standard's declarative configuration, `OTEL_CONFIG_FILE` (feature `config-file`).
//!
//! ```yaml
//! file_format: "1.1"
//! resource:
//!   attributes:
//!     - name: service.name
//!       value: cart
//! propagator:
//!   composite_list: tracecontext,baggage
//! tracer_provider:
//!   processors:
//!     - batch:
//!         exporter:
//!           otlp_http:
//!             endpoint: ${COLLECTOR:-http://localhost:4318}/v1/traces
//! ```
//! With `OTEL_CONFIG_FILE=telemetry.yaml` the program sends spans to that endpoint, and measurements and log records
//! nowhere: a file says everything. `docs/telemetry.yaml` is a whole one. A relative path, also of a certificate, is
//! relative to the working directory.
//!
//! The same without a file and without an environment, for tests:
//!
//! ```
//! use throughline::Config;
//!
//! let text = "
//! file_format: '1.1'
//! propagator: {composite_list: tracecontext}
//! tracer_provider:
//!   processors:
//!     - batch: {exporter: {otlp_http: {endpoint: '${COLLECTOR}/v1/traces'}}}
//!   sampler: {always_of: }
//! ";
//! let config = Config::from_yaml(text, [("COLLECTOR", "http://10.0.0.7:4318")]);
//! assert_eq!(
//!     config.check().unwrap_err().to_string(),
//!     "the configuration: line 7: tracer_provider.sampler.always_of is unknown; did you mean always_off?"
//! );
//! ```
//!
//! # Variables
//! `${NAME}`, `${env:NAME}` and `${NAME:-default}` in a value are replaced, `$$` is a dollar sign (B-091). An empty
//! variable is an unset one, which is nothing where there is no default. What is replaced cannot become a key, a list or
//! another reference; in a plain value it may become a number, in a quoted one it is text. Keys are not touched.
//!
//! With a file, no other variable `OTEL_…` counts but through a reference; and, since the file names the destinations,
//! neither does `NODE_IP` nor `THROUGHLINE_OTLP_…`, of which a warning is given. All other variables, `THROUGHLINE_…` and
//! `RUST_LOG`, still hold; where the file says otherwise, the file wins, which is told. A field set in code wins over both.
//!
//! # Faults
//! All are found at once, each with its line. The program does not start with one ([`Telemetry::init`] and
//! [`Telemetry::build`] fail): what is unknown, misspelt, of the wrong type or [not supported](#keys) would else mean
//! that something is lost in silence. Nothing of a file with faults is used. What is of the standard and changes nothing
//! here is [warned about](Config::faults). Settings of other languages are passed over.
//!
//! # Limits
//! The schema is 1.1, but a delay or an interval of zero is a fault: it would never rest. YAML 1.2: anchors and aliases, no
//! merge keys, no tags of one's own; one document of at most 1 MiB and 10,000 keys and values, aliases and variables
//! expanded. JSON is YAML too. Processors of one signal share a queue and a batch, readers an interval.
//!
//! # Keys
#![doc = include_str!("file/keys.md")]
//!
//! [`Telemetry::init`]: crate::Telemetry::init
//! [`Telemetry::build`]: crate::Telemetry::build

pub(crate) mod document; // YAML → a tree with line numbers
mod substitution; // `${VARIABLE}` in its values
pub(crate) mod amount; // durations and sizes with units
pub(crate) mod schema; // the one table of keys
pub(crate) mod check; // a document against it
mod settings; // document → config
mod views; // … what becomes of single instruments
mod destinations; // … and where each signal goes
mod scrape; // … or is fetched
mod told; // what it decides, for people

use super::{Config, Export, Fault, Setting, env, env::Environment};
use crate::sender::Signal;
use document::{Flaw, MOST_BYTES, Node};
use std::{fs::File, io::Read, path::Path};

/// What a text without a file is called.
pub(crate) const NAMELESS: &str = "the configuration";

/// The schema that the table of keys has.
const MINOR: u32 = 1;

/// Reads what `OTEL_CONFIG_FILE` names.
pub(super) fn read(environment: Environment, path: &str) -> Config {
    match load(Path::new(path)) {
        Ok(text) => configure(environment, &text, path),
        Err(fault) => {
            let message = format!("{} {fault}", document::shown(path));
            refuse(beside(environment), [Fault::fatal(env::CONFIG_FILE.name, &message)])
        }
    }
}

/// A configuration of these variables and this text.
pub(super) fn configure(mut environment: Environment, text: &str, name: &str) -> Config {
    let service_name = environment.text(&env::SERVICE_NAME, None).map(|found| found.value);
    // Ours, so it holds beside a file.
    let scope_labels = environment.boolean_or(&env::SCOPE_LABELS, None, true).unwrap_or(true);
    let document = document::parse(text, &|variable| environment.raw(variable).map(str::to_owned));
    let config = beside(environment);
    let mut configured = config.clone();
    let flaws = match &document {
        Ok(root) => apply(root, service_name, scope_labels, &mut configured),
        Err(flaws) => flaws.clone(),
    };
    let name = document::shown(name);
    let faults: Vec<Fault> = check::settle(flaws)
        .into_iter()
        .map(|Flaw { line, message, harmless }| Fault {
            fatal: !harmless,
            ..Fault::new(&name, &format!("line {line}: {message}"))
        })
        .collect();
    if faults.iter().any(|fault| fault.fatal) {
        return refuse(config, faults);
    }
    configured.faults.extend(faults);
    overrule(&config, &mut configured);
    if let Ok(root) = &document {
        let told = told::settings(root, &configured);
        configured.settings.extend(told);
    }
    configured
}

/// Variables that the file decides otherwise are no settings any more; those that were set are told.
fn overrule(beside: &Config, configured: &mut Config) {
    let keys = |config: &Config| config.server.sensitive_query_keys.clone();
    let series = |config: &Config| config.measurements.cardinality_limit;
    let changed = [
        (env::RESOURCE_DETECTORS, beside.detectors != configured.detectors),
        (env::CARDINALITY_LIMIT, series(beside) != series(configured)),
        (env::SENSITIVE_QUERY_KEYS, keys(beside) != keys(configured)),
    ];
    for (variable, _) in changed.into_iter().filter(|(_, changed)| *changed) {
        let is_it = |setting: &Setting| setting.variable == variable.name;
        if configured.settings.iter().any(|setting| is_it(setting) && !setting.is_default()) {
            configured
                .faults
                .push(Fault::new(variable.name, "is ignored: the configuration file says otherwise"));
        }
        configured.settings.retain(|setting| !is_it(setting));
    }
}

/// What the variables say that still count.
fn beside(environment: Environment) -> Config {
    let named = Setting::written(&environment, &env::CONFIG_FILE);
    let mut config = Config::from_environment(environment.beside_file());
    config.settings.retain(|setting| !env::is_left_to_file(&setting.variable));
    config.settings.splice(..0, named);
    config
}

/// Without anything of the file, and without a destination.
fn refuse(mut config: Config, faults: impl IntoIterator<Item = Fault>) -> Config {
    for signal in Signal::ALL {
        *config.export_mut(signal) = Export::new(destinations::decided());
    }
    config.faults.extend(faults);
    config
}

fn apply(root: &Node, service_name: Option<String>, scope_labels: bool, config: &mut Config) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if let Some(flaw) = version(root) {
        let harmless = flaw.harmless;
        flaws.push(flaw);
        if !harmless {
            // What another version means is not known.
            return flaws;
        }
    }
    flaws.extend(check::check(root, &schema::FILE));
    settings::apply(root, service_name, config, &mut flaws);
    destinations::apply(root, config, &mut flaws);
    scrape::apply(root, scope_labels, config, &mut flaws);
    views::apply(root, config, &mut flaws);
    flaws
}

/// What is wrong with the version, if it is there at all.
fn version(root: &Node) -> Option<Flaw> {
    let node = root.get("file_format")?;
    let text = node.text()?;
    let minor = text.strip_prefix("1.").and_then(|minor| minor.parse::<u32>().ok());
    match minor {
        Some(0..=MINOR) => None,
        Some(_) => {
            let message = format!("file_format is newer than 1.{MINOR}, which is known here");
            Some(Flaw { harmless: true, ..Flaw::new(node.line, message) })
        }
        None => Some(Flaw::new(
            node.line,
            format!("file_format is of a version that is not known; write 1.{MINOR}"),
        )),
    }
}

pub(crate) fn load(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    // Anything else, a pipe for example, may never end.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err("is not a file".into());
    }
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > MOST_BYTES {
        return Err(format!("is longer than {MOST_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".into())
}

#[cfg(test)]
mod tests;
