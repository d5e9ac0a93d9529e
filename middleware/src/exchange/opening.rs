//! What an exchange begins with.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
};

use opentelemetry::{Context, KeyValue};

use crate::{
    attributes,
    options::{RequestHead, SpanDraft},
    rules::Rules,
    series::Series,
};

/// What is known of a request before it is served.
pub(crate) struct Opening<'a> {
    pub(crate) head: RequestHead<'a>,
    pub(crate) series: Series,
    /// The context of a caller who does not decide about our trace.
    pub(crate) link: Option<&'a Context>,
    /// A method that was never seen to exist: it is told at the end, if it then does.
    pub(crate) claim: Option<String>,
    pub(crate) request_size: Option<u64>,
    /// Whether a router should have seen the request before the layer, and has not.
    pub(crate) is_unrouted: bool,
}

impl Opening<'_> {
    /// Makes what the span is told before the response, and says what of it stays.
    pub(super) fn draft(&self, rules: &Rules, tell: Tell<'_>, settled: &Cell<Settled>) -> SpanDraft {
        let mut draft = SpanDraft::with_capacity(attributes::MOST_ATTRIBUTES);
        let told = &mut draft.attributes;
        self.series.open(told);
        // A claim is told at the end, when it is known whether it holds.
        let is_claim = |told: &KeyValue| self.claim.is_some() && told.key.as_str() == attributes::RPC_METHOD;
        if self.claim.is_some() {
            told.retain(|told| !is_claim(told));
        }
        let mut is_route_told = rules.sampled_by_attributes && self.series.target.is_some();
        if is_route_told {
            self.series.route(told);
        }
        tell(told);
        rules.omit_from(told);
        if let Some(hook) = &rules.on_request {
            // A closure that panics has said so; the request is served, and told with what is there by then.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| hook.change(self.head, &mut draft)));
            draft
                .attributes
                .retain(|told| !attributes::TOLD_AT_END.contains(&told.key.as_str()) && !is_claim(told));
            is_route_told |= draft.attributes.iter().any(|told| told.key.as_str() == attributes::HTTP_ROUTE);
        }
        settled.set(Settled { is_name_chosen: draft.name.is_some(), is_route_told });
        draft
    }
}

/// What the end of an exchange does not change.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settled {
    pub(super) is_name_chosen: bool,
    pub(super) is_route_told: bool,
}

/// Adds attributes to a list.
pub(crate) type Tell<'a> = &'a dyn Fn(&mut Vec<KeyValue>);
