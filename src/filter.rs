//! Filters that can be changed while the program runs.
//!
//! Each layer has a filter of its own, since an `EnvFilter` remembers the spans it saw; all that were made from
//! one text change together. A span that is open stays what it was when it was made.

use crate::Error;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak,
        atomic::{AtomicBool, Ordering},
    },
};
use tracing::{
    Metadata,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    EnvFilter,
    layer::{Context, Filter},
};

/// A text in the syntax of `RUST_LOG`, and the filters made from it.
pub(crate) struct Filters {
    state: Mutex<State>,
    /// What we add to a text of the program.
    complete: Box<dyn Fn(&str) -> String + Send + Sync>,
}

#[derive(Debug)]
struct State {
    /// Complete.
    text: String,
    filters: Vec<Weak<Changing>>,
}

/// A filter that can be changed.
#[derive(Debug)]
struct Changing {
    filter: RwLock<EnvFilter>,
    /// The text speaks of spans: only then does the filter remember which there are.
    of_spans: AtomicBool,
}

impl Changing {
    fn new(text: &str) -> Self {
        Changing { filter: RwLock::new(EnvFilter::new(text)), of_spans: AtomicBool::new(is_of_spans(text)) }
    }

    fn change(&self, text: &str) {
        *self.filter.write().unwrap_or_else(PoisonError::into_inner) = EnvFilter::new(text);
        self.of_spans.store(is_of_spans(text), Ordering::Relaxed);
    }
}

/// As `[name{field=value}]=level` does.
fn is_of_spans(text: &str) -> bool {
    text.contains('[')
}

impl Filters {
    pub(crate) fn new(text: &str, complete: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let state = State { text: complete(text), filters: Vec::new() };
        Filters { state: Mutex::new(state), complete: Box::new(complete) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A filter for one layer.
    pub(crate) fn filter(&self) -> ChangingFilter {
        let mut state = self.lock();
        let filter = Arc::new(Changing::new(&state.text));
        state.filters.retain(|filter| filter.strong_count() > 0);
        state.filters.push(Arc::downgrade(&filter));
        ChangingFilter(filter)
    }

    /// Another text, for all filters made so far and later.
    pub(crate) fn change(&self, text: &str) -> Result<(), Error> {
        EnvFilter::try_new(text).map_err(|error| Error::filter(text, error))?;
        let text = (self.complete)(text);
        let filters = {
            let mut state = self.lock();
            state.text.clone_from(&text);
            state.filters.clone()
        };
        for filter in filters.iter().filter_map(Weak::upgrade) {
            filter.change(&text);
        }
        // Else a callsite that was off stays off.
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }
}

/// The filter of one layer.
#[derive(Debug)]
pub(crate) struct ChangingFilter(Arc<Changing>);

impl ChangingFilter {
    fn now(&self) -> RwLockReadGuard<'_, EnvFilter> {
        self.0.filter.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the filter of a span, if it wants to know. To compare a field with its text it shows the field: a value
    /// that panics is one that does not match.
    fn tell(&self, tell: impl FnOnce(&EnvFilter)) {
        if self.0.of_spans.load(Ordering::Relaxed) {
            let _ = catch_unwind(AssertUnwindSafe(|| tell(&self.now())));
        }
    }
}

impl<S> Filter<S> for ChangingFilter {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        Filter::enabled(&*self.now(), metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        Filter::<S>::callsite_enabled(&*self.now(), metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&*self.now())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.tell(|filter| Filter::on_new_span(filter, attributes, id, context));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.tell(|filter| Filter::on_record(filter, id, values, context));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.tell(|filter| Filter::on_enter(filter, id, context));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.tell(|filter| Filter::on_exit(filter, id, context));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.tell(|filter| Filter::on_close(filter, id, context));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::Registry;

    #[test]
    fn a_change_holds_for_the_filters_made_before_and_after() {
        let filters = Filters::new("warn", str::to_owned);
        let level = |filter: &ChangingFilter| Filter::<Registry>::max_level_hint(filter);
        let before = filters.filter();
        assert_eq!(level(&before), Some(LevelFilter::WARN));
        filters.change("debug").unwrap();
        assert_eq!([level(&before), level(&filters.filter())], [Some(LevelFilter::DEBUG); 2]);
    }
}
