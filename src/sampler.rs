//! [`Config`] → which traces are recorded.

use crate::{
    config::{Config, Propagator, Sampler},
    middleware::propagation::{Decision, decision},
};
use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind},
};
use opentelemetry_sdk::trace::{Sampler as SdkSampler, SamplingResult, ShouldSample};

pub(crate) fn sampler(config: &Config) -> Box<dyn ShouldSample> {
    let parent_based = |root: SdkSampler| -> Box<dyn ShouldSample> {
        let parent_based = SdkSampler::ParentBased(Box::new(root.clone()));
        if config.propagators.iter().any(says_more_than_flags) {
            Box::new(CallerBased { root, parent_based })
        } else {
            Box::new(parent_based)
        }
    };
    match config.sampler {
        _ if config.disabled => Box::new(SdkSampler::AlwaysOff),
        Sampler::AlwaysOn => Box::new(SdkSampler::AlwaysOn),
        Sampler::AlwaysOff => Box::new(SdkSampler::AlwaysOff),
        Sampler::TraceIdRatio(ratio) => Box::new(SdkSampler::TraceIdRatioBased(ratio)),
        Sampler::ParentBasedAlwaysOn => parent_based(SdkSampler::AlwaysOn),
        Sampler::ParentBasedAlwaysOff => parent_based(SdkSampler::AlwaysOff),
        Sampler::ParentBasedTraceIdRatio(ratio) => parent_based(SdkSampler::TraceIdRatioBased(ratio)),
    }
}

/// Whether the flag of a parent says all about the spans below it, and nobody counts them.
pub(crate) fn parent_decides(config: &Config) -> bool {
    let follows = match config.sampler {
        Sampler::ParentBasedAlwaysOn
        | Sampler::ParentBasedAlwaysOff
        | Sampler::ParentBasedTraceIdRatio(_) => true,
        Sampler::AlwaysOn | Sampler::AlwaysOff | Sampler::TraceIdRatio(_) => false,
    };
    follows
        && !config.disabled
        && !config.self_metrics
        && !config.propagators.iter().any(says_more_than_flags)
}

fn says_more_than_flags(propagator: &Propagator) -> bool {
    matches!(propagator, Propagator::B3 | Propagator::B3Multi | Propagator::XRay)
}

/// Follows the parent, and callers that decide without a parent or have a parent without a decision: the
/// SDK's own takes the latter for a no.
#[derive(Clone, Debug)]
struct CallerBased {
    root: SdkSampler,
    parent_based: SdkSampler,
}

impl ShouldSample for CallerBased {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampler = match parent.and_then(decision) {
            Some(Decision::Defer) => &self.root,
            Some(Decision::Deny) => &SdkSampler::AlwaysOff,
            Some(Decision::Accept | Decision::Debug) => &SdkSampler::AlwaysOn,
            _ => &self.parent_based,
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}
