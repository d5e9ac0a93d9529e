//! Filters that can be changed while the program runs.
//!
//! Each layer has a filter of its own, since an `EnvFilter` remembers the spans it saw; all that were made from
//! one text change together. A span that is open stays what it was when it was made.

use crate::{
    Error,
    log::{shown_attributes, shown_record},
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak,
    atomic::{AtomicBool, Ordering},
};
use tracing::{
    Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    EnvFilter,
    layer::{Context, Filter},
    registry::LookupSpan,
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

    /// Tells the filter of a span, if it wants to know.
    fn tell(&self, tell: impl FnOnce(&EnvFilter)) {
        if self.is_of_spans() {
            tell(&self.now());
        }
    }

    fn is_of_spans(&self) -> bool {
        self.0.of_spans.load(Ordering::Relaxed)
    }
}

impl<S> Filter<S> for ChangingFilter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
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
        // To compare a field with its text the filter shows it, and has locks: what is shown may panic or log.
        if self.is_of_spans() {
            shown_attributes(attributes, |attributes| {
                self.tell(|filter| Filter::on_new_span(filter, attributes, id, context));
            });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let (true, Some(metadata)) = (self.is_of_spans(), context.metadata(id)) {
            shown_record(metadata, values, |values| {
                self.tell(|filter| Filter::on_record(filter, id, values, context));
            });
        }
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
    use std::{cell::Cell, fmt, sync::mpsc, thread, time::Duration};
    use tracing_subscriber::{Registry, layer::Identity, prelude::*};

    #[test]
    fn a_change_holds_for_the_filters_made_before_and_after() {
        let filters = Filters::new("warn", str::to_owned);
        let level = |filter: &ChangingFilter| Filter::<Registry>::max_level_hint(filter);
        let before = filters.filter();
        assert_eq!(level(&before), Some(LevelFilter::WARN));
        filters.change("debug").unwrap();
        assert_eq!([level(&before), level(&filters.filter())], [Some(LevelFilter::DEBUG); 2]);
    }

    /// Is shown only once the filters were changed meanwhile.
    struct Waits(Arc<Filters>, Cell<bool>);

    impl fmt::Debug for Waits {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if !self.1.replace(true) {
                let (filters, (changed, wait)) = (self.0.clone(), mpsc::channel());
                thread::spawn(move || changed.send(filters.change("info,[work{value=b}]=debug").is_ok()));
                assert_eq!(wait.recv_timeout(Duration::from_secs(20)), Ok(true));
            }
            f.write_str("shown")
        }
    }

    #[test]
    fn a_value_is_shown_while_nobody_holds_the_filter() {
        let filters = Arc::new(Filters::new("info,[work{value=a}]=debug", str::to_owned));
        let value = Waits(filters.clone(), Cell::new(false));
        let layer = Identity::new().with_filter(filters.filter());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("work", value = ?value, later = tracing::field::Empty);
            assert!(value.1.replace(false));
            span.record("later", tracing::field::debug(&value));
        });
        assert!(value.1.get() && filters.lock().text.contains("=b"));
    }
}
