//! The fields of a span, shown before anybody holds a lock.
//!
//! A value is shown by code of the program, which may panic, fail, log or take its time. `tracing-opentelemetry` shows the
//! values of a new span while it holds the lock of the span: a panic would leave the lock behind as poisoned, and go
//! through the request. So it is given texts. They are in a buffer of the thread, and cost no allocation.

use super::value::{causes, show};
use std::{
    cell::Cell,
    error::Error,
    fmt::{self, Debug},
    ops::Range,
};
use tracing::{
    Metadata, Value,
    field::{Field, ValueSet, Visit},
    span::{Attributes, Record},
};

/// A buffer that grew beyond this many bytes for one span is given back.
const KEPT: usize = 64 << 10;

/// More fields than this are rare enough to pay for.
const USUAL: usize = 16;

thread_local!(static SHOWN: Cell<Option<Shown>> = const { Cell::new(None) });

/// Lends the attributes of a new span with the texts of the values that are shown by the program.
pub(crate) fn shown_attributes(attributes: &Attributes<'_>, take: impl FnOnce(&Attributes<'_>)) {
    if !needs_showing(|visitor| attributes.record(visitor)) {
        return take(attributes);
    }
    let metadata = attributes.metadata();
    let record = |visitor: &mut Shown| attributes.record(visitor);
    lend(metadata, record, |values| match attributes.parent() {
        Some(parent) => take(&Attributes::child_of(parent.clone(), metadata, values)),
        None if attributes.is_root() => take(&Attributes::new_root(metadata, values)),
        None => take(&Attributes::new(metadata, values)),
    });
}

/// As [`shown_attributes`], of what a span records later.
pub(crate) fn shown_record(
    metadata: &'static Metadata<'static>,
    record: &Record<'_>,
    take: impl FnOnce(&Record<'_>),
) {
    match needs_showing(|visitor| record.record(visitor)) {
        false => take(record),
        true => lend(metadata, |visitor| record.record(visitor), |values| take(&Record::new(values))),
    }
}

fn needs_showing(record: impl FnOnce(&mut NeedsShowing)) -> bool {
    let mut needs = NeedsShowing(false);
    record(&mut needs);
    needs.0
}

fn lend(
    metadata: &'static Metadata<'static>,
    record: impl FnOnce(&mut Shown),
    take: impl FnOnce(&ValueSet<'_>),
) {
    let mut shown = SHOWN.try_with(Cell::take).ok().flatten().unwrap_or_default();
    // Here it is shown. What the program does meanwhile finds no buffer, and makes its own.
    record(&mut shown);
    let fields = metadata.fields();
    let texts = &mut [""; USUAL][..];
    let values = &mut [None; USUAL][..];
    // What the macros of `tracing` make their sets with.
    match fields.len() {
        count @ ..=USUAL => shown.values(&mut texts[..count], &mut values[..count], |values| {
            take(&fields.value_set_all(values));
        }),
        count => shown.values(&mut vec![""; count], &mut vec![None; count], |values| {
            take(&fields.value_set_all(values));
        }),
    }
    if shown.text.capacity() <= KEPT {
        shown.text.clear();
        shown.slots.clear();
        // At the end of the thread there is no place any more.
        let _ = SHOWN.try_with(|kept| kept.set(Some(shown)));
    }
}

/// The values that came, with the places of their fields.
#[derive(Default)]
struct Shown {
    text: String,
    slots: Vec<(usize, Slot)>,
}

enum Slot {
    Boolean(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(Range<usize>),
    Error(Box<dyn Error>),
}

impl Shown {
    /// Lends the values, each in the place of its field.
    fn values<'a>(
        &'a self,
        texts: &'a mut [&'a str],
        values: &mut [Option<&'a dyn Value>],
        take: impl FnOnce(&[Option<&dyn Value>]),
    ) {
        for (index, slot) in &self.slots {
            if let (Slot::Text(range), Some(text)) = (slot, texts.get_mut(*index)) {
                *text = &self.text[range.clone()];
            }
        }
        for (index, slot) in &self.slots {
            let (Some(text), Some(value)) = (texts.get(*index), values.get_mut(*index)) else { continue };
            *value = Some(match slot {
                Slot::Boolean(value) => value,
                Slot::Signed(value) => value,
                Slot::Unsigned(value) => value,
                Slot::Float(value) => value,
                Slot::Text(_) => text,
                Slot::Error(error) => error,
            });
        }
        take(values);
    }

    fn set(&mut self, field: &Field, slot: Slot) {
        self.slots.push((field.index(), slot));
    }
}

impl Visit for Shown {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Slot::Boolean(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Slot::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, i64::try_from(value).map_or(Slot::Unsigned(value), Slot::Signed));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Slot::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.set(field, Slot::Text(start..self.text.len()));
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.set(field, Slot::Error(Box::new(Told::of(error))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let start = self.text.len();
        show(&mut self.text, format_args!("{value:?}"));
        self.set(field, Slot::Text(start..self.text.len()));
    }
}

/// Whether code of the program shows one of the values, or one is better told in another type.
struct NeedsShowing(bool);

impl Visit for NeedsShowing {
    fn record_bool(&mut self, _: &Field, _: bool) {}

    fn record_i64(&mut self, _: &Field, _: i64) {}

    fn record_u64(&mut self, _: &Field, _: u64) {
        // OpenTelemetry has no such numbers: it would become a text, and not compare as a number.
        self.0 = true;
    }

    fn record_f64(&mut self, _: &Field, _: f64) {}

    fn record_str(&mut self, _: &Field, _: &str) {}

    fn record_error(&mut self, _: &Field, _: &(dyn Error + 'static)) {
        self.0 = true;
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {
        self.0 = true;
    }
}

/// What an error and its causes say.
#[derive(Debug)]
struct Told {
    text: String,
    cause: Option<Box<Told>>,
}

impl Told {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let text = |error: &(dyn Error + 'static)| {
            let mut text = String::new();
            show(&mut text, format_args!("{error}"));
            text
        };
        let causes: Vec<_> = causes(error).map(text).collect();
        let cause = causes.into_iter().rfold(None, |cause, text| Some(Box::new(Told { text, cause })));
        Told { text: text(error), cause }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Told {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::{Subscriber, span::Id};
    use tracing_subscriber::{
        layer::{Context, Layer},
        prelude::*,
    };

    struct Shows;

    impl<S: Subscriber> Layer<S> for Shows {
        fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
            shown_attributes(attributes, |_| ());
        }
    }

    #[test]
    fn the_buffer_is_emptied_after_each_span_and_given_back_after_a_large_one() {
        let kept = || SHOWN.take().map(|shown| (shown.text.len(), shown.slots.len()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Shows), || {
            drop(tracing::info_span!("small", value = ?"tea"));
            assert_eq!(kept(), Some((0, 0)));
            drop(tracing::info_span!("large", value = %"a".repeat(KEPT + 1)));
            assert_eq!(kept(), None);
        });
    }
}
