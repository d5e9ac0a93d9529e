//! What to record and where it goes: plain data.
//!
//! ```
//! use throughline::Config;
//!
//! let mut config = Config::from_vars([
//!     ("OTEL_SERVICE_NAME", "cart"),
//!     ("NODE_IP", "10.0.0.7"),
//!     ("OTEL_EXPORTER_OTLP_PROTOCOL", "htp"),
//! ]);
//! config.resource_attributes.push(("service.version".into(), "1.4.2".into()));
//!
//! assert_eq!(config.traces.to_string(), "http://10.0.0.7:4318/v1/traces (NODE_IP)");
//! assert_eq!(config.logs.to_string(), "stdout only (NODE_IP: the agent of the node reads it)");
//! assert_eq!(
//!     config.check().unwrap_err().to_string(),
//!     r#"OTEL_EXPORTER_OTLP_PROTOCOL: "htp" is unknown; use http/protobuf, http/json, grpc"#,
//! );
//! ```
//!
//! A value comes from the first of these that has it: a field set in code, the signal's variable, the general
//! variable, the `.env` overlay, the default. Faults in variables are all found at once and kept in
//! [`Config::faults`]; they are warned about at start, and the default holds, unless [`Config::check`] makes
//! them fatal. Only a destination that cannot be understood has no default: it fails the start. The variables are
//! in the [table](mod@env). A file that `OTEL_CONFIG_FILE` names (`config::file`, feature `config-file`) takes the place of
//! those of the standard.

pub mod env; // the one table of variables
mod resource; // who is speaking
mod selection; // names by patterns
mod value; // what an attribute of it holds
mod sampler; // which traces are recorded
mod limits; // what they may hold
mod metrics; // how measurements are made
mod instruments; // … of single instruments
mod scrape; // where they are fetched
mod export; // where one signal goes
mod otlp; // … decided from the variables
mod exporter; // … to stdout, or over OTLP
mod spelling; // what was meant
pub(crate) mod endpoint; // … to which URL
pub(crate) mod credentials; // … as whom
mod queue; // where requests wait
mod log; // lines and records
mod layers; // what the layers go by, decided from the variables
mod view; // the collector in this process
mod between; // … which sends to several others
mod setting; // what was set, for people
mod fault; // what was wrong
#[cfg(feature = "config-file")]
pub mod file; // all of it, decided from a file

use crate::{
    Error,
    baggage::MOST_KEYS,
    middleware::{ClientOptions, ServerOptions},
    sender::{Destination, Signal},
};
use env::Environment;
use std::path::Path;

#[doc(no_inline)]
pub use crate::middleware::propagation::Format as Propagator;
pub use between::Between;
pub use export::Export;
pub(crate) use export::{Decided, IN_CODE};
pub use fault::Fault;
pub use instruments::{Aggregation, InstrumentKind, MetricView};
pub use limits::{AttributeLimits, SpanLimits};
pub use log::{Level, Log, LogFormat, LogOutput, SpanMoments};
pub use metrics::{ExemplarFilter, Histograms, Measurements, Temporality};
pub use queue::Queue;
pub use resource::Detector;
pub use sampler::{ParentBased, Sampler};
pub use scrape::Scrape;
pub use setting::{Origin, Setting};
pub use value::AttributeValue;
pub use view::View;

/// What to record and where it goes. See the [module's page](self).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Records nothing at all; incoming context still passes through (E-01). Default: false.
    pub disabled: bool,
    /// `service.name`; wins over the attribute of that name. Default: none, then `unknown_service:<program>`.
    pub service_name: Option<String>,
    /// Attributes of the resource. Default: none besides those in [`crate::resource`].
    pub resource_attributes: Vec<(String, AttributeValue)>,
    /// What else is looked up for the resource. Default: all.
    pub detectors: Vec<Detector>,
    /// Attributes `k8s.*` that the variables of the downward API tell. `None`: this is not Kubernetes, and none
    /// of them is looked up either.
    pub kubernetes: Option<Vec<(String, String)>>,
    /// Headers in which context is read and sent on, in this order. Default: trace context, baggage.
    pub propagators: Vec<Propagator>,
    /// Members of the baggage, by their exact names, that become attributes of every span and log record,
    /// with the same names. The first 16 count; values are cut after 4,096 bytes, and an attribute that the
    /// program sets wins. What a caller sends is not to be trusted: name only what you want to see stored.
    /// Default: none.
    pub baggage_keys: Vec<String>,
    /// Which traces are recorded. Default: [`Sampler::ParentBasedAlwaysOn`].
    pub sampler: Sampler,
    /// Where spans go.
    pub traces: Export,
    /// Where measurements go.
    pub metrics: Export,
    /// Where they are fetched from. Default: nowhere.
    pub scrape: Option<Scrape>,
    /// Where log records go, besides the log lines on stdout.
    pub logs: Export,
    /// Where requests wait for their destination.
    pub queue: Queue,
    /// What a measurement tells. Default: [`Temporality::Cumulative`].
    pub temporality: Temporality,
    /// How histograms are made. Default: [`Histograms::ExplicitBuckets`].
    pub histograms: Histograms,
    /// What is measured, and how it is told.
    pub measurements: Measurements,
    /// Measures what becomes of everything as `otel.sdk.*`, names that may change; the sampler sees all spans. Default: false.
    pub self_metrics: bool,
    /// What the log lines and log records look like.
    pub log: Log,
    /// Which `tracing` spans are recorded, in the syntax of `RUST_LOG`. Default: `info`.
    pub span_filter: String,
    /// What the layer of a server tells, and whom it believes.
    pub server: ServerOptions,
    /// What the layer of a client tells, and whom it tells ids.
    pub client: ClientOptions,
    /// What a span may hold.
    pub span_limits: SpanLimits,
    /// The collector and its view in this process.
    pub view: View,
    /// What only a file says; `None`: the variables of the standard decided.
    pub(crate) by_file: Option<resource::ByFile>,
    faults: Vec<Fault>,
    notices: Vec<String>,
    settings: Vec<Setting>,
}

