//! The page that Prometheus fetches, decided from the variables (B-020).

use super::{
    Fault, IN_CODE, env,
    env::{Environment, Found},
    exporter::{Exporter, exporters},
};
use crate::sender::Signal;

const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 9464;

/// A page with all measurements, for Prometheus to fetch; needs the feature `prometheus`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scrape {
    /// The host and port of a server of its own, where the page is `/metrics`; port 0 is any that is free, `localhost` is
    /// 127.0.0.1. `None`: there is no server, and the program mounts the page in its own. Default: `localhost:9464`.
    pub address: Option<String>,
    /// Every series has the labels `otel_scope_*` (B-022). Default: true.
    pub scope_labels: bool,
    /// The variable that asked for it; `None`: code did.
    pub(crate) variable: Option<String>,
}

impl Scrape {
    /// A server of its own at this host and port.
    pub fn at(address: impl Into<String>) -> Self {
        Scrape { address: Some(address.into()), ..Scrape::mounted() }
    }

    /// No server: the program mounts `Telemetry::scrape_service` in its own router.
    pub fn mounted() -> Self {
        Scrape { address: None, scope_labels: true, variable: None }
    }

    /// `None`: nobody asked for it.
    pub(super) fn read(environment: &mut Environment) -> Option<Self> {
        let asked = exporters(environment, Signal::Metrics);
        // Read also when it is not used: all faults are told at once.
        let host = environment.text(&env::PROMETHEUS_HOST, None).map(|found| found.value);
        let port = environment.text(&env::PROMETHEUS_PORT, None).and_then(|Found { value, name }| {
            let port = value.parse::<u16>().ok();
            if port.is_none() {
                environment.fault(&name, &format!("{value:?} is not a port; {DEFAULT_PORT} holds"));
            }
            port
        });
        let scope_labels = environment.boolean_or(&env::SCOPE_LABELS, None, true).unwrap_or(true);
        let Found { value, name } = asked?;
        if !value.contains(&Exporter::Prometheus) {
            return None;
        }
        if !cfg!(feature = "prometheus") {
            let fault = "\"prometheus\" needs the feature `prometheus` of throughline; or use otlp, which Prometheus 3 \
                         takes at /api/v1/otlp/v1/metrics";
            environment.faults.push(Fault::fatal(&name, fault));
            return None;
        }
        Some(Scrape { scope_labels, variable: Some(name), ..Scrape::on(host.as_deref(), port) })
    }

    /// A server of its own, with the standard's host and port where none is named.
    pub(super) fn on(host: Option<&str>, port: Option<u16>) -> Self {
        let (host, port) = (host.unwrap_or(DEFAULT_HOST), port.unwrap_or(DEFAULT_PORT));
        // An IPv6 address has colons of its own.
        let is_bare = host.contains(':') && !host.starts_with('[');
        Scrape::at(if is_bare { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
    }

    /// The page in words, and what decided it; the URL where it is known better.
    pub(crate) fn in_words(&self, url: Option<&str>) -> String {
        format!("{} ({})", self.place(url), self.decider())
    }

    pub(crate) fn place(&self, url: Option<&str>) -> String {
        match (url, &self.address) {
            (Some(url), _) => format!("a page at {url}"),
            (None, Some(address)) => format!("a page at http://{address}/metrics"),
            (None, None) => "a page in a router of the program".into(),
        }
    }

    pub(crate) fn decider(&self) -> &str {
        self.variable.as_deref().unwrap_or(IN_CODE)
    }
}
