//! Tells pages that something came, as server-sent events: what a page shows of it, it asks for itself.
//!
//! ```text
//! data: {"traces":12,"metrics":40,"logs":7,"trace":4}
//! ```
//! An event counts the spans, data points and log records that were taken so far, and what is kept of the one trace that
//! was asked for, `/live?trace={id}`. The first comes at once, the next
//! when something comes, ten in a second at most; a line without content keeps a quiet connection open.

use super::{EVENTS, answer};
use crate::{intake::Intake, look, reply::Reply, scan::TraceId};
use ::http::{Response, StatusCode};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::{
    select,
    sync::{Semaphore, mpsc},
    time::{sleep, timeout},
};

/// The path.
pub(crate) const PATH: &str = "/live";

/// The pause between two events.
const PACE: Duration = Duration::from_millis(100);

/// How many pages may listen; of 32 connections, half are left for asking.
pub(crate) const LISTENERS: usize = 16;

/// Begins a stream of events; `None`: too many listen. Must be called in the runtime of the collector. A client is
/// told something within the pause, which is shorter than the patience of its connection.
pub(crate) fn stream(
    intake: &Arc<Intake>,
    trace: Option<TraceId>,
    places: &Arc<Semaphore>,
    pause: Duration,
) -> Option<Response<Reply>> {
    let place = Arc::clone(places).try_acquire_owned().ok()?;
    let (sender, receiver) = mpsc::channel(1);
    let intake = Arc::clone(intake);
    tokio::spawn(async move {
        let mut news = intake.news();
        let mut next = event(&intake, trace.as_ref());
        // Ends when the client is gone.
        while sender.send(next).await.is_ok() {
            sleep(PACE).await;
            next = select! {
                came = timeout(pause, news.changed()) => match came {
                    Ok(_) => event(&intake, trace.as_ref()),
                    Err(_) => Bytes::from_static(b":\n\n"),
                },
                () = sender.closed() => break,
            };
        }
        drop(place);
    });
    let response = answer(StatusCode::OK, EVENTS, Vec::new());
    Some(response.map(|_| Reply::stream(receiver)))
}

fn event(intake: &Intake, trace: Option<&TraceId>) -> Bytes {
    let counters = intake.counters();
    let (traces, metrics, logs) = (counters.spans, counters.data_points, counters.log_records);
    let trace = trace.map_or(0, |id| look::size(intake, id));
    format!("data: {{\"traces\":{traces},\"metrics\":{metrics},\"logs\":{logs},\"trace\":{trace}}}\n\n")
        .into()
}
