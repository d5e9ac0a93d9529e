//! Filters that can be changed while the program runs.
//!
//! Each layer has a filter of its own, since an `EnvFilter` remembers the spans it saw; all that were made from
//! one text change together. A span that is open stays what it was when it was made.

use crate::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak};
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
    filters: Vec<Weak<RwLock<EnvFilter>>>,
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
        let filter = Arc::new(RwLock::new(EnvFilter::new(&state.text)));
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
            *filter.write().unwrap_or_else(PoisonError::into_inner) = EnvFilter::new(&text);
        }
        // Else a callsite that was off stays off.
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }
}

/// The filter of one layer.
#[derive(Debug)]
pub(crate) struct ChangingFilter(Arc<RwLock<EnvFilter>>);

impl ChangingFilter {
    fn now(&self) -> RwLockReadGuard<'_, EnvFilter> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
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
        Filter::on_new_span(&*self.now(), attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        Filter::on_record(&*self.now(), id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_enter(&*self.now(), id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_exit(&*self.now(), id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        Filter::on_close(&*self.now(), id, context);
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
