//! How measurements are made, decided from the variables (E-21, E-22).

use super::{env, env::Environment};

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

/// Which measurements may become exemplars, with which a point of a metric leads to a trace (E-12, O-100).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExemplarFilter {
    /// Those that are taken while a sampled span is active.
    #[default]
    TraceBased,
    /// All; without an active span they have no ids.
    AlwaysOn,
    /// None.
    AlwaysOff,
}

impl ExemplarFilter {
    pub(super) fn read(environment: &mut Environment) -> Self {
        let found = environment.choice(&env::EXEMPLARS, None);
        found.and_then(|found| Self::named(found.value)).unwrap_or_default()
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "trace_based" => Some(ExemplarFilter::TraceBased),
            "always_on" => Some(ExemplarFilter::AlwaysOn),
            "always_off" => Some(ExemplarFilter::AlwaysOff),
            _ => None,
        }
    }
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
