//! The layer that writes lines.

use super::{
    fields::{Fields, Stage},
    form::{Form, Source},
    ids::Spans,
    life::{Life, Moment},
    line::{self, Line},
    output::Output,
    span::{self, Kept},
};
use crate::config::{Log, LogFormat, SpanMoments};
use std::sync::Arc;
use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_log::NormalizeEvent;
use tracing_subscriber::{
    fmt::MakeWriter,
    layer::{Context, Layer},
    registry::{LookupSpan, SpanRef},
};

/// Writes each event as one line. See the [module's page](super).
#[derive(Debug)]
pub struct LogLayer {
    form: Form,
    log: Log,
    output: Arc<Output>,
    spans: Spans,
}

impl LogLayer {
    /// Lines of this form, to its output. They are written by whoever logs, whatever [`Log::buffer`] says:
    /// only a [`Telemetry`](crate::Telemetry) has a thread for them. It also is what knows the name of the
    /// service: here it is one of the [`Log::attributes`].
    pub fn new(log: &Log) -> Self {
        LogLayer::to(log, Arc::new(Output::standard(log.output)))
    }

    /// Lines of this form in the default configuration.
    pub fn with_format(format: LogFormat) -> Self {
        LogLayer::new(&Log::new(format))
    }

    /// Lines go to this writer instead, each in one call of `write_all`: a file in a `Mutex`, a
    /// `tracing_subscriber::fmt::TestWriter`, the non-blocking writer of `tracing-appender`. There are no colours
    /// unless [`Log::colors`] asks for them.
    ///
    /// ```
    /// use std::{fs, sync::Mutex};
    /// use throughline::{config::LogFormat, log::LogLayer};
    /// use tracing_subscriber::prelude::*;
    ///
    /// let path = std::env::temp_dir().join(format!("lines-{}", std::process::id()));
    /// let layer = LogLayer::with_format(LogFormat::Logfmt).with_writer(Mutex::new(fs::File::create(&path)?));
    /// let subscriber = tracing_subscriber::registry().with(layer);
    /// tracing::subscriber::with_default(subscriber, || tracing::info!(target: "cart", count = 2, "added"));
    /// assert!(fs::read_to_string(&path)?.ends_with(" severity=INFO target=cart message=added count=2\n"));
    /// # fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn with_writer(self, writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) -> Self {
        LogLayer::to(&self.log, Arc::new(Output::own(writer)))
    }

    pub(crate) fn to(log: &Log, output: Arc<Output>) -> Self {
        let form = Form::new(log, log.colors.unwrap_or_else(|| output.is_terminal()));
        LogLayer { form, log: log.clone(), output, spans: Spans::default() }
    }

    fn moments(&self) -> SpanMoments {
        self.log.spans
    }

    /// A line about a moment of a span.
    fn moment<'a, S: LookupSpan<'a> + 'a>(&self, moment: Moment, span: &SpanRef<'a, S>) {
        let metadata = span.metadata();
        let (ids, times) = {
            let extensions = span.extensions();
            let life = extensions.get::<Life>();
            (life.and_then(|life| life.ids), life.filter(|_| moment == Moment::Close).map(Life::times))
        };
        line::make(|line| {
            let source = Source { file: metadata.file(), line: metadata.line() };
            self.form.head(line, *metadata.level(), ids.as_ref(), metadata.target(), source);
            moment.write(&self.form, line, times);
            self.span_members(line, span.scope());
            self.output.write(self.form.end(line), metadata);
        });
    }

    fn span_members<'a, S: LookupSpan<'a> + 'a>(
        &self,
        line: &mut Line,
        scope: impl Iterator<Item = SpanRef<'a, S>>,
    ) {
        if !self.log.span_fields {
            return;
        }
        let mut scope = scope.peekable();
        if let Some(span) = scope.peek() {
            self.form.span(line, span.name());
        }
        if !self.form.flat && self.form.span_fields.is_empty() {
            return;
        }
        let mut fields = Fields::of_spans(&self.form, line);
        for span in scope {
            if let Some(kept) = span.extensions().get::<Kept>() {
                kept.fields.iter().for_each(|(name, value)| fields.value(name, value));
            }
        }
        fields.end();
    }
}

/// Writes the message first, whatever the order of the fields, in one pass if it is the first.
fn event_members(form: &Form, line: &mut Line, event: &Event<'_>, log: bool) {
    let first = event.fields().next().is_none_or(|field| field.name() == "message");
    let without_fields = !form.flat && form.fields.is_empty();
    if !first || without_fields {
        let mut message = Fields::of_event(form, line, Stage::Message, log);
        event.record(&mut message);
    }
    if !without_fields {
        let stage = if first { Stage::All } else { Stage::Others };
        let mut fields = Fields::of_event(form, line, stage, log);
        event.record(&mut fields);
        fields.end();
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.spans.register(dispatch);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let ids = self.spans.ids(event);
        let normal = event.is_log().then(|| event.normalized_metadata()).flatten();
        let metadata: &Metadata<'_> = normal.as_ref().unwrap_or(event.metadata());
        line::make(|line| {
            let source = Source { file: metadata.file(), line: metadata.line() };
            self.form.head(line, *metadata.level(), ids.as_ref(), metadata.target(), source);
            event_members(&self.form, line, event, normal.is_some());
            self.span_members(line, context.event_scope(event).into_iter().flatten());
            self.output.write(self.form.end(line), event.metadata());
        });
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        span::keep(&span, attributes);
        if self.moments().any() {
            let ids = if self.moments().new { self.spans.ids_of(id) } else { None };
            Life::begin(&span, ids);
        }
        if self.moments().new {
            self.moment(Moment::New, &span);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span::keep_later(&span, values);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if !self.moments().any() {
            return;
        }
        let Some(span) = context.span(id) else { return };
        if Life::enter(&span) {
            // Only now: a parent may be set until a span is entered.
            let ids = self.spans.ids_of(id);
            Life::know(&span, ids);
        }
        if self.moments().enter {
            self.moment(Moment::Enter, &span);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if !self.moments().any() {
            return;
        }
        let Some(span) = context.span(id) else { return };
        Life::exit(&span);
        if self.moments().exit {
            self.moment(Moment::Exit, &span);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if self.moments().close
            && let Some(span) = context.span(&id)
        {
            self.moment(Moment::Close, &span);
        }
    }
}