impl Config {
    /// Reads the environment of the process. A file `.env` in the working directory is not read, but if it has variables
    /// that the environment has not, a [notice](Config::notices) says so.
    pub fn from_env() -> Self {
        let environment = Environment::from_process();
        let notices = Vec::from_iter(environment.unread(Path::new(".env")));
        Config { notices, ..Config::read(environment) }
    }

    /// Reads the environment of the process, and from a file in `.env` form what the environment does not
    /// set. The environment itself stays as it is. A missing file is no fault.
    ///
    /// ```
    /// let config = throughline::Config::from_env_or_file(".env");
    /// # drop(config);
    /// ```
    pub fn from_env_or_file(path: impl AsRef<Path>) -> Self {
        let mut environment = Environment::from_process();
        environment.overlay(path.as_ref());
        Config::read(environment)
    }

    /// Reads these variables and no others: for tests.
    pub fn from_vars<N: Into<String>, V: Into<String>>(vars: impl IntoIterator<Item = (N, V)>) -> Self {
        Config::read(Environment::from_vars(
            vars.into_iter().map(|(name, value)| (name.into(), value.into())),
        ))
    }

    /// Reads this text as a [configuration file](mod@file), and these variables and no others.
    #[cfg(feature = "config-file")]
    pub fn from_yaml<N: Into<String>, V: Into<String>>(
        text: &str,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let vars = vars.into_iter().map(|(name, value)| (name.into(), value.into()));
        file::configure(Environment::from_vars(vars), text, file::NAMELESS)
    }

    /// What was wrong in the variables, or in the configuration file; empty if nothing was.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What is no fault but may be a mistake, in words: said once at start.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Each variable of the [table](mod@env) with what holds of it and what decided, as it was when the configuration was
    /// read. Secrets are masked; what code changed later is not seen.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }

    /// Makes the faults fatal.
    ///
    /// # Errors
    /// If there are faults: one error that lists them all.
    pub fn check(&self) -> Result<(), Error> {
        if self.faults.is_empty() { Ok(()) } else { Err(Error::configuration(&self.faults)) }
    }

    /// Whether telemetry can start with it. To guess another destination would send what is recorded, and credentials, where
    /// nobody asked for.
    ///
    /// # Errors
    /// If the configuration file cannot be used, or a signal has a destination that cannot be understood.
    pub fn usable(&self) -> Result<(), Error> {
        if self.faults.iter().any(|fault| fault.fatal) {
            return Err(Error::configuration(self.faults.iter().filter(|fault| fault.fatal)));
        }
        if !cfg!(feature = "prometheus") && self.scrape.is_some() && !self.disabled {
            let fault = Fault::new("Config::scrape", "needs the feature `prometheus` of throughline");
            return Err(Error::configuration([&fault]));
        }
        let signals = Signal::ALL.into_iter().filter(|_| !self.disabled);
        let variables: Vec<&str> = signals.filter_map(|signal| self.export(signal).unusable()).collect();
        let faults = self.faults.iter().filter(|fault| variables.contains(&fault.variable.as_str()));
        if variables.is_empty() { Ok(()) } else { Err(Error::configuration(faults)) }
    }

