//! The ids of a span that is not recorded, where it is known without the sampler that it is not.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
};

use opentelemetry::{
    Context, SpanId, TraceFlags,
    trace::{SpanContext, TraceContextExt},
};

thread_local! {
    /// Where the ids of this thread are: each begins somewhere else.
    static STATE: Cell<u64> = Cell::new(somewhere());
}

/// Returns the parent's context with a span of the same trace that nobody records: what the SDK answers when its
/// sampler says no, with an id of its own, at a quarter of the price.
pub(crate) fn child_of(parent: &Context) -> Context {
    let span = parent.span();
    let span = span.span_context();
    let (trace_id, state) = (span.trace_id(), span.trace_state().clone());
    parent.with_remote_span_context(SpanContext::new(
        trace_id,
        span_id(),
        TraceFlags::default(),
        false,
        state,
    ))
}

/// Returns an id that this thread has not made before (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014: each value comes once before any comes again). A thread that ends has no state any more.
fn span_id() -> SpanId {
    let state = STATE.try_with(|state| state.replace(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15)));
    let mut id = state.unwrap_or_else(|_| somewhere());
    id = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    id = (id ^ (id >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // Zero is no id.
    SpanId::from((id ^ (id >> 31)).max(1))
}

fn somewhere() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, thread};

    #[test]
    fn the_ids_of_all_threads_are_different_and_none_is_zero() {
        let ids = || (0..10_000).map(|_| span_id()).collect::<Vec<_>>();
        let threads = Vec::from_iter((0..4).map(|_| thread::spawn(ids)));
        let made = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        let made: HashSet<SpanId> = made.collect();
        assert_eq!((made.len(), made.contains(&SpanId::INVALID)), (40_000, false));
    }
}
