//! [`Config`] → which traces are recorded.

use crate::{
    config::{Config, ParentBased, Propagator, Sampler},
    middleware::propagation::{Decision, decision},
};
use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind},
};
use opentelemetry_sdk::trace::{ParentBasedSampler, Sampler as SdkSampler, SamplingResult, ShouldSample};

pub(crate) fn sampler(config: &Config) -> Box<dyn ShouldSample> {
    let callers_say_more = config.propagators.iter().any(says_more_than_flags);
    let parent_based = |shares: ParentBased| -> Box<dyn ShouldSample> {
        let follows = CallerBased::new(shares);
        if callers_say_more { Box::new(follows) } else { Box::new(follows.parent_based) }
    };
    let begun = |root| ParentBased { root, ..ParentBased::default() };
    match config.sampler {
        _ if config.disabled => Box::new(SdkSampler::AlwaysOff),
        Sampler::AlwaysOn => Box::new(SdkSampler::AlwaysOn),
        Sampler::AlwaysOff => Box::new(SdkSampler::AlwaysOff),
        Sampler::TraceIdRatio(ratio) => Box::new(SdkSampler::TraceIdRatioBased(ratio)),
        Sampler::ParentBasedAlwaysOn => parent_based(begun(1.0)),
        Sampler::ParentBasedAlwaysOff => parent_based(begun(0.0)),
        Sampler::ParentBasedTraceIdRatio(ratio) => parent_based(begun(ratio)),
        Sampler::ParentBased(shares) => parent_based(shares),
    }
}

/// Whether the flag of a parent says all about the spans below it, and nobody counts them.
pub(crate) fn parent_decides(config: &Config) -> bool {
    let follows = match config.sampler {
        Sampler::ParentBasedAlwaysOn
        | Sampler::ParentBasedAlwaysOff
        | Sampler::ParentBasedTraceIdRatio(_) => true,
        Sampler::AlwaysOn | Sampler::AlwaysOff | Sampler::TraceIdRatio(_) | Sampler::ParentBased(_) => false,
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
    accepted: SdkSampler,
    denied: SdkSampler,
    parent_based: ParentBasedSampler,
}

impl CallerBased {
    fn new(shares: ParentBased) -> Self {
        let [root, accepted, denied, local_sampled, local_not_sampled] = [
            shares.root,
            shares.remote_parent_sampled,
            shares.remote_parent_not_sampled,
            shares.local_parent_sampled,
            shares.local_parent_not_sampled,
        ]
        .map(SdkSampler::TraceIdRatioBased);
        let parent_based = SdkSampler::parent_based(root.clone())
            .with_remote_parent_sampled(accepted.clone())
            .with_remote_parent_not_sampled(denied.clone())
            .with_local_parent_sampled(local_sampled)
            .with_local_parent_not_sampled(local_not_sampled);
        CallerBased { root, accepted, denied, parent_based }
    }
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
        let sampler: &dyn ShouldSample = match parent.and_then(decision) {
            Some(Decision::Defer) => &self.root,
            Some(Decision::Deny) => &self.denied,
            Some(Decision::Accept | Decision::Debug) => &self.accepted,
            _ => &self.parent_based,
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}
