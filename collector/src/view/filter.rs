//! Which traces are wanted, in which order, and the addresses of the lists of them.

mod spans;

pub(crate) use spans::Spans;

use super::{
    EXPORT,
    condition::{Condition, Fault, nanos},
    query::{Query, encode},
};
use crate::{Summary, intake::Intake, look, map, trace};
use std::{
    cmp::Reverse,
    time::{SystemTime, UNIX_EPOCH},
};

/// How many traces a page shows unless told otherwise, and at most.
pub(crate) const LIMIT: usize = 100;
pub(crate) const MAX_LIMIT: usize = 1000;

/// What a list is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// The search as it was written.
    pub(crate) words: String,
    condition: Result<Condition, Fault>,
    pub(crate) service: Option<String>,
    /// What a service answers in it, as the map calls it: `GET /users/{id}`.
    pub(crate) route: Option<String>,
    pub(crate) status: Option<Status>,
    /// The shortest duration of a trace, as it was written.
    pub(crate) over: Option<String>,
    /// How long ago its start may be, as it was written.
    pub(crate) within: Option<String>,
    /// The earliest and the latest start, in nanoseconds since 1970.
    pub(crate) from: Option<u64>,
    pub(crate) to: Option<u64>,
    pub(crate) order: Order,
    pub(crate) limit: usize,
}

/// How a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// A span failed, or a log record tells of an error.
    Errors,
    /// The response that gives the trace its status is of this class: 2 for 200 to 299.
    Class(i64),
}

impl Status {
    pub(crate) const ALL: [Status; 5] =
        [Status::Errors, Status::Class(2), Status::Class(3), Status::Class(4), Status::Class(5)];

    /// As it stands in an address.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::Errors => "errors",
            Status::Class(2) => "2xx",
            Status::Class(3) => "3xx",
            Status::Class(4) => "4xx",
            Status::Class(_) => "5xx",
        }
    }

    fn passes(self, summary: &Summary) -> bool {
        match self {
            Status::Errors => summary.errors + summary.error_logs > 0,
            Status::Class(class) => summary.http_status.is_some_and(|status| status / 100 == class),
        }
    }
}

/// By what a list is in order: the most first, or the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) by: By,
    pub(crate) is_rising: bool,
}

/// What a list can be in order by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Start,
    Duration,
    Spans,
    Errors,
}

impl Order {
    pub(crate) const NEWEST: Order = Order { by: By::Start, is_rising: false };

    fn of(name: &str) -> Option<Self> {
        let (is_rising, name) = name.strip_prefix('-').map_or((false, name), |name| (true, name));
        let all = [By::Start, By::Duration, By::Spans, By::Errors];
        Some(Order { by: all.into_iter().find(|by| by.name() == name)?, is_rising })
    }

    fn name(self) -> String {
        format!("{}{}", if self.is_rising { "-" } else { "" }, self.by.name())
    }

    fn sort(self, traces: &mut [Summary]) {
        match self.by {
            By::Start => traces.sort_by_key(|trace| Reverse(trace.start)),
            By::Duration => traces.sort_by_key(|trace| Reverse(trace.duration)),
            By::Spans => traces.sort_by_key(|trace| Reverse(trace.spans)),
            By::Errors => traces.sort_by_key(|trace| Reverse((trace.errors, trace.error_logs))),
        }
        if self.is_rising {
            traces.reverse();
        }
    }
}

impl By {
    fn name(self) -> &'static str {
        match self {
            By::Start => "start",
            By::Duration => "duration",
            By::Spans => "spans",
            By::Errors => "errors",
        }
    }
}

impl Filter {
    pub(crate) fn of(query: &Query) -> Self {
        let owned = |name| query.value(name).map(str::to_owned);
        let duration = |name| owned(name).filter(|value| nanos(value).is_some());
        let moment = |name| query.value(name).and_then(|value| value.parse().ok());
        let words = query.value("q").unwrap_or_default().trim().to_owned();
        let status = query.value("status");
        let known = Status::ALL.into_iter().find(|known| Some(known.name()) == status);
        let errors = query.value("errors").filter(|value| *value != "0").map(|_| Status::Errors);
        Filter {
            condition: Condition::parse(&words),
            words,
            service: owned("service"),
            route: owned("route"),
            status: known.or(errors),
            over: duration("over"),
            within: duration("within"),
            from: moment("from"),
            to: moment("to"),
            order: query.value("sort").and_then(Order::of).unwrap_or(Order::NEWEST),
            limit: query.number("limit", LIMIT, MAX_LIMIT),
        }
    }

