//! The node-local agent: what a configuration of the OpenTelemetry Collector comes to here (features `collector` and
//! `config-file`).
//!
//! ```
//! use throughline::{agent::Agent, collector::Collector};
//!
//! let text = "
//! receivers:
//!   otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}
//! processors:
//!   batch:
//! exporters:
//!   otlp_http: {endpoint: 'http://${env:BACKEND:-localhost}:4318'}
//! service:
//!   pipelines:
//!     traces: {receivers: [otlp], processors: [batch], exporters: [otlp_http]}
//! ";
//! let agent = Agent::from_yaml(text, [("BACKEND", "10.0.0.7")]);
//! assert_eq!(agent.lines(), [
//!     "receiver otlp: OTLP/gRPC at 127.0.0.1:0",
//!     "exporter otlp_http: http://10.0.0.7:4318/v1/traces",
//!     "pipeline traces: otlp > batch > otlp_http",
//! ]);
//!
//! let collector = Collector::start(agent.config()?)?;
//! # drop(collector);
//!
//! let agent = Agent::from_yaml(&text.replace("otlp]", "otpl]"), [("", ""); 0]);
//! assert_eq!(
//!     agent.config().unwrap_err().to_string(),
//!     "the configuration: line 10: service.pipelines.traces.receivers[0] is otpl, which is not among the receivers; \
//!      did you mean otlp?"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! `docs/agent.md` has all components and keys. `throughline collect --config FILE` runs a file, and with `--check` only
//! says what it comes to.
//!
//! # Semantics
//! A file is all or nothing: what is unknown, misspelt, of the wrong type or not there is a fault with its line, all are
//! found at once, and nothing starts with one. What changes nothing here is ignored, and told. A component runs if a
//! pipeline names it, an extension if `service` does.
//!
//! `${NAME}`, `${env:NAME}` and `${env:NAME:-default}` in a value are replaced, `$$` is a dollar sign; an empty variable is
//! an unset one. A component with nothing behind its name has its defaults; one that is not known and has `null` is
//! switched off.
//!
//! A file with `config` at its top holds values of the Collector's Helm chart: they are merged over what the chart has, as
//! Helm does it, where `null` takes away.
//!
//! # Limits
//! YAML as for [`config::file`](crate::config::file): one document of at most 1 MiB. A reference to another file,
//! `${file:…}`, is a fault, and so is a list or mapping in a variable.

mod schema; // the one table of components and keys
mod values; // Helm values → the configuration that the chart makes of them
mod components; // what there is, by name
mod pipelines; // which of it belongs together
mod receivers; // what takes telemetry
mod file_logs; // … from files
mod operators; // … what their lines say
mod processors; // what changes it
mod exporters; // where it goes
mod extensions; // … as whom, and what outlives the process
mod limiter; // how much memory there is
mod compose; // all of it → the collector's configuration

use crate::{
    collector,
    config::{
        Fault,
        env::Environment,
        file::{
            NAMELESS,
            check::settle,
            document::{self, Flaw},
            load,
        },
    },
    error::Error,
};
use std::path::Path;

/// What a configuration comes to. See the [module's page](self).
#[derive(Clone, Debug)]
pub struct Agent {
    config: collector::Config,
    faults: Vec<Fault>,
    lines: Vec<String>,
}

impl Agent {
    /// Reads a file, with the variables of this process.
    pub fn from_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = document::shown(&path.display().to_string());
        match load(path) {
            Ok(text) => Agent::read(&Environment::from_process(), &text, &name),
            Err(fault) => Agent::broken(vec![Fault::fatal(&name, &fault)]),
        }
    }

    /// Reads a text, with these variables.
    pub fn from_yaml<N: Into<String>, V: Into<String>>(
        text: &str,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Agent::read(&Environment::from_vars(variables), text, NAMELESS)
    }

    /// What runs: ports, pipelines, exits. Everything else is as [`collector::Config::default`] has it, but for the ports,
    /// which are those of the file.
    ///
    /// # Errors
    /// If something in it cannot be used: one error that lists it all.
    pub fn config(&self) -> Result<collector::Config, Error> {
        match self.faults.iter().any(|fault| fault.fatal) {
            false => Ok(self.config.clone()),
            true => Err(Error::configuration(self.faults.iter().filter(|fault| fault.fatal))),
        }
    }

    /// What was wrong, and what is ignored; empty if there is nothing to say.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What runs, for people: a line for each component and pipeline, without secrets.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    fn read(environment: &Environment, text: &str, name: &str) -> Self {
        let variable = |name: &str| environment.raw(name).map(str::to_owned);
        let root = match document::parse(text, &variable) {
            Ok(root) => root,
            Err(flaws) => return Agent::broken(faults(flaws, name)),
        };
        let mut flaws = Vec::new();
        let root = values::merged(root, &variable, &mut flaws);
        let composed = compose::compose(&root, &mut flaws);
        let faults = faults(flaws, name);
        Agent { config: composed.config, faults, lines: composed.lines }
    }

    fn broken(faults: Vec<Fault>) -> Self {
        Agent { config: collector::Config::default(), faults, lines: Vec::new() }
    }
}

fn faults(flaws: Vec<Flaw>, name: &str) -> Vec<Fault> {
    let fault = |Flaw { line, message, harmless }| {
        let place = match line {
            values::OF_CHART => "the chart's own configuration".to_owned(),
            _ => format!("line {line}"),
        };
        Fault { fatal: !harmless, ..Fault::new(name, &format!("{place}: {message}")) }
    };
    settle(flaws).into_iter().map(fault).collect()
}

/// A message of another part, which may quote the file: in one line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests;
