//! One request and its response, from the moment it begins until it ends, once.
//!
//! ```text
//! request ──► Exchange ──► response future ──► response body ──► end
//!                 └─ dropped anywhere on the way: the same end, with the outcome "cancelled"
//! ```
//!
//! An exchange owns the span and the measurement of one request and moves by value from the request into
//! the future and from there into the body. Whoever sees the end consumes it with [`Exchange::end`]; where
//! nobody does, its drop is the end.

use std::{
    borrow::Cow,
    sync::Arc,
    thread,
    time::{Instant, SystemTime},
};

use http::{Method, Response, StatusCode};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt},
};

use crate::{
    attributes,
    instruments::{Describe, Instruments},
    route::Route,
};

/// The two ends of a connection, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

impl Side {
    pub(crate) fn duration_name(self) -> &'static str {
        match self {
            Self::Server => "http.server.request.duration",
            Self::Client => "http.client.request.duration",
        }
    }

    pub(crate) fn duration_description(self) -> &'static str {
        match self {
            Self::Server => "Duration of HTTP server requests.",
            Self::Client => "Duration of HTTP client requests.",
        }
    }

    fn kind(self) -> SpanKind {
        match self {
            Self::Server => SpanKind::Server,
            Self::Client => SpanKind::Client,
        }
    }

    /// A 4xx is the client's fault: an error of its span, not of the server's. Codes from 600 on, which
    /// nobody can interpret, are errors on both sides.
    fn is_error(self, status: StatusCode) -> bool {
        match self {
            Self::Server => status.as_u16() >= 500,
            Self::Client => status.as_u16() >= 400,
        }
    }

    /// A caller that lost interest is an error to the server that worked for it, not to itself.
    fn dropped(self) -> Option<&'static str> {
        match self {
            Self::Server if thread::panicking() => Some(attributes::PANIC),
            Self::Server => Some(attributes::CANCELLED),
            Self::Client => None,
        }
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// It came to its end: the status code tells whether that is an error.
    Complete,
    /// It failed, with this `error.type`.
    Failed(&'static str),
    /// It was dropped on the way.
    Dropped,
}

/// What is known of a request before it is served.
pub(crate) struct Opening<'a> {
    pub(crate) method: &'a Method,
    pub(crate) route: Option<Route>,
    pub(crate) version: Option<&'static str>,
    /// Attributes of span and measurement beside method, route, version, status and error, in a list with
    /// room for those.
    pub(crate) labels: Vec<KeyValue>,
}

/// One request on its way, see the module page.
#[derive(Debug)]
pub(crate) struct Exchange {
    instruments: Arc<Instruments>,
    context: Context,
    recorded: bool,
    began: SystemTime,
    clock: Instant,
    method: &'static str,
    labels: Vec<KeyValue>,
    named: Option<Route>,
    route: Option<Route>,
    version: Option<&'static str>,
    status: Option<StatusCode>,
    outcome: Outcome,
}

impl Exchange {
    /// Starts the span and the clock; `describe` is called only if the span is recorded.
    pub(crate) fn begin(
        instruments: &Arc<Instruments>,
        parent: &Context,
        opening: Opening<'_>,
        describe: Describe<'_>,
    ) -> Self {
        let (began, clock) = (SystemTime::now(), Instant::now());
        let method = attributes::method(opening.method);
        let mut labels = opening.labels;
        labels.push(KeyValue::new(attributes::HTTP_REQUEST_METHOD, method));

        let name = attributes::span_name(method, opening.route.as_ref().map(Route::as_str));
        let mut builder =
            SpanBuilder::from_name(name).with_kind(instruments.side().kind()).with_start_time(began);
        if likely_recorded(parent) {
            builder.attributes = Some(Vec::with_capacity(attributes::MOST_ATTRIBUTES));
        }
        let (context, recorded) = instruments.start(builder, parent, &|set| {
            labels.iter().cloned().for_each(&mut *set);
            if let Some(original) = attributes::method_original(opening.method) {
                set(KeyValue::new(attributes::HTTP_REQUEST_METHOD_ORIGINAL, original.to_owned()));
            }
            describe(set);
        });
        Self {
            instruments: Arc::clone(instruments),
            context,
            recorded,
            began,
            clock,
            method,
            labels,
            named: opening.route.clone(),
            route: opening.route,
            version: opening.version,
            status: None,
            outcome: Outcome::Dropped,
        }
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// Takes what the head of the response tells.
    pub(crate) fn respond<B>(&mut self, response: &Response<B>) {
        self.status = Some(response.status());
        match self.instruments.side() {
            Side::Server => {
                if let Some(route) = Route::of_response(response.extensions()) {
                    self.route = Some(route);
                }
            }
            // Only the answer tells which version was negotiated.
            Side::Client => self.version = attributes::protocol_version(response.version()),
        }
    }

    /// Ends the exchange: the measurement is taken and the span is ended at the same instant.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    fn error(&self) -> Option<Cow<'static, str>> {
        match self.outcome {
            Outcome::Complete => {
                let status = self.status.filter(|status| self.instruments.side().is_error(*status))?;
                Some(Cow::Owned(status.as_str().to_owned()))
            }
            Outcome::Failed(error) => Some(Cow::Borrowed(error)),
            Outcome::Dropped => self.instruments.side().dropped().map(Cow::Borrowed),
        }
    }

    /// Adds what is known only at the end to the labels and returns where it begins: it is the same on the
    /// span and on the measurement.
    fn conclude(&mut self, error: Option<&Cow<'static, str>>) -> usize {
        let opening = self.labels.len();
        let route = self.route.clone();
        let status = self.status.map(|status| i64::from(status.as_u16()));
        let labels = [
            route.map(|route| KeyValue::new(attributes::HTTP_ROUTE, route.into_value())),
            self.version.map(|version| KeyValue::new(attributes::NETWORK_PROTOCOL_VERSION, version)),
            status.map(|status| KeyValue::new(attributes::HTTP_RESPONSE_STATUS_CODE, status)),
            error.map(|error| KeyValue::new(attributes::ERROR_TYPE, error.clone())),
        ];
        self.labels.extend(labels.into_iter().flatten());
        opening
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let duration = self.clock.elapsed();
        // Whatever listens to the measurement or to the end of the span finds the span active.
        let _active = self.context.clone().attach();
        let error = self.error();
        let opening = self.conclude(error.as_ref());
        if !self.context.is_telemetry_suppressed() {
            self.instruments.measure(duration, &self.labels);
        }
        if !self.recorded {
            return;
        }
        let span = self.context.span();
        if self.route != self.named {
            span.update_name(attributes::span_name(self.method, self.route.as_ref().map(Route::as_str)));
        }
        span.set_attributes(self.labels.drain(opening..));
        if error.is_some() {
            // No description: the status code or the error's type says it all.
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(self.began.checked_add(duration).unwrap_or(self.began));
    }
}

/// Guesses, before the sampler is asked, whether room for attributes will be needed.
fn likely_recorded(parent: &Context) -> bool {
    let span = parent.span();
    !span.span_context().is_valid() || span.span_context().is_sampled()
}
