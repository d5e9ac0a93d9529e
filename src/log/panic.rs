//! A panic as an event.

use std::{panic::PanicHookInfo, thread};

/// Says what the panic says, where it was, and on which thread (H-091, H-093). The ids are those of the place: a
/// hook runs before anything is unwound.
pub(crate) fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location();
    let payload = panic.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(|text| &**text));
    let thread = thread::current();
    tracing::error!(
        target: "panic",
        {
            exception.message = text,
            code.file.path = place.map(|place| place.file()),
            code.line.number = place.map(|place| place.line()),
            code.column.number = place.map(|place| place.column()),
            thread.name = thread.name(),
        },
        "panicked: {}",
        text.unwrap_or("(a value that is no text)"),
    );
}
