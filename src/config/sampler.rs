//! Which traces are recorded, decided from the variables (E-07, E-08).

use super::{env, env::Environment};

/// Which traces are recorded (E-07).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Sampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// This share of all traces, from 0 to 1, decided by the trace id.
    TraceIdRatio(f64),
    /// As the caller decided; all of those that begin here.
    ParentBasedAlwaysOn,
    /// As the caller decided; none of those that begin here.
    ParentBasedAlwaysOff,
    /// As the caller decided; this share of those that begin here.
    ParentBasedTraceIdRatio(f64),
    /// Some of each kind: no variable says so, but a configuration file can.
    ParentBased(ParentBased),
}

/// The share of each kind of spans that is recorded, from 0 to 1, decided by the trace id.
///
/// ```
/// use throughline::config::{ParentBased, Sampler};
///
/// // A tenth of what callers want to have recorded.
/// let mut shares = ParentBased::default();
/// shares.remote_parent_sampled = 0.1;
/// let sampler = Sampler::ParentBased(shares);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParentBased {
    /// Spans with which a trace begins. Default: 1.
    pub root: f64,
    /// Those below a span of a caller that records it. Default: 1.
    pub remote_parent_sampled: f64,
    /// Those below a span of a caller that does not record it. Default: 0.
    pub remote_parent_not_sampled: f64,
    /// Those below a span of this process that is recorded. Default: 1.
    pub local_parent_sampled: f64,
    /// Those below a span of this process that is not recorded. Default: 0.
    pub local_parent_not_sampled: f64,
}

impl Default for ParentBased {
    fn default() -> Self {
        ParentBased {
            root: 1.0,
            remote_parent_sampled: 1.0,
            remote_parent_not_sampled: 0.0,
            local_parent_sampled: 1.0,
            local_parent_not_sampled: 0.0,
        }
    }
}

/// Of the standard; they ask a server, or speak to one, that this crate does not.
const UNSUPPORTED: [&str; 3] = ["jaeger_remote", "parentbased_jaeger_remote", "xray"];

impl Sampler {
    pub(super) fn read(environment: &mut Environment) -> Self {
        let ratio = ratio(environment).unwrap_or(1.0);
        if let Some(found) = environment.text(&env::SAMPLER, None)
            && UNSUPPORTED.iter().any(|name| name.eq_ignore_ascii_case(&found.value))
        {
            let fault = format!(
                "{:?} is not supported; use parentbased_traceidratio with OTEL_TRACES_SAMPLER_ARG; \
                 parentbased_always_on holds",
                found.value
            );
            environment.fault(&found.name, &fault);
            return Sampler::ParentBasedAlwaysOn;
        }
        let found = environment.choice(&env::SAMPLER, None);
        match found.map_or("parentbased_always_on", |found| found.value) {
            "always_on" => Sampler::AlwaysOn,
            "always_off" => Sampler::AlwaysOff,
            "traceidratio" => Sampler::TraceIdRatio(ratio),
            "parentbased_always_off" => Sampler::ParentBasedAlwaysOff,
            "parentbased_traceidratio" => Sampler::ParentBasedTraceIdRatio(ratio),
            _ => Sampler::ParentBasedAlwaysOn,
        }
    }
}

fn ratio(environment: &mut Environment) -> Option<f64> {
    let found = environment.text(&env::SAMPLER_ARG, None)?;
    let parsed = found.value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    if parsed.is_none() {
        environment.fault(&found.name, &format!("{:?} is not a ratio from 0 to 1; 1.0 holds", found.value));
    }
    parsed
}
