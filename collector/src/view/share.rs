//! What is kept as a file, and files back into what is kept.

use super::{
    JSON, answer,
    filter::{Filter, MAX_LIMIT},
    logs::Wanted,
    query::Query,
};
use crate::{desk::Sent, intake::Intake, reply::Reply, scan::TraceId, share, trace::parse};
use ::http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_DISPOSITION};
use serde_json::json;
use std::collections::HashSet;
use throughline_sender::Signal;

/// Requests in JSON, one a line.
const LINES: &str = "application/x-ndjson";

/// What is asked for: signals as they are named, of log records alone those that their page of the same query has; the
/// traces with these ids, or else those that the list of the same query has.
pub(crate) fn export(intake: &Intake, query: &Query) -> Response<Reply> {
    let filter = Filter::of(query);
    let mut signals = Vec::new();
    for name in query.values("signal") {
        match Signal::ALL.into_iter().find(|signal| signal.name() == name) {
            Some(signal) if signals.contains(&signal) => {}
            Some(signal) => signals.push(signal),
            None => return fault(StatusCode::BAD_REQUEST, "a signal is traces, metrics or logs"),
        }
    }
    let wanted = Wanted::of(query);
    if signals == [Signal::Logs] && !wanted.is_open() {
        return match wanted.fault() {
            Some(words) => fault(StatusCode::BAD_REQUEST, &words.to_string()),
            None => lines(share::export_records(intake, |log| wanted.passes(log)), Signal::Logs.name()),
        };
    }
    if !signals.is_empty() {
        let (service, name) = (query.value("service"), query.value("name"));
        let file = if let [signal] = signals.as_slice() { signal.name() } else { "telemetry" };
        return lines(share::export_all(intake, &signals, service, name), file);
    }
    let mut ids: Vec<String> = query.values("trace").map(str::to_owned).collect();
    if ids.is_empty() {
        if let Some(words) = filter.fault() {
            return fault(StatusCode::BAD_REQUEST, &words.to_string());
        }
        ids = filter.find(intake, filter.limit).into_iter().map(|trace| trace.trace_id).collect();
    }
    ids.truncate(MAX_LIMIT);
    let traces: HashSet<TraceId> = ids.iter().filter_map(|id| parse(id)).collect();
    let file = match ids.as_slice() {
        [id] if parse(id).is_some() => format!("trace-{}", id.get(..8).unwrap_or_default()),
        _ => "traces".to_owned(),
    };
    lines(share::export(intake, &traces), &file)
}

/// A file with this name, if there is something to write and room for it.
fn lines(written: Option<Vec<u8>>, file: &str) -> Response<Reply> {
    match written {
        None => fault(
            StatusCode::PAYLOAD_TOO_LARGE,
            "more than 64 MiB; ask for less: fewer traces with limit=100, one signal, one service",
        ),
        Some(lines) if lines.is_empty() => fault(StatusCode::NOT_FOUND, "nothing of this is here"),
        Some(lines) => {
            let mut response = answer(StatusCode::OK, LINES, lines);
            if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{file}.jsonl\"")) {
                response.headers_mut().insert(CONTENT_DISPOSITION, value);
            }
            response
        }
    }
}

/// Keeps what a file has that was sent.
pub(crate) fn import(intake: &Intake, request: &Request<()>) -> Response<Reply> {
    let Some(Sent(Some(file))) = request.extensions().get::<Sent>() else {
        let words =
            format!("the file is larger than {} bytes, or was not sent whole", intake.max_request_bytes);
        return fault(StatusCode::PAYLOAD_TOO_LARGE, &words);
    };
    let imported = share::import(intake, file);
    let status = match imported.requests {
        0 => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    answer(status, JSON, serde_json::to_vec(&imported).unwrap_or_default())
}

fn fault(status: StatusCode, words: &str) -> Response<Reply> {
    answer(status, JSON, json!({ "error": words }).to_string().into_bytes())
}