    /// The part of a signal.
    pub fn export(&self, signal: Signal) -> &Export {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
            Signal::Logs => &self.logs,
        }
    }

    fn export_mut(&mut self, signal: Signal) -> &mut Export {
        match signal {
            Signal::Traces => &mut self.traces,
            Signal::Metrics => &mut self.metrics,
            Signal::Logs => &mut self.logs,
        }
    }

    /// Sends the signals that neither a variable nor code sends somewhere to this destination instead of the
    /// default one: for a collector in the same program. `OTEL_…_EXPORTER=none` stays in force.
    pub fn or_send_to(mut self, destination: Destination) -> Self {
        for signal in Signal::ALL {
            let export = self.export_mut(signal);
            if export.is_default() {
                export.destinations = vec![destination.clone()];
            }
        }
        self
    }

    /// Adds the view's destination to every signal, instead of the default one where nothing named another. A
    /// signal that goes nowhere, or to the view already, stays as it is.
    #[cfg(feature = "collector")]
    pub(crate) fn show(
        &mut self,
        destination: impl Fn(Signal) -> Destination,
        shown: impl Fn(&Destination) -> bool,
    ) {
        for signal in Signal::ALL {
            let is_fetched = signal == Signal::Metrics && self.scrape.is_some();
            let export = self.export_mut(signal);
            let leaves = is_fetched || !export.destinations.is_empty();
            if export.is_default() {
                export.destinations.clear();
                export.add(destination(signal), Decided::View);
            } else if leaves && !export.destinations.iter().any(&shown) {
                export.add(destination(signal), Decided::View);
            }
        }
    }

    #[cfg(not(feature = "collector"))]
    pub(crate) fn fault(&mut self, variable: &str, message: &str) {
        self.faults.push(Fault::new(variable, message));
    }

    fn read(environment: Environment) -> Self {
        match environment.text(&env::CONFIG_FILE, None) {
            None => Config::from_environment(environment),
            #[cfg(feature = "config-file")]
            Some(found) => file::read(environment, &found.value),
            #[cfg(not(feature = "config-file"))]
            Some(found) => {
                let mut config = Config::from_environment(environment);
                config
                    .faults
                    .push(Fault::fatal(&found.name, "needs the feature `config-file` of throughline"));
                config
            }
        }
    }

    fn from_environment(mut environment: Environment) -> Self {
        let config = Config::without_settings(&mut environment);
        let settings = setting::settings(&environment, &config);
        Config { settings, faults: environment.faults, ..config }
    }

    /// Its faults are in the environment.
    fn without_settings(environment: &mut Environment) -> Self {
        let server = layers::server(environment);
        let client = layers::client(environment, &server);
        let config = Config {
            disabled: environment.boolean(&env::SDK_DISABLED, None).unwrap_or(false),
            service_name: environment.text(&env::SERVICE_NAME, None).map(|found| found.value),
            resource_attributes: resource::attributes(environment),
            detectors: Detector::read(environment),
            kubernetes: resource::kubernetes(environment),
            propagators: propagators(environment),
            baggage_keys: baggage_keys(environment),
            sampler: Sampler::read(environment),
            traces: otlp::export(environment, Signal::Traces),
            metrics: otlp::export(environment, Signal::Metrics),
            scrape: Scrape::read(environment),
            logs: otlp::export(environment, Signal::Logs),
            queue: Queue::read(environment),
            temporality: Temporality::read(environment),
            histograms: Histograms::read(environment),
            measurements: Measurements::read(environment),
            self_metrics: environment.boolean(&env::SELF_METRICS, None).unwrap_or(false),
            log: Log::read(environment),
            span_filter: filter(environment, &env::SPAN_FILTER),
            server,
            client,
            span_limits: SpanLimits::read(environment),
            view: View::read(environment),
            by_file: None,
            faults: Vec::new(),
            notices: Vec::new(),
            settings: Vec::new(),
        };
        metrics::check(environment, &config.metrics, config.temporality);
        environment.check_names();
        config
    }
}

fn propagators(environment: &mut Environment) -> Vec<Propagator> {
    let Some(found) = environment.text(&env::PROPAGATORS_, None) else { return Propagator::DEFAULT.to_vec() };
    let chosen = Propagator::choose(&found.value);
    for fault in &chosen.faults {
        environment.fault(&found.name, fault);
    }
    chosen.formats
}

fn baggage_keys(environment: &mut Environment) -> Vec<String> {
    let Some(found) = environment.text(&env::BAGGAGE_KEYS, None) else { return Vec::new() };
    let mut keys = Vec::new();
    for key in found.value.split(',').map(str::trim).filter(|key| !key.is_empty()) {
        if !keys.iter().any(|known| known == key) {
            keys.push(key.to_owned());
        }
    }
    if keys.len() > MOST_KEYS {
        let fault = format!("has {} keys; the first {MOST_KEYS} hold", keys.len());
        environment.fault(&found.name, &fault);
        keys.truncate(MOST_KEYS);
    }
    keys
}

fn filter(environment: &mut Environment, variable: &env::Variable) -> String {
    let Some(found) = environment.text(variable, None) else { return variable.default.into() };
    match found.value.parse::<tracing_subscriber::EnvFilter>() {
        Ok(_) => found.value,
        Err(error) => {
            environment.fault(
                &found.name,
                &format!("{:?} is not a filter ({error}); the default holds", found.value),
            );
            variable.default.into()
        }
    }
}
