//! What an exchange begins with.

use std::cell::Cell;

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
}

impl Opening<'_> {
    /// Makes what the span is told before the response, and says whether the program chose its name.
    pub(super) fn draft(&self, rules: &Rules, tell: Tell<'_>, chosen: &Cell<bool>) -> SpanDraft {
        let mut draft = SpanDraft::with_capacity(attributes::MOST_ATTRIBUTES);
        let mut set = |attribute: KeyValue| {
            if !rules.omit(&attribute) {
                draft.attributes.push(attribute);
            }
        };
        // A claim is told at the end, when it is known whether it holds.
        let is_claim = |told: &KeyValue| self.claim.is_some() && told.key.as_str() == attributes::RPC_METHOD;
        self.series.open(&mut |attribute| {
            if !is_claim(&attribute) {
                set(attribute);
            }
        });
        if rules.sampled_by_attributes {
            self.series.route(&mut set);
        }
        tell(&mut set);
        if let Some(hook) = &rules.on_request {
            hook.change(self.head, &mut draft);
            chosen.set(draft.name.is_some());
        }
        draft
    }
}

/// Tells attributes to a function.
pub(crate) type Tell<'a> = &'a dyn Fn(&mut dyn FnMut(KeyValue));
