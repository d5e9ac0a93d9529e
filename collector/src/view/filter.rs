//! Which traces are wanted, and the addresses of the lists of them.

use super::query::{Query, encode};
use crate::Summary;

/// How many traces a page shows unless told otherwise, and at most.
pub(crate) const LIMIT: usize = 100;
pub(crate) const MAX_LIMIT: usize = 1000;

/// What a list is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Filter<'a> {
    pub(crate) service: Option<&'a str>,
    pub(crate) errors: bool,
    pub(crate) limit: usize,
}

impl<'a> Filter<'a> {
    pub(crate) fn of(query: &'a Query) -> Self {
        Filter {
            service: query.value("service"),
            errors: query.value("errors").is_some_and(|value| value != "0"),
            limit: query.number("limit", LIMIT, MAX_LIMIT),
        }
    }

    /// An error is a failed span or a log record that tells of one.
    pub(crate) fn passes(&self, summary: &Summary) -> bool {
        let wanted = |service| summary.services.iter().any(|(name, _)| name == service);
        self.service.is_none_or(wanted) && (!self.errors || summary.errors + summary.error_logs > 0)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.service.is_none() && !self.errors
    }

    /// The page with these traces.
    pub(crate) fn url(&self) -> String {
        let service = self.service.map(|service| format!("service={}", encode(service)));
        let errors = self.errors.then(|| "errors=1".to_owned());
        let limit = (self.limit != LIMIT).then(|| format!("limit={}", self.limit));
        let parts: Vec<String> = [service, errors, limit].into_iter().flatten().collect();
        if parts.is_empty() { "/".to_owned() } else { format!("/?{}", parts.join("&")) }
    }
}
