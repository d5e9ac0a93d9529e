//! How measurements are made, decided from the variables (E-21, E-22).

use super::{Export, env, env::Environment};
use crate::sender::{Compression, Destination, Protocol, Remote, Signal};

/// The path below which Prometheus takes OTLP (B-001).
const PROMETHEUS: &str = "/api/v1/otlp";

/// What a measurement tells (O-017).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Temporality {
    /// All since the start. What Prometheus takes.
    #[default]
    Cumulative,
    /// Counters and histograms: what is new since the last collection. Sums that may also fall: all since the
    /// start.
    Delta,
    /// As `Delta`, but observable counters too tell all since the start, as they are measured: nothing has to be
    /// remembered.
    LowMemory,
}

/// How histograms are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Histograms {
    /// With the bounds that the instrument advises.
    #[default]
    ExplicitBuckets,
    /// With up to 160 buckets whose bounds follow the values.
    Exponential,
}

impl Temporality {
    pub(super) fn read(environment: &mut Environment) -> Self {
        match environment.choice(&env::TEMPORALITY, None).map(|found| found.value) {
            Some("delta") => Temporality::Delta,
            Some("lowmemory") => Temporality::LowMemory,
            _ => Temporality::Cumulative,
        }
    }
}

impl Histograms {
    pub(super) fn read(environment: &mut Environment) -> Self {
        match environment.choice(&env::AGGREGATION, None).map(|found| found.value) {
            Some("base2_exponential_bucket_histogram") => Histograms::Exponential,
            _ => Histograms::ExplicitBuckets,
        }
    }
}

/// Says what cannot work where measurements are sent to Prometheus, which takes OTLP over HTTP, cumulative, plain or with
/// gzip; a request with anything else in it is lost whole (B-003, B-006).
pub(super) fn check(environment: &mut Environment, metrics: &Export, temporality: Temporality) {
    let remotes = metrics.destinations.iter().filter_map(|destination| match destination {
        Destination::Remote(remote) => Some(remote),
        Destination::Local(_) => None,
    });
    let mut at_prometheus = remotes.filter(|remote| remote.url.path().contains(PROMETHEUS));
    let Some(Remote { protocol, compression, .. }) = at_prometheus.next() else { return };
    if temporality != Temporality::Cumulative {
        let fault = "Prometheus refuses all but cumulative, unless it runs with \
                     --enable-feature=otlp-deltatocumulative; use cumulative";
        environment.fault(env::TEMPORALITY.name, fault);
    }
    let signal = Some(Signal::Metrics);
    let name_of = |environment: &Environment, variable: &env::Variable| {
        environment.text(variable, signal).map_or_else(|| variable.name_for(signal), |found| found.name)
    };
    if *protocol == Protocol::Grpc {
        let name = name_of(environment, &env::PROTOCOL);
        environment.fault(&name, "Prometheus takes no gRPC; use http/protobuf");
    }
    if *compression == Compression::Zstd {
        let name = name_of(environment, &env::COMPRESSION);
        environment.fault(&name, "Prometheus takes gzip, or none");
    }
}
