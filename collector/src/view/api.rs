//! The JSON of the view.

use super::{
    filter::Filter,
    logs::Wanted,
    query::{Query, decode},
};
use crate::{
    Addresses, Counters, Forwarded,
    find::NAME,
    intake::{Bounds, Intake},
    look,
    map::Between,
    metric,
    trace::{Trace, parse},
};
use serde::Serialize;
use serde_json::json;
use std::net::SocketAddr;

/// How much is listed unless told otherwise, and at most.
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 10_000;

#[derive(Serialize)]
struct Status {
    collector: &'static str,
    version: &'static str,
    otlp_http: Option<SocketAddr>,
    otlp_grpc: Option<SocketAddr>,
    #[serde(flatten)]
    counters: Counters,
    #[serde(flatten)]
    bounds: Bounds,
    destinations: Vec<Forwarded>,
}

/// What is asked for.
struct Asked<'a> {
    intake: &'a Intake,
    addresses: &'a Addresses,
    query: &'a Query,
    /// What stands in the path where the route has a name in braces.
    parts: Vec<String>,
}

type Answer = fn(&Asked<'_>) -> Option<Vec<u8>>;

/// What is answered by which path; `openapi.json` tells the same to others. The last part of a path takes all that is left
/// of it, since the names of instruments may have slashes.
const ROUTES: [(&str, Answer); 11] = [
    ("/api/status", status),
    ("/api/traces", |asked| json(&Filter::of(asked.query).find(asked.intake, asked.limit()))),
    ("/api/traces/{trace_id}/spans/{span_id}", |asked| json(asked.trace()?.span(asked.parts.get(1)?)?)),
    ("/api/traces/{trace_id}", |asked| json(&asked.trace()?)),
    ("/api/logs", logs),
    ("/api/metrics", |asked| {
        json(&look::instruments(asked.intake, asked.query.value("service"), asked.limit()))
    }),
    ("/api/metrics/{name}", metrics),
    ("/api/charts/{name}", charts),
    ("/api/map", |asked| json(&look::map(asked.intake, last(asked.query)))),
    ("/api/map/calls", calls),
    ("/api/openapi.json", |_| Some(DOCUMENT.into())),
];

/// The description of all of it.
const DOCUMENT: &str = include_str!("openapi.json");

/// The answer to a path; `None`: there is nothing.
pub(crate) fn answer(intake: &Intake, addresses: &Addresses, path: &str, query: &Query) -> Option<Vec<u8>> {
    let (answer, parts) =
        ROUTES.into_iter().find_map(|(route, answer)| Some((answer, parts(route, path)?)))?;
    answer(&Asked { intake, addresses, query, parts })
}

/// What stands in a path where the route has names; `None`: it is the path of another one.
fn parts(route: &str, path: &str) -> Option<Vec<String>> {
    let (mut parts, mut rest) = (Vec::new(), path);
    let mut wanted = route.split('/').peekable();
    while let Some(segment) = wanted.next() {
        let (here, behind) = match wanted.peek() {
            Some(_) => rest.split_once('/')?,
            None => (rest, ""),
        };
        match segment.starts_with('{') {
            true if here.is_empty() => return None,
            true => parts.push(decode(here)),
            false if segment != here => return None,
            false => {}
        }
        rest = behind;
    }
    Some(parts)
}

impl Asked<'_> {
    fn limit(&self) -> usize {
        self.query.number("limit", LIMIT, MAX_LIMIT)
    }

    fn trace(&self) -> Option<Trace> {
        look::trace(self.intake, &parse(self.parts.first()?)?)
    }
}

fn status(asked: &Asked<'_>) -> Option<Vec<u8>> {
    json(&Status {
        collector: NAME,
        version: env!("CARGO_PKG_VERSION"),
        otlp_http: asked.addresses.http,
        otlp_grpc: asked.addresses.grpc,
        counters: asked.intake.counters(),
        bounds: asked.intake.bounds(),
        destinations: asked.intake.forwarded(),
    })
}

