//! What files come to, and what is wrong in them.

mod bounds; // no text makes it slow, large or panic
mod faults; // every fault has its line
mod lines; // what becomes of the lines of log files
mod manual; // the manual is the table
mod meaning; // what a file says is what runs
mod values; // Helm values

use super::Agent;
use crate::{collector::Config, config::Fault};

/// Without variables.
pub(super) fn of(text: &str) -> Agent {
    Agent::from_yaml(text, [("", ""); 0])
}

/// What is said of a file, without its name.
pub(super) fn told(agent: &Agent) -> Vec<String> {
    let name = |fault: &Fault| assert_eq!(fault.variable, "the configuration");
    agent.faults().iter().inspect(|fault| name(fault)).map(|fault| fault.message.clone()).collect()
}

/// What runs of a file in which nothing is wrong or ignored.
pub(super) fn right(text: &str) -> Config {
    let agent = of(text);
    assert_eq!(told(&agent), [""; 0], "{text}");
    agent.config().unwrap()
}

/// A file with one pipeline of spans, from OTLP to an exporter, and these lines besides.
pub(super) fn with(exporter: &str, settings: &str, more: &str) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{http: }}}}}}
exporters: {{{exporter}: {settings}}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [{exporter}]}}}}, extensions: [{}]}}
{more}",
        extensions(more)
    )
}

/// The names of the extensions in these lines, which begin with two spaces.
fn extensions(more: &str) -> String {
    let behind = more.split_once("extensions:\n").map_or("", |(_, lines)| lines);
    let names = behind.lines().filter_map(|line| line.strip_prefix("  ")?.split(": ").next());
    names.filter(|name| !name.starts_with(' ')).collect::<Vec<_>>().join(", ")
}
