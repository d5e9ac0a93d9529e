//! Traces as a file, and files back into what is kept.

use super::{
    JSON, answer,
    filter::{Filter, MAX_LIMIT},
    query::Query,
};
use crate::{desk::Sent, intake::Intake, reply::Reply, scan::TraceId, share, trace::parse};
use ::http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_DISPOSITION};
use serde_json::json;
use std::collections::HashSet;

/// Requests in JSON, one a line.
const LINES: &str = "application/x-ndjson";

/// The traces with these ids, or else those that the list of the same query has.
pub(crate) fn export(intake: &Intake, query: &Query) -> Response<Reply> {
    let mut ids: Vec<String> = query.values("trace").map(str::to_owned).collect();
    if ids.is_empty() {
        let filter = Filter::of(query);
        ids = filter.find(intake, filter.limit).into_iter().map(|trace| trace.trace_id).collect();
    }
    ids.truncate(MAX_LIMIT);
    let traces: HashSet<TraceId> = ids.iter().filter_map(|id| parse(id)).collect();
    let name = match ids.as_slice() {
        [id] if parse(id).is_some() => format!("trace-{}.jsonl", id.get(..8).unwrap_or_default()),
        _ => "traces.jsonl".to_owned(),
    };
    match share::export(intake, &traces) {
        None => {
            fault(StatusCode::PAYLOAD_TOO_LARGE, "more than 64 MiB; ask for fewer traces, with limit=100")
        }
        Some(lines) if lines.is_empty() => fault(StatusCode::NOT_FOUND, "nothing of these traces is here"),
        Some(lines) => {
            let mut response = answer(StatusCode::OK, LINES, lines);
            if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
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
