//! Which exporters a signal has, decided from the variables (O-019, E-17).

use super::{env, env::Environment, env::Found};
use crate::sender::Signal;

/// Where a signal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exporter {
    /// To the destination of OTLP.
    Otlp,
    /// To stdout, for people.
    Console,
    /// To stdout, as OTLP/JSON.
    Stdout,
    /// To nowhere: a page, for who fetches it. Measurements only.
    Prometheus,
}

/// Names that other programs know, and what does the same here.
const ELSEWHERE: [(&str, &str); 4] = [
    ("logging", "is not supported; use console"),
    ("zipkin", "is not supported; use otlp into an OpenTelemetry Collector, which writes to Zipkin"),
    ("jaeger", "is not supported; use otlp, which Jaeger takes"),
    ("prometheus", "is for metrics alone"),
];

/// `None`: nothing decides, the default holds. Empty: `none`.
pub(super) fn exporters(environment: &mut Environment, signal: Signal) -> Option<Found<Vec<Exporter>>> {
    let Found { value, name } = environment.text(&env::EXPORTER, Some(signal))?;
    let (mut exporters, mut none) = (Vec::new(), false);
    for word in value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let exporter = match word.to_ascii_lowercase().as_str() {
            "otlp" => Exporter::Otlp,
            "console" => Exporter::Console,
            "otlp/stdout" => Exporter::Stdout,
            "prometheus" if signal == Signal::Metrics => Exporter::Prometheus,
            "none" => {
                none = true;
                continue;
            }
            other => {
                let known = ELSEWHERE.iter().find(|(known, _)| *known == other);
                let fault =
                    known.map_or("is unknown; use otlp, console, otlp/stdout, none", |(_, fault)| fault);
                environment.fault(&name, &format!("{word:?} {fault}; it is left out"));
                continue;
            }
        };
        if !exporters.contains(&exporter) {
            exporters.push(exporter);
        }
    }
    if none && !exporters.is_empty() {
        environment.fault(&name, "\"none\" is left out, since it stands beside other names");
    }
    (none || !exporters.is_empty()).then_some(Found { value: exporters, name })
}
