//! How to write what would work, where the configuration is written.

use crate::{
    config::{Decided, Export, env},
    sender::{Destination, Protocol, Signal},
};

/// Where a destination is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hand {
    Variables,
    /// Beside it the variables of the standard count for nothing.
    File,
}

impl Hand {
    pub(super) fn of(export: &Export, destination: &Destination) -> Self {
        match export.decided_for(destination) {
            Some(Decided::Variable(name)) if name == env::CONFIG_FILE.name => Hand::File,
            _ => Hand::Variables,
        }
    }

    /// What comes before the words of the others.
    pub(super) fn write(self) -> &'static str {
        match self {
            Hand::Variables => "set",
            Hand::File => "in the configuration file, write",
        }
    }

    /// Another protocol at the same place. In a file the endpoint has the path of the signal in it.
    pub(super) fn protocol(self, signal: Signal, protocol: Protocol, url: &str) -> String {
        match self {
            Hand::Variables => format!("{}={protocol}", variable(signal, "PROTOCOL")),
            Hand::File => self.door(signal, protocol, url),
        }
    }

    /// Another protocol at another place.
    pub(super) fn door(self, signal: Signal, protocol: Protocol, url: &str) -> String {
        let exporter = match (self, protocol) {
            (Hand::Variables, _) => format!("{}={protocol}", variable(signal, "PROTOCOL")),
            (Hand::File, Protocol::Grpc) => "otlp_grpc".into(),
            (Hand::File, _) => "otlp_http".into(),
        };
        format!("{exporter} and {}", self.endpoint(signal, url))
    }

    pub(super) fn endpoint(self, signal: Signal, url: &str) -> String {
        match self {
            Hand::Variables => format!("{}={url}", variable(signal, "ENDPOINT")),
            Hand::File => format!("endpoint: {url}"),
        }
    }

    pub(super) fn uncompressed(self, signal: Signal) -> String {
        match self {
            Hand::Variables => format!("{}=none", variable(signal, "COMPRESSION")),
            Hand::File => "compression: none".into(),
        }
    }

    /// Where the endpoint stands.
    pub(super) fn place(self, signal: Signal) -> String {
        match self {
            Hand::Variables => variable(signal, "ENDPOINT"),
            Hand::File => format!("the endpoint of the {} in the configuration file", signal.name()),
        }
    }
}

fn variable(signal: Signal, word: &str) -> String {
    format!("OTEL_EXPORTER_OTLP_{}_{word}", signal.name().to_uppercase())
}