fn logs(asked: &Asked<'_>) -> Option<Vec<u8>> {
    let wanted = Wanted::of(asked.query);
    json(&look::records(asked.intake, asked.limit(), |log| wanted.passes(log)).0)
}

fn metrics(asked: &Asked<'_>) -> Option<Vec<u8>> {
    let series = look::series(asked.intake, &series(asked.parts.first()?, asked.query));
    if series.is_empty() { None } else { json(&series) }
}

fn charts(asked: &Asked<'_>) -> Option<Vec<u8>> {
    let query = series(asked.parts.first()?, asked.query);
    let chart = look::chart(asked.intake, &query, asked.query.value("by"));
    if chart.groups.is_empty() { None } else { json(&chart) }
}

fn calls(asked: &Asked<'_>) -> Option<Vec<u8>> {
    let wanted = between(asked.query)?;
    let (_, newest, slowest) = look::calls(asked.intake, last(asked.query), &wanted, asked.limit());
    json(&json!({ "newest": newest, "slowest": slowest }))
}

/// Which series are asked for.
fn series(name: &str, query: &Query) -> metric::Query {
    let mut wanted = metric::Query::of(name);
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    wanted.service = query.value("service").map(str::to_owned);
    wanted.attributes = query.values("attribute").filter_map(pair).collect();
    wanted.from = query.number("from", wanted.from, u64::MAX);
    wanted.to = query.number("to", wanted.to, u64::MAX);
    wanted.series = query.number("series", wanted.series, usize::MAX);
    wanted.points = query.number("points", wanted.points, usize::MAX);
    wanted
}

/// Of which time calls are asked for: seconds before the latest, in nanoseconds.
pub(crate) fn last(query: &Query) -> Option<u64> {
    query.value("last").is_some().then(|| query.number("last", 1, u64::MAX).saturating_mul(1_000_000_000))
}

/// Which calls are asked for.
pub(crate) fn between(query: &Query) -> Option<Between> {
    let value = |name| query.value(name).map(str::to_owned);
    match (value("route"), value("to")) {
        (Some(route), _) => Some(Between::Route(value("service").unwrap_or_default(), route)),
        (None, Some(to)) => Some(Between::Nodes(value("from").unwrap_or_default(), to)),
        (None, None) => None,
    }
}

fn json(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn the_description_has_the_paths_that_are_answered_and_no_others() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        let told: BTreeSet<&str> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let others = [super::super::EXPORT, super::super::IMPORT];
        let answered: BTreeSet<&str> = ROUTES.iter().map(|(path, _)| *path).chain(others).collect();
        assert_eq!(told, answered);
        for (path, methods) in document["paths"].as_object().unwrap() {
            let operation = methods.get("get").or(methods.get("post")).unwrap();
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let in_path =
                parameters.iter().filter(|it| it["in"] == "path").map(|it| it["name"].as_str().unwrap());
            let named = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            assert_eq!(in_path.collect::<Vec<_>>(), named.collect::<Vec<_>>(), "{path}");
        }
    }

    #[test]
    fn a_path_has_its_parts_and_the_last_takes_what_is_left() {
        let found = |path| ROUTES.iter().find_map(|(route, _)| Some((*route, parts(route, path)?)));
        let owned = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        for (path, route, parts) in [
            ("/api/traces", "/api/traces", &[][..]),
            ("/api/traces/ab", "/api/traces/{trace_id}", &["ab"]),
            ("/api/traces/ab/spans/cd", "/api/traces/{trace_id}/spans/{span_id}", &["ab", "cd"]),
            ("/api/metrics/a%20b/c", "/api/metrics/{name}", &["a b/c"]),
            ("/api/map/calls", "/api/map/calls", &[]),
        ] {
            assert_eq!(found(path), Some((route, owned(parts))));
        }
        for path in ["/api", "/api/", "/api/traces/", "/api/map/others", "/api/statuses"] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
