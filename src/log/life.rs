//! The moments of a `tracing` span that can write lines, and what has to be remembered between them.

use super::{form::Form, form::text, ids::Ids, line::Line};
use crate::config::LogFormat;
use std::time::{Duration, Instant};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

const MILLISECOND: Duration = Duration::from_millis(1);

/// A moment of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    New,
    Enter,
    Exit,
    Close,
}

impl Moment {
    /// Writes it as the message; `times`: entered, and not.
    pub(super) fn write(self, form: &Form, line: &mut Line, times: Option<[Duration; 2]>) {
        let word = match self {
            Moment::New => "new",
            Moment::Enter => "enter",
            Moment::Exit => "exit",
            Moment::Close => "close",
        };
        if !form.message.is_empty() {
            line.bytes.extend_from_slice(form.message.as_bytes());
            match form.format {
                LogFormat::Text => line.bytes.extend_from_slice(word.as_bytes()),
                format => text(&mut line.bytes, format, word),
            }
        }
        if let Some([busy, idle]) = times {
            let mut fields = super::fields::Fields::of_event(form, line, super::fields::Stage::Others, false);
            for (name, time) in [("time.busy_ms", busy), ("time.idle_ms", idle)] {
                fields.value(name, &super::value::Value::Float(time.div_duration_f64(MILLISECOND)));
            }
            fields.end();
        }
    }
}

/// What is remembered of a span from one moment to the next. At its end OpenTelemetry no longer knows it.
pub(super) struct Life {
    pub(super) ids: Option<Ids>,
    busy: Duration,
    idle: Duration,
    last: Instant,
    entered: usize,
    known: bool,
}

impl Life {
    pub(super) fn begin<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, ids: Option<Ids>) {
        let known = ids.is_some();
        let life =
            Life { ids, busy: Duration::ZERO, idle: Duration::ZERO, last: Instant::now(), entered: 0, known };
        span.extensions_mut().replace(life);
    }

    /// Counts; whether the ids are still to be found out.
    pub(super) fn enter<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> bool {
        let mut extensions = span.extensions_mut();
        let Some(life) = extensions.get_mut::<Life>() else { return false };
        if life.entered == 0 {
            let now = Instant::now();
            life.idle += now - life.last;
            life.last = now;
        }
        life.entered += 1;
        !std::mem::replace(&mut life.known, true)
    }

    /// Whether the ids are still to be found out, for lines that will have them.
    pub(super) fn is_unknown<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> bool {
        span.extensions().get::<Life>().is_some_and(|life| !life.known)
    }

    pub(super) fn know<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, ids: Option<Ids>) {
        if let Some(life) = span.extensions_mut().get_mut::<Life>() {
            life.ids = ids;
        }
    }

    pub(super) fn exit<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) {
        if let Some(life) = span.extensions_mut().get_mut::<Life>() {
            life.entered = life.entered.saturating_sub(1);
            if life.entered == 0 {
                let now = Instant::now();
                life.busy += now - life.last;
                life.last = now;
            }
        }
    }

    /// How long it was entered, and how long it was not.
    pub(super) fn times(&self) -> [Duration; 2] {
        [self.busy, self.idle + self.last.elapsed()]
    }
}
