//! What of a trace is looked at: the query of its page, and of the links on it.

use super::super::query::{Query, encode};
use crate::trace::{Span, Trace};

/// How much of a search is repeated in every link, in characters; one that long means nothing anyway.
const MAX_FIND: usize = 1001;

/// What of a trace is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Focus {
    trace: String,
    /// The span whose details are shown.
    pub(crate) span: Option<String>,
    /// The span whose descendants alone are shown.
    pub(crate) under: Option<String>,
    /// How many spans are passed over there.
    pub(crate) skip: usize,
    /// The time that is shown, in nanoseconds from the start of the trace.
    pub(crate) zoom: Option<(u64, u64)>,
    /// What is searched for, as it was written.
    pub(crate) find: String,
    /// Whether log records stand at their spans.
    pub(crate) lines: bool,
    /// Whether only the log records of the span are listed.
    pub(crate) only: bool,
}

impl Focus {
    pub(crate) fn of(trace: &Trace, query: &Query) -> Self {
        let number = |name| query.value(name).and_then(|value| value.parse::<u64>().ok());
        // What is not there is not looked at.
        let known = |name| query.value(name).and_then(|id| trace.span(id)).map(|span| span.span_id.clone());
        let is_set = |name| query.value(name).is_some_and(|value| value != "0");
        Focus {
            trace: trace.trace_id.clone(),
            span: known("span"),
            under: known("under"),
            skip: number("skip").and_then(|skip| usize::try_from(skip).ok()).unwrap_or(0),
            zoom: number("from").zip(number("to")).filter(|(from, to)| from < to),
            find: query.value("find").unwrap_or_default().trim().chars().take(MAX_FIND).collect(),
            lines: is_set("lines"),
            only: is_set("only"),
        }
    }

    /// The page with the details of a span, at its row.
    pub(crate) fn select(&self, span: &Span) -> String {
        Focus { span: Some(span.span_id.clone()), ..self.clone() }.url()
    }

    /// The page with the details of a span that may be among those that are not shown.
    pub(crate) fn reveal(&self, span: &Span) -> String {
        Focus { under: None, skip: 0, ..self.clone() }.select(span)
    }

    /// The page without details, at the row where they were.
    pub(crate) fn close(&self) -> String {
        let row = self.span.as_ref().map(|span| format!("#span-{span}")).unwrap_or_default();
        Focus { span: None, only: false, ..self.clone() }.url() + &row
    }

    /// The page with a subtree only, some of its spans passed over.
    pub(crate) fn below(&self, under: Option<&Span>, skip: usize) -> String {
        let under = under.map(|span| span.span_id.clone());
        Focus { span: None, under, skip, only: false, ..self.clone() }.url()
    }

    /// The same page but for something.
    pub(crate) fn but(&self, change: impl FnOnce(&mut Focus)) -> String {
        let mut other = self.clone();
        change(&mut other);
        other.url()
    }

    /// What a form has to pass on besides what is written in it.
    pub(crate) fn hidden(&self) -> Vec<(&'static str, String)> {
        self.parts().into_iter().filter(|(name, _)| *name != "find").collect()
    }

    fn parts(&self) -> Vec<(&'static str, String)> {
        let set = |name, is_set: bool| is_set.then(|| (name, "1".to_owned()));
        let parts = [
            self.span.clone().map(|span| ("span", span)),
            self.under.clone().map(|span| ("under", span)),
            (self.skip > 0).then(|| ("skip", self.skip.to_string())),
            self.zoom.map(|(from, _)| ("from", from.to_string())),
            self.zoom.map(|(_, to)| ("to", to.to_string())),
            Some(("find", self.find.clone())).filter(|(_, words)| !words.is_empty()),
            set("lines", self.lines),
            set("only", self.only),
        ];
        parts.into_iter().flatten().collect()
    }

    fn url(&self) -> String {
        let parts: Vec<_> =
            self.parts().into_iter().map(|(name, value)| format!("{name}={}", encode(&value))).collect();
        let row = self.span.as_ref().map(|span| format!("#span-{span}")).unwrap_or_default();
        let query = if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) };
        format!("/trace/{}{query}{row}", self.trace)
    }
}
