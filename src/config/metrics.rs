//! How measurements are made, decided from the variables (E-11, E-12, E-21, E-22).

use super::{Export, InstrumentKind, MetricView, env, env::Environment};
use crate::sender::{Compression, Destination, Protocol, Remote, Signal};
use std::time::Duration;

/// The path below which Prometheus takes OTLP (B-001).
const PROMETHEUS: &str = "/api/v1/otlp";
/// What a program may take to be measured, unless something else is said.
const DEFAULT_CALLBACK_LIMIT: Duration = Duration::from_secs(30);
/// The standard's.
const DEFAULT_CARDINALITY_LIMIT: usize = 2_000;
/// The SDK makes room for all series of an instrument at once.
const MOST_SERIES: usize = 100_000;

/// What is measured, and how it is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measurements {
    /// The process and its Tokio runtime are measured too. `None`: if telemetry is the program's, by
    /// [`Telemetry::init`](crate::Telemetry::init). Default: `None`.
    pub runtime: Option<bool>,
    /// How long the callbacks of observable instruments may take in one collection, all together. Default: 30 s.
    pub callback_limit: Duration,
    /// Series of one instrument; what is beyond them is told in one more, with the attribute `otel.metric.overflow`.
    /// From 1 to 100,000. Default: 2000.
    pub cardinality_limit: usize,
    /// The same for the instruments of a kind, each once, where it is another; no variable says so, but a configuration file
    /// can. Default: none.
    pub cardinality_limits: Vec<(InstrumentKind, usize)>,
    /// Instruments that are told otherwise than they ask for. Default: none.
    pub views: Vec<MetricView>,
    /// Which measurements may become exemplars. Default: [`ExemplarFilter::TraceBased`].
    pub exemplars: ExemplarFilter,
}

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

impl Measurements {
    pub(super) fn read(environment: &mut Environment) -> Self {
        let limit = environment.milliseconds(&env::METRIC_TIMEOUT, None).filter(|limit| !limit.is_zero());
        let series = environment.count(&env::CARDINALITY_LIMIT).unwrap_or(DEFAULT_CARDINALITY_LIMIT);
        if series > MOST_SERIES {
            environment.fault(
                env::CARDINALITY_LIMIT.name,
                &format!("{series} is more than {MOST_SERIES}, which holds"),
            );
        }
        Measurements {
            runtime: environment.boolean(&env::RUNTIME_METRICS, None),
            callback_limit: limit.unwrap_or(DEFAULT_CALLBACK_LIMIT),
            cardinality_limit: series.min(MOST_SERIES),
            cardinality_limits: Vec::new(),
            views: MetricView::read(environment),
            exemplars: ExemplarFilter::read(environment),
        }
    }

    /// The limit of a view, else of a kind, else of all, as the SDK can take it.
    pub(crate) fn series(&self, of_view: Option<usize>, kind: InstrumentKind) -> usize {
        let of_kind = || self.cardinality_limits.iter().find(|(of, _)| *of == kind).map(|(_, limit)| *limit);
        of_view.or_else(of_kind).unwrap_or(self.cardinality_limit).clamp(1, MOST_SERIES)
    }
}

/// What cannot work where measurements are sent to Prometheus, which takes OTLP over HTTP, cumulative, plain or with gzip;
/// a request with anything else in it is lost whole (B-003, B-006).
pub(super) const ONLY_CUMULATIVE: &str = "Prometheus refuses all but cumulative, unless it runs with \
                                          --enable-feature=otlp-deltatocumulative; use cumulative";
pub(super) const NO_GRPC: &str = "Prometheus takes no gRPC";
pub(super) const NO_ZSTD: &str = "Prometheus takes gzip, or none";

/// Where a destination is, if it is Prometheus by its path.
pub(super) fn prometheus(destination: &Destination) -> Option<&Remote> {
    match destination {
        Destination::Remote(remote) => Some(remote).filter(|remote| remote.url.path().contains(PROMETHEUS)),
        Destination::Local(_) | Destination::Balanced(_) => None,
    }
}

/// Says what cannot work where measurements are sent to Prometheus.
pub(super) fn check(environment: &mut Environment, metrics: &Export, temporality: Temporality) {
    let mut at_prometheus = metrics.destinations.iter().filter_map(prometheus);
    let Some(Remote { protocol, compression, .. }) = at_prometheus.next() else { return };
    if temporality != Temporality::Cumulative {
        environment.fault(env::TEMPORALITY.name, ONLY_CUMULATIVE);
    }
    let signal = Some(Signal::Metrics);
    let name_of = |environment: &Environment, variable: &env::Variable| {
        environment.text(variable, signal).map_or_else(|| variable.name_for(signal), |found| found.name)
    };
    if *protocol == Protocol::Grpc {
        let name = name_of(environment, &env::PROTOCOL);
        environment.fault(&name, &format!("{NO_GRPC}; use http/protobuf"));
    }
    if *compression == Compression::Zstd {
        let name = name_of(environment, &env::COMPRESSION);
        environment.fault(&name, NO_ZSTD);
    }
}
