//! How to write what would work, where the configuration is written.

use super::reach::Unreached;
use crate::{
    config::{Config, IN_CODE, Setting, env},
    sender::{Protocol, Signal},
};

/// Where a destination is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hand {
    Variables,
    /// Too, but what the variable says is not the base of the URL.
    Whole,
    /// Beside it the variables of the standard count for nothing.
    File,
}

impl Hand {
    /// `decider`: the variable that named the destination.
    pub(super) fn of(config: &Config, signal: Signal, decider: Option<&str>) -> Self {
        let is_whole = |setting: &Setting| {
            let is_own = setting.variable == env::ENDPOINT.name_for(Some(signal));
            Some(&*setting.variable) == decider && (is_own || !setting.value.contains("://"))
        };
        match decider {
            Some(name) if name == env::CONFIG_FILE.name => Hand::File,
            Some(name) if name != env::NODE_IP.name && config.settings().any(is_whole) => Hand::Whole,
            _ => Hand::Variables,
        }
    }

    /// What comes before the words of the others.
    pub(super) fn write(self) -> &'static str {
        match self {
            Hand::Variables | Hand::Whole => "set",
            Hand::File => "in the configuration file, write",
        }
    }

    /// Another protocol at the same place. A URL that is taken as it is needs the path of the signal in it; gRPC looks at
    /// no path.
    pub(super) fn protocol(self, signal: Signal, protocol: Protocol, url: &str) -> String {
        match self {
            Hand::Whole if protocol != Protocol::Grpc => self.door(signal, protocol, url),
            Hand::Variables | Hand::Whole => format!("{}={protocol}", variable(signal, "PROTOCOL")),
            Hand::File => self.door(signal, protocol, url),
        }
    }

    /// Another protocol at another place.
    pub(super) fn door(self, signal: Signal, protocol: Protocol, url: &str) -> String {
        let exporter = match (self, protocol) {
            (Hand::Variables | Hand::Whole, _) => format!("{}={protocol}", variable(signal, "PROTOCOL")),
            (Hand::File, Protocol::Grpc) => "otlp_grpc".into(),
            (Hand::File, _) => "otlp_http".into(),
        };
        format!("{exporter} and {}", self.endpoint(signal, url))
    }

    pub(super) fn endpoint(self, signal: Signal, url: &str) -> String {
        match self {
            Hand::Variables | Hand::Whole => format!("{}={url}", variable(signal, "ENDPOINT")),
            Hand::File => format!("endpoint: {url}"),
        }
    }

    pub(super) fn uncompressed(self, signal: Signal) -> String {
        match self {
            Hand::Variables | Hand::Whole => format!("{}=none", variable(signal, "COMPRESSION")),
            Hand::File => "compression: none".into(),
        }
    }

    /// Where the endpoint stands.
    pub(super) fn place(self, signal: Signal) -> String {
        match self {
            Hand::Variables | Hand::Whole => variable(signal, "ENDPOINT"),
            Hand::File => format!("the endpoint of the {} in the configuration file", signal.name()),
        }
    }
}

/// What to do about a place that cannot be reached. `decider`: the variable that named it.
pub(super) fn reach(hand: Hand, signal: Signal, decider: Option<&str>, unreached: &Unreached) -> String {
    let place = match decider {
        Some(IN_CODE) => "the program".into(),
        Some(variable) if hand != Hand::File => variable.to_owned(),
        _ => hand.place(signal),
    };
    match unreached {
        Unreached::Unknown { host } => format!(
            "no name server here knows {host}: check how it is written in {place}, and that it is known where the service \
             runs"
        ),
        Unreached::Silent { host, port } => format!(
            "{host} does not answer on port {port}: check the address in {place}, and that no firewall or network policy \
             stands between"
        ),
        Unreached::Refused { host, port } if decider == Some(env::NODE_IP.name) => format!(
            "nothing listens on port {port} of the node {host}: start the collector there with this port as hostPort, or \
             name another one in OTEL_EXPORTER_OTLP_ENDPOINT"
        ),
        Unreached::Refused { host, port } => {
            let local = matches!(&**host, "localhost" | "127.0.0.1" | "[::1]");
            let container = if local { "; in a container this is the container itself" } else { "" };
            format!(
                "nothing listens on port {port} of {host}: start the collector there, or name the place where it is in \
                 {place}{container}"
            )
        }
    }
}

fn variable(signal: Signal, word: &str) -> String {
    format!("OTEL_EXPORTER_OTLP_{}_{word}", signal.name().to_uppercase())
}