    /// Why the search means nothing.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.condition.as_ref().err()
    }

    /// The traces, at most as many as the limit.
    pub(crate) fn find(&self, intake: &Intake, limit: usize) -> Vec<Summary> {
        let Ok(condition) = &self.condition else { return Vec::new() };
        let is_simple = *condition == Condition::All(Vec::new());
        let (over, within) = (self.over.as_deref().and_then(nanos), self.within.as_deref().and_then(nanos));
        let since = within.map_or(0, |within| now().saturating_sub(within)).max(self.from.unwrap_or(0));
        let until = self.to.unwrap_or(u64::MAX);
        // Whoever wants the longest ones wants them of all.
        let most = if self.order == Order::NEWEST { limit } else { usize::MAX };
        let mut traces = look::traces(intake, most, |summary, id, found| {
            let wanted = |service: &String| summary.services.iter().any(|(name, _)| name == service);
            let answers = |route: &String| {
                found
                    .spans
                    .iter()
                    .any(|span| map::route(span.place.record(&span.body)).is_some_and(|it| it == *route))
            };
            (since..=until).contains(&summary.start)
                && over.is_none_or(|over| summary.duration >= over)
                && self.service.as_ref().is_none_or(wanted)
                && self.route.as_ref().is_none_or(answers)
                && self.status.is_none_or(|status| status.passes(summary))
                && (is_simple || Spans::of(&trace::trace(id, found)).any(condition))
        });
        self.order.sort(&mut traces);
        traces.truncate(limit);
        traces
    }

    /// Whether nothing is left out.
    pub(crate) fn is_open(&self) -> bool {
        self.words.is_empty()
            && self.service.is_none()
            && self.route.is_none()
            && self.status.is_none()
            && self.over.is_none()
            && self.within.is_none()
            && self.from.is_none()
            && self.to.is_none()
    }

    /// What a form has to pass on besides what is chosen in it.
    pub(crate) fn hidden(&self) -> Vec<(&'static str, String)> {
        let order = (self.order != Order::NEWEST).then(|| ("sort", self.order.name()));
        let limit = (self.limit != LIMIT).then(|| ("limit", self.limit.to_string()));
        let moment = |name, time: Option<u64>| time.map(|time| (name, time.to_string()));
        let times = [moment("from", self.from), moment("to", self.to)];
        order.into_iter().chain(limit).chain(times.into_iter().flatten()).collect()
    }

    /// The page with these traces, but for one part of the query.
    pub(crate) fn url(&self, name: &str, value: Option<String>) -> String {
        self.at("/", name, value)
    }

    /// The page with those of all times.
    pub(crate) fn whole_time(&self) -> String {
        Filter { from: None, to: None, ..self.clone() }.at("/", "", None)
    }

    /// The file with these traces.
    pub(crate) fn file(&self) -> String {
        self.at(EXPORT, "", None)
    }

    fn at(&self, path: &str, name: &str, value: Option<String>) -> String {
        let order = (self.order != Order::NEWEST).then(|| self.order.name());
        let mut parts = [
            ("q", Some(self.words.clone()).filter(|words| !words.is_empty())),
            ("service", self.service.clone()),
            ("route", self.route.clone()),
            ("status", self.status.map(|status| status.name().to_owned())),
            ("over", self.over.clone()),
            ("within", self.within.clone()),
            ("from", self.from.map(|time| time.to_string())),
            ("to", self.to.map(|time| time.to_string())),
            ("sort", order),
            ("limit", (self.limit != LIMIT).then(|| self.limit.to_string())),
        ];
        if let Some(part) = parts.iter_mut().find(|(known, _)| *known == name) {
            part.1 = value;
        }
        let written =
            parts.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode(value.as_ref()?))));
        let written = written.collect::<Vec<_>>().join("&");
        if written.is_empty() { path.to_owned() } else { format!("{path}?{written}") }
    }

    /// The page with these traces in order by something; again: the other way round.
    pub(crate) fn sorted(&self, by: By) -> String {
        let is_rising = self.order.by == by && !self.order.is_rising;
        let order = Order { by, is_rising };
        self.url("sort", (order != Order::NEWEST).then(|| order.name()))
    }
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
