//! What the collector tells by `tracing`, whichever thread it tells it on.

use std::{
    fmt::Debug,
    sync::{Mutex, Once},
};
use tracing::{Event, Level, Metadata, Subscriber, field, span};

/// What was told, by anybody in the process.
static TOLD: Mutex<Vec<(Level, String, String)>> = Mutex::new(Vec::new());

/// Hears it from now on.
#[expect(clippy::disallowed_methods, reason = "it is told on threads of the collector's own")]
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Watch).unwrap());
}

/// Level, target and words of all that was told with these words in it.
pub(crate) fn told(words: &str) -> Vec<(Level, String, String)> {
    let told = TOLD.lock().unwrap();
    told.iter().filter(|(.., text)| text.contains(words)).cloned().collect()
}

struct Watch;

impl Subscriber for Watch {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl field::Visit for Message {
            fn record_debug(&mut self, field: &field::Field, value: &dyn Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let (level, target) = (*event.metadata().level(), event.metadata().target().to_owned());
        TOLD.lock().unwrap().push((level, target, message.0));
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
